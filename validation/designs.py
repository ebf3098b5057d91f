"""The experiments that are simulated, and what is fitted to each.

A design is a name, what is known of the truth, and a function that makes one experiment from a
random generator and returns the estimates. Single responses are simulated site by site
(`tests/fit_release/simulated.py`), averaged trains from the recursion in `tests/reference`: neither
shares code with the fits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synsim.fit import fit_stdp
from synsim.fit.locus import fit_locus
from synsim.fit.quantal import fit_quantal
from synsim.fit.stp import fit_stp
from tests.fit_release.simulated import responses
from tests.reference import tsodyks_markram as reference
from validation.classical import least_squares, mean_variance

Array = NDArray[Any]
Estimate = tuple[str, str, float, float | None, float | None, str]
"""Method, parameter, value (NaN: none), ends of the 95 % interval (None: no limit), note."""


@dataclass(frozen=True)
class Design:
    """One kind of experiment.

    `make(rng)` simulates one and returns its estimates. `bound` names parameters whose truth lies
    on the bound of what is possible, where a 95 % interval holds it more often than that.
    """

    name: str
    command: str
    what: str
    truth: dict[str, float]
    make: Callable[[np.random.Generator], list[Estimate]]
    bound: tuple[str, ...] = ()


TRAIN = (np.inf, 50.0, 20.0, 50.0, 200.0)  # ms since the stimulus before; the first from rest
PAIR = (np.inf, 20.0)


def _quantal(
    name: str,
    what: str,
    pattern: tuple[float, ...],
    sweeps: int,
    model: str = "depression",
    bound: tuple[str, ...] = (),
    **changed: float,
) -> Design:
    truth = {"n": 5.0, "U": 0.5, "q": 10.0, "tau_rec": 200.0, "tau_facil": 0.0} | changed
    truth = {"s0": 3.0, "cv": 0.2} | truth
    h = np.tile(pattern, sweeps)

    def make(rng: np.random.Generator) -> list[Estimate]:
        given = {k: truth[k] for k in ("U", "q", "tau_rec", "tau_facil", "s0", "cv")}
        y = responses(h, n=int(truth["n"]), rng=rng, **given)
        found = _reported(fit_quantal(amplitudes=y, intervals=h, models=model).results)
        table = y.reshape(sweeps, len(pattern))
        found += mean_variance(table, truth["s0"], truth["cv"])
        return found + least_squares(
            table, np.array(pattern), truth["s0"], truth["cv"], truth["tau_facil"] > 0
        )

    kept = {k: v for k, v in truth.items() if k != "tau_facil" or model.endswith("facilitation")}
    return Design(name, "fit quantal", what, kept, make, bound)


def _locus(name: str, what: str, count: int, **changed: float) -> Design:
    """Responses from rest before and after n, p or q was changed, `count` each."""
    before = {"n": 5.0, "p": 0.4, "q": 10.0}
    truth = {f"{x}_ratio": (before | changed)[x] / before[x] for x in before}
    right = "+".join(changed) or "none"
    h = np.full(count, np.inf)

    def make(rng: np.random.Generator) -> list[Estimate]:
        parts = []
        for epoch, own in (("before", before), ("after", before | changed)):
            y = responses(h, int(own["n"]), own["p"], own["q"], 1.0, 0.0, 2.0, 0.2, rng)
            parts.append(pd.DataFrame({"epoch": epoch, "epsc_pA": y}))
        (cell,) = fit_locus(pd.concat(parts, ignore_index=True)).results["fits"]
        found: list[Estimate] = []
        for method, model in (("likelihood", "p+n+q"), ("best model", cell["best"])):
            params = cell["models"][model]["params"]
            for ratio in truth:
                held = params.get(ratio, {"value": 1.0, "ci95": (1.0, 1.0)})
                found.append((method, ratio, held["value"], *held["ci95"], ""))
        verdict = "right" if cell["best"] == right else f"wrong: {cell['best']}"
        if cell["undecided"]:
            verdict = "undecided" if right in cell["rivals"] else "undecided, truth left out"
        none = float("nan"), None, None
        found.append(("verdict", "locus", *none, verdict))
        place = (cell["cv_analysis"] or {"place": "none"})["place"]
        return [*found, ("CV analysis", "place", *none, place)]

    return Design(name, "fit locus", what, truth, make)


def _averaged(
    name: str,
    what: str,
    times: tuple[Array, ...],
    model: str,
    truth: dict[str, float],
    noise: float,
    known: bool,
    bound: tuple[str, ...] = (),
) -> Design:
    curves = [_mean(t, truth) for t in times]

    def make(rng: np.random.Generator) -> list[Estimate]:
        parts = []
        for i, (t, curve) in enumerate(zip(times, curves, strict=True)):
            y = curve + noise * rng.standard_normal(t.size)
            parts.append(pd.DataFrame({"train": i, "t_ms": t, "mean": y}))
        data = pd.concat(parts, ignore_index=True)
        return _reported(fit_stp(data.assign(sem=noise) if known else data, models=model).results)

    return Design(name, "fit stp", what, truth, make, bound)


def _sweeps(
    name: str, what: str, times: tuple[Array, ...], sweeps: int, truth: dict[str, float]
) -> Design:
    """Averages of single responses: errors that are estimated, unequal, and correlated."""
    n, q = 10, truth["A"] / 10

    def make(rng: np.random.Generator) -> list[Estimate]:
        parts = []
        for i, t in enumerate(times):
            h = np.tile(np.diff(t, prepend=-np.inf), sweeps)
            y = responses(h, n, truth["U"], q, truth["tau_rec"], 0.0, 0.3 * q, 0.2, rng)
            y = y.reshape(sweeps, t.size)
            sem = y.std(axis=0, ddof=1) / np.sqrt(sweeps)
            parts.append(pd.DataFrame({"train": i, "t_ms": t, "mean": y.mean(axis=0), "sem": sem}))
        return _reported(fit_stp(pd.concat(parts, ignore_index=True), models="depression").results)

    return Design(name, "fit stp", what, truth, make)


def _mean(times: Array, truth: dict[str, float]) -> Array:
    constants = truth["U"], truth["tau_rec"], truth.get("tau_facil", 0.0)
    if "tau_inact" in truth:
        found = reference.three_state(times, *constants, truth["tau_inact"]).response
    else:
        found = reference.two_state(times, *constants).response
    return np.asarray(truth["A"] * found)


def _reported(results: dict[str, Any]) -> list[Estimate]:
    """What summary.json says of the one group and its best model."""
    (group,) = results["fits"]
    return [
        ("likelihood", name, p["value"], *p["ci95"], "set" if p.get("fixed") else "")
        for name, p in group["models"][group["best"]]["params"].items()
    ]


def _window(points: int, residuals: str, sem: bool) -> Design:
    truth = {"A_plus": 1.0, "tau_plus": 17.0, "A_minus": 0.5, "tau_minus": 34.0}
    scatter = 0.15

    def make(rng: np.random.Generator) -> list[Estimate]:
        half = points // 2
        lag = np.concatenate([-rng.uniform(2, 80, half), rng.uniform(2, 80, half)])
        curve = np.where(
            lag > 0,
            truth["A_plus"] * np.exp(-np.abs(lag) / truth["tau_plus"]),
            -truth["A_minus"] * np.exp(-np.abs(lag) / truth["tau_minus"]),
        )
        errors = rng.uniform(0.05, 0.2, points) if sem else np.zeros(points)
        spread = np.sqrt(errors**2 + scatter**2)
        # Student's t with nu = 4 has a variance of 2
        e = rng.standard_normal(points)
        if residuals == "student-t":
            e = rng.standard_t(4, points) / np.sqrt(2)
        data = pd.DataFrame({"dt_ms": lag, "dw": curve + spread * e})
        if sem:
            data["sem"] = errors
        return _reported(
            fit_stdp(data, dw_kind="fraction", models="exponential", residuals=residuals).results
        )

    name = f"stdp-{points}-{residuals}{'-sem' if sem else ''}"
    what = f"{points} points, residuals {residuals}, {'with' if sem else 'no'} standard errors"
    return Design(name, "fit stdp", what, truth, make)


_LONG = (
    np.append(np.arange(10) * 20.0, 700.0),
    np.append(np.arange(10) * 100.0, 1900.0),
    np.cumsum([0, 10, 35, 150, 20, 60, 300, 15, 80, 40.0]),
)
_SHORT = (np.append(np.arange(10) * 25.0, 1225.0),)
_DEPRESSING = {"A": 5.0, "U": 0.5, "tau_rec": 300.0}
_FACILITATING = {"A": 5.0, "U": 0.15, "tau_rec": 150.0, "tau_facil": 400.0}

DESIGNS = {
    design.name: design
    for design in (
        _quantal("trains-300", "60 sweeps of 5 pulses", TRAIN, 60),
        _quantal("trains-300-cv0", "the same, cv = 0", TRAIN, 60, bound=("cv",), cv=0.0),
        _quantal(
            "trains-300-facil",
            "the same, U = 0.3, tau_facil = 100 ms",
            TRAIN,
            60,
            "depression_facilitation",
            U=0.3,
            tau_facil=100.0,
        ),
        _quantal("trains-300-high", "the same, U = 0.8", TRAIN, 60, U=0.8),
        _quantal("trains-60-low", "12 sweeps of 5 pulses, U = 0.25", TRAIN, 12, U=0.25),
        _quantal("trains-60-high", "12 sweeps of 5 pulses, U = 0.8", TRAIN, 12, U=0.8),
        _quantal("pairs-60", "30 pairs: two release probabilities", PAIR, 30),
        _locus("locus-100-p", "100 + 100 responses, p 0.4 to 0.7", 100, p=0.7),
        _locus("locus-100-n", "100 + 100 responses, n 5 to 8", 100, n=8.0),
        _locus("locus-100-q", "100 + 100 responses, q 10 to 15", 100, q=15.0),
        _locus("locus-100-none", "100 + 100 responses, nothing", 100),
        _averaged(
            "averages-31", "3 trains, 31 pulses, errors known", _LONG, "depression",
            _DEPRESSING, 0.1, True,
        ),
        _averaged(
            "averages-31-facil", "3 trains, 31 pulses, no errors given", _LONG,
            "depression_facilitation", _FACILITATING, 0.05, False,
        ),
        _averaged(
            "averages-11", "10 pulses at 40 Hz and one 1 s later, no errors given", _SHORT,
            "depression", _DEPRESSING, 0.1, False,
        ),
        _sweeps(
            "averages-of-sweeps", "3 trains, each the mean of 30 sweeps, 10 sites", _LONG, 30,
            _DEPRESSING,
        ),
        *(
            _window(points, residuals, sem)
            for points in (16, 40)
            for residuals in ("gaussian", "student-t")
            for sem in (False, True)
        ),
    )
}  # fmt: skip

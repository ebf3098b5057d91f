"""Tsodyks-Markram models fitted to the averaged trains of one group, and compared.

The variance of a mean is sem^2 + scatter^2, the scatter fitted: standard errors say how well a
mean was measured, and not how well two time constants can describe a synapse. Search and
intervals are those of the STDP windows (`search`, `profile`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.fit.band import on_the_limit
from synsim.fit.likelihood import Coordinate, Problem
from synsim.fit.noise import NOISES, aicc, bic
from synsim.fit.profile import Interval, limit, profile
from synsim.fit.search import Maximum, maximise
from synsim.fit.stp_curve import MODELS, Trains

Array = NDArray[Any]

_U = (1e-3, 1.0)
_GAPS = 3  # different ones, at least, for an inactive state
_EXACT = 1e-6  # of the largest response: the least scatter


@dataclass(frozen=True)
class Estimate:
    """A parameter: value, 95 % interval (None: no limit on that side), unit."""

    name: str
    value: float
    interval: Interval
    unit: str


@dataclass(frozen=True)
class ModelFit:
    """One model at its greatest likelihood; `band` (2, m) is its 95 % band at the pulses."""

    name: str
    problem: Problem
    maximum: Maximum
    estimates: tuple[Estimate, ...]
    band: Array

    @property
    def size(self) -> int:
        return int(self.problem.y.size)

    @property
    def k(self) -> int:
        """Estimated parameters, the scatter among them."""
        return self.problem.size

    @property
    def loglik(self) -> float:
        return self.maximum.loglik

    @property
    def aicc(self) -> float:
        return aicc(self.loglik, self.k, self.size)

    @property
    def bic(self) -> float:
        return bic(self.loglik, self.k, self.size)

    @property
    def values(self) -> Array:
        """Parameters in the order of `stp_curve.MODELS`, the scatter last.

        A tau_inact above tau_rec counts as tau_rec, and is that.
        """
        found = np.asarray(self.problem.values(self.maximum.u))
        names = [c.name for c in self.problem.coordinates]
        if "tau_inact" in names:
            found = found.copy()
            at = names.index("tau_inact")
            found[at] = min(found[at], found[names.index("tau_rec")])
        return found

    @property
    def scatter(self) -> float:
        return float(self.values[-1])

    @property
    def fitted(self) -> Array:
        """The fitted response at each pulse, shape (m,)."""
        return np.asarray(self.problem.predict(self.values[None])[0])

    @property
    def r2(self) -> float:
        y = self.problem.y
        total = float(np.sum((y - y.mean()) ** 2))
        return 1 - float(np.sum((y - self.fitted) ** 2)) / total if total > 0 else math.nan

    def estimate(self, name: str) -> Estimate:
        """A parameter with its interval."""
        return next(e for e in self.estimates if e.name == name)


def fit_models(
    trains: Trains, y: Array, sem: Array, unit: str, models: Sequence[str]
) -> tuple[dict[str, ModelFit], dict[str, str]]:
    """The models in the order of BIC, and why others were not fitted.

    Parameters
    ----------
    y, sem : mean responses and standard errors (0: none), train after train, shape (m,)

    Raises
    ------
    InputError
        when no model can be fitted; the text does not say where.
    """
    skipped: dict[str, str] = {}
    found: dict[str, ModelFit] = {}
    if max(trains.lengths) < 2:
        raise InputError("every train has one pulse only, expected at least 2")
    if not np.any(y):
        raise InputError("every response is 0")
    gaps = np.unique(np.round(trains.intervals[np.isfinite(trains.intervals)], 6))
    for name in MODELS:
        if name not in models:
            continue
        needed = len(trains.parameters(name)) + 3
        if y.size < needed:
            skipped[name] = f"{y.size} pulses are too few, it needs {needed}"
            continue
        if "tau_inact" in MODELS[name] and gaps.size < _GAPS:
            skipped[name] = (
                f"{gaps.size} different intervals are too few for an inactive state, it needs "
                f"{_GAPS}"
            )
            continue
        simpler = [fit for other, fit in found.items() if set(MODELS[other]) < set(MODELS[name])]
        found[name] = _fit(name, trains, y, sem, unit, simpler)
    if not found:
        raise InputError("; ".join(f"{name}: {why}" for name, why in skipped.items()))
    order = sorted(found, key=lambda name: found[name].bic)
    return {name: found[name] for name in order}, skipped


def make_problem(name: str, trains: Trains, y: Array, sem: Array) -> Problem:
    """The likelihood of a model."""
    h = trains.intervals[np.isfinite(trains.intervals)]
    top = float(np.abs(y).max())
    long = max(20 * float(h.max()), 2 * float(h.sum()) / trains.intervals.shape[1])
    limits = {
        "A": (0.1 * top, 2e3 * top),
        "U": _U,
        "tau_rec": (0.05 * float(h.min()), long),
        "tau_facil": (0.05 * float(h.min()), long),
        "tau_inact": (0.05 * float(h.min()), long),
    }
    coordinates = tuple(Coordinate(p, *limits[p], log=True) for p in trains.parameters(name))

    def curve(_: Array, *values: Any) -> Array:
        return trains.curve(name, *values)

    def gradient(_: Array, *values: Any) -> tuple[Array, ...]:
        return trains.gradient(name, *values)

    return Problem(
        curve, gradient, coordinates, np.arange(y.size, dtype=float), y, sem,
        NOISES["gaussian"], (_EXACT * top, 3 * top), whole=True,
    )  # fmt: skip


def _starts(problem: Problem, simpler: Sequence[ModelFit]) -> Array:
    names = [c.name for c in problem.coordinates]
    low = {c.name: c.low for c in problem.coordinates}
    high = {c.name: c.high for c in problem.coordinates}
    few = "tau_facil" in names and "tau_inact" in names
    grids = {
        "A": [1.0],
        "U": [0.1, 0.3, 0.7] if few else [0.03, 0.1, 0.25, 0.5, 0.8],
        "tau_rec": np.geomspace(20 * low["tau_rec"], high["tau_rec"] / 20, 5).tolist(),
    }
    if "tau_facil" in names:
        grids["tau_facil"] = np.geomspace(20 * low["tau_facil"], high["tau_facil"] / 20, 4).tolist()
    if "tau_inact" in names:
        grids["tau_inact"] = [4 * low["tau_inact"], 20 * low["tau_inact"], 100 * low["tau_inact"]]
    values = np.array(list(itertools.product(*(grids[name] for name in names))))
    if "A" in names:
        shape = problem.predict(np.column_stack([values, np.ones(len(values))]))
        weight = 1 / (problem.sem**2 + np.var(problem.y) / 10 + 1e-30)
        values[:, 0] = np.maximum((shape * problem.y) @ weight / (shape**2 @ weight), low["A"])
    for fit in simpler:
        own = named(fit)
        values = np.vstack([values, [own.get(name, low[name]) for name in names]])
    spread = float(np.std(problem.y)) / 5
    return problem.to_u(values, np.clip(spread, *problem.scatter_bounds))


def _fit(
    name: str, trains: Trains, y: Array, sem: Array, unit: str, simpler: Sequence[ModelFit]
) -> ModelFit:
    problem = make_problem(name, trains, y, sem)
    start = _starts(problem, simpler)
    maximum = maximise(problem, start)
    for _ in range(6):
        profiled = profile(problem, maximum)
        if profiled.better is None:
            break
        maximum = maximise(problem, np.concatenate([profiled.better[None], start]))
    intervals = profiled.intervals or ((None, None),) * len(problem.coordinates)
    values = ModelFit(name, problem, maximum, (), np.empty(0)).values
    units = {"A": unit, "U": "1"}
    estimates = tuple(
        Estimate(c.name, float(v), ends, units.get(c.name, "ms"))
        for c, v, ends in zip(problem.coordinates, values, intervals, strict=False)
    )
    allowed = limit(y.size, problem.size - 1)
    around = on_the_limit(problem, maximum, allowed, np.random.default_rng(0), count=200)
    curves = problem.predict(problem.values(np.concatenate([profiled.inside, around])))
    band = np.array([curves.min(axis=0), curves.max(axis=0)])
    return ModelFit(name, problem, maximum, estimates, band)


def information(fit: ModelFit, trains: Trains) -> Array:
    """Fisher information (k-1, k-1) of other trains about the coordinates, at the estimates.

    Each pulse is taken to be measured as well as those fitted, on average.
    """
    values = fit.values[:-1]
    variance = float(np.mean(fit.problem.sem**2)) + fit.scatter**2
    columns = values[:, None, None]
    slopes = trains.gradient(fit.name, *columns)
    jacobian = np.array([s[0] * v for s, v in zip(slopes, values, strict=True)])
    return np.asarray(jacobian @ jacobian.T / variance)


def errors_of(matrix: Array) -> Array:
    """Standard errors of the logarithms from an information matrix, shape (k-1,)."""
    return np.sqrt(np.maximum(np.diag(np.linalg.pinv(matrix, rcond=1e-12, hermitian=True)), 0))


def named(fit: ModelFit) -> Mapping[str, float]:
    """Parameter name -> value."""
    return {c.name: float(v) for c, v in zip(fit.problem.coordinates, fit.values, strict=False)}

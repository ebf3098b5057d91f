"""Quantal fits find what was simulated; intervals hold it; corners and shipped cells."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import binom

from synsim.component import InputError
from synsim.fit.profile import limit
from synsim.fit.quantal import fit_quantal
from tests.fit_release.simulated import responses, trains


def inside(fit, name: str, truth: float) -> bool:
    low, high = fit.estimate(name).interval
    return (low is None or low <= truth + 1e-9) and (high is None or truth <= high + 1e-9)


def test_recovers_depression() -> None:
    rng = np.random.default_rng(1)
    h = trains(80)
    y = responses(h, 5, 0.5, 10.0, 200.0, 0.0, 2.5, 0.15, rng)
    result = fit_quantal(amplitudes=y, intervals=h)
    fit = result.fits[0].best
    assert fit.name == "depression"
    assert 4 <= fit.n <= 6
    for name, truth in (("U", 0.5), ("q", 10.0), ("tau_rec", 200.0), ("s0", 2.5)):
        low, high = fit.estimate(name).interval
        assert low is not None and high is not None
        error = (high - low) / 3.92
        assert abs(fit.estimate(name).value - truth) < 3 * error
    models = result.fits[0].comparison.fits
    assert models["depression_facilitation"].loglik >= fit.loglik - 1e-3
    assert fit.loglik >= models["constant"].loglik
    assert all(c.contradiction is None for c in result.fits[0].checks)


def test_recovers_facilitation() -> None:
    rng = np.random.default_rng(2)
    h = trains(100)
    y = responses(h, 6, 0.2, 10.0, 150.0, 200.0, 2.0, 0.2, rng)
    fit = fit_quantal(amplitudes=y, intervals=h).fits[0].best
    assert fit.name == "depression_facilitation"
    for name, truth in (("n", 6), ("U", 0.2), ("q", 10.0), ("tau_facil", 200.0)):
        assert inside(fit, name, truth), name


def test_coverage() -> None:
    """24 experiments: the number of intervals that hold the truth is binomial, p = 0.95."""
    truth = {"n": 4, "U": 0.5, "q": 10.0, "tau_rec": 200.0, "s0": 2.5}
    held = dict.fromkeys(truth, 0)
    h = trains(30)
    for seed in range(24):
        rng = np.random.default_rng([7, seed])
        y = responses(h, 4, 0.5, 10.0, 200.0, 0.0, 2.5, 0.2, rng)
        fit = fit_quantal(amplitudes=y, intervals=h, models="depression").fits[0].best
        for name, value in truth.items():
            held[name] += inside(fit, name, value)
    least = int(binom.ppf(0.001, 24, 0.95))
    assert all(count >= least for count in held.values()), held


def test_ends_of_q_and_n_are_on_the_limit_of_two() -> None:
    """60 responses: the greatest likelihood with q held at an end, by scipy over all n tried."""
    rng = np.random.default_rng(9)
    h = trains(12)
    y = responses(h, 5, 0.8, 10.0, 200.0, 0.0, 3.0, 0.2, rng)
    fit = fit_quantal(amplitudes=y, intervals=h, models="depression", n_max=15).fits[0].best
    n_low, n_high = fit.estimate("n").interval
    assert n_low < (n_high or 15), "more than one n is in question"
    one, both = (limit(60, fit.k, together=count) for count in (1, 2))

    def fall(name: str, end: float) -> float:
        j, greatest = fit.release.free.index(name), -np.inf
        bounds = np.column_stack([fit.release.low, fit.release.high])
        bounds[j] = fit.release.to_coordinate(name, end)
        for n, maximum in fit.maxima.items():
            if 2 * (fit.loglik - maximum.loglik) > 1.5 * both:
                continue
            start = np.clip(maximum.z, bounds[:, 0], bounds[:, 1])
            found = minimize(
                lambda z, n=n: fit.release.loss(n, z), start, jac=True, bounds=bounds,
                method="L-BFGS-B", options={"maxiter": 500},
            )  # fmt: skip
            greatest = max(greatest, -found.fun)
        return 2 * (fit.loglik - greatest)

    for name, wanted in (("q", both), ("U", one)):
        ends = [end for end in fit.estimate(name).interval if end is not None]
        assert ends
        assert [fall(name, end) for end in ends] == pytest.approx([wanted] * len(ends), abs=0.15)
    for n, maximum in fit.maxima.items():
        assert (2 * (fit.loglik - maximum.loglik) <= both) == (n_low <= n <= (n_high or 15))


@pytest.mark.parametrize(("p", "seed"), [(0.03, 3), (0.97, 5)])
def test_probability_near_its_ends(p: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = 10.0 * rng.binomial(4, p, 300) + 1.5 * rng.standard_normal(300)
    fit = fit_quantal(amplitudes=y, cv=0.0).fits[0].best
    assert fit.name == "constant"
    assert inside(fit, "p", p) and inside(fit, "n", 4)
    assert fit.estimate("q").value == pytest.approx(10.0, abs=0.5)


def test_single_site() -> None:
    rng = np.random.default_rng(5)
    y = np.where(rng.random(300) < 0.4, 10.0, 0.0) + 1.5 * rng.standard_normal(300)
    result = fit_quantal(amplitudes=y, cv=0.0)
    fit = result.fits[0].best
    assert fit.n == 1
    assert fit.estimate("p").value == pytest.approx(0.4, abs=4 * math.sqrt(0.24 / 300))
    assert {c.name for c in result.fits[0].checks} >= {"failures", "inverse_cv2"}


def test_inward_currents_are_magnitudes() -> None:
    rng = np.random.default_rng(6)
    h = trains(20)
    y = responses(h, 4, 0.5, 10.0, 200.0, 0.0, 2.0, 0.0, rng)
    up = fit_quantal(amplitudes=y, intervals=h, models="depression", cv=0.0)
    down = fit_quantal(amplitudes=-y, intervals=h, models="depression", cv=0.0)
    assert not up.fits[0].flipped and down.fits[0].flipped
    assert down.fits[0].best.loglik == pytest.approx(up.fits[0].best.loglik, rel=1e-12)


def test_rundown_is_said() -> None:
    rng = np.random.default_rng(8)
    h = trains(60)
    y = responses(h, 5, 0.5, 10.0, 200.0, 0.0, 2.0, 0.2, rng)
    y *= np.linspace(1.3, 0.7, y.size)
    result = fit_quantal(amplitudes=y, intervals=h, models="depression")
    assert any(text.startswith("rundown") for text in result.warnings)


def test_only_noise_is_said() -> None:
    rng = np.random.default_rng(9)
    with pytest.raises(InputError, match="nothing but noise"):
        fit_quantal(amplitudes=2.0 * rng.standard_normal(60))
    result = fit_quantal(amplitudes=12.0 + 2.0 * rng.standard_normal(60), cv=0.0)
    assert any(text.startswith("one normal distribution") for text in result.warnings)


@pytest.mark.parametrize(
    ("cell", "protocol", "n", "U", "q", "tau"),
    [
        ("1", "active", 50, 0.447, 7.83, 96.8),
        ("2", "active", 52, 0.393, 7.31, 99.3),
        ("3", "active", 60, 0.486, 6.95, 178.0),
        ("4", "active", 46, 0.353, 8.97, 77.8),
        ("4", "short", 73, 0.278, 6.38, 57.8),
    ],
)
def test_shipped_cells(cell: str, protocol: str, n: int, U: float, q: float, tau: float) -> None:
    """What the likelihood says of them today; how well it is known is in the intervals."""
    import pandas as pd

    from synsim.recordings import find_recording

    frame = pd.read_csv(find_recording("epsc_gontier_2023"), comment="#")
    chosen = frame[(frame.cell == int(cell)) & (frame.protocol == protocol)]
    result = fit_quantal(chosen, models="depression")
    fit = result.fits[0].best
    assert result.fits[0].group == {"cell": cell, "protocol": protocol}
    assert fit.n == n
    for name, value in (("U", U), ("q", q), ("tau_rec", tau)):
        found = fit.estimate(name)
        assert found.value == pytest.approx(value, rel=2e-3), name
        low, high = (found.value if end is None else end for end in found.interval)
        assert low <= found.value <= high
    low, high = fit.estimate("n").interval
    assert high is None or high - n >= 15, "many sites are badly known"
    assert fit.r2 > 0.5


def test_summary_has_the_promised_form(tmp_path) -> None:
    rng = np.random.default_rng(10)
    h = trains(15)
    y = responses(h, 3, 0.5, 10.0, 200.0, 0.0, 2.0, 0.0, rng)
    result = fit_quantal(amplitudes=y, intervals=h, cv=0.0)
    result.save(tmp_path / "out")
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert document["command"] == "fit quantal"
    (fit,) = document["results"]["fits"]
    assert fit["n_points"] == 75 and fit["best"] in fit["models"]
    for model in fit["models"].values():
        assert {"params", "loglik", "aicc", "bic", "r2"} <= set(model)
        for parameter in model["params"].values():
            assert len(parameter["ci95"]) == 2 and "unit" in parameter
    assert set(fit["models"]["constant"]["params"]) == {"n", "p", "q", "s0", "cv"}
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["data.csv", "figure.png", "figure.svg", "report.txt", "summary.json"]
    frame = result.to_frame()
    assert len(frame) == 75 and {"pulse", "amplitude", "residual_sd"} <= set(frame.columns)
    assert "depression" in result.report()


def test_calibration_simulates_the_design() -> None:
    rng = np.random.default_rng(12)
    h = trains(20)
    y = responses(h, 3, 0.5, 10.0, 200.0, 0.0, 2.0, 0.0, rng)
    result = fit_quantal(amplitudes=y, intervals=h, models="depression", cv=0.0, calibrate=8)
    calibration = result.fits[0].calibration
    assert calibration is not None and calibration.experiments == 8
    assert set(calibration.parameters) == {"n", "U", "q", "tau_rec", "s0"}
    q = calibration.parameters["q"]
    assert abs(q.median - q.truth) < 1.0 and q.coverage >= 0.5
    assert "Calibration" in result.report()
    assert any("copies of this design): the design can" in w for w in result.warnings)
    assert result.results["fits"][0]["calibration"]["params"]["q"]["truth"] == q.truth


def test_no_limit_where_more_sites_than_were_tried_are_wanted() -> None:
    """40 sites, at most 12 of them tried: the limits that 12 sites give to q and U mean nothing,
    however few steps of n are in question below."""
    rng = np.random.default_rng(3)
    h = trains(100)
    y = responses(h, 40, 0.5, 10.0, 200.0, 0.0, 2.5, 0.2, rng)
    fit = fit_quantal(amplitudes=y, intervals=h, models="depression", n_max=12).fits[0].best
    low, high = fit.estimate("n").interval
    assert low is not None and low > 10 and high is None
    for name in ("q", "U"):
        assert fit.estimate(name).interval == (None, None), name

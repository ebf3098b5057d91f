"""Likelihoods, criteria and optimisation against scipy, certified results and theory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from synsim.component import InputError
from synsim.fit.likelihood import Coordinate, Problem
from synsim.fit.noise import NOISES, aicc, akaike_weights, bic, noise
from synsim.fit.profile import limit, profile
from synsim.fit.search import maximise
from synsim.fit.windows import Curve, fit_window, make_problem
from synsim.models.stdp_windows import WINDOWS

Array = NDArray[Any]


def log_density(name: str, residual: Array, variance: Array) -> Array:
    """A second implementation, from scipy's distributions."""
    if name == "gaussian":
        return np.asarray(stats.norm.logpdf(residual, scale=np.sqrt(variance)))
    # The variance of Student's t with 4 degrees of freedom is 2 scale^2.
    return np.asarray(stats.t.logpdf(residual, 4, scale=np.sqrt(variance / 2)))


@pytest.mark.parametrize("name", NOISES)
def test_densities_agree_with_scipy(name: str) -> None:
    rng = np.random.default_rng(1)
    residual, variance = rng.normal(0, 3, 50), rng.uniform(0.01, 4, 50)
    np.testing.assert_allclose(
        noise(name).log_density(residual, variance),
        log_density(name, residual, variance),
        rtol=1e-12,
    )


@pytest.mark.parametrize("name", NOISES)
def test_variance_is_that_of_the_residuals(name: str) -> None:
    """`scatter` means a standard deviation under both."""
    x = np.linspace(-400, 400, 2_000_001)
    density = np.exp(noise(name).log_density(x, np.full_like(x, 1.7**2)))
    assert math.isclose(np.trapezoid(density, x), 1, rel_tol=1e-6)
    assert math.isclose(np.trapezoid(density * x**2, x), 1.7**2, rel_tol=1e-3)


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("window", WINDOWS)
def test_loss_and_gradient(name: str, window: str) -> None:
    rng = np.random.default_rng(5)
    lag, change = rng.uniform(-60, 60, 30), rng.normal(0, 0.3, 30)
    sem = rng.uniform(0, 0.2, 30)
    shape = WINDOWS[window]
    problem = make_problem(shape, Curve(lag, change, sem, np.arange(30)), noise(name))
    values = np.array([0.5 if c.low == 0 and not c.log else 0.3 for c in problem.coordinates])
    values = np.where(problem.log[:-1], 14.0, values)
    u = problem.to_u(values, 0.17)[None]
    residual = change - shape.function(lag, *values)
    expected = -np.sum(log_density(name, residual, sem**2 + 0.17**2))
    assert math.isclose(problem.loss(u)[0], expected, rel_tol=1e-12)
    gradient, matrix = problem.slopes(u)
    for j, step in enumerate(1e-6 * np.eye(problem.size)):
        numeric = (problem.loss(u + step) - problem.loss(u - step))[0] / 2e-6
        assert math.isclose(gradient[0, j], numeric, rel_tol=1e-5, abs_tol=1e-6)
    assert np.all(np.linalg.eigvalsh(matrix[0]) > -1e-9)


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("window", ["exponential", "symmetric", "constant", "alpha"])
def test_sem_floor_maximum_against_scipy(name: str, window: str) -> None:
    """The maximum over all parameters and the scatter, found independently."""
    rng = np.random.default_rng(11)
    lag = rng.uniform(-60, 60, 36)
    sem = rng.uniform(0.02, 0.3, 36)
    shape = WINDOWS[window]
    true = {"A_plus": 0.8, "tau_plus": 15.0, "A_minus": 0.4, "tau_minus": 25.0, "offset": 0.2}
    change = shape.function(lag, *(true[p] for p in shape.names))
    change += np.sqrt(sem**2 + 0.1**2) * rng.standard_normal(36)

    def loss(q: Array) -> float:
        variance = sem**2 + math.exp(2 * q[-1])
        return -float(np.sum(log_density(name, change - shape.function(lag, *q[:-1]), variance)))

    start = np.array([*(true[p] for p in shape.names), math.log(0.1)])
    rough = optimize.minimize(loss, start, method="Nelder-Mead", options={"maxiter": 4000})
    reference = optimize.minimize(loss, rough.x, method="BFGS", options={"gtol": 1e-7})
    _, problem, found = fit_window(shape, Curve(lag, change, sem, np.arange(36)), noise(name))
    assert math.isclose(found.loglik, -reference.fun, abs_tol=1e-6)
    values = problem.values(found.u)
    np.testing.assert_allclose(values[:-1], reference.x[:-1], rtol=2e-4)
    assert math.isclose(values[-1], math.exp(reference.x[-1]), rel_tol=2e-3)


# NIST Statistical Reference Datasets, nonlinear regression: certified to 11 digits.
# https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml
MISRA1A_Y = "10.07 14.73 17.94 23.93 29.61 35.18 40.02 44.82 50.76 55.05 61.01 66.40 75.47 81.78"
MISRA1A_X = "77.6 114.9 141.1 190.8 239.9 289.0 332.8 378.4 434.8 477.3 536.8 593.1 689.1 760.0"


def test_certified_misra1a() -> None:
    x, y = (np.array(text.split(), float) for text in (MISRA1A_X, MISRA1A_Y))

    def curve(x: Array, b1: Array, b2: Array) -> Array:
        return np.asarray(b1 * (1 - np.exp(-b2 * x)))

    def gradient(x: Array, b1: Array, b2: Array) -> tuple[Array, ...]:
        return 1 - np.exp(-b2 * x), b1 * x * np.exp(-b2 * x)

    problem = Problem(
        curve,
        gradient,
        (Coordinate("b1", 1, 1e4, log=True), Coordinate("b2", 1e-6, 1, log=True)),
        x,
        y,
        np.zeros(x.size),
        noise("gaussian"),
        (1e-4, 1e3),
    )
    starts = np.stack([problem.to_u(np.array(s), 1.0) for s in ([500, 1e-4], [250, 5e-4])])
    b1, b2, scatter = problem.values(maximise(problem, starts).u)
    assert math.isclose(b1, 2.3894212918e02, rel_tol=1e-6)
    assert math.isclose(b2, 5.5015643181e-04, rel_tol=1e-6)
    # Certified: the residual standard deviation, with n - 2 in the denominator.
    assert math.isclose(scatter * math.sqrt(14 / 12), 1.0187876330e-01, rel_tol=1e-6)


def test_criteria() -> None:
    assert math.isclose(aicc(-12.5, 5, 42), 25 + 10 + 60 / 36)
    assert math.isclose(bic(-12.5, 5, 42), 25 + 5 * math.log(42))
    with pytest.raises(ValueError, match="undefined"):
        aicc(0.0, 5, 6)
    weights = akaike_weights([3.0, 5.0])
    assert math.isclose(sum(weights), 1)
    assert math.isclose(weights[1] / weights[0], math.exp(-1))


def test_unknown_residuals_are_refused() -> None:
    with pytest.raises(InputError, match="--residuals: found 'cauchy', expected one of gaussian"):
        noise("cauchy")


def test_limit_is_chi_squared_in_large_samples() -> None:
    for count in (1, 2):
        large = limit(10**7, 4, together=count)
        assert math.isclose(large, stats.chi2.ppf(0.95, count), rel_tol=1e-5)
    assert limit(10, 4) > limit(100, 4) > 3.84


def test_limit_of_two_parameters_is_exact_for_a_straight_line() -> None:
    """12 points with Gaussian residuals: the true line is in its 95 % region 95 % of the time."""
    rng = np.random.default_rng(4)
    design = np.column_stack([np.ones(12), np.arange(12.0)])
    y = rng.standard_normal((12, 4000))  # about the line 0
    rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    fall = 12 * np.log((y**2).sum(axis=0) / (rest**2).sum(axis=0))
    share = np.mean(fall <= limit(12, 2, together=2))
    assert abs(share - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


def test_profile_of_a_mean_is_the_t_interval() -> None:
    """A linear curve with Gaussian residuals: the interval is known exactly."""
    y = np.random.default_rng(7).normal(0.3, 0.2, 11)
    curve = Curve(np.linspace(-50, 50, 11), y, np.zeros(11), np.arange(11))
    _, problem, found = fit_window(WINDOWS["constant"], curve, noise("gaussian"))
    (ends,) = profile(problem, found).intervals
    expected = stats.t.interval(0.95, 10, y.mean(), stats.sem(y))
    np.testing.assert_allclose(np.array(ends, float), expected, atol=2e-3 * np.ptp(expected))


@pytest.mark.parametrize("name", NOISES)
def test_profile_ends_are_where_the_likelihood_says(name: str) -> None:
    """At each end an independent maximisation over all else falls short by the limit."""
    rng = np.random.default_rng(8)
    lag = np.concatenate([-np.geomspace(1, 70, 20), np.geomspace(1, 70, 20)])
    shape = WINDOWS["exponential"]
    change = shape.function(lag, 0.8, 15.0, 0.5, 20.0) + 0.12 * rng.standard_normal(40)
    curve = Curve(lag, change, np.zeros(40), np.arange(40))
    _, problem, found = fit_window(shape, curve, noise(name))
    profiled = profile(problem, found)
    for j, ends in enumerate(profiled.intervals):
        for end in ends:
            assert end is not None
            held = math.log(end) if problem.log[j] else end

            def loss(rest: Array, j: int = j, held: float = held) -> float:
                return float(problem.loss(np.insert(rest, j, held)[None])[0])

            start = np.delete(found.u, j)
            rough = optimize.minimize(loss, start, method="Nelder-Mead", options={"maxiter": 9000})
            best = optimize.minimize(loss, rough.x, method="BFGS").fun
            assert math.isclose(2 * (best + found.loglik), profiled.limit, rel_tol=5e-3)

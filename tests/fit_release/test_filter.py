"""The filter against the textbook's forward pass and against enumeration; its derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synsim.fit.release_filter import ReleaseFilter
from synsim.models import release_sites, tsodyks_markram
from tests.fit_release.simulated import responses
from tests.reference.release import released_joint_pmf, train_likelihood


def pmf(k: int, n: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k) if 0 <= k <= n else 0.0


def textbook(y, h, n, U, q, tau_rec, tau_facil, s0, cv) -> float:
    """Forward pass over all pairs of states with all releases between them, O(n^4)."""
    state = np.zeros(n + 1)
    state[n] = 1.0
    u, total = 0.0, 0.0
    for amplitude, interval in zip(y, h, strict=True):
        stay = math.exp(-interval / tau_rec)
        u = U + u * (1 - U) * (math.exp(-interval / tau_facil) if tau_facil > 0 else 0.0)
        new = np.zeros(n + 1)
        for before in range(n + 1):
            for after in range(n + 1):
                for refilled in range(n - before + 1):
                    k = before + refilled - after
                    if not 0 <= k <= before + refilled:
                        continue
                    variance = s0**2 + k * (cv * q) ** 2
                    density = math.exp(-((amplitude - k * q) ** 2) / (2 * variance))
                    density /= math.sqrt(2 * math.pi * variance)
                    chance = pmf(refilled, n - before, 1 - stay) * pmf(k, before + refilled, u)
                    new[after] += state[before] * chance * density
        total += math.log(new.sum())
        state = new / new.sum()
    return total


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("tau_facil", [0.0, 150.0])
def test_against_textbook(n: int, tau_facil: float) -> None:
    rng = np.random.default_rng(n)
    h = rng.exponential(60, 25)
    h[0], h[10] = np.inf, np.inf
    truth = (n, 0.4, 10.0, 300.0, tau_facil, 2.0, 0.2)
    y = responses(h, *truth, rng)
    for U, q, tau_rec, s0, cv in ((0.4, 10.0, 300.0, 2.0, 0.2), (0.9, 4.0, 20.0, 5.0, 0.0)):
        found = ReleaseFilter(y, h).log_likelihood(n, U, q, tau_rec, tau_facil, s0, cv)
        assert found == pytest.approx(
            textbook(y, h, n, U, q, tau_rec, tau_facil, s0, cv), rel=1e-10, abs=1e-10
        )


@pytest.mark.parametrize("n", [1, 2, 3])
def test_against_enumeration(n: int) -> None:
    times = np.cumsum([0, 20, 35, 10, 60.0])
    y = np.array([5.0, 12.0, 3.0, -1.0, 8.0])
    joint = released_joint_pmf(times, n, 0.4, 300.0, 150.0)
    expected = math.log(train_likelihood(y, joint, 5.0, 0.2, 1.3))
    h = np.diff(times, prepend=-np.inf)
    found = ReleaseFilter(y, h).log_likelihood(n, 0.4, 5.0, 300.0, 150.0, 1.3, 0.2)
    assert found == pytest.approx(expected, rel=1e-12)


def test_constant_probability_is_a_binomial_mixture() -> None:
    y = np.array([0.1, 9.0, 31.0, -2.0])
    expected = 0.0
    for amplitude in y:
        density = sum(
            pmf(k, 6, 0.3) * math.exp(-((amplitude - 10 * k) ** 2) / 8) / math.sqrt(8 * math.pi)
            for k in range(7)
        )
        expected += math.log(density)
    found = ReleaseFilter(y, np.full(4, np.inf)).log_likelihood(6, 0.3, 10.0, s0=2.0)
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_surprise_has_a_finite_likelihood() -> None:
    h = np.array([np.inf, 10.0, 10.0, 10.0])
    y = np.array([50.0, 500.0, -300.0, 3.0])
    args = (3, 0.4, 5.0, 300.0, 150.0, 1.3, 0.2)
    u, x = tsodyks_markram.train(np.cumsum([0, 10.0, 10.0, 10.0]), 0.4, 300.0, 150.0)
    assert np.all(u * x > 0)
    found = ReleaseFilter(y, h).log_likelihood(*args)
    assert np.isfinite(found) and found < -1e4


@pytest.mark.parametrize("n", [1, 6, 25])
def test_gradient(n: int) -> None:
    rng = np.random.default_rng(3)
    h = rng.exponential(50, 60)
    h[::20] = np.inf
    data = ReleaseFilter(responses(h, n, 0.3, 10.0, 200.0, 100.0, 3.0, 0.2, rng), h)
    theta = np.array([0.35, 9.0, 150.0, 80.0, 4.0, 0.3])
    _, gradient = data.with_gradient(n, theta)
    for j in range(6):
        step = 1e-5 * theta[j]
        up, down = theta.copy(), theta.copy()
        up[j] += step
        down[j] -= step
        slope = (data.with_gradient(n, up)[0] - data.with_gradient(n, down)[0]) / (2 * step)
        if j == 5:
            slope /= 2 * theta[5]
        assert gradient[j] == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_prediction_is_that_of_the_models() -> None:
    times = np.cumsum([0, 20, 35, 10, 60.0])
    h = np.diff(times, prepend=-np.inf)
    theta = np.array([0.4, 5.0, 300.0, 150.0, 1.3, 0.2])
    found = ReleaseFilter(np.ones(5), h).predict(4, theta)
    u, x = tsodyks_markram.train(times, 0.4, 300.0, 150.0)
    assert found.released == pytest.approx(u * x, rel=1e-12)
    assert found.mean == pytest.approx(4 * 5 * u * x, rel=1e-12)
    var = np.diag(release_sites.covariance(times, 4, 0.4, 300.0, 150.0)) * 25
    assert found.variance == pytest.approx(var + found.mean * 5 * 0.04 + 1.3**2, rel=1e-12)
    assert found.mean_past[0] == pytest.approx(found.mean[0], rel=1e-12)
    assert found.variance_past[0] == pytest.approx(found.variance[0], rel=1e-12)


def test_one_step_residuals_are_standard() -> None:
    rng = np.random.default_rng(11)
    h = rng.exponential(60, 4000)
    y = responses(h, 5, 0.5, 10.0, 200.0, 0.0, 2.0, 0.2, rng)
    past = ReleaseFilter(y, h).predict(5, np.array([0.5, 10.0, 200.0, 0.0, 2.0, 0.2]))
    z = (y - past.mean_past) / np.sqrt(past.variance_past)
    assert abs(z.mean()) < 4 / math.sqrt(z.size)
    assert abs(z.var() - 1) < 6 / math.sqrt(z.size)
    assert abs(np.mean(z[1:] * z[:-1])) < 4 / math.sqrt(z.size)


@pytest.mark.parametrize(
    ("y", "h"), [([], []), ([1.0], [0.0]), ([1.0, np.nan], [1.0, 1.0]), ([1.0, 2.0], [1.0])]
)
def test_refuses(y: list[float], h: list[float]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        ReleaseFilter(y, h)

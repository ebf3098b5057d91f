"""Costs: values, sums, slopes, the entropic limit, wrong input."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synsim.component import InputError
from synsim.networks import Cost, entropic, gaussian_prior, power_law, written

SIGMA = np.geomspace(1e-3, 3, 13)
COSTS: dict[str, tuple[Cost, Callable[[np.ndarray], np.ndarray]]] = {
    "calcium": (power_law(1 / 2, 0.3), lambda s: 0.3 * s**-0.5),
    "membrane": (power_law(2 / 3), lambda s: s ** (-2 / 3)),
    "actin": (power_law(4 / 3, 2), lambda s: 2 * s ** (-4 / 3)),
    "trafficking": (power_law(2, 1e-2), lambda s: 1e-2 * s**-2),
    "entropic": (entropic(0.5), lambda s: -0.5 * np.log(s)),
    "sum": (
        0.5 * power_law(2) + power_law(0.5, 0.1) + entropic(2),
        lambda s: 0.5 * s**-2 + 0.1 * s**-0.5 - 2 * np.log(s),
    ),
    "prior": (gaussian_prior(0.2), lambda s: s**2 / (2 * 0.2**2) - np.log(s)),
    "written": (
        written(lambda s: jnp.exp(-3 * s), 4) + power_law(1),
        lambda s: 4 * np.exp(-3 * s) + 1 / s,
    ),
}


@pytest.mark.parametrize("name", COSTS)
def test_values(name: str) -> None:
    cost, exact = COSTS[name]
    found = np.asarray(cost(jnp.asarray(SIGMA, dtype=jnp.float32)), dtype=float)
    np.testing.assert_allclose(found, exact(SIGMA), rtol=2e-5)


@pytest.mark.parametrize("name", COSTS)
def test_gradients_against_finite_differences(name: str) -> None:
    """Of the closed form in float64; JAX's are float32."""
    cost, exact = COSTS[name]
    slope = jax.vmap(jax.grad(cost))(jnp.asarray(SIGMA, dtype=jnp.float32))
    step = 1e-6 * SIGMA
    finite = (exact(SIGMA + step) - exact(SIGMA - step)) / (2 * step)
    np.testing.assert_allclose(np.asarray(slope, dtype=float), finite, rtol=5e-5)


def test_entropic_is_the_limit_of_power_laws() -> None:
    rho = 1e-5
    limit = (power_law(rho)(SIGMA) - 1) / rho
    np.testing.assert_allclose(limit, entropic()(SIGMA), rtol=1e-4, atol=1e-4)


def test_gaussian_prior_is_the_divergence() -> None:
    """With mu^2/(2 sd^2) - 1/2 + ln sd it is the integral of q ln(q/prior), on a grid."""
    mu, sd = 0.15, 0.2
    for sigma in (0.03, 0.1, 0.4):
        w = mu + sigma * np.linspace(-9, 9, 20_001)
        log_q, log_p = (
            -0.5 * ((w - m) / s) ** 2 - np.log(s * np.sqrt(2 * np.pi))
            for m, s in ((mu, sigma), (0, sd))
        )
        divergence = np.trapezoid(np.exp(log_q) * (log_q - log_p), w)
        closed = gaussian_prior(sd)(np.array(sigma)) + mu**2 / (2 * sd**2) - 0.5 + np.log(sd)
        assert closed == pytest.approx(divergence, abs=1e-9)


@pytest.mark.parametrize(
    ("rho", "c", "curvature"), [(2, 0.1, 20), (0.5, 3, 1e-2), (4 / 3, 1e-4, 7)]
)
def test_optimum_of_a_power_law(rho: float, c: float, curvature: float) -> None:
    """Appendix 5: (c rho/H)^(1/(rho + 2))."""
    found = power_law(rho, c).optimum(curvature)
    assert found == pytest.approx((c * rho / curvature) ** (1 / (rho + 2)), rel=2e-3)


def test_optimum_of_a_sum_is_where_slopes_cancel() -> None:
    cost = power_law(2, 0.1) + entropic(0.3)
    s = cost.optimum(5.0)
    assert 5.0 * s == pytest.approx(0.2 * s**-3 + 0.3 / s, rel=5e-3)


def test_a_cost_without_slope_has_no_optimum() -> None:
    assert np.isnan(written(lambda s: 0 * s).optimum(1.0))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: power_law(0), "its limit is entropic"),
        (lambda: power_law(-1), "found rho = -1"),
        (lambda: power_law(2, 0), "found c = 0"),
        (lambda: power_law(2, float("nan")), "found c = nan"),
        (lambda: written(None), "found None as a cost"),
        (lambda: written(lambda s: np.exp(s)), "functions of jax.numpy"),
        (lambda: written(lambda s: jnp.sum(1 / s)), r"shape \(\) for two"),
        (lambda: written(lambda s: None), "returns no array"),
        (lambda: entropic(-1), "found c = -1"),
        (lambda: gaussian_prior(0), "found a prior of SD 0"),
        (lambda: 0 * power_law(2), "times 0"),
        (lambda: written(abs) + written(abs), "two written costs"),
    ],
)
def test_wrong_input(make: Callable[[], Cost], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()

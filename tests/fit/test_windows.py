"""Window functions against formulas written out a second time, point by point."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from synsim.models import stdp_windows
from synsim.models.stdp_windows import WINDOWS, Window

LAGS = np.array([-80.0, -12.5, -3.0, -1e-3, 1e-3, 2.0, 17.0, 95.0])


def two_sided(t: float, ap: float, tp: float, am: float, tm: float) -> float:
    return ap * math.exp(-t / tp) if t > 0 else -am * math.exp(-abs(t) / tm)


def alpha(t: float, ap: float, tp: float, am: float, tm: float) -> float:
    a, tau, sign = (ap, tp, 1) if t > 0 else (am, tm, -1)
    x = abs(t) / tau
    return sign * a * x * math.e / math.exp(x)


def bell(t: float, a: float, c: float, s: float) -> float:
    return a * math.exp(-((t - c) ** 2) / (2 * s * s))


INDEPENDENT: dict[str, tuple[tuple[float, ...], Callable[..., float]]] = {
    "exponential": ((0.8, 15.0, 0.3, 30.0), two_sided),
    "exponential_offset": (
        (0.8, 15.0, 0.3, 30.0, -0.07),
        lambda t, *p: two_sided(t, *p[:4]) - 0.07,
    ),
    "mexican_hat": (
        (1.4, 12.0, 9.0, 0.7, 3.0, 25.0),
        lambda t, *p: bell(t, *p[:3]) - bell(t, *p[3:]),
    ),
    "alpha": ((0.8, 15.0, 0.3, 30.0), alpha),
    "symmetric": ((0.5, 40.0), lambda t, a, tau: a * math.exp(-abs(t) / tau)),
    "anti_hebbian": ((0.8, 15.0, 0.3, 30.0), lambda t, *p: two_sided(-t, *p)),
    "constant": ((-0.2,), lambda t, c: c),
}


def variants() -> list[Window]:
    return [v for window in WINDOWS.values() for v in window.variants()]


def test_the_family_has_the_names_that_scripts_rely_on() -> None:
    names = "exponential exponential_offset mexican_hat alpha symmetric anti_hebbian constant"
    assert list(WINDOWS) == names.split()
    assert WINDOWS["exponential"].names == ("A_plus", "tau_plus", "A_minus", "tau_minus")
    assert WINDOWS["exponential"].times == ("tau_plus", "tau_minus")
    assert WINDOWS["mexican_hat"].amplitudes == ("A_plus", "A_minus")


@pytest.mark.parametrize("name", WINDOWS)
def test_values(name: str) -> None:
    values, formula = INDEPENDENT[name]
    expected = [formula(float(t), *values) for t in LAGS]
    np.testing.assert_allclose(WINDOWS[name].function(LAGS, *values), expected, rtol=1e-14)


def test_depression_is_potentiation_with_its_sign_turned() -> None:
    alternative = WINDOWS["symmetric"].alternative
    assert alternative is not None
    assert alternative.names == ("A_minus", "tau_minus")
    np.testing.assert_array_equal(
        alternative.function(LAGS, 0.4, 20.0), -stdp_windows.symmetric(LAGS, 0.4, 20.0)
    )


@pytest.mark.parametrize("name", WINDOWS)
def test_lag_zero_is_no_pairing(name: str) -> None:
    window, (values, _) = WINDOWS[name], INDEPENDENT[name]
    found = float(window.function(np.array([0.0]), *values)[0])
    if not window.defined_at_zero:
        assert found == (-0.07 if name == "exponential_offset" else 0.0)


def test_magnitudes_are_positive_and_peaks_are_amplitudes() -> None:
    lag = np.linspace(-200, 200, 400_001)
    curve = stdp_windows.alpha(lag, 0.8, 15.0, 0.3, 30.0)
    assert math.isclose(curve.max(), 0.8, rel_tol=1e-9)
    assert math.isclose(curve.min(), -0.3, rel_tol=1e-9)
    assert math.isclose(lag[curve.argmax()], 15, abs_tol=1e-3)


def test_far_lags_do_not_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        for window in variants():
            values = [0.5 if p.kind in ("amplitude", "offset") else 1e-2 for p in window.parameters]
            assert np.isfinite(window.function(np.array([-1e5, 1e5]), *values)).all()


@pytest.mark.parametrize("window", variants(), ids=lambda w: f"{w.name}-{w.names[0]}")
def test_gradients(window: Window) -> None:
    rng = np.random.default_rng(3)
    values = [
        float(rng.uniform(0.2, 1) if p.kind in ("amplitude", "offset") else rng.uniform(8, 30))
        for p in window.parameters
    ]
    for j, slope in enumerate(window.gradient(LAGS, *values)):
        step = 1e-5 * values[j]
        up, down = list(values), list(values)
        up[j] += step
        down[j] -= step
        numeric = (window.function(LAGS, *up) - window.function(LAGS, *down)) / (2 * step)
        np.testing.assert_allclose(slope, numeric, rtol=1e-7, atol=1e-11)


@pytest.mark.parametrize("window", variants(), ids=lambda w: f"{w.name}-{w.names[0]}")
def test_guesses_lie_inside_the_bounds(window: Window) -> None:
    rng = np.random.default_rng(4)
    for scale in (1e-3, 1.0, 1e3):
        lag, change = scale * rng.uniform(-50, 50, 20), rng.normal(0, 0.3, 20)
        bounds = window.bounds(lag, change)
        for name, value in window.guess(lag, change).items():
            low, high = bounds[name]
            assert low <= value <= high
            assert low < high


@pytest.mark.parametrize("name", WINDOWS)
def test_every_window_says_where_it_is_from(name: str) -> None:
    assert name == "constant" or WINDOWS[name].citations
    assert WINDOWS[name].function.__doc__

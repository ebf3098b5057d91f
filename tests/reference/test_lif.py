"""The reference: the neuron and its inputs, held against integration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from tests.reference import lif

NEURON = {
    "resistance": 1e8,
    "tau_m": 0.02,
    "e_leak": -0.07,
    "v_th": -0.05,
    "v_reset": -0.065,
    "t_ref": 0.002,
}


@pytest.mark.parametrize("current", [2.1e-10, 3e-10, 1e-9])
def test_spike_times_against_integration(current):
    expected = []
    t, v = 0.0, -0.068

    def derivative(_, state):
        return [(-(state[0] + 0.07) + 1e8 * current) / 0.02]

    def threshold(_, state):
        return state[0] + 0.05

    threshold.terminal = True
    while True:
        solved = solve_ivp(
            derivative, (t, 1.0), [v], events=threshold, method="DOP853", rtol=1e-12, atol=1e-15
        )
        if not len(solved.t_events[0]):
            break
        expected.append(solved.t_events[0][0])
        t, v = expected[-1] + NEURON["t_ref"], NEURON["v_reset"]
    found = lif.spike_times(current, 1.0, -0.068, **NEURON)
    assert len(found) == len(expected) > 5
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    assert lif.firing_rate(current, **NEURON) == pytest.approx(1 / np.diff(found)[0], rel=1e-9)


def test_no_rate_at_or_below_threshold():
    assert lif.firing_rate(1.9e-10, **NEURON) == 0
    assert len(lif.spike_times(1.9e-10, 5.0, -0.07, **NEURON)) == 0
    exact = {**NEURON, "resistance": 1.0, "e_leak": 0.0, "v_th": 0.5, "v_reset": 0.0}
    assert lif.firing_rate(0.5, **exact) == 0
    assert lif.firing_rate(0.5 + 1e-9, **exact) > 0


def test_kernels_peak_at_one():
    t = np.linspace(-0.01, 0.1, 110_001)
    for kernel, peak_time in (
        (lif.exponential_kernel(t, 0.005), 0.0),
        (lif.alpha_kernel(t, 0.005), 0.005),
        (lif.biexponential_kernel(t, 0.001, 0.02), lif.biexponential_peak_time(0.001, 0.02)),
        (lif.biexponential_kernel(t, 0.005, 0.005), 0.005),
    ):
        assert kernel.max() == pytest.approx(1, abs=1e-6)
        assert t[np.argmax(kernel)] == pytest.approx(peak_time, abs=2e-6)
        assert np.all(kernel[t < 0] == 0)


C, G = 2e-10, 1e-8  # tau_m = 20 ms
T = np.linspace(0, 0.2, 101)
CURRENT_CASES = {
    "exponential": (
        lambda t: lif.psp_exponential(t, 1e-10, C, C / G, 0.005),
        lambda s: lif.exponential_kernel(s, 0.005),
    ),
    "exponential, tau_s = tau_m": (
        lambda t: lif.psp_exponential(t, 1e-10, C, C / G, C / G),
        lambda s: lif.exponential_kernel(s, C / G),
    ),
    "alpha": (
        lambda t: lif.psp_alpha(t, 1e-10, C, C / G, 0.005),
        lambda s: lif.alpha_kernel(s, 0.005),
    ),
    "alpha, tau_s near tau_m": (
        lambda t: lif.psp_alpha(t, 1e-10, C, C / G, 0.0201),
        lambda s: lif.alpha_kernel(s, 0.0201),
    ),
    "biexponential": (
        lambda t: lif.psp_biexponential(t, 1e-10, C, C / G, 0.001, 0.008),
        lambda s: lif.biexponential_kernel(s, 0.001, 0.008),
    ),
    "biexponential, tau_decay = tau_m": (
        lambda t: lif.psp_biexponential(t, 1e-10, C, C / G, 0.001, C / G),
        lambda s: lif.biexponential_kernel(s, 0.001, C / G),
    ),
}


@pytest.mark.parametrize("name", CURRENT_CASES)
def test_current_psps_against_integration(name):
    psp, kernel = CURRENT_CASES[name]
    arrivals, weights = [0.0, 0.013, 0.0511], [1.0, 0.5, -0.7]
    found = lif.superpose(psp, T, arrivals, weights)
    integrated = lif.integrate_membrane(
        T,
        capacitance=C,
        g_leak=G,
        e_leak=-0.07,
        kernel=kernel,
        arrivals=arrivals,
        weights=weights,
        i_peak=1e-10,
    )
    assert found.max() > 1e-4
    np.testing.assert_allclose(found, integrated, rtol=0, atol=1e-12)


def test_delta_psp():
    found = lif.psp_delta([-1e-3, 0.0, 0.02], 1e-3, 0.02)
    np.testing.assert_allclose(found, [0, 1e-3, 1e-3 * math.exp(-1)], rtol=1e-14)


def test_alpha_psp_is_smooth_through_equal_time_constants():
    equal = lif.psp_alpha(T, 1e-10, C, 0.02, 0.02)
    np.testing.assert_allclose(
        equal, 1e-10 * math.e / (C * 0.02) * np.exp(-T / 0.02) * T**2 / 2, rtol=1e-13
    )
    for tau_s in (0.02 * (1 + 1e-9), 0.02 * (1 - 1e-9)):
        np.testing.assert_allclose(
            lif.psp_alpha(T, 1e-10, C, 0.02, tau_s), equal, rtol=0, atol=1e-11
        )


def test_conductance_against_exact_cases():
    # a constant conductance: exponential relaxation to the weighted mean of the reversals
    g, e_rev, e_leak = 3e-8, 0.0, -0.07
    found = lif.psp_conductance(
        T, g_peak=g, e_rev=e_rev, kernel=lambda s: 1.0, capacitance=C, g_leak=G, e_leak=e_leak
    )
    final = g * (e_rev - e_leak) / (g + G)
    exact = final * (1 - np.exp(-T * (g + G) / C))
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)
    # a tiny one: the current-based PSP with g (e_rev - e_leak)
    tiny = lif.psp_conductance(
        T,
        g_peak=1e-14,
        e_rev=e_rev,
        kernel=lambda s: lif.alpha_kernel(s, 0.005),
        capacitance=C,
        g_leak=G,
        e_leak=e_leak,
    )
    current = lif.psp_alpha(T, 1e-14 * (e_rev - e_leak), C, C / G, 0.005)
    np.testing.assert_allclose(tiny, current, rtol=0, atol=2e-6 * current.max())
    # a large one saturates below the reversal potential, the current would not
    large = lif.psp_conductance(
        T,
        g_peak=1e-6,
        e_rev=e_rev,
        kernel=lambda s: lif.alpha_kernel(s, 0.005),
        capacitance=C,
        g_leak=G,
        e_leak=e_leak,
    )
    assert 0.06 < large.max() < e_rev - e_leak


def test_conductance_by_variation_of_constants():
    """An exponential conductance has an integral form: v' = -a(t) v + b(t), with a integrable."""
    g_peak, e_rev, e_leak, tau_s = 2e-8, 0.0, -0.07, 0.005
    found = lif.psp_conductance(
        [0.0, 0.01, 0.03],
        g_peak=g_peak,
        e_rev=e_rev,
        kernel=lambda s: lif.exponential_kernel(s, tau_s),
        capacitance=C,
        g_leak=G,
        e_leak=e_leak,
    )

    def exponent(t):
        return (G * t + g_peak * tau_s * (1 - np.exp(-t / tau_s))) / C

    for t, value in ((0.01, found[1]), (0.03, found[2])):

        def integrand(s, t=t):
            drive = g_peak * np.exp(-s / tau_s) * (e_rev - e_leak) / C
            return drive * np.exp(exponent(s) - exponent(t))

        exact, _ = quad(integrand, 0, t, epsabs=1e-15, epsrel=1e-13)
        assert value == pytest.approx(exact, rel=0, abs=1e-12)

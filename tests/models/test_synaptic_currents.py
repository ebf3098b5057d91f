"""Time courses of synaptic inputs, and their exact steps, against their closed forms."""

from __future__ import annotations

import brian2 as b2
import numpy as np
import pytest
from scipy.integrate import quad

from synsim.component import InputError
from synsim.models.lif import LIF
from synsim.models.synaptic_currents import (
    AlphaConductance,
    AlphaCurrent,
    BiexponentialConductance,
    BiexponentialCurrent,
    DeltaInput,
    ExponentialConductance,
    ExponentialCurrent,
    divided_exp2,
    divided_exp3,
)

DT = 1e-4
Q = 1e-10

CURRENTS = {
    "exponential": ExponentialCurrent(label="a", tau="5ms"),
    "exponential, tau = tau_m": ExponentialCurrent(label="b", tau="20ms"),
    "alpha": AlphaCurrent(label="c", tau="2ms"),
    "alpha, tau = tau_m": AlphaCurrent(label="d", tau="20ms"),
    "alpha, tau = dt": AlphaCurrent(label="e", tau="0.1ms"),
    "biexponential": BiexponentialCurrent(label="f", tau_rise="1ms", tau_decay="5ms"),
    "biexponential, equal": BiexponentialCurrent(label="g", tau_rise="3ms", tau_decay="3ms"),
    "biexponential, nearly equal": BiexponentialCurrent(
        label="h", tau_rise="3ms", tau_decay="3.0000001ms"
    ),
    "biexponential, nearly tau_m": BiexponentialCurrent(
        label="k", tau_rise="19.999999ms", tau_decay="20.000001ms"
    ),
}
CONDUCTANCES = (
    ExponentialConductance(label="exc", tau="5ms", E_rev="0mV"),
    AlphaConductance(label="inh", tau="2ms", E_rev="-80mV"),
    BiexponentialConductance(label="slow", tau_rise="2ms", tau_decay="20ms", E_rev="0mV"),
)
PASSIVE = LIF(C="200pF", g_L="10nS", E_L="-60mV", V_th="10V", V_reset="-60mV")


@pytest.fixture(autouse=True)
def _numpy_target():
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target = before


def events_at_zero(inputs, method=None, dt=DT, duration=0.1):
    """One neuron per input, with one event in that input at time 0; the monitor."""
    group = PASSIVE.group(len(inputs), inputs, method=method, dt=dt * b2.second)
    for row, one in enumerate(inputs):
        getattr(group, f"{one.target}_")[row] = one.jump * Q
    monitor = b2.StateMonitor(
        group, ["v", *(one.variable for one in inputs)], record=True, clock=group.clock
    )
    b2.Network(group, monitor).run(duration * b2.second)
    return monitor


@pytest.fixture(scope="module")
def currents():
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield events_at_zero(list(CURRENTS.values()))
    b2.prefs.codegen.target = before


@pytest.mark.parametrize("case", CURRENTS)
def test_simulated_current_is_the_kernel(currents, case):
    one = CURRENTS[case]
    t = DT * np.arange(1000)
    simulated = np.asarray(getattr(currents, one.variable))[list(CURRENTS).index(case)]
    np.testing.assert_allclose(simulated, Q * one.kernel(t), rtol=0, atol=1e-14 * Q)


@pytest.mark.parametrize("case", CURRENTS)
def test_simulated_psp_is_the_closed_form(currents, case):
    t = DT * np.arange(1000)
    exact = PASSIVE.psp(t, CURRENTS[case], Q)
    simulated = np.asarray(currents.v)[list(CURRENTS).index(case)] - PASSIVE.E_L
    # 1e-12: v itself is near -60 mV and stored to 1e-17 V
    np.testing.assert_allclose(simulated, exact, rtol=0, atol=2e-12 * exact.max())


@pytest.mark.parametrize("case", CURRENTS)
def test_psp_solves_the_membrane_equation(case):
    """The closed form, by numerical integration of the kernel through the membrane."""
    one, tau_m = CURRENTS[case], PASSIVE.tau_m
    for t in (0.05e-3, 0.7e-3, 4e-3, 30e-3, 150e-3):
        integral, _ = quad(
            lambda s, t=t: np.exp(-(t - s) / tau_m) * one.kernel(s),
            0,
            t,
            points=[p for p in (1e-4, 1e-3, 5e-3) if p < t],
            epsabs=0,
            epsrel=1e-12,
            limit=200,
        )
        assert PASSIVE.psp(t, one, Q) == pytest.approx(Q / PASSIVE.C * integral, rel=1e-11)


@pytest.mark.parametrize("case", CURRENTS)
def test_peak_and_area_of_the_kernel(case):
    one = CURRENTS[case]
    t = np.linspace(0, 20 * one.peak_time + 5e-3, 100_001)
    assert one.kernel(one.peak_time) == pytest.approx(1, abs=1e-14)
    assert one.kernel(t).max() <= 1 + 1e-14
    area, _ = quad(one.kernel, 0, 1.5, points=[1e-4, 1e-3, 1e-2, 0.1], limit=500, epsrel=1e-11)
    assert one.area == pytest.approx(area, rel=1e-9)
    assert np.all(one.kernel([-1.0, -1e-6]) == 0)


@pytest.mark.parametrize("case", CURRENTS)
def test_psp_peak_is_the_largest_value(case):
    one = CURRENTS[case]
    t_peak, peak = PASSIVE.psp_peak(one, Q)
    around = t_peak * (1 + np.linspace(-0.01, 0.01, 2001))
    assert peak == pytest.approx(PASSIVE.psp(t_peak, one, Q), rel=1e-13)
    assert PASSIVE.psp(around, one, Q).max() <= peak * (1 + 1e-14)
    everywhere = PASSIVE.psp(np.linspace(0, 0.3, 30_001), one, Q)
    assert everywhere.max() <= peak * (1 + 1e-14)


def test_exponential_psp_peaks_where_the_textbook_says():
    tau_m, tau = PASSIVE.tau_m, 0.005
    t_peak, _ = PASSIVE.psp_peak(CURRENTS["exponential"], Q)
    assert t_peak == pytest.approx(np.log(tau_m / tau) * tau_m * tau / (tau_m - tau), rel=1e-13)


def test_biexponential_peak_time_is_the_textbook_one():
    one = CURRENTS["biexponential"]
    rise, decay = one.tau_rise, one.tau_decay
    expected = np.log(decay / rise) * rise * decay / (decay - rise)
    assert one.peak_time == pytest.approx(expected, rel=1e-14)


def test_equal_time_constants_are_the_alpha_function():
    t = np.linspace(0, 0.05, 501)
    alpha = AlphaCurrent(tau="3ms")
    np.testing.assert_allclose(
        CURRENTS["biexponential, equal"].kernel(t), alpha.kernel(t), rtol=1e-14
    )
    np.testing.assert_allclose(alpha.kernel(t), t / 0.003 * np.exp(1 - t / 0.003), rtol=1e-13)


@pytest.mark.parametrize(
    "inputs",
    [
        [CURRENTS["biexponential"], CONDUCTANCES[0]],
        [CURRENTS["alpha"], CURRENTS["exponential"]],
        [CURRENTS["biexponential, equal"]],
        [CONDUCTANCES[2]],
    ],
    ids=lambda inputs: "+".join(one.name for one in inputs),
)
def test_the_equations_are_the_model_of_the_step(inputs):
    """The differential equations through Runge-Kutta against the step, mixed inputs included."""
    one_step, runge_kutta = (
        events_at_zero(inputs, method=method, dt=2e-5, duration=0.02) for method in (None, "rk4")
    )
    for name in ["v", *(one.variable for one in inputs)]:
        a, b = (np.asarray(getattr(m, name)) for m in (one_step, runge_kutta))
        np.testing.assert_allclose(a, b, rtol=0, atol=3e-9 * np.ptp(b), err_msg=name)


def test_brian2_exact_agrees_where_it_works():
    inputs = [CURRENTS["exponential"]]
    ours, brian2s = (events_at_zero(inputs, method=method) for method in (None, "exact"))
    np.testing.assert_allclose(np.asarray(ours.v), np.asarray(brian2s.v), rtol=1e-13)


def test_conductance_kernels_are_those_of_the_currents():
    monitor = events_at_zero(list(CONDUCTANCES))
    t = DT * np.arange(1000)
    for row, one in enumerate(CONDUCTANCES):
        simulated = np.asarray(getattr(monitor, one.variable))[row]
        np.testing.assert_allclose(simulated, Q * one.kernel(t), rtol=0, atol=1e-14 * Q)


@pytest.mark.parametrize(
    "kind", [ExponentialConductance, AlphaConductance, BiexponentialConductance, DeltaInput]
)
def test_events_go_to_the_target_in_the_unit_of_the_response(kind):
    taus = {name: "3ms" for name in kind.specs() if name.startswith("tau")}
    battery = {"E_rev": "0mV"} if "E_rev" in kind.specs() else {}
    one = kind(label="x", **taus, **battery)
    equations = b2.Equations(PASSIVE.brian2_equations(one))
    unit = {"amp": b2.amp, "siemens": b2.siemens, "volt": b2.volt}[one.unit]
    assert equations[one.target].dim is unit.dim
    assert one.jump == 1


def test_divided_differences():
    x = np.array([0.0, -0.3, -2.0, -50.0])
    np.testing.assert_array_equal(divided_exp2(x, x), np.exp(x))
    np.testing.assert_allclose(divided_exp3(x, x, x), np.exp(x) / 2, rtol=1e-15)
    # across the border between series and recursion, and in any order
    rng = np.random.default_rng(3)
    for spread in (0.9999, 1.0001):
        low, high = -3.0, -3.0 + spread
        middle = rng.uniform(low, high, 20)
        a, b, c = divided_exp2(low, middle), divided_exp2(middle, high), high - low
        expected = (b - a) / c
        np.testing.assert_allclose(divided_exp3(high, low, middle), expected, rtol=3e-15)
        np.testing.assert_allclose(divided_exp3(middle, high, low), expected, rtol=3e-15)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (
            lambda: BiexponentialCurrent(tau_rise="6ms", tau_decay="5ms"),
            "BiexponentialCurrent: found tau_rise 6 ms above tau_decay 5 ms, "
            "expected tau_rise at most tau_decay",
        ),
        (
            lambda: ExponentialCurrent(tau="0ms"),
            "ExponentialCurrent.tau: found 0 ms, expected a value above 0 ms",
        ),
        (
            lambda: ExponentialCurrent(tau=5),
            "ExponentialCurrent.tau: found 5 without a unit, "
            "expected a time with its unit, such as 20ms",
        ),
        (
            lambda: ExponentialCurrent(tau="5ms", label="my_post"),
            "ExponentialCurrent.label: found 'my_post', "
            "expected a word that does not end in pre or post",
        ),
        (
            lambda: ExponentialCurrent(tau="5ms", label="1 a"),
            "ExponentialCurrent.label: found '1 a', expected a word of letters, digits and _",
        ),
        (
            lambda: PASSIVE.psp(0.0, CONDUCTANCES[0], Q),
            "LIF.psp: found exponential-conductance, expected a current-based or delta input: "
            "with a conductance v has no closed form",
        ),
    ],
)
def test_wrong_input_is_one_line(make, line):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value) == line


def test_presets_build():
    for name in ExponentialConductance.presets:
        one = ExponentialConductance.preset(name, label="exc")
        assert one.tau > 0
        assert str(ExponentialConductance.presets[name].citation)

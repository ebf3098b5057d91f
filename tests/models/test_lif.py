"""The LIF neuron against its closed forms, a general solver, and itself on other targets."""

from __future__ import annotations

import inspect
import shutil
import textwrap

import brian2 as b2
import numpy as np
import pytest
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import all_devices, reset_device, set_device
from scipy.integrate import solve_ivp

from synsim.component import InputError
from synsim.models import lif as lif_file
from synsim.models.lif import LIF
from synsim.models.spike_sources import PoissonSource, RegularSource, ReplayedSource
from synsim.models.synaptic_currents import (
    AlphaConductance,
    AlphaCurrent,
    BiexponentialConductance,
    BiexponentialCurrent,
    DeltaInput,
    ExponentialConductance,
    ExponentialCurrent,
)

CELL = LIF.preset("lif-vogels-abbott-2005")
PASSIVE = CELL.replace(V_th="10V")
DT = 1e-4
EXC = ExponentialCurrent(label="exc", tau="5ms")
G_EXC = ExponentialConductance(label="exc", tau="5ms", E_rev="0mV")


@pytest.fixture(autouse=True)
def _numpy_target():
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target = before


def spike_times(group, duration):
    monitor = b2.SpikeMonitor(group)
    b2.Network(group, monitor).run(duration * b2.second)
    return [np.asarray(train) for train in monitor.spike_trains().values()]


def voltage(group, duration, *others):
    monitor = b2.StateMonitor(group, "v", record=True, clock=group.clock)
    b2.Network(group, monitor, *others).run(duration * b2.second)
    return np.asarray(monitor.v)


# --- f-I curve --------------------------------------------------------------------------


@pytest.mark.parametrize("t_ref", ["0ms", "5ms"])
def test_f_I_curve(t_ref):
    cell = CELL.replace(t_ref=t_ref)
    currents = np.concatenate([[0, 0.5, 0.999, 1.001], np.linspace(1.02, 4, 60)]) * cell.rheobase
    dt, duration = 1e-5, 0.25
    group = cell.group(len(currents), I_ext=currents * b2.amp, dt=dt * b2.second)
    trains = spike_times(group, duration)
    rates = cell.rate(currents)
    counts = np.array([len(train) for train in trains])
    assert np.all(np.abs(counts - rates * duration) <= 1)
    assert np.all(counts[:3] == 0)
    assert np.all(rates[:3] == 0)
    # and every interval is that of the closed form, up to the next step
    for train, rate in zip(trains[3:], rates[3:], strict=True):
        steps = np.rint(np.diff(train) / dt)
        assert np.all(steps == np.ceil(1 / (rate * dt) - 1e-6)), rate


def test_rate_of_a_neuron_that_fires_by_itself_and_at_the_rheobase():
    cell = CELL.replace(E_L="-49mV")
    assert cell.rheobase < 0
    expected = 1 / (5e-3 + 20e-3 * np.log(11 / 1))
    assert cell.rate(0.0) == pytest.approx(expected, rel=1e-12)
    assert CELL.rate(CELL.rheobase) == 0
    assert CELL.replace(t_ref="0ms").rate(-1.0) == 0
    assert CELL.tau_m == pytest.approx(0.02, rel=1e-15)
    assert CELL.resistance == pytest.approx(1e8, rel=1e-15)


def test_refractory_time_holds_v_and_drops_jumps_but_not_currents():
    cell, jump = CELL.replace(t_ref="2ms"), DeltaInput()
    group = cell.group(2, [jump, EXC], dt=DT * b2.second)
    group.v_[0] = cell.V_th + 1e-3  # spikes at step 0
    source = RegularSource(rate="10kHz").group(1, dt=DT * b2.second)
    events = b2.Synapses(source, group, on_pre="v_post += 0.1*mV\nI_exc_post += 1*pA")
    events.connect()
    v = voltage(group, 3e-3, source, events)
    # 20 steps at V_reset; the events of the spike's own step and of the 20 after it are lost
    assert np.all(v[0, 1:22] == cell.V_reset)
    assert v[0, 22] > cell.V_reset
    assert np.all(np.diff(v[1]) > 0)
    np.testing.assert_array_equal(np.asarray(group.I_exc)[0], np.asarray(group.I_exc)[1])


# --- postsynaptic potentials ------------------------------------------------------------


def test_delta_psp():
    jump = DeltaInput()
    group = PASSIVE.group(1, [jump], dt=DT * b2.second)
    group.v_ = PASSIVE.E_L + 1e-3
    t = DT * np.arange(500)
    simulated = voltage(group, 0.05)[0] - PASSIVE.E_L
    np.testing.assert_allclose(simulated, PASSIVE.psp(t, jump, 1e-3), rtol=0, atol=1e-15)
    assert PASSIVE.psp_peak(jump, 1e-3) == (0.0, 1e-3)
    assert PASSIVE.psp(-1e-3, jump, 1e-3) == 0


def test_psps_of_a_train_add_up_and_begin_a_step_after_the_event():
    alpha = AlphaCurrent(label="exc", tau="2ms")
    cell, q = PASSIVE, 40e-12
    arrivals = np.array([1e-3, 3e-3, 3.1e-3, 20e-3])
    source = ReplayedSource.from_seconds(arrivals).group(dt=DT * b2.second)
    group = cell.group(1, [alpha], dt=DT * b2.second)
    events = b2.Synapses(source, group, "q : amp (shared)", on_pre=f"{alpha.target}_post += q")
    events.connect()
    events.q_ = q
    simulated = voltage(group, 0.05, source, events)[0] - cell.E_L
    t = DT * np.arange(500)
    exact = sum(cell.psp(t - (arrival + DT), alpha, q) for arrival in arrivals)
    np.testing.assert_allclose(simulated, exact, rtol=0, atol=1e-12 * exact.max())


def test_closed_forms_are_those_of_the_independent_reference():
    reference = pytest.importorskip("tests.reference.lif")
    t = np.concatenate([[-1e-3], np.linspace(0, 0.2, 401)])
    tau_m, C, q = CELL.tau_m, CELL.C, 1e-10
    for tau in (0.005, 0.02, 0.0200001):
        for kind, theirs in ((ExponentialCurrent, "exponential"), (AlphaCurrent, "alpha")):
            ours = kind(tau=tau * b2.second)
            expected = getattr(reference, f"psp_{theirs}")(t, q, C, tau_m, tau)
            np.testing.assert_allclose(CELL.psp(t, ours, q), expected, rtol=1e-9, atol=1e-18)
            kernel = getattr(reference, f"{theirs}_kernel")(t, tau)
            np.testing.assert_allclose(ours.kernel(t), kernel, rtol=1e-12, atol=1e-300)
    for rise, decay in ((0.001, 0.005), (0.002, 0.02), (0.003, 0.003)):
        ours = BiexponentialCurrent(tau_rise=rise * b2.second, tau_decay=decay * b2.second)
        expected = reference.psp_biexponential(t, q, C, tau_m, rise, decay)
        np.testing.assert_allclose(CELL.psp(t, ours, q), expected, rtol=1e-11, atol=1e-18)
        kernel = reference.biexponential_kernel(t, rise, decay)
        np.testing.assert_allclose(ours.kernel(t), kernel, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(
        CELL.psp(t, DeltaInput(), 1e-3), reference.psp_delta(t, 1e-3, tau_m), rtol=1e-15
    )
    for current in np.array([0.5, 1.0001, 2, 7]) * CELL.rheobase:
        expected = reference.firing_rate(
            current,
            resistance=CELL.resistance,
            tau_m=tau_m,
            e_leak=CELL.E_L,
            v_th=CELL.V_th,
            v_reset=CELL.V_reset,
            t_ref=CELL.t_ref,
        )
        assert CELL.rate(current) == pytest.approx(expected, rel=1e-10)


# --- conductances -----------------------------------------------------------------------

# (input, peak conductance, error relative to the PSP at dt = 0.1 ms)
CONDUCTANCES = {
    "weak exponential": (G_EXC, 1e-9, 1e-10),
    "strong exponential": (G_EXC, 50e-9, 1e-9),
    "inhibition, alpha": (AlphaConductance(label="inh", tau="2ms", E_rev="-80mV"), 5e-9, 2e-8),
    "fast rise": (
        BiexponentialConductance(label="fast", tau_rise="0.2ms", tau_decay="2ms", E_rev="0mV"),
        1e-9,
        5e-6,
    ),
}


def conductance_psp(one, g_peak, dt, duration=0.03, method=None):
    group = PASSIVE.group(1, [one], dt=dt * b2.second, method=method)
    setattr(group, f"{one.target}_", g_peak)
    return voltage(group, duration)[0]


def solved(one, g_peak, t, I_ext=0.0):
    def slope(s, v):
        g = g_peak * one.kernel(s)
        return (PASSIVE.g_L * (PASSIVE.E_L - v) + g * (one.E_rev - v) + I_ext) / PASSIVE.C

    solution = solve_ivp(
        slope, (0, t[-1]), [PASSIVE.E_L], t_eval=t, method="DOP853", rtol=1e-12, atol=1e-16
    )
    return solution.y[0]


@pytest.mark.parametrize("case", CONDUCTANCES)
def test_conductance_against_a_general_solver(case):
    one, g_peak, tolerance = CONDUCTANCES[case]
    simulated = conductance_psp(one, g_peak, DT)
    exact = solved(one, g_peak, DT * np.arange(len(simulated)))
    assert np.abs(simulated - exact).max() < tolerance * np.ptp(exact)


def test_conductance_step_is_of_fourth_order_and_exponential_euler_of_first():
    one, g_peak, _ = CONDUCTANCES["fast rise"]

    def error(dt, method=None):
        simulated = conductance_psp(one, g_peak, dt, method=method)
        return np.abs(simulated - solved(one, g_peak, dt * np.arange(len(simulated)))).max()

    assert 3.7 < np.log2(error(2e-4) / error(1e-4)) < 4.3
    assert 0.7 < np.log2(error(2e-4, "exponential_euler") / error(1e-4, "exponential_euler")) < 1.3


def test_currents_beside_conductances_and_injected_current():
    """A mixed neuron is the sum of its parts: here against the solver, I_ext included."""
    group = PASSIVE.group(1, [G_EXC], I_ext="50pA", dt=DT * b2.second)
    group.g_exc_ = 2e-9
    simulated = voltage(group, 0.03)[0]
    exact = solved(G_EXC, 2e-9, DT * np.arange(len(simulated)), I_ext=50e-12)
    assert np.abs(simulated - exact).max() < 1e-10 * np.ptp(exact)
    # a conductance at zero leaves the current-based solution
    current = BiexponentialCurrent(label="slow", tau_rise="1ms", tau_decay="5ms")
    mixed = PASSIVE.group(1, [G_EXC, current], dt=DT * b2.second)
    mixed.s_slow_ = 1e-10
    t = DT * np.arange(300)
    psp = PASSIVE.psp(t, current, 1e-10)
    difference = voltage(mixed, 0.03)[0] - PASSIVE.E_L - psp
    assert np.abs(difference).max() < 1e-7 * psp.max()


# --- the group --------------------------------------------------------------------------


def test_what_is_the_same_everywhere_is_one_number():
    g_L = np.array([8.0, 10, 12]) * b2.nS
    group = LIF(C="200pF", g_L=g_L, E_L="-60mV", V_th="-50mV", V_reset="-60mV").group(
        3, [EXC, G_EXC.replace(label="g")], I_ext="100pA"
    )
    shared = {"C", "E_L", "V_th", "V_reset", "t_ref", "I_ext", "tau_exc", "tau_g", "E_rev_g"}
    assert {name for name in shared if group.variables[name].scalar} == shared
    assert not group.variables["g_L"].scalar
    np.testing.assert_allclose(group.g_L_, np.asarray(g_L))
    b2.Network(group).run(1 * b2.ms)


def test_parameters_that_differ_from_neuron_to_neuron():
    taus = np.array([3.0, 20, 30])
    one = AlphaCurrent(label="exc", tau=taus * b2.ms)
    group = PASSIVE.replace(C=["200pF", "100pF", "300pF"]).group(3, [one], dt=DT * b2.second)
    group.s_exc_ = 1e-10
    v = voltage(group, 0.02)
    t = DT * np.arange(200)
    for row, (tau, C) in enumerate(zip(taus, ("200pF", "100pF", "300pF"), strict=True)):
        exact = PASSIVE.replace(C=C).psp(t, AlphaCurrent(tau=tau * b2.ms), 1e-10)
        np.testing.assert_allclose(v[row] + 0.06, exact, rtol=0, atol=1e-12 * exact.max())


def test_injected_current_as_quantity_array_and_expression():
    steady = [PASSIVE.E_L + amp / PASSIVE.g_L for amp in (1e-10, 2e-10)]
    clock = b2.Clock(1 * b2.ms)
    one = PASSIVE.group(1, I_ext="100pA", clock=clock)
    two = PASSIVE.group(2, I_ext=["100pA", "200pA"], clock=clock)
    stimulus = b2.TimedArray([100, 200] * b2.pA, dt=500 * b2.ms)
    timed = PASSIVE.group(1, I_ext="stimulus(t)", clock=clock, namespace={"stimulus": stimulus})
    network = b2.Network(one, two, timed)
    network.run(500 * b2.ms)
    np.testing.assert_allclose(
        [one.v_[0], two.v_[1], timed.v_[0]], steady[:1] + steady[1:] + steady[:1]
    )
    one.I_ext = 200 * b2.pA
    network.run(500 * b2.ms)
    np.testing.assert_allclose([one.v_[0], timed.v_[0]], [steady[1]] * 2)


def test_a_method_of_ones_own():
    group = PASSIVE.group(1, [EXC], method="euler", dt=DT * b2.second)
    group.I_exc_ = 1e-10
    exact = PASSIVE.psp(DT * np.arange(200), EXC, 1e-10)
    error = np.abs(voltage(group, 0.02)[0] - PASSIVE.E_L - exact).max() / exact.max()
    assert 1e-4 < error < 3e-2


@pytest.mark.parametrize("preset", LIF.presets)
def test_presets(preset):
    cell = LIF.preset(preset)
    assert cell.tau_m == pytest.approx(20e-3)
    assert LIF.presets[preset].citation.doi
    assert f"{LIF.presets[preset].citation}"


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (
            lambda: CELL.replace(V_reset="-50mV"),
            "LIF: found V_reset -50 mV and V_th -50 mV, expected V_th above V_reset",
        ),
        (lambda: CELL.replace(C="0pF"), "LIF.C: found 0 pF, expected a value above 0 pF"),
        (
            lambda: CELL.replace(t_ref="5mV"),
            "LIF.t_ref: found '5mV' which is a voltage, "
            "expected a time with its unit, such as 20ms",
        ),
        (
            lambda: CELL.group(2, [EXC, G_EXC, EXC]),
            "LIF: two things are called tau_exc, expected inputs with different labels "
            "(found 'exc', 'exc', 'exc')",
        ),
        (
            lambda: CELL.group(2, [EXC.replace(label="ext")]),
            "LIF: two things are called I_ext, expected inputs with different labels (found 'ext')",
        ),
        (
            lambda: CELL.group(2, ["exc"]),
            "LIF: found 'exc' as an input, expected a synaptic input",
        ),
        (
            lambda: CELL.group(2, [ExponentialCurrent(tau=["1ms", "2ms", "3ms"])]),
            "LIF.group: found 3 values of tau_syn, expected one for each of the 2 neurons",
        ),
        (
            lambda: CELL.group(2, I_ext="200mV"),
            "LIF.group: I_ext: found '200mV' which is a voltage, "
            "expected a current with its unit, such as 50pA",
        ),
        (
            lambda: CELL.group(2, I_ext=200),
            "LIF.group: I_ext: found 200 without a unit, "
            "expected a current with its unit, such as 50pA",
        ),
    ],
)
def test_wrong_input_is_one_line(make, line):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value) == line


# --- other targets, and the user's own script -------------------------------------------

MIXED = (
    BiexponentialConductance(label="exc", tau_rise="1ms", tau_decay="5ms", E_rev="0mV"),
    BiexponentialCurrent(label="inh", tau_rise="2ms", tau_decay="20ms"),
)


def mixed_group():
    """Spiking neurons with two kinds of input and a parameter that differs."""
    cell = CELL.replace(E_L=["-60mV", "-58mV", "-49mV"])
    group = cell.group(3, MIXED, I_ext="120pA", name="mixed", dt=DT * b2.second)
    group.s_exc_ = np.array([0, 5e-9, 10e-9])
    group.s_inh_ = np.array([1e-10, 1e-10, -1e-10])
    return group


def state(group):
    names = ("v", "g_exc", "s_exc", "I_inh", "s_inh", "lastspike")
    return np.array([np.asarray(getattr(group, f"{name}_")[:]) for name in names])


def run_mixed():
    group = mixed_group()
    b2.Network(group).run(30 * b2.ms)
    return state(group)


@pytest.fixture
def _quick_build():
    """The build is most of these tests' time, and half of that is the optimiser."""
    before = b2.prefs.codegen.cpp.extra_compile_args_gcc
    b2.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O0", "-ffast-math", "-std=c++11"]
    yield
    b2.prefs.codegen.cpp.extra_compile_args_gcc = before


@pytest.mark.usefixtures("_quick_build")
def test_cython_is_numpy():
    expected = run_mixed()
    assert np.all(expected[-1] > 0)  # all have spiked
    b2.prefs.codegen.target = "cython"
    np.testing.assert_allclose(run_mixed(), expected, rtol=1e-11, atol=1e-22)


def build_standalone(tmp_path):
    group = mixed_group()
    regular = RegularSource(rate="81.37Hz", start="3.14ms").group(2, dt=DT * b2.second)
    poisson = PoissonSource(rate="400Hz", dead_time="1ms").group(200, dt=DT * b2.second)
    monitors = [b2.SpikeMonitor(source) for source in (regular, poisson)]
    network = b2.Network(group, regular, poisson, monitors)
    network.run(30 * b2.ms)
    b2.get_device().build(directory=str(tmp_path / "build"), compile=True, run=True)
    return state(group), [(np.asarray(m.t), np.asarray(m.i)) for m in monitors]


@pytest.mark.usefixtures("_quick_build")
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_cpp_standalone_is_numpy(tmp_path):
    expected = run_mixed()
    all_devices["synsim_test"] = CPPStandaloneDevice()
    set_device("synsim_test", build_on_run=False)
    try:
        found, trains = build_standalone(tmp_path)
    finally:
        reset_device()
        del all_devices["synsim_test"]
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-22)
    (regular_t, regular_i), (poisson_t, poisson_i) = trains
    times, indices = RegularSource(rate="81.37Hz", start="3.14ms").spikes(0.03, N=2, dt=DT)
    np.testing.assert_allclose(regular_t, times, atol=1e-12)
    np.testing.assert_array_equal(regular_i, indices)
    # 200 neurons for 30 ms: mean 2400, sd about (1 - rate dead_time) sqrt(2400) = 29
    assert abs(len(poisson_t) - 2400) < 4 * 29.4
    assert all(np.all(np.diff(poisson_t[poisson_i == i]) > 1e-3 - 1e-9) for i in range(200))


def test_the_example_of_the_docstring_runs(capsys):
    text = inspect.getdoc(lif_file)
    assert text is not None
    example = textwrap.dedent(text.split("Example, in a script of one's own:\n", 1)[1])
    assert len(example.strip().splitlines()) == 12
    exec(compile(example, "example", "exec"), {"__name__": "example"})  # the user's own script
    counts = np.array(capsys.readouterr().out.strip(" []\n").split(), dtype=int)
    assert counts.shape == (10,)
    assert counts.sum() > 0

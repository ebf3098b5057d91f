"""synsim's synapses in a user's own Brian2 network, and synsim's simulations beside one.

Each session runs in a process of its own (`tests/agreement/user_network.py`): on the numpy and
cython targets, and in standalone mode with the user's own `set_device`.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest
from brian2.core.variables import ArrayVariable
from brian2.utils.logger import catch_logs
from filelock import FileLock
from scipy import stats

from synsim import (
    InputError,
    PairSTDP,
    QuantalVariability,
    RecordingNoise,
    Synapse,
    TsodyksMarkram,
    TsodyksThreeState,
)
from synsim.engine import BACKENDS
from tests.agreement import user_network as user
from tests.agreement.samples import P_VALUE, STANDARD_ERRORS
from tests.agreement.structures import DT
from tests.reference import pair_stdp, tsodyks_markram

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def session(tmp_path_factory, request):
    """(mode, backends of simulations apart, generate only) -> project, arrays of a session."""

    @cache
    def of(mode, apart=(), generate_only=False):
        place = tmp_path_factory.mktemp("session")
        project = place / "project"
        if mode == "cpp_standalone" and not generate_only:
            project = compiled  # where make finds what it has compiled before
        command = [sys.executable, "-m", "tests.agreement.user_network", mode]
        command += [str(place / "found.npz"), str(project), "--apart", *apart]
        command += ["--generate-only"] * generate_only
        with FileLock(compiled / "lock"):
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stderr
        assert "WARNING" not in done.stderr
        with np.load(place / "found.npz") as found:
            return project, dict(found)

    compiled = request.config.cache.mkdir("user-network")
    # Else the order of some lines of Brian2's C++ differs, and make compiles them again.
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    return of


# --- what the synapses do there ---------------------------------------------------------


@pytest.mark.parametrize("mode", ["numpy", "cpp_standalone"])
def test_plastic_synapses_of_a_user_network(mode, session):
    """w, u, x at the end, and the sum of all responses that `target` was given."""
    _, found = session(mode)
    assert found["i"].tolist() == [0, 0, 1, 1, 2, 2] and found["j"].tolist() == [0, 1] * 3
    received = np.zeros(user.N_POST)
    for synapse, (i, j) in enumerate(zip(found["i"], found["j"], strict=True)):
        times = user.PRE[i] * DT
        events = pair_stdp.weight_events(
            times, user.POST[j] * DT, w0=user.W0[synapse], **user.RULE, **user.DELAYS
        )
        u, x, released = tsodyks_markram.two_state(
            times, user.TM["U"][synapse], user.TM["tau_rec"], user.TM["tau_facil"]
        )
        # before its own plasticity
        weights = np.array([user.W0[synapse], *(e.weight for e in events)])
        taken = weights[[k for k, e in enumerate(events) if e.side == "pre"]]
        received[j] += np.sum(4 * taken * user.Q * released)
        assert abs(found["w"][synapse] - events[-1].weight) < 1e-12
        assert abs(found["u"][synapse] - u[-1]) < 1e-12
        assert abs(found["x"][synapse] - x[-1]) < 1e-12
        assert abs(found["w"][synapse] - user.W0[synapse]) > 1e-3
    np.testing.assert_allclose(found["v"], received, rtol=1e-12)


@pytest.mark.parametrize("mode", ["numpy", "cython", "cpp_standalone"])
def test_unreliable_synapses_of_a_user_network(mode, session):
    """n, p set afterwards and q given as arrays: the quanta counted at 400 synapses."""
    _, found = session(mode)
    n, p, q = user.many_parameters().values()
    counted = found["received"] / q
    np.testing.assert_allclose(counted, np.rint(counted), rtol=0, atol=1e-9)
    draws = n * user.RELEASES
    mean, variance = draws * p, draws * p * (1 - p)
    certain = variance == 0
    assert certain.sum() >= 2 and np.array_equal(np.rint(counted)[certain], mean[certain])
    z = (counted - mean)[~certain] / np.sqrt(variance[~certain])
    assert abs(z.mean()) * np.sqrt(len(z)) < STANDARD_ERRORS
    assert stats.chi2(len(z)).cdf(np.sum(z**2)) < 1 - P_VALUE
    assert stats.chi2(len(z)).cdf(np.sum(z**2)) > P_VALUE
    assert np.all((0 <= found["last_released"]) & (found["last_released"] <= n))


# --- what synsim's own simulations leave behind -----------------------------------------


@pytest.mark.parametrize("mode", ["numpy", "cython"])
def test_simulations_beside_a_runtime_network_change_nothing(mode, session):
    """Before, between and after its runs: the same results to the last bit, for both sides.

    The session itself compares device, clock, preferences, numpy's random state before and
    after every simulation.
    """
    _, alone = session(mode)
    _, found = session(mode, BACKENDS)
    for name, value in alone.items():
        assert np.array_equal(found[name], value), name


def test_simulations_beside_an_unbuilt_standalone_network_change_nothing(session):
    """With simulations on all backends before and after it is made, and after it is built, the
    user's network is the same code."""
    alone, _ = session("cpp_standalone")
    among, _ = session("cpp_standalone", BACKENDS, generate_only=True)
    sources = [
        path.relative_to(among) for path in among.rglob("*") if path.suffix in (".cpp", ".h")
    ]
    assert len(sources) > 20
    for source in sources:
        one, other = (
            # Brian2 writes some lines in the order of a set.
            sorted((project / source).read_text().replace(str(project), "").splitlines())
            for project in (alone, among)
        )
        assert one == other, source


# --- what connect makes -----------------------------------------------------------------


def groups(n_source=4, n_target=3, model="v : volt"):
    """Source 0 spikes once; the neurons never do."""
    source = b2.SpikeGeneratorGroup(n_source, [0], [1] * b2.ms)
    return source, b2.NeuronGroup(n_target, model, threshold="i < 0", reset="")


def full_synapse(**changes):
    """Every kind of part at once."""
    given = {
        "n": 5,
        "q": "0.2mV",
        "release": "binomial",
        "target": "v",
        "short_term": TsodyksMarkram(U=0.4, tau_rec="300ms", tau_facil="150ms"),
        "variability": QuantalVariability(cv_within=0.3, cv_between=0.2),
        "noise": RecordingNoise(s0="0.1mV"),
        "plasticity": PairSTDP(a_plus=0.01, a_minus=0.01, tau_plus="17ms", tau_minus="34ms"),
        "record": ("released", "quanta", "response", "recorded"),
    }
    return Synapse(**(given | changes))


def arrays_of(synapses):
    """Names of what is held once per synapse, with bytes per synapse."""
    count = len(synapses)
    return {
        variable.name: np.dtype(variable.dtype).itemsize
        for variable in synapses.variables.values()
        if isinstance(variable, ArrayVariable)
        and variable.owner.name == synapses.name
        and not variable.scalar
        and variable.size == count
    }


def test_a_parameter_that_is_the_same_everywhere_is_no_array(on_numpy):
    synapse = full_synapse()
    made = synapse.connect(*groups(n_source=7, n_target=11), share="synapse")
    for parameter in synapse.code.parameters:
        variable = made.variables[parameter.name]
        assert variable.scalar and np.size(variable.get_value()) == 1, parameter.name
    for pathway in (made.pre, made.post):
        assert pathway.variables["delay"].scalar
    states = {state.name for state in synapse.states}
    held = arrays_of(made)
    assert set(held) == states | {"_synaptic_pre", "_synaptic_post"}
    assert sum(held.values()) == 8 * len(states) + 2 * 4


def test_bytes_of_a_synapse_that_shares_what_its_terminals_have(on_numpy):
    made = full_synapse(record=()).connect(*groups(n_source=7, n_target=11))
    assert arrays_of(made) == {"w": 8, "site_key": 8, "_synaptic_pre": 4, "_synaptic_post": 4}


def test_bytes_of_the_simplest_synapse(on_numpy):
    """Constant p and mean-field release have no state at all: the two indices are all."""
    made = Synapse(p=0.5, q="0.2mV", target="v").connect(*groups())
    assert arrays_of(made) == {"_synaptic_pre": 4, "_synaptic_post": 4}


def test_given_arrays_and_per_synapse_are_arrays_the_rest_is_not(on_numpy):
    count = 12
    values = np.linspace(0.1, 0.9, count)
    synapse = full_synapse(
        n=np.arange(count),
        q=values * 1e-3 * b2.volt,
        short_term=TsodyksMarkram(
            U=values, tau_rec=values * b2.second, tau_facil=values * 100 * b2.ms
        ),
        variability=QuantalVariability(cv_within=values, cv_between=0.2),
        per_synapse=("s0", "a_plus"),
    )
    made = synapse.connect(*groups())
    held = set(arrays_of(made)) - {state.name for state in synapse.states}
    assert held == {"_synaptic_pre", "_synaptic_post", "n", "q", "U", "tau_rec", "tau_facil"} | {
        "cv_within",
        "s0",
        "a_plus",
    }
    assert made.n[:].tolist() == list(range(count))
    np.testing.assert_allclose(made.q[:] / b2.mV, values)
    np.testing.assert_allclose(made.tau_facil[:] / b2.ms, 100 * values)
    assert np.all(made.s0[:] == 0.1 * b2.mV) and np.all(made.a_plus[:] == 0.01)
    made.s0 = "i*mV"
    assert np.all(made.s0_[:] == made.i[:] * 1e-3)
    made.U["i == 2"] = 0.25
    assert np.all(made.U["i == 2"] == 0.25) and made.U[0] == values[0]


@pytest.mark.parametrize(
    ("connections", "expected"),
    [
        ({}, [(i, j) for i in range(4) for j in range(3)]),
        ({"condition": "i != j"}, [(i, j) for i in range(4) for j in range(3) if i != j]),
        ({"i": [0, 3, 3], "j": [1, 2, 0]}, [(0, 1), (3, 2), (3, 0)]),
        ({"j": "i % 3"}, [(i, i % 3) for i in range(4)]),
        ({"condition": "i == j", "n": 2}, [(0, 0), (0, 0), (1, 1), (1, 1), (2, 2), (2, 2)]),
        ({"p": 1.0}, [(i, j) for i in range(4) for j in range(3)]),
    ],
    ids=["all", "condition", "indices", "generator", "several", "p"],
)
def test_connections_are_those_of_brian2(on_numpy, connections, expected):
    made = full_synapse().connect(*groups(), **connections)
    assert sorted(zip(made.i[:].tolist(), made.j[:].tolist(), strict=True)) == sorted(expected)
    assert np.all(made.w[:] == 0.5) and np.all(made.x[:] == 1.0)
    assert np.all(made.pre_time[:] < -1e8 * b2.second)


def test_connection_probability(on_numpy):
    b2.seed(90)
    made = Synapse(p=0.5, q="0.2mV").connect(*groups(100, 100), p=0.2)
    assert abs(len(made) - 2000) < STANDARD_ERRORS * np.sqrt(10_000 * 0.2 * 0.8)


def test_an_array_of_the_wrong_length_is_refused(on_numpy):
    with pytest.raises(InputError, match="found 5 values, expected one for each of the 12"):
        Synapse(p=0.5, n=[1, 2, 3, 4, 5]).connect(*groups())


@pytest.mark.parametrize("unit", ["mV", "pA", "nS", "1"])
def test_responses_arrive_in_the_unit_of_q(on_numpy, unit):
    """One deterministic spike to a variable of that dimension; s0 and records follow."""
    dimension = {"mV": "volt", "pA": "amp", "nS": "siemens", "1": "1"}[unit]
    source, target = groups(2, 2, model=f"g : {dimension}")
    made = Synapse(
        n=3, p=1.0, q=f"2{unit}" if unit != "1" else 2.0, target="g", record=("response",)
    ).connect(source, target, j="i")
    b2.Network(source, target, made).run(2 * b2.ms)
    scale = {"mV": 1e-3, "pA": 1e-12, "nS": 1e-9, "1": 1.0}[unit]
    np.testing.assert_allclose(target.g_[:], [6 * scale, 0], rtol=1e-14)
    np.testing.assert_allclose(made.last_response_[:], [6 * scale, 0], rtol=1e-14)


@pytest.mark.parametrize("release", ["mean-field", "binomial", "sites"])
def test_ordinary_use_logs_no_warning(on_numpy, release):
    """Two different synapses, their monitors and a target, made and run."""
    with catch_logs(log_level=logging.WARNING) as logged:
        source, target = groups()
        first = full_synapse(
            release=release,
            variability=None if release == "mean-field" else QuantalVariability(cv_within=0.1),
            record=("released", "response", "recorded"),
        ).connect(source, target, p=0.5)
        second = Synapse(p=0.3, q="1mV", target="v").connect(source, target, "i != j")
        watch = b2.StateMonitor(first, ("w", "last_response"), record=True)
        b2.Network(source, target, first, second, watch).run(3 * b2.ms)
    assert logged == []


def test_two_synapses_of_one_kind_in_one_network(on_numpy):
    """Their names differ, and so do their states."""
    source, target = groups()
    synapse = full_synapse()
    one, other = synapse.connect(source, target), synapse.connect(source, target)
    named = synapse.connect(source, target, name="named")
    assert len({one.name, other.name, named.name}) == 3 and named.name == "named"
    one.w = 0.9
    b2.Network(source, target, one, other, named).run(2 * b2.ms)
    assert np.all(one.w[:] == 0.9) and np.all(other.w[:] == 0.5)


# --- what it says of itself -------------------------------------------------------------


def test_print_says_equations_parameters_conventions_and_sources():
    said = str(full_synapse(n=[1, 2, 3], per_synapse=("s0",), delay="1.5ms"))
    wanted = [
        "u = U + u*(1 - U)*fade(t - pre_time, tau_facil)",
        "x = 1 - (1 - x*(1 - u))*exp(-(t - pre_time)/tau_rec)",
        "released = exact_binomial(n, u * x, j)",
        "v_post += response",
        "pre_trace = 1 + pre_trace*exp(-(t - pre_time)/tau_plus)",
        "300 ms",
        "0.2 mV",
        "3 values, 1 to 3",
        "response to one quantum; mean response n p q",
        "t_post - t_pre",
        "axonal 1.5 ms, dendritic 0 ms",
        "all-to-all",
        "coincident spikes: none",
        "before the same spike's own plasticity",
        "Markram, Wang & Tsodyks 1998",
        "Morrison, Diesmann & Gerstner 2008",
        "del Castillo & Katz 1954",
        "Silver 2003",
    ]
    missing = [words for words in wanted if words not in said]
    assert not missing, said
    for parameter in full_synapse().code.parameters:
        assert any(line.split()[:1] == [parameter.name] for line in said.splitlines())
    assert len(said.splitlines()) == len(set(said.splitlines())) or "\n\n" not in said


def test_every_switch_shows_in_the_conventions():
    three = TsodyksThreeState.preset("tsodyks-1998-depressing")
    for changes, words in (
        ({"acts_on": "n"}, "floor(w n + 1/2)"),
        ({"acts_on": "p"}, "w p"),
        ({"response_weight": "after"}, "after the same spike's own plasticity"),
        ({"dendritic_delay": "2ms"}, "dendritic 2 ms"),
        ({"short_term": three}, "Tsodyks, Pawelzik & Markram 1998"),
        ({"release": "mean-field", "variability": None, "record": ()}, "mean number of quanta"),
    ):
        assert words in str(full_synapse(**changes)), words
        assert words not in str(full_synapse()) or changes.get("acts_on") == "p"

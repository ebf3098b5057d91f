"""State kept once per terminal: the same synapses as with state of their own, to 1e-12."""

from __future__ import annotations

import brian2 as b2
import numpy as np
import pytest

from synsim import InputError, PairSTDP, Synapse, TsodyksMarkram
from synsim.share import share
from tests.agreement.structures import DT, STDP

pytestmark = pytest.mark.usefixtures("on_numpy")

STEPS, N_PRE, N_POST, SPIKES = 700, 7, 5, 12
TM = TsodyksMarkram(U=0.4, tau_rec="300ms", tau_facil="150ms")


def rule(pairing="all-to-all", coincident="none", **changes):
    return PairSTDP(**(STDP | changes), pairing=pairing, coincident=coincident)


def left(**given):
    """Names of the states that each synapse keeps."""
    return {state.name for state in share(Synapse(**given).code).synapse.states}


# --- what is shared ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"short_term": TM}, set()),
        ({"short_term": TM, "release": "binomial"}, set()),
        ({"short_term": TM, "release": "sites"}, {"full"}),
        ({"p": 0.5, "plasticity": rule()}, {"w"}),
        ({"short_term": TM, "release": "sites", "plasticity": rule()}, {"full", "w"}),
        # a post spike changes the trace of the synapse's own pre spikes
        ({"p": 0.5, "plasticity": rule("nearest-pre-centred")}, {"w", "pre_trace"}),
        ({"p": 0.5, "plasticity": rule(), "per_synapse": ("tau_plus",)}, {"w", "pre_trace"}),
        # the weight decides u
        ({"short_term": TM, "plasticity": rule(), "acts_on": "p"}, {"w", "u", "x"}),
        ({"short_term": TsodyksMarkram(U=[0.1, 0.2], tau_rec="1s")}, {"u", "x"}),
    ],
)
def test_what_synapses_of_a_terminal_have_in_common(given, kept):
    assert left(**given) == kept


def test_no_exponential_is_left_for_each_synapse():
    shared = share(Synapse(short_term=TM, release="sites", plasticity=rule()).code).synapse
    assert "exp" not in (shared.on_pre + shared.on_post).replace("exact_binomial", "")


def test_parameters_alone_are_no_state_of_a_terminal():
    """Without a state to share there is nothing to keep, and no further object."""
    shared = share(Synapse(p=0.5, n=3, target="v").code)
    assert shared.pre.names == shared.post.names == ()


# --- the same synapse -------------------------------------------------------------------


def groups(seed=1):
    """Given spikes on both sides, some of them in one step."""
    rng = np.random.default_rng(seed)
    steps = np.arange(1, STEPS - 60)
    pre = [np.sort(rng.choice(steps, SPIKES, replace=False)) for _ in range(N_PRE)]
    source = b2.SpikeGeneratorGroup(
        N_PRE, np.repeat(np.arange(N_PRE), SPIKES), np.concatenate(pre) * DT * b2.second
    )
    fires = np.zeros((STEPS, N_POST))
    for neuron in range(N_POST):
        # 8 steps earlier: what is delayed by 1.5 and 0.7 ms coincides
        fires[np.append(rng.choice(steps, SPIKES, replace=False), pre[neuron][::3] + 8), neuron] = 1
    fires = b2.TimedArray(fires, dt=DT * b2.second)
    return source, b2.NeuronGroup(
        N_POST, "v : 1", threshold="fires(t, i) > 0.5", reset="", namespace={"fires": fires}
    )


def states_after(synapse, way, groups, *connection, part=slice(None), change=None):
    """Every state of every synapse, and what has arrived, after a run."""
    source, target = groups if part == slice(None) else (group[part] for group in groups)
    made = synapse.connect(source, target, *connection, share=way)
    if change is not None:
        change(made)
    b2.Network(*groups, made).run(STEPS * DT * b2.second)
    found = {state.name: np.array(getattr(made, f"{state.name}_")[:]) for state in synapse.states}
    return found | {"v": np.array(target.v[:])}


def assert_same(one, other):
    for name, values in one.items():
        # times of spikes that never came are -1e9 s
        np.testing.assert_allclose(values, other[name], rtol=1e-12, atol=1e-12, err_msg=name)


COMPOSED = {
    "all-to-all": {"plasticity": rule(), "short_term": TM},
    "symmetric, post first": {"plasticity": rule("nearest-symmetric", "post-first"), "p": 0.5},
    "reduced": {"plasticity": rule("nearest-reduced"), "short_term": TM, "acts_on": "p"},
    "centred": {
        "plasticity": rule("nearest-pre-centred", "pre-first"),
        "short_term": TM,
        "acts_on": "n",
        "response_weight": "after",
        "record": ("released", "response"),
    },
}


@pytest.mark.parametrize("composed", COMPOSED)
def test_every_state_and_response_is_the_same(composed):
    given = {"n": 5, "delay": "1.5ms", "dendritic_delay": "0.7ms", "target": "v"}
    synapse = Synapse(**(given | COMPOSED[composed]))
    shared = states_after(synapse, "terminal", groups(), "i != j")
    own = states_after(synapse, "synapse", groups(), "i != j")
    assert_same(shared, own)
    assert np.ptp(shared["w"]) > 1e-2 and np.all(shared["v"] > 0)


def test_parts_of_groups_and_a_delay_that_is_set_afterwards():
    """Synapses between subgroups; the delay of the terminal is that of its synapses."""

    def later(made):
        made.delay = 3 * b2.ms

    found = []
    for way in ("terminal", "synapse"):
        neurons = groups(2)[1], groups(3)[1]
        synapse = Synapse(n=5, short_term=TM, plasticity=rule(), target="v")
        found.append(states_after(synapse, way, neurons, part=slice(1, 4), change=later))
    assert_same(*found)
    assert len(found[0]["w"]) == 9 and np.all(found[0]["v"] > 0)


def test_a_clock_that_is_not_the_default_one():
    """What fades with the clock does so at the steps of the neurons, not of the default clock."""
    left = {}
    for share_at in ("terminal", "synapse"):
        b2.start_scope()
        b2.prefs.codegen.target = "numpy"
        clock = b2.Clock(dt=0.02 * b2.ms)
        sides = [
            b2.SpikeGeneratorGroup(2, [0, 1, 0], np.array(times) * b2.ms, clock=clock)
            for times in ([1.02, 3.5, 6.06], [2.3, 4.48, 5.92])
        ]
        made = Synapse(p=1.0, plasticity=rule()).connect(*sides, share=share_at)
        network = b2.Network(*sides, made)
        network.run(8 * b2.ms)
        left[share_at] = np.array(made.w[:])
    assert np.ptp(left["synapse"]) > 1e-4
    np.testing.assert_allclose(left["terminal"], left["synapse"], rtol=0, atol=1e-12)


def test_a_parameter_that_is_set_afterwards_holds():
    def later(made):
        made.tau_rec = 100 * b2.ms

    synapse = Synapse(n=5, short_term=TM, target="v")
    shared = states_after(synapse, "terminal", groups(), change=later)
    own = states_after(synapse, "synapse", groups(), change=later)
    first = states_after(synapse, "synapse", groups())
    assert_same(shared, own)
    assert np.max(np.abs(shared["x"] - first["x"])) > 0.05


def test_sites_of_one_terminal_draw_apart():
    """The terminal's u is one, its synapses' releases are not."""
    b2.seed(5)
    source = b2.SpikeGeneratorGroup(1, [0, 0], [1, 20] * b2.ms)
    target = b2.NeuronGroup(4000, "v : 1")
    made = Synapse(n=5, short_term=TM, release="sites", target="v").connect(source, target)
    b2.Network(source, target, made).run(10 * b2.ms)
    counts = np.bincount(np.rint(target.v[:]).astype(int), minlength=6)
    expected = 4000 * np.array([0.6**5, 0.2592, 0.3456, 0.2304, 0.0768, 0.4**5])
    assert np.sum((counts - expected) ** 2 / expected) < 25.7  # chi-square, 5, 1e-4


def test_another_word_is_refused():
    with pytest.raises(InputError, match="found 'neuron', expected terminal or synapse"):
        Synapse(p=0.5).connect(*groups(), share="neuron")

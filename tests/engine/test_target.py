"""A neuron behind every copy: its spikes, and what they do, are those of a network of Brian2."""

from __future__ import annotations

from typing import Any

import brian2 as b2
import numpy as np
import pytest

from synsim import PairSTDP, Synapse
from synsim.component import InputError
from synsim.engine import Program, Run, Spikes, Target, simulate
from synsim.models.lif import LIF
from tests.engine.harness import needs_compiler

COPIES, STEPS, DT, KICK = 60, 2000, 5e-4, 8e-3
NEURON = LIF.preset("lif-song-2000", t_ref="2ms")  # its reset is not its resting potential
Q = np.linspace(2e-3, 30e-3, COPIES)  # from a nudge to firing at every spike


def synapse(**given: Any) -> Synapse:
    rule = PairSTDP.preset("bi-poo-2001", a_plus=0.004, a_minus=0.004)
    options: dict[str, Any] = {"q": "1mV", "target": "v", "plasticity": rule, "per_synapse": ("q",)}
    return Synapse(p=1.0, **(options | given))


def trains() -> tuple[Spikes, Spikes]:
    rng = np.random.default_rng(1)
    made = []
    for rate in (150, 30):
        sources, steps = np.nonzero(rng.random((COPIES, STEPS)) < rate * DT)
        made.append(Spikes.of(steps, sources))
    return made[0], made[1]


def run(backend: str) -> Run:
    program = Program(
        synapse(), COPIES, events=("w",), final=("w", "fired"), target=Target(NEURON, KICK)
    )
    pre, kicks = trains()
    return simulate(
        program, pre=pre, post=kicks, steps=STEPS, dt=DT, seed=3, values={"q": Q}, backend=backend
    )


@pytest.fixture(scope="module")
def by_brian2() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, spike counts and spike steps of plain LIF neurons, stepped in time."""
    pre, kicks = trains()
    step = DT * b2.second
    target = b2.prefs.codegen.target
    try:
        b2.prefs.codegen.target = "numpy"
        clock = b2.Clock(dt=step)
        groups = [
            b2.SpikeGeneratorGroup(COPIES, t.sources, t.steps * step, clock=clock)
            for t in (pre, kicks)
        ]
        cells = NEURON.group(COPIES, clock=clock)
        plastic = synapse().connect(groups[0], cells, j="i", clock=clock)
        plastic.q_ = Q
        driving = b2.Synapses(groups[1], cells, on_pre=f"v_post += {KICK}*volt", clock=clock)
        driving.connect(j="i")
        monitor = b2.SpikeMonitor(cells)
        b2.Network(*groups, cells, plastic, driving, monitor).run(STEPS * step, namespace={})
    finally:
        b2.prefs.codegen.target = target
    steps = np.sort(np.rint(np.asarray(monitor.t / step)).astype(int))
    return np.array(plastic.w), np.array(monitor.count), steps


@pytest.mark.parametrize("backend", [pytest.param("cpp_standalone", marks=needs_compiler), "numpy"])
def test_neurons_fire_as_those_that_are_stepped(
    backend: str, by_brian2: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    w, count, steps = by_brian2
    found = run(backend)
    assert np.array_equal(found.final["fired"], count)
    assert np.array_equal(np.sort(found.events["post"].steps), steps)
    assert found.final["w"] == pytest.approx(w, abs=1e-12)
    # Weak synapses are driven by the kicks, strong ones drive the neuron by themselves
    assert 2 * count[:10].mean() < count[-10:].mean()
    assert len(np.unique(np.round(w, 6))) > COPIES / 2


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"target": None}, "found a synapse with target None before a neuron"),
        ({"q": "1pA"}, "found q = 1 pA before a neuron"),
        ({"dendritic_delay": "1ms"}, "found a dendritic delay of 1 ms before a neuron"),
    ],
)
def test_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Program(synapse(**given), 1, target=Target(NEURON, KICK))


def test_states_of_the_neuron_need_one() -> None:
    with pytest.raises(InputError, match="no state 'fired'"):
        Program(synapse(), 1, final=("fired",))


def test_parameters_of_the_neuron_are_data() -> None:
    other = LIF.preset("lif-vogels-abbott-2005")
    one, two = (Program(synapse(), 1, target=Target(n, KICK)) for n in (NEURON, other))
    assert one.digest == two.digest != Program(synapse(), 1).digest
    assert one.values({}, 1)["V_th"] == -0.054 and two.values({}, 1)["V_th"] == -0.05
    assert one.about == "mean-field + pair + lif, up to 64 copies"

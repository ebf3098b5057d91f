"""A membrane behind every copy: its potential is the superposition of that copy's own responses.

Every response that a run drew is known, so each copy is compared with the closed form of its own
sum, to rounding; nothing here is statistical.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from synsim import PairSTDP, Synapse, TsodyksMarkram
from synsim.component import InputError
from synsim.engine import Membrane, Program, Run, Spikes, simulate
from synsim.models.lif import LIF
from synsim.models.synaptic_currents import (
    AlphaCurrent,
    BiexponentialCurrent,
    DeltaInput,
    ExponentialConductance,
    ExponentialCurrent,
    SynapticInput,
)
from synsim.stimuli.induction import spikes
from synsim.stimuli.summation import summed_potential
from tests.engine.harness import needs_compiler
from tests.reference.lif import psp_conductance

Array = NDArray[np.float64]

CELL = LIF.preset("lif-vogels-abbott-2005")
DT = 1e-4
COPIES, PULSES = 30, 5
Q = {"": "0.7mV", "I": "20pA", "g": "1nS"}


def source(kind: type[SynapticInput], **values: Any) -> SynapticInput:
    return kind(**values)


DELTA = DeltaInput()
CURRENT = source(ExponentialCurrent, tau="5ms")
CURRENTS = (
    CURRENT,
    source(ExponentialCurrent, tau="20ms"),  # tau_m: no closed form of Brian2's own
    source(AlphaCurrent, tau="3ms"),
    source(BiexponentialCurrent, tau_rise="1ms", tau_decay="8ms"),
)
CONDUCTANCE = source(ExponentialConductance, tau="5ms", E_rev="0mV")


def program(made: SynapticInput, neuron: LIF = CELL, copies: int = COPIES) -> Program:
    constants: dict[str, Any] = {"U": 0.5, "tau_rec": "80ms", "tau_facil": "30ms"}
    synapse = Synapse(
        n=4,
        q=Q[made.symbol],
        release="sites",
        short_term=TsodyksMarkram(**constants),
        target=made.target,
        record=("response",),
    )
    return Program(synapse, copies, events=("last_response",), membrane=Membrane(neuron, made))


def train_steps(each: int = 1) -> NDArray[np.int64]:
    """Another random train for every copy, in time steps."""
    rng = np.random.default_rng(40)
    return np.cumsum(rng.integers(1, 300, (COPIES, PULSES)), axis=1) * each


SAMPLES = np.arange(0, 1600, 7)


def run(given: Program, arriving: NDArray[np.int64], **changes: Any) -> Run:
    options: dict[str, Any] = {"samples": SAMPLES, "steps": 1600, "dt": DT, "seed": 41}
    return simulate(given, pre=spikes(arriving), post=Spikes.of([], []), **(options | changes))


def responses(done: Run, shape: tuple[int, ...]) -> Array:
    events = done.events["pre"]
    order = np.lexsort((events.steps, events.copies))
    return np.asarray(events.states["last_response"])[order].reshape(shape)


def superposed(
    done: Run, steps: NDArray[np.int64], made: SynapticInput, neuron: LIF = CELL, dt: float = DT
) -> Array:
    found = []
    for own, sizes in zip(steps, responses(done, steps.shape), strict=True):
        none = np.zeros((PULSES, PULSES))
        found.append(summed_potential(SAMPLES * dt, own * dt, sizes, none, neuron, made)[0])
    return np.array(found).T


def close(found: Array | None, expected: Array, rest: float) -> None:
    assert found is not None and found.shape == expected.shape
    top = float(np.abs(expected).max())
    assert top > 1e-4
    np.testing.assert_allclose(found - rest, expected, rtol=0, atol=1e-10 * top)


@needs_compiler
@pytest.mark.parametrize("made", [DELTA, CURRENT], ids=["delta", "current"])
def test_compiled_membranes_superpose(made: SynapticInput) -> None:
    steps = train_steps()
    done = run(program(made), steps)
    exact = superposed(done, steps, made)
    drawn = responses(done, steps.shape)
    assert len(np.unique(np.rint(12 * drawn / drawn.max()))) > 3
    close(done.potential, exact, CELL.E_L)


@pytest.mark.parametrize("made", [DELTA, *CURRENTS], ids=lambda m: f"{m.name}-{m.label}")
def test_membranes_superpose_on_the_numpy_target(made: SynapticInput) -> None:
    steps = train_steps()
    done = run(program(made), steps, backend="numpy")
    close(done.potential, superposed(done, steps, made), CELL.E_L)


@needs_compiler
def test_constants_and_time_step_are_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another membrane needs no compiler, and the potential does not hang on the time step."""
    steps = train_steps()
    plain = run(program(DELTA), steps)
    monkeypatch.setattr("synsim.engine.compiler.compile_program", None)
    other = LIF.preset("lif-vogels-abbott-2005", C="300pF", E_L="-72mV", V_th="-40mV")
    assert program(DELTA, other).digest == program(DELTA).digest
    done = run(program(DELTA, other), steps)
    close(done.potential, superposed(done, steps, DELTA, other), other.E_L)
    # the same trains at a fifth of the step: the same draws, the same potentials
    fine = run(program(DELTA), steps * 5, samples=SAMPLES * 5, steps=8000, dt=DT / 5)
    np.testing.assert_array_equal(responses(fine, steps.shape), responses(plain, steps.shape))
    assert fine.potential is not None and plain.potential is not None
    np.testing.assert_allclose(fine.potential, plain.potential, rtol=0, atol=1e-12)


def test_current_does_not_hang_on_the_time_step() -> None:
    steps = train_steps()
    one = run(program(CURRENT), steps, backend="numpy")
    half = run(
        program(CURRENT), steps * 2, samples=SAMPLES * 2, steps=3200, dt=DT / 2, backend="numpy"
    )
    np.testing.assert_array_equal(responses(one, steps.shape), responses(half, steps.shape))
    assert one.potential is not None and half.potential is not None
    np.testing.assert_allclose(half.potential, one.potential, rtol=0, atol=1e-12)


def test_conductances_against_integration() -> None:
    """The Gauss step of the neuron, against an adaptive solver, for each copy's own responses."""
    steps = train_steps()[:3]
    done = run(program(CONDUCTANCE, copies=3), steps, backend="numpy")
    assert done.potential is not None
    sizes = responses(done, steps.shape)
    for own, weights, found in zip(steps, sizes, done.potential.T, strict=True):
        expected = psp_conductance(
            SAMPLES * DT,
            g_peak=1.0,
            e_rev=0.0,
            kernel=lambda t: float(np.exp(-t / 5e-3)),
            capacitance=CELL.C,
            g_leak=CELL.g_L,
            e_leak=CELL.E_L,
            arrivals=(own * DT).tolist(),
            weights=weights.tolist(),
        )
        assert expected.max() > 1e-3
        np.testing.assert_allclose(found - CELL.E_L, expected, rtol=0, atol=1e-6 * expected.max())


def test_without_a_membrane_nothing_changes() -> None:
    """Neither what is compiled nor what a run leaves."""
    synapse = Synapse(n=4, p=0.5, release="binomial", record=("response",))
    bare = Program(synapse, 3, events=("last_response",))
    assert "membrane" not in bare.text and "lif" not in bare.about
    assert simulate(
        bare, pre=Spikes.of([1], [0]), post=Spikes.of([], []), steps=3, dt=DT, seed=1,
        backend="numpy",
    ).potential is None  # fmt: skip


def test_refused() -> None:
    made = Membrane(CELL, DELTA)
    with pytest.raises(InputError, match="target is None, expected 'v'"):
        Program(Synapse(p=0.5), 3, membrane=made)
    plastic = Synapse(p=0.5, plasticity=PairSTDP.preset("bi-poo-2001"), target="v")
    with pytest.raises(InputError, match="does not spike"):
        Program(plastic, 3, membrane=made)
    with pytest.raises(InputError, match="an array of C"):
        Membrane(CELL.replace(C=["100pF", "200pF"]), DELTA)
    good = program(DELTA, copies=3)
    steps = train_steps()[:3]
    for samples in ([3, 3], [5, 4], [-1], [1600]):
        with pytest.raises(InputError, match="samples: expected increasing"):
            run(good, steps, samples=samples)
    with pytest.raises(InputError, match="postsynaptic spikes with a membrane"):
        simulate(
            good, pre=spikes(steps), post=Spikes.of([1], [0]), steps=1600, dt=DT, seed=1,
            backend="numpy",
        )  # fmt: skip
    with pytest.raises(InputError, match="samples without a membrane"):
        run(Program(Synapse(p=0.5), 3), steps, backend="numpy")

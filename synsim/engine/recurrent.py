"""A recurrent network of excitatory and inhibitory neurons, as it is compiled and run. No Brian2.

Neurons are alike (`synsim.models.lif`), excitatory ones first. Every neuron gets a fixed number of
synapses from excitatory and from inhibitory neurons, drawn anew with each seed, none from itself
and none twice; and a Poisson drive of its own. Structure is the number of neurons and the text of
the synapses; parameters, numbers of inputs, drive, duration and seed are data.

Spikes are handed on in pieces while they are read, so neither the compiled program nor
this process holds them all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.component.code import State
from synsim.compose import Value
from synsim.models.lif import LIF
from synsim.models.synaptic_currents import DeltaInput
from synsim.synapse import Synapse

BINS = 100  # of the distribution of weights on [0, 1]
MOST_EVENTS = 500.0  # of the drive in a step

#: Told steps and neurons of spikes, shape (m,) each, in the order of time.
Watch = Callable[[NDArray[np.int32], NDArray[np.int32]], None]


@dataclass(frozen=True)
class Projection:
    """Synapses from one kind of neurons to one or both.

    source, target : first neuron and number of neurons of each side
    inputs : synapses that each target gets
    """

    name: str
    synapse: Synapse
    source: tuple[int, int]
    target: tuple[int, int]
    inputs: int

    @property
    def synapses(self) -> int:
        return self.inputs * self.target[1]


@dataclass(frozen=True)
class Recurrent:
    """Neurons and their projections.

    Raises InputError for synapses that do not make v jump, for values that are not one number for
    all, and for more inputs than there are sources.
    """

    neuron: LIF
    neurons: int
    projections: tuple[Projection, ...]

    def __post_init__(self) -> None:
        for projection in self.projections:
            synapse = projection.synapse
            if synapse.target != "v" or synapse.contacts.dimension("q").brian_unit != "volt":
                raise InputError(
                    f"found a synapse with q = {synapse.contacts.text('q')} and target "
                    f"{synapse.target!r} in a network, expected jumps of the potential: q in mV "
                    "and target='v'"
                )
            several = [p.name for p in synapse.code.parameters if not p.shared]
            several += [s.name for s in synapse.states if np.ndim(s.initial)]
            if several:
                raise InputError(
                    f"found a value of {several[0]} for each synapse in a network, expected one "
                    "for all"
                )
            (first, sources), (begin, targets) = projection.source, projection.target
            itself = first < begin + targets and begin < first + sources
            if projection.inputs > sources - itself:
                raise InputError(
                    f"found {projection.inputs} inputs of each neuron from {sources} neurons, "
                    f"expected {sources - itself} at most"
                )

    @property
    def input(self) -> DeltaInput:
        """What the synapses add to."""
        return DeltaInput(label="all")

    @property
    def about(self) -> str:
        """What is compiled, in a line for people."""
        kinds = ", ".join(
            " + ".join(m.name for m in p.synapse.mechanisms) for p in self.projections
        )
        return f"network of {self.neurons} neurons: {kinds}"

    @cached_property
    def text(self) -> str:
        """All that decides what is compiled, as text."""
        return json.dumps(
            {
                "neurons": self.neurons,
                "equations": self.neuron.brian2_equations(self.input),
                "step": self.neuron.step(self.input),
                "projections": [
                    {
                        "name": p.name,
                        "source": p.source,
                        "target": p.target,
                        "model": p.synapse.code.model,
                        "on_pre": p.synapse.code.on_pre,
                        "on_post": p.synapse.code.on_post,
                        "post_first": p.synapse.code.post_first,
                        "random": [
                            (s.name, s.initial)
                            for s in p.synapse.states
                            if isinstance(s.initial, str)
                        ],
                        "functions": [
                            (f.name, f.arguments, f.units, f.cpp) for f in p.synapse.code.functions
                        ],
                    }
                    for p in self.projections
                ],
            },
            sort_keys=True,
        )

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def numbers(self, projection: Projection) -> list[Value | State]:
        """Parameters and initial states that are read for a projection, in their order."""
        code = projection.synapse.code
        return [*code.parameters, *(s for s in code.states if not isinstance(s.initial, str))]

    def of_neurons(self) -> dict[str, float]:
        """The neurons' parameters as the equations name them, SI, in the order of reading."""
        return {
            name: float(getattr(self.neuron, f)) for name, f in self.neuron.parameters().items()
        }


@dataclass(frozen=True)
class Drive:
    """Poisson events for every neuron: `rate` in all (Hz), of each a jump of v (V)."""

    rate: float
    jump: float

    def events(self, dt: float) -> float:
        """Of one neuron in one step, in the mean; InputError where they are too many."""
        found = self.rate * dt
        if not 0 <= found <= MOST_EVENTS:
            raise InputError(
                f"found {found:.4g} external events of a neuron in a time step, expected 0 to "
                f"{MOST_EVENTS:g}: take a shorter time step"
            )
        return found


@dataclass(frozen=True)
class Job:
    """What one run does: time steps that are not kept, time steps that are, and the rest."""

    settle: int
    steps: int
    dt: float
    seed: int
    drive: Drive


@dataclass(frozen=True)
class Weights:
    """Final weights of a plastic projection.

    counts : of equal bins of [0, 1], shape (BINS,)
    """

    mean: float
    sd: float
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Ran:
    """What is left of a run when the spikes have been handed on.

    synapses : name of the projection -> how many there are
    energy : name of the projection -> key of the cost -> ATP over the steps that were kept
    weights : name of the projection -> its weights, where it is plastic
    """

    synapses: dict[str, int]
    energy: dict[str, dict[str, float]]
    weights: dict[str, Weights]
    backend: str
    warnings: tuple[str, ...] = ()


def plastic(projection: Projection) -> bool:
    """Whether weights of the projection change."""
    return any(state.name == "w" for state in projection.synapse.states)


def unit(kind: Value | State) -> Any:
    """What is read under a name: a number of this value, SI."""
    value = kind.value if isinstance(kind, Value) else kind.initial
    return (np.int32 if kind.integer else np.float64)(value)

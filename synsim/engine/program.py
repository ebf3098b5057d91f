"""What is compiled once and run many times: many copies of one synapse, each with its own spikes.

Synapse number i joins presynaptic source i to postsynaptic source i. That one network serves
every protocol in which spikes are given: pairing, windows, trains, replay; lags, repeats and
parameter sets are copies, so a whole window is one run.

Structure (the synapse's text, the number of copies, what is recorded) decides what is
compiled. Everything else is data: parameter values, initial states, delays, spikes, the time
step, duration and seed. Postsynaptic spikes are given too, or come from a neuron of each copy's
own (`Target`) that fires when its synapse and what is given drive it to. The number of copies is
rounded up to a power of two, so that another list of lags rarely needs the compiler; copies without
spikes cost nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import InputError
from synsim.component.code import State
from synsim.compose import Value
from synsim.engine.membrane import Membrane
from synsim.models import lif_events
from synsim.models.lif import LIF
from synsim.synapse import Synapse

DELAYS = {"pre": "delay", "post": "dendritic_delay"}
_TARGET_TEXT = (
    lif_events.brian2_equations(), lif_events.KICK, lif_events.THRESHOLD, lif_events.RESET,
)  # fmt: skip
_SMALLEST = 64


@dataclass(frozen=True)
class Target:
    """A neuron behind every copy; its own spikes are the postsynaptic ones.

    What is given as postsynaptic spikes is then a second input, each spike of which jumps the
    neuron's potential by `kick`. The neuron fires one time step after the input that drives it
    over the threshold (`synsim.models.lif_events`).

    neuron : its parameters, single numbers
    kick : V
    """

    neuron: LIF
    kick: float


@dataclass(frozen=True)
class Program:
    """Copies of a synapse, and what to keep of their run.

    Parameters
    ----------
    synapse : what every copy is
    copies : how many there are
    events : state variables to be kept at every spike, just after it
    final : state variables to be kept at the end, of the synapse or of the target: ``fired``
        counts its spikes
    target : the neuron behind every copy; None where postsynaptic spikes are given. The synapse
        then has ``target="v"``, and no dendritic delay
    membrane : what the responses of each copy go into, without spikes of its own; the synapse's
        target is then that of its source, and no postsynaptic spikes are given
    """

    synapse: Synapse
    copies: int
    events: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    target: Target | None = None
    membrane: Membrane | None = None

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise InputError(f"found {self.copies} copies of a synapse, expected at least 1")
        of_synapse = {state.name for state in self.synapse.states}
        for names, known in (
            (self.events, of_synapse),
            (self.final, of_synapse | {state.name for state in self._target_states}),
        ):
            for name in names:
                if name not in known:
                    raise InputError(
                        f"no state {name!r}, expected some of {', '.join(sorted(known))}"
                    )
        if self.target is not None:
            self._check_target()
        if self.membrane is not None:
            self._check_membrane(self.membrane)

    def _check_target(self) -> None:
        contacts = self.synapse.contacts
        if self.synapse.target != "v":
            raise InputError(
                f"found a synapse with target {self.synapse.target!r} before a neuron, "
                "expected target='v'"
            )
        if contacts.dimension("q").brian_unit != "volt":
            raise InputError(
                f"found q = {contacts.text('q')} before a neuron, expected a jump of its "
                "potential, in mV"
            )
        if contacts.dendritic_delay:
            raise InputError(
                f"found a dendritic delay of {contacts.text('dendritic_delay')} before a neuron, "
                "expected none"
            )
        taken = set(lif_events.PARAMETERS) | {state.name for state in self._target_states}
        code = self.synapse.code
        both = taken & ({p.name for p in code.parameters} | {s.name for s in code.states})
        if both:
            raise InputError(f"synapse and neuron both have a {both.pop()!r}")

    def _check_membrane(self, membrane: Membrane) -> None:
        if self.target is not None:
            raise InputError("found a membrane beside a neuron that spikes, expected one of them")
        if self.synapse.target != membrane.target:
            raise InputError(
                f"found a synapse whose target is {self.synapse.target!r}, expected "
                f"{membrane.target!r} of the membrane"
            )
        if self.synapse.code.on_post:
            raise InputError(
                "found a membrane and a rule that waits for postsynaptic spikes, expected one "
                "of the two: this membrane does not spike"
            )

    @property
    def _target_states(self) -> tuple[State, ...]:
        return () if self.target is None else lif_events.states(self.target.neuron)

    @property
    def capacity(self) -> int:
        """Copies that are compiled: the next power of two."""
        return max(_SMALLEST, 1 << (self.copies - 1).bit_length())

    @property
    def pathways(self) -> tuple[str, ...]:
        """In the order in which they run at one time stamp."""
        code = self.synapse.code
        if not code.on_post:
            return ("pre",)
        return ("post", "pre") if code.post_first else ("pre", "post")

    @property
    def event_states(self) -> dict[str, tuple[State, ...]]:
        """Pathway -> the states kept at its spikes."""
        kept = tuple(self.state(name) for name in self.events)
        return dict.fromkeys(self.pathways, kept) if kept else {}

    def state(self, name: str) -> State:
        return next(s for s in (*self.synapse.states, *self._target_states) if s.name == name)

    @property
    def about(self) -> str:
        """What is compiled, in a line for people."""
        parts = [self.synapse.release, self.synapse.short_term, self.synapse.variability]
        parts += [self.synapse.noise, self.synapse.plasticity]
        parts += [self.target.neuron if self.target else None]
        parts += [self.membrane.neuron if self.membrane else None]
        names = " + ".join(part.name for part in parts if part is not None)
        return f"{names}, up to {self.capacity} copies"

    @cached_property
    def text(self) -> str:
        """All that decides what is compiled, as text."""
        code = self.synapse.code
        return json.dumps(
            {
                "model": code.model,
                "on_pre": code.on_pre,
                "on_post": code.on_post,
                "pathways": self.pathways,
                "functions": [(f.name, f.arguments, f.units, f.cpp) for f in code.functions],
                "capacity": self.capacity,
                "events": self.events,
                "final": self.final,
            }
            | ({} if self.target is None else {"target": _TARGET_TEXT})
            | ({} if self.membrane is None else {"membrane": self.membrane.text}),
            sort_keys=True,
        )

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def inputs(self) -> dict[str, Value | State | str]:
        """Name -> what the compiled program reads under it, in the order of reading.

        A `Value` is a parameter, a `State` an initial state, a str the pathway of a delay.
        """
        code = self.synapse.code
        read: dict[str, Value | State | str] = {p.name: p for p in code.parameters}
        read |= {s.name: s for s in code.states}
        if self.target is not None:
            numbers = lif_events.values(self.target.neuron, self.target.kick)
            for name, (unit, doc) in lif_events.PARAMETERS.items():
                read[name] = Value(name, doc, unit, numbers[name], "", shared=True, integer=False)
            read |= {s.name: s for s in self._target_states}
        if self.membrane is not None:
            read |= self.membrane.inputs()
        return read | {DELAYS[p]: p for p in ("pre", "post") if p in self.pathways}

    def values(self, given: Mapping[str, Any], seed: int) -> dict[str, NDArray[Any]]:
        """The arrays to be read, in SI and at full capacity.

        Parameters
        ----------
        given : name -> value in SI, a number or one per copy; the synapse's own where absent
        seed : for initial states that are random
        """
        inputs = self.inputs()
        unknown = set(given) - set(inputs)
        if unknown:
            raise InputError(f"no parameter or state {unknown.pop()!r}")
        rng = np.random.default_rng([seed, 1])
        found = {}
        for name, kind in inputs.items():
            if isinstance(kind, str):
                value = given.get(name, getattr(self.synapse.contacts, name))
                found[name] = np.asarray(value, dtype=float).reshape(1)
            elif isinstance(kind, Value):
                value = given.get(name, kind.value)
                shape = () if kind.shared else (self.capacity,)
                found[name] = self._fill(name, value, shape, kind.integer)
            else:
                initial = given.get(name, kind.initial)
                if isinstance(initial, str):
                    if initial != "rand()":
                        raise ValueError(f"cannot draw {initial!r}")
                    initial = rng.random(self.capacity)
                found[name] = self._fill(name, initial, (self.capacity,), kind.integer)
        return found

    def _fill(self, name: str, value: Any, shape: tuple[int, ...], integer: bool) -> NDArray[Any]:
        array = np.asarray(value, dtype=np.int32 if integer else float)
        if not shape:
            if array.ndim:
                raise InputError(f"{name}: found {array.size} values, expected one for all copies")
            return array.reshape(1)
        if array.ndim and array.shape not in ((self.copies,), shape):
            raise InputError(
                f"{name}: found {array.size} values, expected one for each of the {self.copies}"
            )
        full = np.empty(shape, dtype=array.dtype)
        full[:] = array.flat[0]  # copies without spikes: any value that is allowed
        full[: array.size if array.ndim else None] = array
        return full


@dataclass(frozen=True)
class Spikes:
    """Spikes of all sources: time steps and source numbers, in the order of time."""

    steps: NDArray[np.int32]
    sources: NDArray[np.int32]

    @classmethod
    def of(cls, steps: ArrayLike, sources: ArrayLike) -> Spikes:
        """From arrays of equal shape, in any order."""
        found = np.asarray(steps, dtype=np.int64).ravel()
        numbers = np.asarray(sources, dtype=np.int32).ravel()
        if found.size and (found.min() < 0 or found.max() > np.iinfo(np.int32).max):
            raise InputError(
                f"spike at time step {found.min() if found.min() < 0 else found.max()}, expected "
                f"0 to {np.iinfo(np.int32).max}: take a longer time step"
            )
        order = np.lexsort((numbers, found))
        found, numbers = found[order], numbers[order]
        twice = np.flatnonzero((np.diff(found) == 0) & (np.diff(numbers) == 0))
        if twice.size:
            raise InputError(
                f"source {numbers[twice[0]]} has two spikes in time step {found[twice[0]]}, "
                "expected at most one"
            )
        return cls(found.astype(np.int32), numbers)


@dataclass(frozen=True)
class Data:
    """What a run reads: all that is not structure.

    values : name -> array in SI at full capacity, as `Program.values` makes them
    spikes : of the presynaptic and the postsynaptic sources
    steps, dt : number of time steps and their length in seconds
    samples : time steps at whose ends membranes are read
    """

    values: dict[str, NDArray[Any]]
    spikes: tuple[Spikes, Spikes]
    steps: int
    dt: float
    seed: int
    samples: NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """What was kept at the spikes of one pathway.

    steps : time step of each event, as it arrived at the synapse, shape (m,)
    copies : synapse number, shape (m,)
    states : name -> values just after the event, shape (m,)
    """

    steps: NDArray[np.int64]
    copies: NDArray[np.int32]
    states: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Run:
    """What a run leaves: final states of the copies, events of the pathways, what ran it.

    `potential` is v of each copy's membrane in V at the end of each sampled step, shape
    (samples, copies); None without membranes.
    """

    final: dict[str, NDArray[Any]]
    events: dict[str, Events]
    backend: str
    threads: int
    warnings: tuple[str, ...] = ()
    potential: NDArray[np.float64] | None = None

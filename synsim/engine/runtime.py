"""The same program inside this process, on Brian2's numpy or cython target. Imports Brian2.

Nothing of a program happens between spikes, and a step costs Brian2's runtime targets some
50 microseconds even when nothing happens, so the clock is moved on from one spike to the next.
For that, delays are added to the spike times beforehand, which is the same: a source's spikes
go to its one synapse only.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from brian2 import NetworkOperation, Quantity, second
from brian2 import seed as brian_seed
from brian2.devices.device import RuntimeDevice
from numpy.typing import NDArray

from synsim.component.errors import BuildError
from synsim.component.spike_trains import on_grid
from synsim.engine import compiler
from synsim.engine.execute import Progress
from synsim.engine.membrane import PREFIX
from synsim.engine.network import Assembled, active, assemble, brian_device
from synsim.engine.program import DELAYS, Data, Events, Program, Run, Spikes

PREFERENCES: dict[str, Any] = {
    "core.default_float_dtype": np.float64,
    # Brian2 would answer Ctrl-C by ending the run and going on as if it were done.
    "core.stop_on_keyboard_interrupt": False,
}


def run(target: str, program: Program, data: Data, progress: Progress | None = None) -> Run:
    """One run on a runtime target.

    numpy's global random state, which Brian2's seed() rules, is put back as it was found.
    """
    random_state = np.random.get_state()  # noqa: NPY002
    preferences = PREFERENCES | {"codegen.target": target}
    try:
        with (
            active(RuntimeDevice(), **preferences),
            users_buffers_kept(),
            quiet_compiler(target) as built,
        ):
            brian_seed(data.seed)
            made = _run(program, data, progress, built)
    finally:
        np.random.set_state(random_state)  # noqa: NPY002
    final, events, potential = made
    return Run(final, events, backend=target, threads=1, potential=potential)


# What the cython target draws ahead of its use lies in arrays of Brian2's one runtime device,
# whichever device is active: pointers to memory that it frees by itself (Brian2 2.9, 2.10), or
# the numbers (2.11). Ours are kept from run to run, so that nothing is freed twice or lost.
_BUFFERS = ("rand_buffer", "randn_buffer", "rand_buffer_index", "randn_buffer_index")
_kept: dict[str, NDArray[Any]] = {}


@contextmanager
def users_buffers_kept() -> Iterator[None]:
    """Draw from buffers of our own, empty at the start; the user's are put back untouched."""
    arrays = {name: getattr(brian_device.runtime_device, name) for name in _BUFFERS}
    users = {name: array.copy() for name, array in arrays.items()}
    for name, array in arrays.items():
        array[:] = 0 if name.endswith("index") else _kept.get(name, 0)
    try:
        yield
    finally:
        for name, array in arrays.items():
            _kept[name] = array.copy()
            array[:] = users[name]


@contextmanager
def quiet_compiler(target: str) -> Iterator[Callable[[], None]]:
    """Keep what the compiler says off the terminal, until the function yielded is called.

    A compiler that fails is a BuildError with the place of its log; the compiler of the Cython
    target writes to the process's own stderr, past `sys.stderr`.
    """
    if target != "cython":
        yield lambda: None
        return
    descriptor, log = tempfile.mkstemp(prefix="synsim-cython-", suffix=".log")
    sys.stderr.flush()
    terminal = os.dup(2)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    hidden = True

    def show() -> None:
        nonlocal hidden
        if hidden:
            hidden = False
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)

    try:
        yield show
    except Exception as error:
        show()
        if type(error).__name__ not in ("CompileError", "LinkError", "CCompilerError"):
            raise
        kept, log = log, ""
        raise BuildError(
            f"the compiler {compiler.find()!r} failed for Brian2's cython target; its log is {kept}"
        ) from None
    finally:
        show()
        if log:
            os.unlink(log)


def _run(
    program: Program, data: Data, progress: Progress | None, built: Callable[[], None]
) -> tuple[dict[str, NDArray[Any]], dict[str, Events], NDArray[np.float64] | None]:
    values, steps, dt = data.values, data.steps, data.dt
    made = assemble(program)
    made.clock.dt = dt * second
    arrivals = {}
    for pathway, source, side in zip(DELAYS, (made.pre, made.post), data.spikes, strict=True):
        delay = int(on_grid(values[DELAYS[pathway]][0], dt)) if pathway in program.pathways else 0
        arrived = Spikes.of(side.steps.astype(np.int64) + delay, side.sources)
        source.set_spikes(arrived.sources, arrived.steps * dt * second)
        arrivals[pathway] = arrived.steps
    for name, kind in program.inputs().items():
        if not isinstance(kind, str):
            variable = made.variable(name)
            variable.set_value(values[name][0] if variable.scalar else values[name])
    for pathway in program.pathways:
        made.delay(pathway).set_value(0.0)  # it is in the spike times already
    recorders = [
        _Recorder(made, pathway, [s.name for s in states])
        for pathway, states in program.event_states.items()
    ]
    busy = np.unique(np.concatenate(list(arrivals.values())))
    if program.target is not None:  # it fires a step after its input
        busy = np.union1d(busy, busy + 1)
    operations = [r.operation for r in recorders]
    sampler = None
    if program.membrane is not None:
        busy = np.arange(steps)  # a membrane moves at every step
        sampler = _Sampler(made, data.samples)
        operations.append(sampler.operation)
    made.network.add(*operations, _skip_idle(made, busy, steps, progress, built))
    try:
        made.network.run(Quantity(steps * dt, dim=second.dim), namespace={})
    except BaseException:
        for unused in made.parts:
            unused._network = made.network.name  # else Brian2 complains that nobody used them
        raise
    final = {
        name: np.array(made.variable(name).get_value())[: program.copies] for name in program.final
    }
    potential = None if sampler is None else sampler.potential()[:, : program.copies]
    return final, {r.pathway: r.events() for r in recorders}, potential


def _skip_idle(
    made: Assembled,
    busy: NDArray[Any],
    steps: int,
    progress: Progress | None,
    built: Callable[[], None],
) -> NetworkOperation:
    """At the end of a step, move the clock to just before the next one with a spike."""
    timestep = made.clock.variables["timestep"].get_value()
    stops = np.append(busy[busy < steps], steps)
    each = len(stops) // 100 + 1

    def skip() -> None:
        built()
        following = int(np.searchsorted(stops, timestep[0], side="right"))
        timestep[0] = stops[following] - 1
        if progress is not None and (following % each == 0 or following == len(stops) - 1):
            progress(following / (len(stops) - 1))

    return NetworkOperation(skip, clock=made.clock, when="end", name="synsim_skip_idle")


class _Sampler:
    """Keeps the potential of all membranes at the ends of the steps that are asked for."""

    def __init__(self, made: Assembled, steps: NDArray[np.int64]) -> None:
        self._timestep = made.clock.variables["timestep"].get_value()
        self._v = made.variable(f"{PREFIX}v")
        self._wanted = set(steps.tolist())
        self._kept: list[NDArray[Any]] = []
        self._size = self._v.size
        self.operation = NetworkOperation(
            self._sample, clock=made.clock, when="end", order=-1, name="synsim_sampler"
        )

    def _sample(self) -> None:
        if int(self._timestep[0]) in self._wanted:
            self._kept.append(np.array(self._v.get_value(), dtype=float))

    def potential(self) -> NDArray[np.float64]:
        return np.array(self._kept, dtype=float).reshape(-1, self._size)


class _Recorder:
    """Keeps states of the synapses that a pathway has just worked on."""

    def __init__(self, made: Assembled, pathway: str, names: list[str]) -> None:
        self.pathway = pathway
        self._timestep = made.clock.variables["timestep"].get_value()
        self._source = made.source(pathway)
        self._variables = {name: made.variable(name) for name in names}
        self._steps: list[NDArray[Any]] = []
        self._copies: list[NDArray[Any]] = []
        self._values: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
        path = getattr(made.synapses, pathway)
        self.operation = NetworkOperation(
            self._record,
            clock=made.clock,
            when=path.when,
            order=path.order,
            name=f"{path.name}_recorder",  # names decide between equal orders: after its pathway
        )

    def _record(self) -> None:
        spiking = np.array(self._source.spikes, dtype=np.int32)
        if not len(spiking):
            return
        self._steps.append(np.full(len(spiking), self._timestep[0], dtype=np.int64))
        self._copies.append(spiking)
        for name, variable in self._variables.items():
            self._values[name].append(np.array(variable.get_value()[spiking], dtype=float))

    def events(self) -> Events:
        def joined(parts: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
            return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)

        return Events(
            joined(self._steps, np.int64),
            joined(self._copies, np.int32),
            {name: joined(parts, float) for name, parts in self._values.items()},
        )

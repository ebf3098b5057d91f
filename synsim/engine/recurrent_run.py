"""Running a recurrent network, compiled or inside this process; spikes are handed on as read."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component.errors import RunError
from synsim.component.spike_trains import on_grid
from synsim.engine import cache
from synsim.engine.backends import choose
from synsim.engine.execute import Progress, call
from synsim.engine.recurrent import BINS, Job, Ran, Recurrent, Watch, Weights, plastic, unit

_PIECE = 1 << 20  # spikes that are handed on at once


def simulate(
    program: Recurrent,
    job: Job,
    watch: Watch,
    *,
    backend: str | None = None,
    progress: Progress | None = None,
    building: cache.Building = lambda stage: None,
) -> Ran:
    """Run a recurrent network.

    Parameters
    ----------
    watch : told the spikes, steps from the end of settling on, in pieces
    backend, progress, building : as of `synsim.engine.simulate`

    Raises
    ------
    CompilerMissingError, BuildError, RunError, InputError
    """
    choice = choose(backend, job.seed)
    job.drive.events(job.dt)
    if choice.command is None:
        from synsim.engine import recurrent_runtime

        ran = recurrent_runtime.run(choice.backend, program, job, watch, progress)
        return replace(ran, warnings=choice.warnings)
    compiled = cache.get(program, choice.command, building)
    place = Path(tempfile.mkdtemp(prefix="synsim-"))
    try:
        try:
            (place / "input.bin").write_bytes(_input(program, job))
        except OSError as error:
            raise RunError(f"writing to {place} failed: {error.strerror or error}") from None
        call(compiled, place, progress)
        _hand_on(place / "spikes.bin", watch)
        return _output(place / "output.bin", program)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _input(program: Recurrent, job: Job) -> bytes:
    parts: list[Any] = [
        np.uint32(job.seed),
        np.int64(job.settle),
        np.int64(job.steps),
        np.float64(job.dt),
        np.float64(job.drive.events(job.dt)),
        np.float64(job.drive.jump),
        *(np.float64(value) for value in program.of_neurons().values()),
    ]
    for projection in program.projections:
        contacts = projection.synapse.contacts
        parts.append(np.int64(projection.inputs))
        parts += [unit(kind) for kind in program.numbers(projection)]
        parts.append(np.float64(on_grid(contacts.delay, job.dt) * job.dt))
        if projection.synapse.code.on_post:
            parts.append(np.float64(on_grid(contacts.dendritic_delay, job.dt) * job.dt))
    return b"".join(part.tobytes() for part in parts)


def _hand_on(path: Path, watch: Watch) -> None:
    with path.open("rb") as file:
        while (piece := np.fromfile(file, dtype=np.int32, count=2 * _PIECE)).size:
            steps, neurons = piece.reshape(-1, 2).T
            watch(steps, neurons)


def _output(path: Path, program: Recurrent) -> Ran:
    with path.open("rb") as file:

        def read(dtype: Any, count: int) -> NDArray[Any]:
            return np.fromfile(file, dtype=dtype, count=count)

        synapses = {p.name: int(read(np.int64, 1)[0]) for p in program.projections}
        energy = {
            p.name: {cost.key: float(read(np.float64, 1)[0]) for cost in p.synapse.energy}
            for p in program.projections
        }
        weights = {}
        for projection in filter(plastic, program.projections):
            mean, squares = read(np.float64, 2)
            count = max(synapses[projection.name] - 1, 1)
            weights[projection.name] = Weights(
                float(mean), float(np.sqrt(squares / count)), read(np.int64, BINS)
            )
    return Ran(synapses, energy, weights, "cpp_standalone")

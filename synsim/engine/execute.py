"""Running a compiled program: its data in, its results out. Imports no Brian2."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from synsim.component.errors import RunError
from synsim.engine.program import Data, Events, Program, Run

Progress = Callable[[float], None]


def execute(compiled: Path, program: Program, data: Data, progress: Progress | None = None) -> Run:
    """One run of a compiled program.

    Raises
    ------
    RunError
        when the program fails, as on a full disk; nothing is left behind.
    """
    place = Path(tempfile.mkdtemp(prefix="synsim-"))
    try:
        try:
            with (place / "input.bin").open("wb") as file:
                _write_input(file, program, data)
        except OSError as error:
            raise RunError(f"writing to {place} failed: {error.strerror or error}") from None
        call(compiled, place, progress)
        with (place / "output.bin").open("rb") as file:
            return _read_output(file, program, data.samples.size)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _write_input(file: BinaryIO, program: Program, data: Data) -> None:
    for head in (np.uint32(data.seed), np.int64(data.steps), np.float64(data.dt)):
        file.write(head.tobytes())
    for name in program.inputs():
        file.write(data.values[name].tobytes())
    for side in data.spikes:
        file.write(np.int64(len(side.steps)).tobytes())
        file.write(side.steps.tobytes())
        file.write(side.sources.tobytes())
    if program.membrane is not None:
        file.write(np.int64(data.samples.size).tobytes())
        file.write(data.samples.tobytes())


def call(compiled: Path, place: Path, progress: Progress | None) -> None:
    """Run a compiled program in `place`; RunError when it fails."""
    process = subprocess.Popen(
        [compiled, "--results_dir", f"{place}/"],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            if progress is not None:
                progress(float(line))
        words = process.stderr.read()
        code = process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if code != 0:
        said = words.strip().splitlines()
        raise RunError(f"the simulation failed (exit {code}): {said[-1] if said else 'no reason'}")


def _read_output(file: BinaryIO, program: Program, samples: int) -> Run:
    def read(dtype: Any, count: int) -> NDArray[Any]:
        return np.frombuffer(file.read(np.dtype(dtype).itemsize * count), dtype=dtype).copy()

    final = {}
    for name in program.final:
        dtype = np.int32 if program.state(name).integer else np.float64
        final[name] = read(dtype, program.capacity)[: program.copies]
    events = {}
    for pathway, states in program.event_states.items():
        count = int(read(np.int64, 1)[0])
        steps, copies = read(np.int64, count), read(np.int32, count)
        values = {state.name: read(np.float64, count) for state in states}
        events[pathway] = Events(steps, copies, values)
    potential = None
    if program.membrane is not None:
        kept = read(np.float64, samples * program.capacity)
        potential = kept.reshape(samples, program.capacity)[:, : program.copies]
    return Run(final, events, backend="cpp_standalone", threads=1, potential=potential)

"""The build and the runtime target, beside Brian2's own ways, in one run.

    .venv/bin/python benchmarks/build.py

Compiles the program of the pairing window as synsim does (one merged file), with -O3 instead of
-O2, and by the makefile that Brian2 writes; runs both programs on 4,096 copies; and plays the
window on the numpy target with and without the idle steps.
"""

import contextlib
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from synsim import PairSTDP, Synapse
from synsim.engine import codegen, compiler, runtime
from synsim.engine.execute import execute
from synsim.engine.program import Data, Program, Spikes

DT = 1e-4
COPIES, PAIRS = 4096, 200


def program(copies: int) -> Program:
    synapse = Synapse(p=0.5, plasticity=PairSTDP.preset("bi-poo-2001"))
    return Program(synapse, copies, final=("w",))


def data(made: Program, pairs: int) -> Data:
    """`pairs` pairings at 1 Hz, 5 ms apart, of every copy."""
    steps = np.tile(1000 + 10000 * np.arange(pairs), (made.copies, 1))
    sources = np.broadcast_to(np.arange(made.copies)[:, None], steps.shape)
    spikes = (Spikes.of(steps, sources), Spikes.of(steps + 50, sources))
    return Data(made.values({}, 1), spikes, 10000 * pairs, DT, 1)


def seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print the table."""
    command = compiler.find()
    if command is None:
        raise SystemExit("no C++ compiler")
    place = Path(tempfile.mkdtemp())
    made = program(COPIES)
    codegen.generate(made, place)
    rows: list[tuple[str, float]] = []

    stock = Path(tempfile.mkdtemp())
    device = codegen.CPPStandaloneDevice()
    with codegen.active(device, **{"devices.cpp_standalone.openmp_threads": 0}):
        codegen.assemble(made).network.run(1 * codegen.ms)
        device.build(directory=str(stock), compile=False, run=False, with_output=False)
    make = ["make", "-j2", f"CXX={command}"]
    took = seconds(lambda: subprocess.run(make, cwd=stock, check=True, capture_output=True))
    rows.append(("compile: Brian2's makefile, two jobs", took))
    ours = {}
    for flags in (("-O2", *compiler.FLAGS[1:]), ("-O3", *compiler.FLAGS[1:])):
        compiler.FLAGS = flags
        target = place / f"program{flags[0]}"
        took = seconds(
            lambda out=target: compiler.compile_program(
                command, place / codegen.MERGED, out, place / "log"
            )
        )
        rows.append((f"compile: one merged file, {flags[0]}", took))
        ours[flags[0]] = target
    given = data(made, PAIRS)
    for level, target in ours.items():
        took = min(seconds(lambda t=target: execute(t, made, given)) for _ in range(5))
        rows.append((f"run, {COPIES} copies, {2 * PAIRS * COPIES:.1e} spikes, {level}", took))

    window = program(101)
    few = data(window, 60)
    took = seconds(lambda: runtime.run("numpy", window, few))
    rows.append(("numpy target, 101 lags, 60 pairings, idle steps skipped", took))
    with without_skipping():
        took = seconds(lambda: runtime.run("numpy", window, few))
    rows.append(("the same, every step", took))

    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| job | seconds |\n|---|---|")
    for name, took in rows:
        print(f"| {name} | {took:.2f} |")


@contextlib.contextmanager
def without_skipping():
    """Brian2's clock as it is: one step after the other."""
    original = runtime._skip_idle
    runtime._skip_idle = lambda made, *_: runtime.NetworkOperation(
        lambda: None, clock=made.clock, when="end", name="synsim_skip_idle"
    )
    try:
        yield
    finally:
        runtime._skip_idle = original


if __name__ == "__main__":
    main()

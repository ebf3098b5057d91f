"""Brian2's standalone projects compiled as one file, in a fraction of the time."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import brian2 as b2

import synsim
from synsim.engine import codegen, compiler

HEADERS = Path(synsim.__file__).parent / "engine"


def build_and_run(folder: Path) -> None:
    """What the device holds; unoptimised, so that rounding is the same everywhere."""
    b2.device.build(directory=str(folder), compile=False, run=False)
    (folder / "merged.cpp").write_text(codegen.merge(folder))
    call = [*shlex.split(compiler.find()), "-O0", "-w", "-fopenmp", "-DSYNSIM_FEW=10"]
    call += [f"-I{folder}", f"-I{HEADERS}", str(folder / "merged.cpp")]
    subprocess.run([*call, "-o", str(folder / "main")], check=True)
    b2.device.run(str(folder), with_output=False, run_args=[])

"""The C++ compiler: finding it, knowing it again, calling it."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

from synsim.component.errors import BuildError

# -O2 compiles in two thirds of the time of -O3 and runs these programs as fast; no
# -ffast-math, because results are held to 1e-12 against closed forms.
FLAGS = ("-O2", "-march=native", "-fno-math-errno", "-std=c++17", "-w")
_CANDIDATES = ("g++", "clang++", "c++")


def find() -> str | None:
    """The compiler's command: ``$CXX`` if set, else the first of g++, clang++, c++; or None."""
    asked = os.environ.get("CXX", "").strip()
    if asked:
        try:
            program, *arguments = shlex.split(asked)
        except ValueError:  # quotes that do not close: no command
            return None
        found = shutil.which(program)
        # absolute, because it is called from another directory
        return shlex.join([os.path.abspath(found), *arguments]) if found else None
    return next((c for c in _CANDIDATES if shutil.which(c)), None)


def python_header() -> Path:
    """Where Python's headers are, when they are installed; Cython needs them."""
    return Path(sysconfig.get_path("include")) / "Python.h"


@cache
def identity(command: str) -> str:
    """A digest of compiler, version and resolved architecture.

    The compiler's own predefined macros say all three.
    """
    asked = [*shlex.split(command), "-march=native", "-dM", "-E", "-x", "c++", os.devnull]
    done = subprocess.run(asked, capture_output=True, check=False)
    if done.returncode != 0:
        raise BuildError(
            f"the compiler {command!r} does not work: {_last_line(done.stderr.decode())}"
        )
    return hashlib.sha256(done.stdout).hexdigest()


def compile_program(command: str, source: Path, program: Path, log: Path) -> None:
    """Compile one file; on failure the compiler's words are in `log`, and BuildError says so."""
    call = [*shlex.split(command), *FLAGS, "-I.", source.name, "-o", program.name]
    with log.open("wb") as words:
        words.write((shlex.join(call) + "\n").encode())
        words.flush()
        done = subprocess.run(call, cwd=source.parent, stdout=words, stderr=words, check=False)
    if done.returncode != 0:
        raise BuildError(f"the compiler {command!r} failed (exit {done.returncode})")
    if not program.exists():
        raise BuildError(f"the compiler {command!r} made no program")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"

"""What a program runs on: compiled C++, or one of Brian2's runtime targets."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from synsim.component.errors import CompilerMissingError, InputError, SynsimWarning
from synsim.engine import compiler

BACKENDS = ("cpp_standalone", "cython", "numpy")
NO_COMPILER = (
    "no C++ compiler was found (g++, clang++ or $CXX): running on the numpy target, "
    "which is slower; install one for compiled runs"
)


@dataclass(frozen=True)
class Choice:
    """A backend; `command` is the compiler's where C++ is compiled, else None."""

    backend: str
    command: str | None
    warnings: tuple[str, ...] = ()


def choose(backend: str | None, seed: int) -> Choice:
    """The backend that was asked for; None for C++, or numpy with a warning without a compiler.

    Raises
    ------
    CompilerMissingError
        when C++ or Cython is asked for by name, and the compiler or Python's headers are missing
    InputError
        for a backend that there is not, and a seed that is none
    """
    if backend is not None and backend not in BACKENDS:
        raise InputError(f"found backend {backend!r}, expected one of {', '.join(BACKENDS)}")
    if not 0 <= seed < 2**32:
        raise InputError(f"found seed {seed}, expected 0 to {2**32 - 1}")
    command = compiler.find()
    if command is None and backend in ("cpp_standalone", "cython"):
        raise CompilerMissingError(
            f"--backend {backend} needs a C++ compiler, and none was found (g++, clang++ or "
            "$CXX); install one or leave --backend away"
        )
    if backend == "cython" and not compiler.python_header().exists():
        raise CompilerMissingError(
            f"--backend cython needs Python's headers, and {compiler.python_header()} is not "
            "there (on Debian they are in python3-dev)"
        )
    if command is None and backend is None:
        warnings.warn(NO_COMPILER, SynsimWarning, stacklevel=3)
        return Choice("numpy", None, (NO_COMPILER,))
    if backend in ("numpy", "cython"):
        return Choice(backend, None)
    return Choice("cpp_standalone", command)

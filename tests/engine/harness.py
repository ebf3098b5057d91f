"""What the tests of the engine share: two programs, compilers that misbehave, other processes.

A stand-in compiler answers the question which compiler it is as the real one does, so that
builds have the same key; when it is asked to compile, it does what the test wants.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synsim import PairSTDP, Synapse
from synsim.engine import Program, Run, Spikes, cache, compiler, simulate

ROOT = Path(__file__).resolve().parents[2]
REAL = compiler.find()
needs_compiler = pytest.mark.skipif(REAL is None, reason="there is no C++ compiler")

DT = 1e-4


def plastic(copies: int = 101, *, w0: float = 0.5, a_plus: float = 0.006475) -> Program:
    """The program of the default STDP window, parameters aside."""
    rule = PairSTDP.preset("bi-poo-2001", a_plus=a_plus)
    return Program(Synapse(q="1mV", p=0.5, plasticity=rule, w0=w0), copies, final=("w",))


def stochastic(copies: int = 64, *, n: int = 5, p: float = 0.3) -> Program:
    """Binomial release, kept at every spike."""
    synapse = Synapse(n=n, p=p, release="binomial", record=("released",))
    return Program(synapse, copies, events=("last_released",))


def pairs(copies: int, *, count: int = 3, lag: int = 20) -> tuple[Spikes, Spikes]:
    """The same pairings, 20 ms apart, of every copy."""
    pre = np.tile(max(0, -lag) + np.arange(count) * 200, (copies, 1))
    sources = np.broadcast_to(np.arange(copies)[:, None], pre.shape)
    return Spikes.of(pre, sources), Spikes.of(pre + lag, sources)


NO_SPIKES = Spikes.of([], [])


def run_plastic(program: Program | None = None, **changes: Any) -> Run:
    program = program or plastic()
    pre, post = pairs(program.copies)
    given: dict[str, Any] = {"pre": pre, "post": post, "steps": 500, "dt": DT, "seed": 1} | changes
    return simulate(program, **given)


def run_stochastic(program: Program | None = None, **changes: Any) -> Run:
    program = program or stochastic()
    pre, _ = pairs(program.copies, count=20)
    given: dict[str, Any] = {"pre": pre, "post": NO_SPIKES, "steps": 4000, "dt": DT, "seed": 1}
    return simulate(program, **(given | changes))


def additive(
    lag: int,
    count: int,
    a_plus: float,
    tau_plus: float,
    a_minus: float,
    tau_minus: float,
    period: int = 200,
) -> float:
    """Change of w by additive all-to-all pairings, pair by pair; lag and period in steps."""
    change = 0.0
    for i in range(count):
        for j in range(count):
            apart = (j - i) * period + lag
            if apart > 0:
                change += a_plus * np.exp(-apart * DT / tau_plus)
            elif apart < 0:
                change -= a_minus * np.exp(apart * DT / tau_minus)
    return change  # fmt: skip


def stand_in(place: Path, action: str, name: str = "cxx") -> str:
    """A compiler's command: the real one, but for compiling a build, when `action` (sh) is done.

    Every such compilation is noted in ``NAME.calls`` first; ``$out`` is the file to make, in
    the present directory. (Brian2 asks the compiler for flags it knows; that is let through.)
    """
    assert REAL is not None
    script = place / name
    script.write_text(
        f"""#!/bin/sh
case " $* " in *" program.cpp "*) ;; *) exec {REAL} "$@";; esac
echo "$$" >> {shlex.quote(str(script))}.calls
out={cache.PROGRAM}
{action}
"""
    )
    script.chmod(0o755)
    return str(script)


def calls(command: str) -> int:
    """How many times a stand-in compiler was asked to compile."""
    log = Path(f"{command}.calls")
    return len(log.read_text().split()) if log.exists() else 0


def copy_of(program: Program) -> str:
    """Action: the program, compiled before, is there after a moment."""
    assert REAL is not None
    built = cache.get(program, REAL)
    return f'sleep 0.3; cp {shlex.quote(str(built))} "$out"'


def environment(**changes: str | Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)} | {k: str(v) for k, v in changes.items()}


def start(code: str, **changes: str | Path) -> subprocess.Popen[str]:
    """Python in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def python(code: str, **changes: str | Path) -> str:
    """What Python prints; it must not fail."""
    process = start(code, **changes)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def wait_for(there: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 60) -> None:
    """Until something has come true, while a process works at it."""
    until = time.monotonic() + seconds
    while not there():
        if process.poll() is not None:
            raise AssertionError(f"ended before: {process.communicate()}")
        assert time.monotonic() < until, "took too long"
        time.sleep(0.02)


# A disk of so many kB, for one process and its children only: nothing to be unmounted.
_SMALL_DISK = 'mount -t tmpfs -o size="$1" tmpfs "$2" || exit 99; shift 2; "$@"; code=$?; '
_LEFT = 'find "$DISK" -mindepth 1 >&3; exit $code'


def on_small_disk(
    disk: Path, size: str, command: Sequence[str], changes: Mapping[str, str | Path]
) -> tuple[int, str, str, list[str]]:
    """Exit code, stdout, stderr, and what was left on the disk.

    Skips the test where this machine lets nobody mount a tmpfs in a namespace of their own.
    """
    disk.mkdir(exist_ok=True)
    left = disk.with_suffix(".left")
    script = f"exec 3>{shlex.quote(str(left))}; {_SMALL_DISK}{_LEFT}"
    call = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", size, str(disk)]
    try:
        done = subprocess.run(
            [*call, *command],
            cwd=ROOT,
            env=environment(**changes, DISK=disk),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    except FileNotFoundError:
        pytest.skip("no unshare command, so no small disk to fill")
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("mounting a small disk is not permitted here")
    return done.returncode, done.stdout, done.stderr, left.read_text().splitlines()

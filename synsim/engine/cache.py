"""The build cache: compiled programs, shared by all processes of a user.

A build is recognised by a digest of all that decides it: the program's text, the engine's own
sources, the versions of synsim and Brian2, the compiler with its resolved architecture, and the
flags. It is made in a directory of its own and renamed into place when it is done, under a
lock, so a build is there whole or not at all, and two processes do not make it twice.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache as remember
from importlib import metadata
from pathlib import Path

from synsim._version import __version__
from synsim.component.errors import BuildError, InputError, SynsimError
from synsim.engine import compiler
from synsim.engine.program import Program
from synsim.engine.recurrent import Recurrent

PROGRAM = "program"
Building = Callable[[str], None]
_UNFINISHED = ".building"
_ABOUT = "about.txt"


def directory() -> Path:
    """Where builds are kept: ``$SYNSIM_CACHE``, else the user's cache directory."""
    asked = os.environ.get("SYNSIM_CACHE")
    if asked:
        return Path(asked).absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("synsim")) / "builds"


@remember
def _engine_sources() -> bytes:
    """The text that turns programs into C++: when it changes, so do the builds."""
    here = Path(__file__).parent
    files = [*here.glob("*.py"), *here.glob("*.h"), *here.glob("templates/*.cpp")]
    files += [here.parent / f"{name}.py" for name in ("brian", "pathways", "share", "terminals")]
    return b"".join(f.read_bytes() for f in sorted(files))


def key(program: Program | Recurrent, command: str) -> str:
    """The name of a program's build."""
    parts = (
        program.digest,
        __version__,
        metadata.version("brian2"),
        compiler.identity(command),
        " ".join(compiler.FLAGS),
    )
    digest = hashlib.sha256("\n".join(parts).encode() + _engine_sources())
    return digest.hexdigest()[:32]


def get(
    program: Program | Recurrent, command: str, building: Building = lambda stage: None
) -> Path:
    """The compiled program's path, built now if it is not there.

    Parameters
    ----------
    building : called with "generate" when a build begins, "compile" when the compiler does

    Raises
    ------
    BuildError
        when the compiler fails; its log stays in the cache directory
    InputError
        when the cache directory cannot be made or written to
    """
    home = directory()
    finished = home / key(program, command)
    found = finished / PROGRAM
    if found.exists():
        _touch(finished)
        return found
    import filelock

    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(home / f"{finished.name}.lock")
        lock.acquire()
    except OSError as error:
        raise InputError(
            f"the build cache {home} cannot be used: {error.strerror or error}; "
            "SYNSIM_CACHE names another directory"
        ) from None
    try:
        if not found.exists():
            building("generate")
            _build(program, command, home / f"{finished.name}{_UNFINISHED}", finished, building)
    finally:
        lock.release()
    return found


def _build(
    program: Program | Recurrent, command: str, unfinished: Path, finished: Path, building: Building
) -> None:
    from synsim.engine import codegen

    # We hold the lock: what is there was left by a build that was killed.
    shutil.rmtree(unfinished, ignore_errors=True)
    log = unfinished / "compiler.log"
    try:
        unfinished.mkdir()
        codegen.generate(program, unfinished)
        building("compile")
        compiler.compile_program(command, unfinished / codegen.MERGED, unfinished / PROGRAM, log)
        for entry in unfinished.iterdir():
            if entry.name not in (PROGRAM, codegen.MERGED, log.name):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        (unfinished / "program.json").write_text(program.text, encoding="utf-8")
        (unfinished / _ABOUT).write_text(program.about, encoding="utf-8")
        unfinished.rename(finished)
    except BuildError as error:
        kept = finished.with_suffix(".log")
        shutil.move(log, kept)
        shutil.rmtree(unfinished, ignore_errors=True)
        raise BuildError(f"{error}; its log is {kept}") from None
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise SynsimError(
            f"building in {unfinished.parent} failed: {error.strerror or error}; nothing was kept"
        ) from None
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _touch(build: Path) -> None:
    """Remember when a build was last used; it does not matter if that fails."""
    try:
        os.utime(build)
    except OSError:
        pass


@dataclass(frozen=True)
class Entry:
    """A build in the cache."""

    name: str
    bytes: int
    last_used: float  # seconds since the epoch
    about: str  # what was compiled


def entries() -> list[Entry]:
    """The builds there are, the last used first."""
    home = directory()
    if not home.is_dir():
        return []
    found = [
        Entry(
            build.name,
            sum(f.stat().st_size for f in build.iterdir()),
            build.stat().st_mtime,
            _about(build),
        )
        for build in home.iterdir()
        if (build / PROGRAM).exists() and build.suffix != _UNFINISHED
    ]
    return sorted(found, key=lambda e: -e.last_used)


def _about(build: Path) -> str:
    try:
        return (build / _ABOUT).read_text(encoding="utf-8")
    except OSError:  # removed by another process meanwhile
        return ""


def clear(older_than: float = 0.0) -> list[Entry]:
    """Remove the builds not used for that many seconds; returns what was removed."""
    removed = [e for e in entries() if time.time() - e.last_used >= older_than]
    home = directory()
    for entry in removed:
        shutil.rmtree(home / entry.name, ignore_errors=True)
    _remove_leavings(home)
    return removed


def _remove_leavings(home: Path) -> None:
    """Remove logs, locks and unfinished builds that no build stands behind and none works at."""
    import filelock

    for lock in home.glob("*.lock"):
        if (home / lock.stem / PROGRAM).exists():
            continue
        try:
            with filelock.FileLock(lock, timeout=0):
                shutil.rmtree(lock.with_suffix(_UNFINISHED), ignore_errors=True)
                lock.with_suffix(".log").unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
        except filelock.Timeout:
            continue  # somebody is building it now
    for left in (*home.glob(f"*{_UNFINISHED}"), *home.glob("*.log")):
        if re.fullmatch("[0-9a-f]{32}", left.stem) and not left.with_suffix(".lock").exists():
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()

"""The directory of a long run that is not done: one process's at a time, each file of it whole.

It holds a description with a digest of all that decides the outcome, and the parts that are done,
each renamed into place when it is whole. Whatever is killed at whatever moment, what is there is
right, and the same command goes on from it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from synsim.component.errors import InputError, SynsimError


class Unfinished:
    """Such a directory, made where there is none, and locked.

    Parameters
    ----------
    place : the directory
    name : of the file that describes the run
    about : what it says; its ``digest`` tells runs apart
    run, parts : what the run and its parts are called, "sweep" and "points"
    other : what is found where the digest is another, "the points of another sweep"

    Raises
    ------
    InputError
        when parts of another run are there, another process is at work, or the directory cannot
        be made
    """

    def __init__(
        self, place: Path, name: str, about: dict[str, Any], *, run: str, parts: str, other: str
    ) -> None:
        import filelock

        self.place, self._parts = place, parts
        try:
            place.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(place / "lock", timeout=0)
            self._lock.acquire()
        except filelock.Timeout:
            raise InputError(f"{place}: another process is at work on this {run}") from None
        except OSError as error:
            raise InputError(f"{place}: cannot be made: {error.strerror or error}") from None
        described = place / name
        if not described.exists():
            self.write(name, json.dumps(about))
        elif json.loads(described.read_text(encoding="utf-8"))["digest"] != about["digest"]:
            self.release()
            raise InputError(
                f"{place}: found {other}, expected those of this one; remove the directory, or "
                "choose another --out"
            )

    def write(self, name: str, text: str) -> None:
        """A file, whole or not at all; SynsimError when that fails."""
        path = self.place / name
        half = path.with_suffix(".half")
        try:
            half.write_text(text, encoding="utf-8")
            os.replace(half, path)
        except OSError as error:
            half.unlink(missing_ok=True)
            raise SynsimError(
                f"{path}: writing failed: {error.strerror or error}; the {self._parts} before "
                "are kept"
            ) from None

    def release(self) -> None:
        """Let others in."""
        self._lock.release()

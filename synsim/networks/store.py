"""Where the chunks of an unfinished run are kept, so that the same command goes on with them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from synsim.component.errors import InputError, SynsimError

_ABOUT = "run.json"


class Store:
    """The chunks of a run that are done, in a directory beside the results to come.

    Parameters
    ----------
    place : the directory
    about : all that decides the outcome, as texts; chunks of another run are not taken for ours

    Raises
    ------
    InputError
        when chunks of another run are there, or another process is at work on this one
    """

    def __init__(self, place: Path, about: dict[str, Any]) -> None:
        import filelock

        self.place = place
        text = json.dumps(about, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        try:
            place.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(place / "lock", timeout=0)
            self._lock.acquire()
        except filelock.Timeout:
            raise InputError(f"{place}: another process is at work on this run") from None
        except OSError as error:
            raise InputError(f"{place}: cannot be made: {error.strerror or error}") from None
        described = place / _ABOUT
        if not described.exists():
            self._write(described, {"digest": digest})
        elif json.loads(described.read_text(encoding="utf-8"))["digest"] != digest:
            self._lock.release()
            raise InputError(
                f"{place}: found parts of a run with other settings, expected those of this one; "
                "remove the directory, or choose another --out"
            )

    def get(self, number: int) -> list[Any] | None:
        """A chunk's numbers, or None."""
        path = self.place / f"chunk-{number}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def keep(self, number: int, values: list[Any]) -> None:
        """A chunk is done. Numbers are written so that they read back exactly."""
        self._write(self.place / f"chunk-{number}.json", values)

    def close(self) -> None:
        """Let others in."""
        self._lock.release()

    @staticmethod
    def _write(path: Path, document: Any) -> None:
        half = path.with_suffix(".half")
        try:
            half.write_text(json.dumps(document), encoding="utf-8")
            os.replace(half, path)
        except OSError as error:
            half.unlink(missing_ok=True)
            raise SynsimError(
                f"{path}: writing failed: {error.strerror or error}; the chunks before are kept"
            ) from None

"""Where the chunks of an unfinished run are kept, so that the same command goes on with them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from synsim.unfinished import Unfinished


class Store:
    """The chunks of a run that are done, in a directory beside the results to come.

    Parameters
    ----------
    place : the directory
    about : all that decides the outcome, as texts; chunks of another run are not taken for ours
    part : which part of the run, where it has several with chunks of their own

    Raises
    ------
    InputError
        when chunks of another run are there, or another process is at work on this one
    """

    def __init__(self, place: Path, about: dict[str, Any], part: str = "chunk") -> None:
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
        self._part = part
        self._kept = Unfinished(
            place, "run.json", {"digest": digest},
            run="run", parts="chunks", other="parts of a run with other settings",
        )  # fmt: skip

    def get(self, number: int) -> list[Any] | None:
        """A chunk's numbers, or None."""
        path = self._kept.place / f"{self._part}-{number}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def keep(self, number: int, values: list[Any]) -> None:
        """A chunk is done. Numbers are written so that they read back exactly."""
        self._kept.write(f"{self._part}-{number}.json", json.dumps(values))

    def close(self) -> None:
        """Let others in; nothing stays behind where no chunk was done."""
        self._kept.release()
        if not any(self._kept.place.glob("*-*.json")):
            shutil.rmtree(self._kept.place, ignore_errors=True)

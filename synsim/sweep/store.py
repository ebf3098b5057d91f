"""Where the points of an unfinished sweep are kept: a directory beside the one to come.

``OUT.unfinished`` holds the plan's digest and one file a point, each of them renamed into place
when it is whole. Whatever is killed at whatever moment, what is there is right, and the same
command goes on from it. Only the process that leads the sweep writes, and a lock keeps a second
one away.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from synsim.component.errors import InputError, SynsimError
from synsim.results import to_json
from synsim.sweep.plan import Plan

_PLAN = "plan.json"


class Store:
    """The points of a sweep that are done.

    Parameters
    ----------
    out : the results directory to come; None keeps the points in memory only
    plan : whose points they are

    Raises
    ------
    InputError
        when the points of another plan are there, or another process leads this sweep
    """

    def __init__(self, out: Path | None, plan: Plan) -> None:
        self.done: dict[int, dict[str, Any]] = {}
        self.place = None if out is None else out.with_name(f"{out.name}.unfinished")
        self._lock: Any = None
        if self.place is not None:
            self._open(self.place, plan)

    def _open(self, place: Path, plan: Plan) -> None:
        import filelock

        try:
            place.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(place / "lock", timeout=0)
            self._lock.acquire()
        except filelock.Timeout:
            raise InputError(f"{place}: another process is at work on this sweep") from None
        except OSError as error:
            raise InputError(f"{place}: cannot be made: {error.strerror or error}") from None
        described = place / _PLAN
        if described.exists():
            if json.loads(described.read_text(encoding="utf-8"))["digest"] != plan.digest:
                self._lock.release()
                raise InputError(
                    f"{place}: found the points of another sweep, expected those of this one; "
                    "remove the directory, or choose another --out"
                )
        else:
            self._write(described, {"protocol": plan.protocol, "digest": plan.digest})
        for path in place.glob("point-*.json"):
            self.done[int(path.stem.removeprefix("point-"))] = json.loads(
                path.read_text(encoding="utf-8")
            )

    def keep(self, number: int, outcome: dict[str, Any]) -> None:
        """A point is done."""
        self.done[number] = outcome
        if self.place is not None:
            self._write(self.place / f"point-{number}.json", outcome)

    def close(self, *, remove: bool) -> None:
        """Let others in; remove the directory when its points are safe elsewhere."""
        if self._lock is not None:
            self._lock.release()
        if self.place is not None and remove:
            shutil.rmtree(self.place, ignore_errors=True)

    @staticmethod
    def _write(path: Path, document: dict[str, Any]) -> None:
        half = path.with_suffix(".half")
        try:
            half.write_text(to_json(document), encoding="utf-8")
            os.replace(half, path)
        except OSError as error:
            half.unlink(missing_ok=True)
            raise SynsimError(
                f"{path}: writing failed: {error.strerror or error}; the points before are kept"
            ) from None

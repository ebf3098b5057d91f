"""Where the points of an unfinished sweep are kept: a directory beside the one to come.

``OUT.unfinished`` holds the plan's digest and one file a point. Only the process that leads the
sweep writes.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from synsim.results import to_json
from synsim.sweep.plan import Plan
from synsim.unfinished import Unfinished


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
        self._kept: Unfinished | None = None
        if out is None:
            return
        self._kept = Unfinished(
            out.with_name(f"{out.name}.unfinished"), "plan.json",
            {"protocol": plan.protocol, "digest": plan.digest},
            run="sweep", parts="points", other="the points of another sweep",
        )  # fmt: skip
        for path in self._kept.place.glob("point-*.json"):
            self.done[int(path.stem.removeprefix("point-"))] = json.loads(
                path.read_text(encoding="utf-8")
            )

    def keep(self, number: int, outcome: dict[str, Any]) -> None:
        """A point is done."""
        self.done[number] = outcome
        if self._kept is not None:
            self._kept.write(f"point-{number}.json", to_json(outcome))

    def close(self, *, remove: bool) -> None:
        """Let others in; remove the directory when its points are safe elsewhere."""
        if self._kept is None:
            return
        self._kept.release()
        if remove:
            shutil.rmtree(self._kept.place, ignore_errors=True)

"""What goes to the terminal. Everything for people goes to stderr; stdout stays clean."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def say(text: str) -> None:
    """A line, or lines, for the person at the terminal."""
    print(text, file=sys.stderr)


def warn(warnings: Sequence[str]) -> None:
    """Warnings, a line each."""
    for text in warnings:
        say(f"warning: {text}")


class Activity:
    """Progress on stderr; silent where stderr is no terminal."""

    def __init__(self, bar: Any = None) -> None:
        self._bar = bar
        self._task = None if bar is None else bar.add_task("running", total=None)

    def building(self, stage: str) -> None:
        """A build has come to a stage."""
        if stage == "compile":
            # The compiler works in a process of its own: what the figure needs is loaded
            # meanwhile, on the other core.
            threading.Thread(target=_load_plotting, daemon=True).start()
        if self._bar is not None:
            self._bar.update(self._task, description="compiling (once for this kind of synapse)")

    def progress(self, fraction: float) -> None:
        """A simulation has done that fraction."""
        if self._bar is not None:
            self._bar.update(self._task, description="simulating", total=1.0, completed=fraction)


def _load_plotting() -> None:
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401


@contextmanager
def activity() -> Iterator[Activity]:
    """Show progress while something runs."""
    if not sys.stderr.isatty():
        yield Activity()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Activity(bar)

"""What goes to the terminal. Everything for people goes to stderr; stdout stays clean."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_LOADING = threading.Lock()


def say(text: str) -> None:
    """A line, or lines, for the person at the terminal."""
    print(text, file=sys.stderr)


def warn(warnings: Sequence[str]) -> None:
    """Warnings, a line each."""
    for text in warnings:
        say(f"warning: {text}")


class Activity:
    """Progress on stderr; silent where stderr is no terminal."""

    def __init__(self, bar: Any = None, doing: str = "simulating") -> None:
        self._bar = bar
        self._doing = doing
        self._task = None if bar is None else bar.add_task("running", total=None)

    def building(self, stage: str) -> None:
        """A build has come to a stage."""
        if stage == "compile":
            # The compiler works in a process of its own: what the figure needs is loaded
            # meanwhile, on the other core.
            threading.Thread(target=load_plotting, daemon=True).start()
        if self._bar is not None:
            self._bar.update(self._task, description="compiling (once for this kind of synapse)")

    def progress(self, fraction: float) -> None:
        """A simulation has done that fraction."""
        if self._bar is not None:
            self._bar.update(self._task, description=self._doing, total=1.0, completed=fraction)

    def part(self, name: str, fraction: float) -> None:
        """A part of a study has done that fraction."""
        if self._bar is not None:
            self._bar.update(self._task, description=name, total=1.0, completed=fraction)


def load_plotting() -> None:
    """Load matplotlib without the help texts that it composes for its classes.

    They are a quarter of its loading time, and nobody asks a command for them. What was loaded
    before stays as it is.
    """
    with _LOADING:
        _load_plotting()


def _load_plotting() -> None:
    from matplotlib import artist

    kept = artist.kwdoc, artist.Artist.__dict__["_update_set_signature_and_docstring"]
    artist.kwdoc = lambda *_: ""
    artist.Artist._update_set_signature_and_docstring = classmethod(lambda cls: None)  # type: ignore[attr-defined]
    try:
        import matplotlib.backends.backend_agg
        import matplotlib.backends.backend_svg
        import matplotlib.figure  # noqa: F401
    finally:
        artist.kwdoc, artist.Artist._update_set_signature_and_docstring = kept  # type: ignore[attr-defined]


@contextmanager
def activity(doing: str = "simulating") -> Iterator[Activity]:
    """Show progress while something runs; `doing` says what, once it tells how far it is."""
    if not sys.stderr.isatty():
        yield Activity()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Activity(bar, doing)

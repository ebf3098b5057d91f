"""One look for every figure: readable in print and on a projector, safe for colour-blind eyes.

Figures are made without pyplot, so that nothing global is touched and nothing pops up.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

# Okabe & Ito 2008, "Color Universal Design"; grey for what is not the point.
COLOURS = {
    "data": "#000000",
    "model": "#D55E00",
    "band": "#F2C6A0",
    "ltp": "#D55E00",
    "ltd": "#0072B2",
    "simulation": "#0072B2",
    "accent": "#009E73",
    "second": "#CC79A7",
    "neutral": "#7F7F7F",
}

RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.titlelocation": "left",
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "synsim",  # the same figure gives the same bytes
}

MM = 1 / 25.4


def figure(
    width_mm: float = 90,
    height_mm: float = 65,
    nrows: int = 1,
    ncols: int = 1,
    **subplots: Any,
) -> tuple[Figure, Any]:
    """A new figure in the house style and its axes (as ``Figure.subplots`` returns them)."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(RC):
        made = Figure(figsize=(width_mm * MM, height_mm * MM), layout="constrained")
        return made, made.subplots(nrows, ncols, **subplots)


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Decorator: all that `draw` draws is in the house style, whoever's axes it draws on."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        from matplotlib import rc_context

        with rc_context(RC):
            return draw(*args, **kwargs)

    return drawn


def axes(ax: Axes | None = None, **size: Any) -> Axes:
    """The axes given, or those of a new figure."""
    return figure(**size)[1] if ax is None else ax


def zero_lines(ax: Axes) -> None:
    """Thin lines through the origin, behind the data."""
    ax.axhline(0, color=COLOURS["neutral"], lw=0.6, zorder=0)
    ax.axvline(0, color=COLOURS["neutral"], lw=0.6, zorder=0)


def writer(made: Figure, kind: str) -> Any:
    """A function that saves the figure as ``png`` or ``svg`` to a path it is given."""

    def write(path: Path) -> None:
        from matplotlib import rc_context

        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        with rc_context(RC):
            _place(made)
            made.savefig(path, format=kind, metadata=metadata)

    return write


def _place(made: Figure) -> None:
    """Let the axes find their places, once: `savefig` would draw everything to do that."""
    engine = made.get_layout_engine()
    if engine is not None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        made.set_dpi(RC["savefig.dpi"])
        FigureCanvasAgg(made)
        engine.execute(made)
        made.set_layout_engine("none")


def png(made: Figure) -> bytes:
    """The figure as the bytes of a PNG."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context(RC):
        made.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()

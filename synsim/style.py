"""One look for every figure: readable in print and on a projector, safe for colour-blind eyes.

    from synsim import style

    style.use("dark")                    # from here on
    with style.use("projector"):         # in this block only
        window.save("for_the_lecture")

light       screens and pages (the default)
dark        light on dark, for dark pages and dark rooms
print       light, at the resolution that journals ask for
projector   letters and lines a third larger beside the figure, at more pixels

Figures are made without pyplot, so that nothing global is touched and nothing pops up.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from synsim.component.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

# Okabe & Ito 2008, "Color Universal Design"; grey for what is not the point.
_LIGHT = {
    "data": "#000000",
    "model": "#D55E00",
    "band": "#F2C6A0",
    "ltp": "#D55E00",
    "ltd": "#0072B2",
    "simulation": "#0072B2",
    "accent": "#009E73",
    "second": "#CC79A7",
    "neutral": "#666666",
    "paper": "#FFFFFF",
}
# The same hues, lighter; sky blue is Okabe and Ito's own second blue.
_DARK = {
    "data": "#F2F2F2",
    "model": "#F0803C",
    "band": "#6B3A17",
    "ltp": "#F0803C",
    "ltd": "#56B4E9",
    "simulation": "#56B4E9",
    "accent": "#58E8A0",
    "second": "#E29CC2",
    "neutral": "#808080",
    "paper": "#131416",
}
_RC: Mapping[str, Any] = {
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
    "svg.fonttype": "path",
    "svg.hashsalt": "synsim",  # the same figure gives the same bytes
}


@dataclass(frozen=True)
class Style:
    """Colours by what they stand for; dots per inch of a PNG; size of letters beside the figure."""

    colours: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(_LIGHT))
    dpi: int = 200
    zoom: float = 1.0
    shades: tuple[float, float] = (0.0, 0.7)  # the part of cividis that shows on the paper

    @functools.cached_property
    def rc(self) -> dict[str, Any]:
        """What Matplotlib is told."""
        ink, paper = self.colours["data"], self.colours["paper"]
        from matplotlib.rcsetup import cycler

        lines = ("model", "simulation", "accent", "second", "neutral", "data")
        inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
        backed = ("figure.facecolor", "axes.facecolor", "legend.facecolor")
        return {
            **_RC,
            **dict.fromkeys(inked, ink),
            **dict.fromkeys(backed, paper),
            "axes.prop_cycle": cycler(color=[self.colours[name] for name in lines]),
            "savefig.facecolor": "auto",
            "savefig.dpi": self.dpi,
        }


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "light": Style(),
        "dark": Style(MappingProxyType(_DARK), shades=(0.3, 1.0)),
        "print": Style(dpi=300),
        "projector": Style(dpi=300, zoom=4 / 3),
    }
)
_used = STYLES["light"]


class _Of(Mapping[str, Any]):
    """A mapping that belongs to the style in use, looked up when it is read."""

    def __init__(self, part: Callable[[Style], Mapping[str, Any]]) -> None:
        self._part = part

    def __getitem__(self, name: str) -> Any:
        return self._part(_used)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._part(_used))

    def __len__(self) -> int:
        return len(self._part(_used))


COLOURS: Mapping[str, str] = _Of(lambda style: style.colours)
RC: Any = _Of(lambda style: style.rc)

MM = 1 / 25.4


class use:
    """Draw in this style from here on, or, as a context manager, within the block.

    Raises InputError for an unknown style.
    """

    def __init__(self, name: str) -> None:
        global _used
        if name not in STYLES:
            raise InputError(f"found style {name!r}, expected one of {', '.join(STYLES)}")
        self._before, _used = _used, STYLES[name]

    def __enter__(self) -> None:
        """The style is in use already."""

    def __exit__(self, *raised: object) -> None:
        global _used
        _used = self._before


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

    size = (width_mm * MM / _used.zoom, height_mm * MM / _used.zoom)
    with rc_context(dict(RC)):
        made = Figure(figsize=size, layout="constrained")
        return made, made.subplots(nrows, ncols, **subplots)


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Decorator: all that `draw` draws is in the house style, whoever's axes it draws on."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        from matplotlib import rc_context

        with rc_context(dict(RC)):
            return draw(*args, **kwargs)

    return drawn


def axes(ax: Axes | None = None, **size: Any) -> Axes:
    """The axes given, or those of a new figure."""
    return figure(**size)[1] if ax is None else ax


def zero_lines(ax: Axes) -> None:
    """Thin lines through the origin, behind the data."""
    ax.axhline(0, color=COLOURS["neutral"], lw=0.6, zorder=0)
    ax.axvline(0, color=COLOURS["neutral"], lw=0.6, zorder=0)


def plain_log(axis: Any, few: bool = False) -> None:
    """Ticks at 1, 2, 5 of each decade (few: at 1 and 3), written as plain numbers.

    Where next to none of these is in view, there are some at even steps; over four decades and
    more, powers of ten, some five of them.
    """
    from matplotlib.ticker import (
        FuncFormatter,
        LogFormatterMathtext,
        LogLocator,
        MaxNLocator,
        NullLocator,
    )

    low, high = axis.get_view_interval()
    if high / low >= 1e4:
        axis.set_major_locator(LogLocator(numticks=5))
        axis.set_major_formatter(LogFormatterMathtext())
        axis.set_minor_locator(NullLocator())
        return
    within = (1.0, 3.0) if few else (1.0, 2.0, 5.0)
    subs = within if high / low < 300 else (1.0,)
    near = high / low < 4
    axis.set_major_locator(MaxNLocator(4) if near else LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def shade(i: int, count: int) -> Any:
    """The colour of line `i` of `count` in order: dark to light, as far as the paper allows."""
    from matplotlib import colormaps

    low, high = _used.shades
    return colormaps["cividis"](low + (high - low) * i / max(count - 1, 1))


def writer(made: Figure, kind: str) -> Any:
    """A function that saves the figure as ``png`` or ``svg`` to a path it is given."""
    rc = dict(RC)

    def write(path: Path) -> None:
        from matplotlib import rc_context

        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        with rc_context(rc):
            _place(made, rc["savefig.dpi"])
            made.savefig(path, format=kind, metadata=metadata)

    return write


def _place(made: Figure, dpi: float) -> None:
    """Let the axes find their places, once: `savefig` would draw everything to do that."""
    engine = made.get_layout_engine()
    if engine is not None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        made.set_dpi(dpi)
        FigureCanvasAgg(made)
        engine.execute(made)
        made.set_layout_engine("none")


def png(made: Figure, dpi: float | None = None) -> bytes:
    """The figure as the bytes of a PNG, at the dots per inch of the style or those given."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context(dict(RC)):
        made.savefig(
            buffer, format="png", metadata={"Software": None}, dpi=dpi or RC["savefig.dpi"]
        )
    return buffer.getvalue()

"""The figure of `protocols/weight_precision.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.predict.precision import Count
from synsim.writing.expected import MISREAD, graded_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from synsim.protocol import Result

Array = NDArray[np.float64]
_SHADES = ("simulation", "accent", "model", "second", "data", "neutral")


def _shades(result: Result) -> dict[float, str]:
    """A colour for each scatter."""
    found = sorted(set(np.asarray(result.columns["scatter_cv"], dtype=float).tolist()))
    return {cv: style.COLOURS[_SHADES[i % len(_SHADES)]] for i, cv in enumerate(found)}


def _of(result: Result, scheme: str, scatter: float, *names: str) -> list[Array]:
    """Columns of the rows of one scheme and scatter, in the order of the levels."""
    keep = np.array([s == scheme for s in result.columns["scheme"]])
    keep &= np.asarray(result.columns["scatter_cv"], dtype=float) == scatter
    return [np.asarray(result.columns[name], dtype=float)[keep] for name in names]


def _log(axis: Any) -> None:
    """A logarithmic axis that says plain numbers, 1, 2 and 5 of a decade where there are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = axis.get_view_interval()
    few = high / low < 100
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def draw_bits(ax: Axes, result: Result) -> Axes:
    """Bits against write time: graded from the bound and from anywhere, binary."""
    for scatter, colour in _shades(result).items():
        time, bits = _of(result, "graded", scatter, "write_time_ms", "bits")
        ax.plot(time / 1e3, bits, "o-", color=colour, label=f"graded, scatter {scatter:g}")
        blind, few = _of(result, "graded-unknown-start", scatter, "write_time_ms", "bits")
        ax.plot(blind / 1e3, few, "o:", color=colour, mfc=style.COLOURS["paper"], lw=0.9)
        burst, bit = _of(result, "binary", scatter, "write_time_ms", "bits")
        ax.plot(burst / 1e3, bit, "s", color=colour, ms=5, mfc="none")
    grey, paper = style.COLOURS["neutral"], style.COLOURS["paper"]
    ax.plot([], [], "o:", color=grey, mfc=paper, label="unknown start")
    ax.plot([], [], "s", color=grey, ms=5, mfc="none", label="binary")
    _log(ax.xaxis)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("write time (s)")
    ax.set_ylabel("bits per synapse")
    ax.set_title("written at " + result.settings.text("rate"))
    ax.legend(loc="upper left")
    return ax


def figure(result: Result) -> Figure:
    """Six panels; the closed forms are lines."""
    fig, axes = style.figure(180, 118, nrows=2, ncols=3)
    draw_bits(axes[0, 0], result)
    _draw_budget(axes[0, 1], result)
    _draw_scatter(axes[0, 2], result)
    _draw_rate(axes[1, 0], result)
    _draw_number(axes[1, 1], result)
    _draw_bit(axes[1, 2], result)
    for ax, letter in zip(axes.ravel(), "abcdef", strict=True):
        ax.set_title(f"{letter}  {ax.get_title('left')}", loc="left")
    return fig


def _draw_budget(ax: Axes, result: Result) -> None:
    settings, any_rows = result.settings, False
    for scatter, colour in _shades(result).items():
        time, pairings, bits = _of(
            result, "graded-in-budget", scatter, "write_time_ms", "pairings", "bits"
        )
        ax.plot(1e3 * pairings / time, bits, "o-", color=colour)
        any_rows |= bits.size > 0
        # a burst writes the bit in less time than this, and more time adds nothing to it
        bit = _of(result, "binary", scatter, "bits")[0].mean()
        ax.axhline(bit, color=colour, lw=1, ls="--", zorder=0)
    ax.plot([], [], "--", color=style.COLOURS["neutral"], lw=1, label="binary")
    ax.legend(loc="upper right")
    if any_rows:
        _log(ax.xaxis)
    else:
        ax.text(0.5, 0.5, "no time for two levels", ha="center", transform=ax.transAxes)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("pairings per second")
    ax.set_ylabel("bits per synapse")
    ax.set_title(f"the same time to write: {settings.budget:g} s")


def _count(result: Result) -> Count:
    writer = result.settings.writer()
    return Count(writer.lag * writer.dt, writer.tau_plus, writer.tau_minus)


def _draw_scatter(ax: Axes, result: Result) -> None:
    asked = result.settings.levels
    fine = np.unique(np.geomspace(float(asked.min()), float(asked.max()), 40).astype(int))
    settings, writer = result.settings, result.settings.writer()
    reader, period = settings.reader(), settings.period(settings.rate) * writer.dt
    seen = False
    for scatter, colour in _shades(result).items():
        levels, error = _of(result, "graded", scatter, "levels", "rms_error")
        seen |= bool(np.any(error > 0))
        ax.plot(levels, error * levels, "o", color=colour)
        law = [graded_error(writer, reader, int(n), scatter, period) for n in fine]
        known = np.array(law) > 1e-6
        ax.plot(fine[known], np.array(law)[known], color=colour, zorder=1)
    ax.axhline(0.5, color=style.COLOURS["neutral"], lw=0.6, ls="--", zorder=0)
    _log(ax.xaxis)
    if seen:
        _log(ax.yaxis)
    ax.set_xlabel("levels")
    ax.set_ylabel("rms error (levels)")
    ax.set_title("written from the bound")


def _draw_rate(ax: Axes, result: Result) -> None:
    numbers = result.results
    names = sorted(name.removesuffix("_rate_Hz") for name in numbers if name.endswith("_rate_Hz"))
    rates = np.array([numbers[f"{name}_rate_Hz"] for name in names])
    moved = np.array([numbers[f"{name}_levels_moved"] for name in names])
    pairings = int(np.max(result.settings.levels)) - 1
    count = _count(result)
    fine = np.geomspace(min(1.0, rates.min()), min(rates.max(), 0.999 / count.lag), 300)
    exact = np.array([float(count.moved(pairings, 1 / rate)) for rate in fine])
    ax.axhline(1, color=style.COLOURS["neutral"], lw=0.6, ls="--", zorder=0)
    ax.plot(fine, exact / pairings, color=style.COLOURS["model"], label="closed form")
    ax.plot(rates, moved / pairings, "o", color=style.COLOURS["simulation"], label="simulation")
    _log(ax.xaxis)
    ax.set_xlabel("pairings per second")
    ax.set_ylabel("levels moved per pairing")
    ax.set_title(f"a count of {pairings}")
    ax.legend(loc="lower left")


def _points(numbers: Any, name: str, unit: str) -> tuple[Array, Array] | None:
    found: list[tuple[float, float, float]] = []
    while numbers.get(f"{name}_{len(found) + 1}_s") is not None:
        i = len(found) + 1
        found.append((numbers[f"{name}_{i}_s"], numbers[f"{name}_{i}_{unit}"],
                      numbers[f"{name}_{i}_{unit}_exact"]))  # fmt: skip
    if not found:
        return None
    table = np.array(found, dtype=float)
    return table[:, 0], table[:, 1:].T


def _draw_held(ax: Axes, result: Result, name: str, unit: str, limit: float) -> None:
    held = _points(result.results, name, unit)
    ax.axhline(limit, color=style.COLOURS["neutral"], lw=0.6, ls="--", zorder=0)
    ax.set_xlabel("time (s)")
    ax.set_ylim(bottom=0)
    if held is None:
        ax.text(0.5, 0.6, "not disturbed,\nor lost in writing", ha="center", transform=ax.transAxes)
        ax.set_xticks([])
        return
    times, (found, exact) = held
    ax.plot(times, exact, color=style.COLOURS["model"], label="closed form")
    ax.plot(times, found, "o", color=style.COLOURS["simulation"], label="simulation")
    ax.set_xlim(left=0)
    ax.legend(loc="lower right")


def _draw_number(ax: Axes, result: Result) -> None:
    _draw_held(ax, result, "hold_number", "rms_levels", 0.5)
    levels = result.results.get("hold_number_levels")
    ax.set_ylabel("rms error (levels)")
    of = f"{levels:g} levels" if levels else "graded"
    ax.set_title(f"{of}, background {result.settings.background:g} Hz")


def _draw_bit(ax: Axes, result: Result) -> None:
    _draw_held(ax, result, "hold_bit", "misread", MISREAD)
    ax.set_ylabel("bits misread")
    ax.set_title(f"binary, background {result.settings.background:g} Hz")

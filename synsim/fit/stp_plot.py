"""Figure of an STP fit: every train, or all pairs, with the best model and its 95 % band."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.fit.stp_curve import Pairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from synsim.fit.stp_result import GroupFit, StpFit

Array = NDArray[Any]

MOST = 24  # trains in one figure
_COLUMNS = 3
_PAUSE = 3.0  # median intervals: a pulse after a longer one is not of the train before it


def draw_train(g: GroupFit, number: int, unit: str, ax: Axes) -> Axes:
    """One train: means with standard errors, the best model with its band, its rival."""
    here = g.trains.train == number
    fit = g.best
    gaps = g.trains.intervals[1 : g.trains.lengths[number], number]
    time = np.concatenate([[0.0], np.cumsum(gaps)])
    _draw_band(ax, time, *fit.band[:, here])
    for other in list(g.fits.values())[1:2]:
        ax.plot(*_broken(time, other.fitted[here]), "--", color=style.COLOURS["neutral"], lw=0.9,
                marker="_", ms=6, label=other.name)  # fmt: skip
    ax.plot(*_broken(time, fit.fitted[here]), color=style.COLOURS["model"], marker="_", ms=6,
            label=fit.name)  # fmt: skip
    sem = fit.problem.sem[here]
    ax.errorbar(
        time,
        fit.problem.y[here],
        yerr=sem if sem.any() else None,
        fmt="o",
        ms=3,
        color=style.COLOURS["data"],
        elinewidth=0.7,
        label="data, ± SEM" if sem.any() else "data",
    )
    ax.set_ylim(bottom=0)
    ax.set_title(", ".join(part for part in (g.label, g.names[number]) if part))
    ax.set_xlabel("Time (ms)")
    ax.set_ylabel(f"Response ({unit})" if unit != "1" else "Response")
    return ax


def _pauses(time: Array) -> Array:
    """Numbers of the pulses that come after a pause."""
    gaps = np.diff(time)
    return np.flatnonzero(gaps > _PAUSE * np.median(gaps)) + 1 if gaps.size else np.empty(0, int)


def _broken(time: Array, *values: Array) -> tuple[Array, ...]:
    """Times and values with a gap in the line before every pulse that comes after a pause."""
    at = _pauses(time)
    return tuple(np.insert(v.astype(float), at, np.nan) for v in (time, *values))


def _draw_band(ax: Axes, time: Array, low: Array, high: Array) -> None:
    """The 95 % band: an area along a train, a bar at a pulse by itself."""
    colour = style.COLOURS["band"]
    x, below, above = _broken(time, low, high)
    ax.fill_between(x, below, above, color=colour, alpha=0.8, lw=0, label="95 %")
    ends = np.concatenate([[0], _pauses(time), [time.size]])
    alone = ends[:-1][np.diff(ends) == 1]
    ax.vlines(time[alone], low[alone], high[alone], color=colour, alpha=0.8, lw=5)


def draw_pairs(g: GroupFit, ax: Axes) -> Axes:
    """The second response over the first against the interval, the best model and its rival."""
    fit, ends = g.best, g.trains.intervals[1]
    low, high = fit.band
    ax.fill_between(ends, low, high, color=style.COLOURS["band"], alpha=0.8, lw=0, label="95 %")
    fine = Pairs(np.geomspace(ends.min(), ends.max(), 200))
    for other in list(g.fits.values())[1:2]:
        curve = fine.curve(other.name, *other.values[:-1, None, None])[0]
        ax.plot(fine.intervals[1], curve, "--", color=style.COLOURS["neutral"], lw=0.9,
                label=other.name)  # fmt: skip
    curve = fine.curve(fit.name, *fit.values[:-1, None, None])[0]
    ax.plot(fine.intervals[1], curve, color=style.COLOURS["model"], label=fit.name)
    sem = fit.problem.sem
    ax.errorbar(
        ends,
        fit.problem.y,
        yerr=sem if sem.any() else None,
        fmt="o",
        ms=3,
        color=style.COLOURS["data"],
        elinewidth=0.7,
        label="data, ± SEM" if sem.any() else "data",
    )
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_title(g.label)
    ax.set_xlabel("Interval (ms)")
    ax.set_ylabel("Second / first response")
    return ax


@style.styled
def figure(result: StpFit) -> Figure:
    """All trains, up to three side by side."""
    pairs = result.pulses.pairs
    panels = [(g, i) for g in result.fits for i in range(1 if pairs else len(g.names))]
    shown = panels[:MOST]
    columns = min(len(shown), _COLUMNS)
    rows = math.ceil(len(shown) / columns)
    made, axes = style.figure(
        65 * columns if columns > 1 else 95, 52 * rows + 10, nrows=rows, ncols=columns,
        squeeze=False,
    )  # fmt: skip
    for ax, panel in zip(axes.flat, shown, strict=False):
        if pairs:
            draw_pairs(panel[0], ax)
        else:
            draw_train(panel[0], panel[1], result.pulses.unit, ax)
    for ax in axes.flat[len(shown) :]:
        ax.remove()
    handles, labels = axes[0][0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=7, frameon=False)
    if len(panels) > MOST:
        made.suptitle(f"{len(panels) - MOST} more trains in data.csv", fontsize=7)
    return made

"""Figures of `recordings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {"ltp": "ltp", "ltd": "ltd"}
_LABELS = {"relative_change": "|dw|/w0", "absolute_change_mV": "|dw| (mV)"}


def figure(outcome: Any) -> Figure:
    """Relative and absolute change, rank correlations with what is built in; variability, and its
    slope by every reading."""
    made, axes = style.figure(width_mm=180, height_mm=115, nrows=2, ncols=3, squeeze=False)
    draw_changes(axes[0][0], outcome, "relative_change")
    axes[0][0].legend()
    draw_changes(axes[0][1], outcome, "absolute_change_mV")
    _draw_ranks(axes[0][2], outcome)
    _draw_variability(axes[1][0], outcome)
    grid = axes[1][1].get_gridspec()
    for ax in axes[1][1:]:
        ax.remove()
    _draw_readings(made.add_subplot(grid[1, 1:]), outcome)
    return made


def draw_changes(ax: Axes, outcome: Any, what: str) -> None:
    """Each connection."""
    columns = outcome.columns
    groups = np.array(columns["group"])
    for group, colour in _COLOURS.items():
        rows = groups == group
        ax.plot(
            np.asarray(columns["release_probability"])[rows], np.asarray(columns[what])[rows], "o",
            ms=3, color=style.COLOURS[colour], label=f"{group.upper()} ({rows.sum()})",
        )  # fmt: skip
    ax.set_yscale("log")
    style.plain_log(ax.yaxis)
    ax.set_xlabel("release probability before")
    ax.set_ylabel(_LABELS[what])


def _draw_ranks(ax: Axes, outcome: Any) -> None:
    """Rank correlations with their intervals, and those that are built in."""
    table = _statistics(outcome, "plasticity")
    for at, row in enumerate(table):
        colour = style.COLOURS[_COLOURS[row["group"]]]
        _bar(ax, at, row["spearman"], row["spearman_low"], row["spearman_high"], "o", colour)
        if np.isfinite(row["control_median"]):
            _bar(
                ax, at + 0.25, row["control_median"], row["control_low"], row["control_high"], "_",
                style.COLOURS["neutral"],
            )  # fmt: skip
    ax.axhline(0, lw=0.6, color=style.COLOURS["neutral"])
    ax.set_xticks(
        range(len(table)),
        [f"{row['group'].upper()}\n{_LABELS[row['what']].removesuffix(' (mV)')}" for row in table],
    )
    ax.set_ylabel("rank correlation")
    ax.set_title("grey: built in by w0 = p0 q0", fontsize=7)


def _draw_variability(ax: Axes, outcome: Any) -> None:
    columns, settings = outcome.columns, outcome.settings
    rows = np.array(columns["panel"]) == "variability"
    x = np.asarray(columns["presynaptic_rate"])[rows]
    y = np.asarray(columns["normalised_variance"])[rows]
    ax.plot(x, y, "o", ms=2.5, color=style.COLOURS["data"])
    slope, offset = np.polyfit(np.log(x), np.log(y), 1)
    ends = np.array([x.min(), x.max()])
    ax.plot(ends, np.exp(offset) * ends**slope, color=style.COLOURS["model"], lw=1,
            label=f"slope {slope:.2f}")  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    style.plain_log(ax.xaxis)
    style.plain_log(ax.yaxis)
    ax.set_xlabel(f"presynaptic rate ({settings.rate})")
    ax.set_ylabel("variance/mean")
    ax.legend()


def _draw_readings(ax: Axes, outcome: Any) -> None:
    """The slope by each reading of the columns."""
    table = _statistics(outcome, "variability")
    for at, row in enumerate(table):
        _bar(ax, at, row["slope"], row["slope_low"], row["slope_high"], "o", style.COLOURS["data"])
    ax.axhline(0, lw=0.6, color=style.COLOURS["neutral"])
    words = [f"{row['against'].removeprefix('foopsi_')}\n{row['what'].rsplit(' ', 1)[1]}"
             for row in table]  # fmt: skip
    ax.set_xticks(range(len(table)), words)
    ax.set_ylabel("log-log slope")
    ax.set_title("by rate and reading", fontsize=7)


def _bar(ax: Axes, x: float, value: float, low: float, high: float, mark: str, colour: str) -> None:
    ax.plot([x, x], [low, high], color=colour, lw=1)
    ax.plot(x, value, mark, ms=4 if mark == "o" else 9, color=colour)


def _statistics(outcome: Any, panel: str) -> list[dict[str, Any]]:
    table = outcome.tables["statistics"]
    count = len(table["panel"])
    rows = [{name: column[i] for name, column in table.items()} for i in range(count)]
    return [row for row in rows if row["panel"] == panel]

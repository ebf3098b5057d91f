"""Figures of loci: responses, CV analysis, weights and changes; changes of p against q."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.fit.locus_models import ALL, LOCI
from synsim.fit.locus_words import says

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from synsim.fit.locus_estimates import LocusEstimates
    from synsim.fit.locus_result import CellLocus, LocusFit

MOST = 10  # cells in one figure
_REACH = 8.0  # of the ratio axes


def draw_responses(f: CellLocus, unit: str, ax: Axes) -> Axes:
    """Each response in its order, with the mean of each epoch."""
    start = 0
    for y, name, colour in zip(f.cell.amplitude, ("before", "after"), _epochs(), strict=True):
        at = np.arange(start, start + y.size)
        ax.plot(at, y, ".", ms=2.2, color=colour)
        ax.plot([at[0], at[-1]], [y.mean()] * 2, color=colour, lw=1.4, label=name)
        start += y.size
    ax.axvline(f.cell.amplitude[0].size - 0.5, color=style.COLOURS["neutral"], lw=0.6, ls=":")
    top = max(y.max() for y in f.cell.amplitude)
    low = min(0.0, *(y.min() for y in f.cell.amplitude))
    ax.set_ylim(low - 0.03 * top, 1.3 * top)
    ax.set_xlabel("Response")
    ax.set_ylabel(f"Amplitude ({unit})" if unit != "1" else "Amplitude")
    ax.set_title(f.cell.label or "responses")
    ax.legend(ncols=2, loc="upper center")
    return ax


def _epochs() -> tuple[str, str]:
    return style.COLOURS["neutral"], style.COLOURS["model"]


def draw_cv(f: CellLocus, ax: Axes) -> Axes:
    """1/CV^2 ratio against mean ratio with the bootstrap, the two lines, and their names."""
    a = f.analysis
    ax.set_xlabel("Mean, after / before")
    ax.set_ylabel("1/CV², after / before")
    if a is None:
        ax.text(0.5, 0.5, "too few responses\nfrom rest", ha="center", transform=ax.transAxes)
        ax.set_axis_off()
        return ax
    there = a.samples[np.all(np.isfinite(a.samples) & (a.samples > 0), axis=1)]
    ax.plot(*there[:400].T, ".", ms=1.2, color=style.COLOURS["band"], zorder=1)
    ax.errorbar(
        [a.mean_ratio], [a.ratio], xerr=_bars(a.mean_ratio, a.mean_interval),
        yerr=_bars(a.ratio, a.interval), fmt="o", ms=3.5, color=style.COLOURS["data"],
        elinewidth=0.8, zorder=3,
    )  # fmt: skip
    points = np.vstack([there, [[1.0, 1.0]], [[1 / 1.5, 1 / 1.5]], [[1.5, 1.5]]])
    low, high = np.quantile(points, 0.01, axis=0) / 1.15, np.quantile(points, 0.99, axis=0) * 1.15
    low, high = np.minimum(low, 1 / 1.6), np.maximum(high, 1.6)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    line = np.array([max(low), min(high)])
    ax.plot(line, line, color=style.COLOURS["neutral"], lw=0.8, zorder=2)
    ax.axhline(1, color=style.COLOURS["neutral"], lw=0.8, zorder=2)
    ax.axvline(1, color=style.COLOURS["neutral"], lw=0.5, ls=":", zorder=0)
    for axis, ends in ((ax.xaxis, (low[0], high[0])), (ax.yaxis, (low[1], high[1]))):
        _ratio_ticks(axis, *ends)
    end = min(high[0], high[1]) / 1.08
    paper: Any = {"fontsize": 7, "color": style.COLOURS["neutral"], "ha": "right", "zorder": 2}
    ax.text(end, end, "n ", va="bottom", **paper)
    ax.text(high[0] / 1.02, 1, "q", va="bottom", **paper)
    ax.set_title("CV analysis")
    return ax


def _bars(value: float, interval: tuple[float | None, float | None]) -> Any:
    low, high = interval
    if low is None or high is None or not np.isfinite(value):
        return None
    return [[max(value - low, 0)], [max(high - value, 0)]]


def _ratio_ticks(axis: Any, low: float, high: float) -> None:
    """Ticks a factor of two apart; of four over a wide range, and finer ones over a narrow one."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    span = high / low
    ticks = [0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16]
    if span > 40:
        ticks = ticks[::2]
    elif span < 5:
        ticks = [0.5, 0.6, 0.8, 1, 1.3, 1.6, 2, 2.5, 3]
    axis.set_major_locator(FixedLocator([t for t in ticks if low <= t <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def draw_weights(f: CellLocus, ax: Axes) -> Axes:
    """BIC weight of every model."""
    weights = f.comparison.weights
    order = list(weights)[::-1]
    colours = [
        style.COLOURS["model"] if name in f.comparison.rivals else style.COLOURS["neutral"]
        for name in order
    ]
    ax.barh(range(len(order)), [weights[name] for name in order], color=colours, height=0.7)
    ax.set_yticks(range(len(order)), [says(name) for name in order])
    ax.set_xlim(0, 1)
    ax.set_xlabel("BIC weight")
    decided = len(f.comparison.rivals) == 1
    ax.set_title("what changes" if decided else "what changes: undecided")
    return ax


def draw_changes(f: CellLocus, ax: Axes) -> Axes:
    """Ratios after/before with intervals, in the best model and where all may change."""
    found = f.comparison
    shown = {"best": found.best, "all free": found.models.get(ALL, found.models.get("p+q"))}
    for row, (label, m) in enumerate(shown.items()):
        colour = style.COLOURS["model" if row == 0 else "simulation"]
        for i, x in enumerate(LOCI):
            at = i + (0.14 if row else -0.14)
            if m is None or x not in m.loci:
                if row == 0:
                    ax.plot([1], [at], "|", ms=7, color=colour)
                continue
            low, high = m.intervals.get(f"{x}_ratio", (None, None))
            ends = [1 / _REACH if low is None else low, _REACH if high is None else high]
            ax.plot(np.clip(ends, 1 / _REACH, _REACH), [at, at], color=colour, lw=1.2)
            ax.plot(np.clip(m.ratio(x), 1 / _REACH, _REACH), at, "o", ms=3.5, color=colour)
            for end, mark, open_side in ((ends[0], "<", low is None), (ends[1], ">", high is None)):
                if open_side or not 1 / _REACH <= end <= _REACH:
                    ax.plot(np.clip(end, 1 / _REACH, _REACH), at, mark, ms=4, color=colour)
        ax.plot([], [], "-o", color=colour, label=label)
    ax.set_xscale("log")
    ax.set_xlim(0.9 / _REACH, 1.1 * _REACH)
    ax.set_ylim(2.6, -1.0)
    ax.set_yticks(range(3), LOCI)
    _ratio_ticks(ax.xaxis, 0.9 / _REACH, 1.1 * _REACH)
    ax.axvline(1, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
    ax.set_xlabel("After / before")
    ax.set_title("change and 95 % interval")
    ax.legend(ncols=2, loc="upper center", borderaxespad=0.1)
    return ax


@style.styled
def figure(result: LocusFit) -> Figure:
    """One row per cell, the first MOST of them."""
    shown = result.fits[:MOST]
    made, axes = style.figure(210, 52 * len(shown) + 6, nrows=len(shown), ncols=4, squeeze=False)
    for f, row in zip(shown, axes, strict=True):
        draw_responses(f, result.epochs.responses.unit, row[0])
        draw_cv(f, row[1])
        draw_weights(f, row[2])
        draw_changes(f, row[3])
    if len(result.fits) > MOST:
        made.supxlabel(f"{len(result.fits) - MOST} more in data.csv and report.txt", fontsize=7)
    return made


@style.styled
def figure_of_estimates(result: LocusEstimates) -> Figure:
    """Change of p against change of q, and the changes of p, q and w by themselves."""
    made, (left, right) = style.figure(170, 78, ncols=2, width_ratios=(1.25, 1))
    draw_plane(result, left)
    draw_ratios(result, right)
    return made


def draw_plane(result: LocusEstimates, ax: Axes) -> Axes:
    """Change of p against change of q with lines of equal w; mean of the group."""
    logs, group = result.log_ratios, result.group
    p, q = np.exp(logs["p"]), np.exp(logs["q"])
    reach = 1.25 * float(np.exp(np.abs(np.concatenate([logs["p"], logs["q"]])).max()))
    at = np.array([1 / reach, reach])
    for w in (0.25, 0.5, 1.0, 2.0, 4.0):
        ax.plot(
            at, w / at, color=style.COLOURS["neutral"], lw=0.5, ls=":" if w != 1 else "-", zorder=0
        )
        across = reach**0.8  # where the label sits on its line
        if 1 / reach < w / across < reach:
            ax.text(
                across, w / across, f"w × {w:g}", fontsize=6, ha="center", va="center",
                color=style.COLOURS["neutral"],
                bbox={"facecolor": style.COLOURS["paper"], "lw": 0, "pad": 1},
            )  # fmt: skip
    for line in (ax.axhline, ax.axvline):
        line(1, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
    ax.plot(p, q, "o", ms=3.2, mfc="none", color=style.COLOURS["data"], label="connections")
    (mp, pci), (mq, qci) = group.logs["p"], group.logs["q"]
    ax.errorbar(
        [np.exp(mp)], [np.exp(mq)],
        xerr=_bars(np.exp(mp), _exp(pci)), yerr=_bars(np.exp(mq), _exp(qci)),
        fmt="s", ms=4.5, color=style.COLOURS["model"], elinewidth=1.2, label="geometric mean, 95 %",
    )  # fmt: skip
    for axis, scale, limits in (
        (ax.xaxis, ax.set_xscale, ax.set_xlim),
        (ax.yaxis, ax.set_yscale, ax.set_ylim),
    ):
        scale("log")
        limits(1 / reach, reach)
        _ratio_ticks(axis, 1 / reach, reach)
    ax.set_xlabel("p, after / before")
    ax.set_ylabel("q, after / before")
    ax.set_title(f"{group.connections} connections; n assumed {result.n[0]} → {result.n[1]}")
    ax.legend(
        loc="lower left", handletextpad=0.3, frameon=True, framealpha=1,
        edgecolor=style.COLOURS["paper"],
    )  # fmt: skip
    return ax


def draw_ratios(result: LocusEstimates, ax: Axes) -> Axes:
    """Changes of p, q and w of every connection, and their means with 95 % intervals."""
    logs, group = result.log_ratios, result.group
    for i, x in enumerate(("p", "q", "w")):
        mean, ci = group.logs[x]
        spread = np.random.default_rng(0).uniform(-0.13, 0.13, logs[x].size)
        ax.plot(i + spread, np.exp(logs[x]), ".", ms=3, color=style.COLOURS["neutral"])
        ax.errorbar(
            [i + 0.28], [np.exp(mean)], yerr=_bars(np.exp(mean), _exp(ci)), fmt="s", ms=4,
            color=style.COLOURS["model"], elinewidth=1.2,
        )  # fmt: skip
    ax.set_yscale("log")
    _ratio_ticks(ax.yaxis, *ax.get_ylim())
    ax.axhline(1, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
    ax.set_xticks(range(3), ["p", "q", "w = p q"])
    ax.set_xlim(-0.4, 2.6)
    ax.set_ylabel("After / before")
    share, (low, high) = group.share
    within = "" if low is None or high is None else f" ({100 * low:.0f} to {100 * high:.0f})"
    ax.set_title(f"share of p in ln w: {100 * share:.0f} %{within}")
    return ax


def _exp(ci: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = ci
    return (None if low is None else float(np.exp(low))), (
        None if high is None else float(np.exp(high))
    )

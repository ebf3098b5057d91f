"""Figure of an extraction: sweeps with the points that were measured, amplitudes by pulse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synsim import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from synsim.extract.result import Extracted

MOST = 40  # sweeps drawn; their measured points too
_PATTERNS = 4
_LEAD, _TAIL = 10e-3, 40e-3  # s shown before the first and after the last stimulus


def draw_sweeps(result: Extracted, pattern: str, ax: Axes) -> Axes:
    """Sweeps of one pattern on the clock of their first stimulus, their average, the points."""
    members = [i for i, p in enumerate(result.patterns) if p == pattern]
    lags = result.per_sweep(result.measured.lag)
    shown = members[:: max(1, -(-len(members) // MOST))]
    first = result.episodes[members[0]]
    dt, last = first.trace.dt, float(first.times[-1] - first.times[0])
    points_t, points_y, rows = [], [], []
    for i in members:
        episode = result.episodes[i]
        at = episode.trace.index(episode.times)
        low, high = at[0] - round(_LEAD / dt), at[-1] + round(_TAIL / dt)
        low, high = max(low, 0), min(high, episode.trace.values.size)
        values = episode.trace.values[low:high]
        base = episode.trace.values[at[0] + result.windows.baseline[0] : at[0]].mean()
        rows.append((low - at[0], values - base))
        if i in shown:
            ax.plot(
                (np.arange(low, high) - at[0]) * dt * 1e3,
                values - base,
                color=style.COLOURS["neutral"],
                lw=0.35,
                alpha=0.5,
                rasterized=True,
            )
            lag = np.rint(lags[i] / dt).astype(int)
            points_t.append((at - at[0] + lag) * dt * 1e3)
            half = result.windows.half
            points_y.append([episode.trace.values[a - half : a + half + 1].mean() - base
                             for a in at + lag])  # fmt: skip
    begin = max(b for b, _ in rows)
    end = min(b + v.size for b, v in rows)
    mean = np.mean([v[begin - b : end - b] for b, v in rows], axis=0)
    ax.plot(np.arange(begin, end) * dt * 1e3, mean, color=style.COLOURS["data"], lw=0.9,
            label=f"average of {len(members)}")  # fmt: skip
    ax.plot(np.concatenate(points_t), np.concatenate(points_y), ".", ms=2.2,
            color=style.COLOURS["model"], label="measured")  # fmt: skip
    low, high = result.windows.baseline
    for n, time in enumerate((first.times - first.times[0]) * 1e3):
        ax.plot(
            time,
            1.02,
            "v",
            ms=3,
            color=style.COLOURS["accent"],
            clip_on=False,
            transform=ax.get_xaxis_transform(),
            label="stimulus" if n == 0 else None,
        )
        ax.axvspan(time + low * dt * 1e3, time + high * dt * 1e3, color=style.COLOURS["ltd"],
                   alpha=0.12, lw=0, label="baseline" if n == 0 else None)  # fmt: skip
    ax.set_xlim(begin * dt * 1e3, min(end * dt, last + _TAIL) * 1e3)
    ax.set_xlabel("Time since the first stimulus (ms)")
    ax.set_ylabel(f"Response ({result.unit})")
    return ax


def draw_amplitudes(result: Extracted, pattern: str, ax: Axes) -> Axes:
    """Amplitudes of every sweep by pulse, failures open, means with standard errors."""
    members = [i for i, p in enumerate(result.patterns) if p == pattern]
    own = np.array([result.per_sweep(result.measured.amplitude)[i] for i in members])
    pulses = np.arange(1, own.shape[1] + 1)
    spread = np.linspace(-0.18, 0.18, len(members)) if len(members) > 1 else np.zeros(1)
    x = pulses + spread[:, None]
    failed = np.zeros(own.shape, bool)
    if result.measured.failure is not None:
        failed = np.array([result.per_sweep(result.measured.failure)[i] for i in members])
    noise = result.measured.noise
    if noise is not None:
        ax.axhspan(-noise, noise, color=style.COLOURS["band"], alpha=0.6, lw=0, label="noise, ± SD")
    ax.axhline(0, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
    ax.plot(x[~failed], own[~failed], ".", ms=2.5, color=style.COLOURS["model"], label="response")
    if failed.any():
        ax.plot(x[failed], own[failed], "o", ms=2, mew=0.5, mfc="none",
                color=style.COLOURS["neutral"], label="failure")  # fmt: skip
    error = own.std(axis=0, ddof=1) / np.sqrt(len(members)) if len(members) > 1 else None
    ax.errorbar(pulses, own.mean(axis=0), yerr=error, fmt="_", ms=9, mew=1.3, elinewidth=0.9,
                color=style.COLOURS["data"], label="mean, ± SEM")  # fmt: skip
    ax.set_xlim(0.4, pulses[-1] + 0.6)
    if pulses.size <= 12:
        ax.set_xticks(pulses)
    else:
        ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("Pulse")
    ax.set_ylabel(f"Amplitude ({result.unit})")
    return ax


@style.styled
def figure(result: Extracted) -> Figure:
    """A row of two panels for each pattern of stimulation."""
    kinds = list(dict.fromkeys(result.patterns))
    shown = kinds[:_PATTERNS]
    made, axes = style.figure(
        170, 58 * len(shown) + 8, nrows=len(shown), ncols=2, squeeze=False,
        width_ratios=(1.6, 1.0),
    )  # fmt: skip
    for (left, right), pattern in zip(axes, shown, strict=True):
        draw_sweeps(result, pattern, left)
        draw_amplitudes(result, pattern, right)
        count = result.patterns.count(pattern)
        left.set_title(f"{pattern}, {count} sweep{'s' * (count > 1)}", pad=9)
    for panel in axes[0]:
        handles, labels = panel.get_legend_handles_labels()
        panel.legend(
            handles, labels, loc="lower center", bbox_to_anchor=(0.5, 1.12), ncols=4,
            handlelength=1.2, columnspacing=1.0,
        )  # fmt: skip
    if len(kinds) > len(shown):
        made.suptitle(f"{len(kinds) - len(shown)} more patterns in data.csv", fontsize=7)
    return made

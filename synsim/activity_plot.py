"""Figures of `balanced-network`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_KINDS = {"excitatory": "ltp", "inhibitory": "ltd"}


def figure(outcome: Any) -> Figure:
    """Spikes above; rates, CV of intervals, and weights or costs below."""
    made, axes = style.figure(180, 115, nrows=2, ncols=3)
    grid = axes[1, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    raster(made.add_subplot(grid[0, :]), outcome)
    _histogram(axes[1, 0], outcome, "rate_Hz", "rate (Hz)", "rate_mean_field_Hz")
    _histogram(axes[1, 1], outcome, "cv", "CV of intervals", "cv_mean_field")
    if "weights" in outcome.tables:
        _weights(axes[1, 2], outcome)
    elif "energy" in outcome.tables:
        _energy(axes[1, 2], outcome)
    else:
        axes[1, 2].remove()
    return made


def raster(ax: Axes, outcome: Any) -> None:
    """Each spike a dot; inhibitory neurons above."""
    table = outcome.tables["raster"]
    time, neuron = np.asarray(table["t_ms"], dtype=float), np.asarray(table["neuron"], dtype=int)
    first, row = outcome.settings.excitatory, 0
    for kind, mine in (("excitatory", neuron < first), ("inhibitory", neuron >= first)):
        numbers = np.unique(neuron[mine])
        rows = row + np.searchsorted(numbers, neuron[mine])
        ax.plot(time[mine], rows, ".", ms=2, color=style.COLOURS[_KINDS[kind]], label=kind)
        row += len(numbers)
    ax.set(ylim=(-1, max(row, 1)), yticks=[])
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("neuron")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1.0), ncols=2, markerscale=3)


def _histogram(ax: Axes, outcome: Any, column: str, label: str, expected: str) -> None:
    values = np.asarray(outcome.columns[column], dtype=float)
    kinds = np.asarray(outcome.columns["population"])
    known = np.isfinite(values)
    if known.any():
        # rates are whole spikes over the time: bins of as many of them each
        grain = 1 / outcome.settings.duration if column == "rate_Hz" else 1e-6
        low, high = values[known].min() - grain / 2, values[known].max() + grain / 2
        width = grain * np.ceil((high - low) / 25 / grain)
        edges = low + width * np.arange(np.ceil((high - low) / width) + 1)
        for kind, colour in _KINDS.items():
            mine = values[known & (kinds == kind)]
            if mine.size:
                share = np.histogram(mine, edges)[0] / mine.size
                ax.plot(
                    (edges[:-1] + edges[1:]) / 2,
                    share,
                    drawstyle="steps-mid",
                    color=style.COLOURS[colour],
                )
    if outcome.results.get(expected) is not None:
        ax.axvline(outcome.results[expected], color=style.COLOURS["data"], ls="--",
                   label="mean field")  # fmt: skip
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0))
    ax.set_xlabel(label)
    ax.set_ylabel("fraction of neurons")


def _weights(ax: Axes, outcome: Any) -> None:
    table = {
        name: np.asarray(column, dtype=float) for name, column in outcome.tables["weights"].items()
    }
    middle = (table["w_from"] + table["w_to"]) / 2
    ax.plot(middle, table["fraction"], drawstyle="steps-mid", color=style.COLOURS["simulation"])
    ax.axvline(outcome.settings.w0, color=style.COLOURS["neutral"], lw=0.8)
    ax.set_xlabel("weight w (line: at the start)")
    ax.set_ylabel("fraction of synapses")


def _energy(ax: Axes, outcome: Any) -> None:
    table = outcome.tables["energy"]
    names = list(table["mechanism"])
    spent = np.asarray(table["atp_per_s"], dtype=float)
    ax.hlines(range(len(names)), 0, spent, lw=12, color=style.COLOURS["simulation"])
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(-0.6, len(names) - 0.4), xlim=(0, None))
    ax.ticklabel_format(axis="x", scilimits=(-2, 3), useMathText=True)
    ax.set_xlabel("ATP per second")

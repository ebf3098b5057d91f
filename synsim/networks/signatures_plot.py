"""Figures of `signatures`: sigma against what a weight does, and the slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.networks.tradeoff_plot import name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = ("fisher", "input_rate", "learning_rate")
_LABELS = {
    "fisher": "Fisher information",
    "input_rate": "input rate",
    "learning_rate": "learning rate",
}


def figure(outcome: Any) -> Figure:
    """Rows: every layer; the second layer at each other c; no hidden layer; slopes against c."""
    table = outcome.tables["slopes"]
    layers, shown = int(np.max(table["layer"])), shown_layer(outcome)
    factors = np.unique(np.asarray(table["c_factor"], dtype=float))
    others = factors[factors != nearest_factor(factors)]
    count = layers + 2 + len(others)
    made, axes = style.figure(
        width_mm=180, height_mm=15 + 50 * count, nrows=count, ncols=3, squeeze=False
    )
    for row, factor in zip(axes[layers:], others, strict=False):
        row[0].set_title(f"layer {shown}, c times {factor:.3g}")
        for ax, against in zip(row, SHOWN, strict=True):
            draw(ax, outcome, "hidden", shown, against, factor)
    for column, against in enumerate(SHOWN):
        for layer, row in enumerate(axes[:layers], start=1):
            draw(row[column], outcome, "hidden", layer, against)
        draw(axes[-2][column], outcome, "linear", 1, against)
        draw_slopes(axes[-1][column], outcome, shown, against)
    for layer, row in enumerate(axes[:layers], start=1):
        row[0].set_title(f"layer {layer}")
    axes[-2][0].set_title("no hidden layer")
    axes[-1][0].set_title(f"slopes of layer {shown}")
    axes[-2][1].set_title("dashed: expected slopes", fontsize=7)
    axes[-1][1].set_title("bars: 95 %", fontsize=7)
    if np.any(np.isfinite(outcome.tables["slopes"]["published_slope"])):
        axes[shown - 1][1].set_title("dashed: published slopes", fontsize=7)
        axes[-1][1].set_title("open: published; bars: 95 %", fontsize=7)
    handles, words = axes[0][0].get_legend_handles_labels()
    made.legend(handles, words, loc="outside lower center", ncols=len(words), fontsize=7)
    return made


def shown_layer(outcome: Any) -> int:
    """The second layer, where there is one."""
    return min(2, int(np.max(outcome.tables["slopes"]["layer"])))


def draw_one(ax: Axes, outcome: Any) -> Axes:
    """The second layer against Fisher information."""
    draw(ax, outcome, "hidden", shown_layer(outcome), "fisher")
    ax.legend()
    return ax


def draw(
    ax: Axes, outcome: Any, network: str, layer: int, against: str, factor: float | None = None
) -> None:
    """Sigma against what a weight does, with the published or the expected slope."""
    known = "published_slope" if network == "hidden" else "expected_slope"
    draw_bins(ax, outcome, network, layer, against, known, factor)
    ax.set_xlabel(_LABELS[against])


def draw_bins(
    ax: Axes,
    outcome: Any,
    network: str,
    layer: int,
    against: str,
    known: str | None,
    factor: float | None = None,
) -> None:
    """Medians and quartiles of sigma in bins, of the first seed.

    known : the column with a slope to draw through the middle
    factor : of c; None for the one nearest 1
    """
    bins = {k: np.asarray(v) for k, v in outcome.tables["bins"].items()}
    rows = {k: np.asarray(v) for k, v in outcome.tables["slopes"].items()}
    factor = nearest_factor(rows["c_factor"]) if factor is None else factor
    colours = rho_colours(rows["rho"])
    for rho, colour in colours.items():
        here = _where(bins, rho, factor, network, layer, against)
        here &= bins["seed"] == rows["seed"].min()
        x, median = bins["x"][here], bins["sigma_median"][here]
        ax.plot(x, median, "o-", ms=1.8, lw=0.9, color=colour, label=name(rho))
        ax.fill_between(
            x, bins["sigma_q25"][here], bins["sigma_q75"][here], color=colour, alpha=0.18, lw=0
        )
        of = _where(rows, rho, factor, network, layer, against)
        slope = float("nan") if known is None else rows[known][of][0]
        if np.isfinite(slope) and x.size:
            middle = len(x) // 2
            ax.plot(x, median[middle] * (x / x[middle]) ** slope, "--", lw=0.8, color=colour)
    ax.set_ylabel("sigma")
    if any(np.size(line.get_xdata()) for line in ax.lines):  # else it has no logarithm
        ax.set_xscale("log")
        ax.set_yscale("log")
        style.plain_log(ax.xaxis, few=True)
        style.plain_log(ax.yaxis)


def draw_slopes(ax: Axes, outcome: Any, layer: int, against: str) -> None:
    """Slopes with their intervals against the multiple of c; seeds side by side."""
    rows = {k: np.asarray(v) for k, v in outcome.tables["slopes"].items()}
    for number, (rho, colour) in enumerate(rho_colours(rows["rho"]).items()):
        here = (rows["rho"] == rho) & (rows["network"] == "hidden") & (rows["layer"] == layer)
        here &= rows["against"] == against
        x = rows["c_factor"][here] * 1.12 ** (number - 1.5)
        slope = rows["slope"][here]
        error = [slope - rows["slope_low"][here], rows["slope_high"][here] - slope]
        ax.errorbar(x, slope, yerr=np.abs(error), fmt="o", ms=2.5, lw=0.9, color=colour)
        there = rows["published_slope"][here]
        ax.plot(x * 1.03, there, "o", ms=4.5, mfc="none", mew=0.7, color=colour)
    ax.axhline(0, lw=0.6, color=style.COLOURS["neutral"])
    ax.set_xscale("log")
    ax.set_xlabel("c, relative")
    ax.set_ylabel(f"slope, {_LABELS[against]}")


def rho_colours(rhos: Any) -> dict[float, Any]:
    """A shade for each exponent, in their order."""
    kinds = np.unique(np.asarray(rhos, dtype=float))
    return {float(rho): style.shade(i, len(kinds)) for i, rho in enumerate(kinds)}


def nearest_factor(factors: Any) -> float:
    """The multiple of c that is nearest 1."""
    return float(factors[np.argmin(np.abs(np.log(factors)))])


def _where(
    table: dict[str, Any], rho: float, factor: float, network: str, layer: int, against: str
) -> Any:
    return (
        (table["rho"] == rho)
        & (table["c_factor"] == factor)
        & (table["network"] == network)
        & (table["layer"] == layer)
        & (table["against"] == against)
    )

"""The figure of `reliability-cost`: cost against scatter for all mechanisms, with theory lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.energy.reliability import local_exponents
from synsim.energy.reliability_laws import LAWS, Points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _curve(settings: Any, name: str) -> Points:
    """The closed form between the points."""
    swept = settings.p_values if LAWS[name].variable == "p" else settings.n_values
    return settings.points(name, np.geomspace(swept.min(), swept.max(), 300))


def draw_costs(ax: Axes, outcome: Any) -> None:
    """Cost, relative to that of the least reliable synapse, against sigma."""
    for name in outcome.settings.mechanisms:
        law, found, exact = LAWS[name], outcome.of(name), _curve(outcome.settings, name)
        unit = outcome.settings.points(name)
        least = unit.cost[np.argmax(unit.sd)]
        colour = style.COLOURS[law.colour]
        ax.plot(1e3 * exact.sd, exact.cost / least, color=colour, lw=0.9, zorder=1)
        ax.plot(found["sd_mV"], found["cost"] / least, "o", color=colour, label=law.label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    style.plain_log(ax.xaxis)
    style.plain_log(ax.yaxis)
    ax.set_xlabel("SD of the PSP, σ (mV)")
    ax.set_ylabel("cost over that at the largest σ")


def draw_reliability(ax: Axes, outcome: Any) -> None:
    """CV against cost."""
    for name in outcome.settings.mechanisms:
        law, found, exact = LAWS[name], outcome.of(name), _curve(outcome.settings, name)
        colour = style.COLOURS[law.colour]
        ax.plot(exact.cost, exact.sd / outcome.settings.mean, color=colour, lw=0.9, zorder=1)
        ax.plot(found["cost"], found["cv"], "o", color=colour)
    ax.set_xscale("log")
    ax.set_yscale("log")
    style.plain_log(ax.xaxis)
    style.plain_log(ax.yaxis)
    ax.set_xlabel("cost of a spike (relative)")
    ax.set_ylabel("CV of the PSP")


def draw_exponents(ax: Axes, outcome: Any) -> None:
    """Exponent between neighbouring points, and the law's."""
    for name in outcome.settings.mechanisms:
        law, found, exact = LAWS[name], outcome.of(name), _curve(outcome.settings, name)
        colour = style.COLOURS[law.colour]
        order = np.argsort(found["sd_mV"])
        sd, cost = found["sd_mV"][order], found["cost"][order]
        ax.plot(
            np.sqrt(1e6 * exact.sd[1:] * exact.sd[:-1]),
            local_exponents(exact.sd, exact.cost),
            color=colour,
            lw=0.9,
            zorder=1,
        )
        ax.plot(np.sqrt(sd[1:] * sd[:-1]), local_exponents(sd, cost), "o", color=colour)
        if law.exponent is not None:
            ax.axhline(law.exponent, color=colour, lw=0.6, ls=":", zorder=0)
    ax.set_xscale("log")
    style.plain_log(ax.xaxis)
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, -0.5), min(high, 3.5))  # where scatter has an end the exponent has none
    ax.set_xlabel("SD of the PSP, σ (mV)")
    ax.set_ylabel("local exponent ρ")


def figure(outcome: Any) -> Figure:
    """The three of them, with the fitted exponents in the legend."""
    fig, axes = style.figure(180, 78, ncols=3)
    draw_costs(axes[0], outcome)
    draw_reliability(axes[1], outcome)
    draw_exponents(axes[2], outcome)
    labels = [
        f"{LAWS[name].label}: {_exponent(outcome.results, name)}"
        for name in outcome.settings.mechanisms
    ]
    handles = [line for line in axes[0].lines if line.get_marker() == "o"]
    fig.legend(handles, labels, loc="outside lower center", ncols=3)
    return fig


def _exponent(results: Any, name: str) -> str:
    """The fitted exponent in words; an end of the interval may be missing."""
    rho, low, high = (results[f"rho_{name}{end}"] for end in ("", "_low", "_high"))
    if LAWS[name].exponent is None:
        return "no power law"
    if not all(end is not None and np.isfinite(end) for end in (low, high)):
        return "ρ not determined"
    return f"ρ = {rho:.3f} ({low:.3f}–{high:.3f})"

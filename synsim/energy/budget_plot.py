"""The figure of `energy-budget`: cells and boundaries, distances, changes, likelihoods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.energy.budget_data import STATES
from synsim.predict.energy_budget import TERMS, calcium, distance, split_at_boundary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {
    "calcium": "ltd",
    "turnover": "data",
    "membrane": "accent",
    "actin": "second",
    "trafficking": "ltp",
}


def _rows(outcome: Any, state: str) -> dict[str, Any]:
    """The rows of a state at the first n."""
    n = np.asarray(outcome.columns["n"])
    rows = (np.array(outcome.columns["state"]) == state) & (n == n[0])
    names = ("p", "q_mV", "distance")
    return {name: np.asarray(outcome.columns[name], dtype=float)[rows] for name in names}


def draw_cells(ax: Axes, outcome: Any) -> None:
    """p against p q, before and after; lines are the p of the boundary with each fitted cost."""
    before, after = (_rows(outcome, state) for state in STATES)
    for one, colour, label in ((before, "neutral", "before"), (after, "simulation", "after")):
        ax.plot(
            one["p"] * one["q_mV"], one["p"], "o", ms=2.5, color=style.COLOURS[colour], label=label
        )
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    p = np.linspace(0.005, 0.995, 600)
    for name, term in TERMS.items():
        weight = outcome.results[f"weight_{name}"]
        if term.gamma == 0:  # the same p for every mean, where one is on the boundary
            away = distance(name, calcium(p), weight * term.cost(1.0, p, 1.0))
            best = float(p[np.argmin(away)]) if away.min() < 1e-3 else np.nan
            x, y = np.array([low, high]), np.full(2, best)
        else:
            x = (split_at_boundary(term, p) / (weight * p**term.beta)) ** (1 / term.gamma)
            y = p
        seen = (x >= low) & (x <= high)
        if np.any(seen & np.isfinite(y)):
            ax.plot(x[seen], y[seen], lw=1, color=style.COLOURS[_COLOURS[name]], label=name)
    ax.set_xlim(low, high)
    ax.set_ylim(0, 1)
    style.plain_log(ax.xaxis)
    ax.set_xlabel("mean response per site, p q (mV)")
    ax.set_ylabel("release probability")


def draw_distances(ax: Axes, outcome: Any) -> None:
    """Which fraction of the cells is how near to the boundary."""
    for state, colour in zip(STATES, ("neutral", "simulation"), strict=True):
        away = np.sort(np.maximum(_rows(outcome, state)["distance"], 1e-4))
        ax.step(
            away,
            np.arange(1, len(away) + 1) / len(away),
            where="post",
            color=style.COLOURS[colour],
            label=f"{state}, median {np.median(away):.2g}",
        )
    ax.set_xscale("log")
    style.plain_log(ax.xaxis)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("distance, ln(σ²/σ² least)")
    ax.set_ylabel("fraction of cells")


def draw_changes(ax: Axes, outcome: Any) -> None:
    """Mean change of each cost, with 95 % intervals over cells."""
    names = ("calcium", "membrane", "actin", "trafficking")
    datasets = list(dict.fromkeys(outcome.columns["dataset"]))
    for i, dataset in enumerate(datasets):
        at = np.arange(len(names)) + 0.18 * (i - (len(datasets) - 1) / 2)
        mean, low, high = (
            np.array([outcome.results[f"{dataset}_log_change_{name}{end}"] for name in names])
            for end in ("", "_low", "_high")
        )
        ax.errorbar(
            at,
            mean,
            [mean - low, high - mean],
            fmt="o",
            color=style.COLOURS[("ltp", "ltd")[i % 2]],
            lw=0.9,
            label=dataset,
        )
    ax.axhline(0, color=style.COLOURS["neutral"], lw=0.6, zorder=0)
    ax.set_xticks(range(len(names)), names)
    ax.set_ylabel("ln(cost after/before), mean")


def draw_likelihoods(ax: Axes, outcome: Any) -> None:
    """AICc less that of a normal density of logit p."""
    results = outcome.results
    free = results["aicc_free"]
    names = ("turnover", "membrane", "actin", "trafficking", "free_by_mean")
    gains = [results[f"aicc_{name}"] - free for name in names]
    colours = [style.COLOURS[_COLOURS.get(name, "neutral")] for name in names]
    for at, (gain, colour) in enumerate(zip(gains, colours, strict=True)):
        ax.plot([0, gain], [at, at], color=colour, lw=4, solid_capstyle="butt")
    best = next(
        (n for n in ("membrane", "actin", "trafficking") if f"loglik_{n}_over_turnover" in results),
        None,
    )
    if best is not None:
        mean = results[f"loglik_{best}_over_turnover_shuffled_mean"]
        spread = results[f"loglik_{best}_over_turnover_shuffled_sd"]
        base = results["aicc_turnover"] - free
        ax.errorbar(
            base - 2 * mean,
            names.index(best) + 0.32,
            xerr=2 * spread,
            fmt="|",
            color=style.COLOURS["data"],
            lw=0.9,
            label=f"{best}, q shuffled (± SD)",
        )
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    ax.axvline(0, color=style.COLOURS["neutral"], lw=0.6)
    ax.set_yticks(range(len(names)), [*names[:-1], "line in ln(p q)"])
    ax.invert_yaxis()
    ax.set_xlabel("AICc less that of free p (lower is better)")


def figure(outcome: Any) -> Figure:
    """All four."""
    fig, axes = style.figure(175, 130, nrows=2, ncols=2)
    draw_cells(axes[0, 0], outcome)
    axes[0, 0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    draw_distances(axes[0, 1], outcome)
    axes[0, 1].legend(loc="upper left")
    draw_changes(axes[1, 0], outcome)
    axes[1, 0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    draw_likelihoods(axes[1, 1], outcome)
    return fig

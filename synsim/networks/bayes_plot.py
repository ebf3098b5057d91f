"""Figures of `bayes`: sigma that saves energy beside that of a posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.networks.signatures_plot import draw_bins, nearest_factor, rho_colours, shown_layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AGAINST = ("sigma_post", "sigma_data")


def figure(outcome: Any) -> Figure:
    """Sigma against the posterior's at each c, with and without hidden layers; then slopes against
    rho, rank correlations against c, predictive entropies, and the bound."""
    made, axes = style.figure(width_mm=200, height_mm=165, nrows=3, ncols=1)
    top, middle, low = (ax.get_subplotspec() for ax in axes)
    for ax in axes:
        ax.remove()
    layer = shown_layer(outcome)
    factors = np.unique(np.asarray(outcome.tables["slopes"]["c_factor"], dtype=float))
    upper, lower = (_row(made, place, len(factors)) for place in (top, middle))
    for factor, hidden, linear in zip(factors, upper, lower, strict=True):
        _draw(hidden, outcome, "hidden", layer, factor)
        hidden.set_title(f"layer {layer}, c times {factor:.3g}", fontsize=7)
        _draw(linear, outcome, "linear", 1, factor)
        linear.set_title(f"no hidden layer, c times {factor:.3g}", fontsize=7)
    last = _row(made, low, 4)
    draw_slopes(last[0], outcome, layer)
    draw_factors(last[1], outcome, layer)
    draw_predictive(last[2], outcome)
    draw_bound(last[3], outcome)
    handles, words = upper[0].get_legend_handles_labels()
    made.legend(handles, words, loc="outside lower center", ncols=len(words), fontsize=7)
    return made


def _row(made: Figure, place: Any, count: int) -> list[Axes]:
    """Panels side by side."""
    return [made.add_subplot(one) for one in place.subgridspec(1, count)]


def draw_one(ax: Axes, outcome: Any) -> Axes:
    """Without hidden layers."""
    _draw(ax, outcome, "linear", 1)
    ax.legend()
    return ax


def _draw(ax: Axes, outcome: Any, network: str, layer: int, factor: float | None = None) -> None:
    """Dashed is the slope that is known: without hidden layers."""
    known = "expected_slope" if network == "linear" else None
    draw_bins(ax, outcome, network, layer, "sigma_post", known, factor)
    ax.set_xlabel("sigma of the posterior")


def draw_slopes(ax: Axes, outcome: Any, layer: int) -> None:
    """Slopes at the factor of c nearest 1 against rho, with the curve 2/(rho + 2)."""
    c = {k: np.asarray(v) for k, v in outcome.tables["slopes"].items()}
    rho = np.linspace(0, 1.1 * c["rho"].max(), 100)
    ax.plot(rho, 2 / (rho + 2), color=style.COLOURS["model"], lw=1, label="2/(rho + 2)")
    at = c["c_factor"] == nearest_factor(c["c_factor"])
    for network, number, against, marker, colour, words in (
        ("linear", 1, "sigma_post", "o", "data", "no hidden layer"),
        ("linear", 1, "sigma_data", "^", "accent", "the same, prior taken out"),
        ("hidden", layer, "sigma_post", "s", "simulation", f"layer {layer}"),
    ):
        here = at & (c["network"] == network) & (c["layer"] == number)
        here &= c["against"] == against
        slope = c["slope"][here]
        error = np.abs([slope - c["slope_low"][here], c["slope_high"][here] - slope])
        ax.errorbar(c["rho"][here], slope, yerr=error, fmt=marker, ms=3, lw=0.9,
                    color=style.COLOURS[colour], label=words)  # fmt: skip
    ax.set_ylim(0, 1.5 * max(1.0, ax.get_ylim()[1]))  # room for the legend
    ax.set_xlabel("rho")
    ax.set_ylabel("slope")
    ax.legend(loc="upper right", fontsize=6)


def draw_factors(ax: Axes, outcome: Any, layer: int) -> None:
    """Rank correlations with the posterior's sigma against c, filled without hidden layers."""
    c = {k: np.asarray(v) for k, v in outcome.tables["slopes"].items()}
    for rho, colour in rho_colours(c["rho"]).items():
        for network, number, face in (("linear", 1, colour), ("hidden", layer, "none")):
            here = (c["rho"] == rho) & (c["network"] == network) & (c["layer"] == number)
            here &= c["against"] == "sigma_post"
            ax.plot(c["c_factor"][here], c["spearman"][here], "o", ms=3.5, mfc=face, mew=0.8,
                    color=colour)  # fmt: skip
    ax.set_xscale("log")
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("c, relative")
    ax.set_ylabel("rank correlation")
    ax.set_title(f"open: layer {layer}; filled: none", fontsize=7)


def draw_predictive(ax: Axes, outcome: Any) -> None:
    """Entropy of the predictive distribution of each test image, at the factor nearest 1."""
    c = {k: np.asarray(v) for k, v in outcome.tables["predictive"].items()}
    at = (c["network"] == "hidden") & (c["c_factor"] == nearest_factor(c["c_factor"]))
    top = 1.05 * max(c["entropy"][at].max(), c["entropy_bayes"][at].max())
    for rho, colour in rho_colours(c["rho"]).items():
        here = at & (c["rho"] == rho)
        ax.plot(c["entropy_bayes"][here], c["entropy"][here], ".", ms=2.5, color=colour)
    ax.plot([0, top], [0, top], color=style.COLOURS["neutral"], lw=0.7, zorder=0)
    ax.set_xlabel("entropy, Bayesian (nats)")
    ax.set_ylabel("entropy, ours (nats)")
    ax.set_title("predictions of test images", fontsize=7)


def draw_bound(ax: Axes, outcome: Any) -> None:
    """How far the cost is above -H, against sigma/s, with the layers of all networks on it."""
    from synsim.networks.bayes_numbers import entropy_bound, minus_entropy

    c = {k: np.asarray(v) for k, v in outcome.tables["slopes"].items()}
    scale, ratio = outcome.settings.scale, np.geomspace(1e-2, 1e4, 240)
    for rho, colour in rho_colours(c["rho"]).items():
        ax.plot(ratio, entropy_bound(ratio, rho, 1.0) - minus_entropy(ratio), lw=0.9, color=colour)
        if rho == 0:  # its bound is -H
            continue
        here = c["rho"] == rho
        s = scale * c["c_factor"][here] ** (1 / rho)
        typical = np.exp(-c["minus_entropy"][here] - 0.5 * (1 + np.log(2 * np.pi)))
        ax.plot(typical / s, c["entropy_bound"][here] - c["minus_entropy"][here], "o", ms=2.5,
                color=colour)  # fmt: skip
    ax.set_xscale("log")
    ax.set_ylim(-0.3, 9)
    ax.axhline(0, color=style.COLOURS["neutral"], lw=0.7, zorder=0)
    style.plain_log(ax.xaxis)
    ax.set_xlabel("sigma/s")
    ax.set_ylabel("bound - (-H) (nats)")
    ax.set_title("points: means of layers", fontsize=7)

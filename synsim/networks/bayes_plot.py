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
    """Sigma against the posterior's with and without hidden layers; slopes against rho; slopes
    against c; predictive entropies; the bound."""
    made, axes = style.figure(width_mm=180, height_mm=115, nrows=2, ncols=3, squeeze=False)
    layer = shown_layer(outcome)
    _draw(axes[0][0], outcome, "hidden", layer, "sigma_post")
    axes[0][0].set_title(f"layer {layer}")
    _draw(axes[0][1], outcome, "linear", 1, "sigma_post")
    axes[0][1].set_title("no hidden layer (dashed: expected)", fontsize=7)
    draw_slopes(axes[0][2], outcome, layer)
    draw_factors(axes[1][0], outcome, layer)
    draw_predictive(axes[1][1], outcome)
    draw_bound(axes[1][2], outcome)
    handles, words = axes[0][0].get_legend_handles_labels()
    made.legend(handles, words, loc="outside lower center", ncols=len(words), fontsize=7)
    return made


def draw_one(ax: Axes, outcome: Any) -> Axes:
    """Without hidden layers."""
    _draw(ax, outcome, "linear", 1, "sigma_post")
    ax.legend()
    return ax


def _draw(ax: Axes, outcome: Any, network: str, layer: int, against: str) -> None:
    known = "expected_slope" if network == "linear" else None
    draw_bins(ax, outcome, network, layer, against, known)
    ax.set_xlabel("sigma of the posterior")


def draw_slopes(ax: Axes, outcome: Any, layer: int) -> None:
    """Slopes at the factor of c nearest 1 against rho, with the curve 2/(rho + 2)."""
    c = {k: np.asarray(v) for k, v in outcome.columns.items()}
    rho = np.linspace(0, 1.1 * c["rho"].max(), 100)
    ax.plot(rho, 2 / (rho + 2), color=style.COLOURS["model"], lw=1, label="2/(rho + 2)")
    at = c["c_factor"] == nearest_factor(c["c_factor"])
    at &= c["against"] == "sigma_post"
    for network, number, marker, colour in (
        ("linear", 1, "o", "data"), ("hidden", layer, "s", "simulation"),
    ):  # fmt: skip
        here = at & (c["network"] == network) & (c["layer"] == number)
        slope = c["slope"][here]
        error = np.abs([slope - c["slope_low"][here], c["slope_high"][here] - slope])
        words = "no hidden layer" if network == "linear" else f"layer {layer}"
        ax.errorbar(c["rho"][here], slope, yerr=error, fmt=marker, ms=3, lw=0.9,
                    color=style.COLOURS[colour], label=words)  # fmt: skip
    ax.set_ylim(bottom=0)
    ax.set_xlabel("rho")
    ax.set_ylabel("slope")
    ax.legend()


def draw_factors(ax: Axes, outcome: Any, layer: int) -> None:
    """Rank correlations with the posterior's sigma against c, filled without hidden layers."""
    c = {k: np.asarray(v) for k, v in outcome.columns.items()}
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
    ax.set_title(f"filled: no hidden layer; open: layer {layer}", fontsize=7)


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
    ax.set_ylabel("entropy, saving energy (nats)")
    ax.set_title("predictions of test images", fontsize=7)


def draw_bound(ax: Axes, outcome: Any) -> None:
    """How far the cost is above -H, against sigma/s, with the layers of all networks on it."""
    from synsim.networks.bayes_numbers import entropy_bound, minus_entropy

    c = {k: np.asarray(v) for k, v in outcome.columns.items()}
    scale, ratio = outcome.settings.scale, np.geomspace(1e-2, 1e4, 240)
    for rho, colour in rho_colours(c["rho"]).items():
        ax.plot(ratio, entropy_bound(ratio, rho, 1.0) - minus_entropy(ratio), lw=0.9, color=colour)
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

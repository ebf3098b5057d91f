"""The figure of `tradeoff`: a row of six panels for each exponent, published points drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.networks.published import Curve, curve
from synsim.networks.spec import GAUSSIAN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {"heterogeneous": "ltd", "homogeneous": "ltp"}
_MECHANISMS = {0.5: "calcium", 0.67: "membrane", 1.33: "actin", 2.0: "trafficking"}
_LABELS = {
    "c": "c",
    "accuracy_percent": "accuracy (%)",
    "nll": "nll (nats)",
    "sigma_rms": "sigma_rms",
    "reliability_cost": "reliability cost",
}
#: x, y of each panel
_PANELS = (
    ("c", "accuracy_percent"),
    ("c", "nll"),
    ("c", "sigma_rms"),
    ("c", "reliability_cost"),
    ("sigma_rms", "accuracy_percent"),
    ("reliability_cost", "accuracy_percent"),
)


def figure(outcome: Any) -> Figure:
    """Accuracy, nll, sigma and cost against c; accuracy against sigma and against cost."""
    rhos = np.unique(np.asarray(outcome.columns["rho"], dtype=float))
    made, axes = style.figure(
        width_mm=270,
        height_mm=12 + 40 * len(rhos),
        nrows=len(rhos),
        ncols=len(_PANELS),
        squeeze=False,
    )
    for row, rho in zip(axes, rhos, strict=True):
        for ax, (x, y) in zip(row, _PANELS, strict=True):
            draw(ax, outcome, float(rho), x, y)
        row[0].set_title(name(rho) if np.isfinite(rho) else f"cost {outcome.settings.cost}")
    shown: dict[str, Any] = {}
    for row in axes:
        handles, words = row[4].get_legend_handles_labels()
        shown |= dict(zip(words, handles, strict=True))
    made.legend(
        list(shown.values()), list(shown), loc="outside lower center", ncols=len(shown), fontsize=7
    )
    if np.any(rhos > 0):
        axes[0][5].set_title("dotted: one sigma", fontsize=7)
    if any("published" in word for word in shown):
        axes[0][5].set_title("dotted, +: one sigma", fontsize=7)
        axes[0][1].set_title("c of published points: inferred", fontsize=7)
    return made


def name(rho: float) -> str:
    """What pays, and its exponent."""
    if np.isnan(rho):
        return "own cost"
    if rho == 0:
        return "-ln sigma"
    mechanism = _MECHANISMS.get(round(float(rho), 2))
    return f"rho = {rho:.3g}" + (f", {mechanism}" if mechanism else "")


def of_rho(rhos: Any, rho: float) -> Any:
    """Which of the rhos are this one; a cost of one's own has none, NaN."""
    return np.isclose(rhos, rho, rtol=0, atol=0, equal_nan=True)


def draw_one(ax: Axes, outcome: Any) -> Axes:
    """Accuracy against sigma_rms for the largest rho."""
    rho = float(np.max(outcome.columns["rho"]))
    draw(ax, outcome, rho, "sigma_rms", "accuracy_percent")
    ax.set_title(name(rho))
    ax.legend()
    return ax


def draw(ax: Axes, outcome: Any, rho: float, x: str, y: str) -> None:
    """One panel: lines are the means over seeds, open circles the published points."""
    columns = outcome.columns
    comparable = compares_settings(outcome.settings)
    for noise in GAUSSIAN:
        rows = of_rho(columns["rho"], rho) & (np.array(columns["noise"]) == noise)
        if not rows.any():
            continue
        colour = style.COLOURS[_COLOURS[noise]]
        ours = means(columns, rows)
        order = np.argsort(ours[x])
        ax.plot(ours[x][order], ours[y][order], "o-", ms=2, lw=1, color=colour, label=noise)
        weights = _weights(outcome)
        if x == "reliability_cost" and rho > 0:
            single = weights * ours["sigma_rms"] ** -rho / rho
            order = np.argsort(single)
            ax.plot(single[order], ours[y][order], ":", lw=0.9, color=colour)
        there = curve(rho, noise) if comparable else None
        if there is not None:
            _published(ax, there, x, y, colour, noise)
            if x == "reliability_cost":
                ax.plot(weights * there.sigma_rms**-rho / rho, getattr(there, y), "+", ms=3,
                        mew=0.6, color=colour, alpha=0.7)  # fmt: skip
    for scale, what in ((ax.set_xscale, x), (ax.set_yscale, y)):
        # a cost may be below 0: -ln sigma is, and one's own
        if what != "accuracy_percent" and np.all(np.asarray(columns[what], dtype=float) > 0):
            scale("log")
    from matplotlib.ticker import NullFormatter

    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    for axis, what in ((ax.xaxis, x), (ax.yaxis, y)):
        low, high = axis.get_view_interval()
        if what == "reliability_cost" and low > 0 and high / low < 10:
            style.plain_log(axis, few=True)
    if x == "sigma_rms":
        style.plain_log(ax.xaxis, few=True)
    if y in ("sigma_rms", "nll"):
        style.plain_log(ax.yaxis)
    ax.set_xlabel(_LABELS[x])
    ax.set_ylabel(_LABELS[y])


def compares_settings(settings: Any) -> bool:
    """Whether the published networks learned the same."""
    return settings.by_preset("data") == "mnist" and list(settings.by_preset("hidden")) == [
        100,
        100,
    ]


def _published(ax: Axes, there: Curve, x: str, y: str, colour: str, noise: str) -> None:
    ax.plot(
        getattr(there, x), getattr(there, y), "o", ms=2.6, mfc="none", mew=0.6, color=colour,
        alpha=0.7, label=f"{noise}, published",
    )  # fmt: skip


def means(columns: Any, rows: Any) -> dict[str, Any]:
    """c, and the means over seeds of what is drawn, at each."""
    c = np.asarray(columns["c"], dtype=float)[rows]
    kinds = np.unique(c)
    names = ("accuracy_percent", "nll", "sigma_rms", "reliability_cost")
    return {"c": kinds} | {
        column: np.array(
            [np.mean(np.asarray(columns[column], dtype=float)[rows][c == one]) for one in kinds]
        )
        for column in names
    }


def _weights(outcome: Any) -> int:
    """Weights of a network."""
    return int(outcome.results["weights"])

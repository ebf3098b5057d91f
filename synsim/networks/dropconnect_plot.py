"""Figures of `dropconnect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = {"none": "data", "dropout": "ltd", "dropconnect": "ltp"}
_LABELS = {"none": "neither", "dropout": "dropout", "dropconnect": "DropConnect"}
#: Wan et al. 2013: two layers of 800 ReLU units, no augmentation, per cent.
PUBLISHED = {"none": 1.62, "dropout": 1.28, "dropconnect": 1.20}


def figure(outcome: Any) -> Figure:
    """Error against width, and against the number of release sites."""
    made, axes = style.figure(width_mm=170, height_mm=75, ncols=2)
    draw_widths(axes[0], outcome)
    draw_sites(axes[1], outcome)
    return made


def draw_one(ax: Axes, outcome: Any) -> None:
    """Test error against width."""
    draw_widths(ax, outcome)


def draw_widths(ax: Axes, outcome: Any) -> None:
    """Mean over seeds with its standard error; each network a dot."""
    c = {name: np.asarray(column) for name, column in outcome.columns.items()}
    for kind, colour in _COLOURS.items():
        rows = c["regulariser"] == kind
        asked = np.isin(c["hidden_units"], outcome.settings.by_preset("width"))
        _means(ax, c["hidden_units"][rows & asked], c["test_error_percent"][rows & asked],
               style.COLOURS[colour], _LABELS[kind])  # fmt: skip
        if outcome.settings.by_preset("data") == "mnist" and 800 in c["hidden_units"]:
            ax.plot(800, PUBLISHED[kind], "o", ms=6, mfc="none", mew=0.9,
                    color=style.COLOURS[colour])  # fmt: skip
    ax.set_xscale("log")
    widths = np.unique(outcome.settings.by_preset("width"))
    ax.set_xticks(widths, [f"{w:g}" for w in widths])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.set_xlabel("units of each hidden layer")
    ax.set_ylabel("test error (%)")
    ax.legend()
    if outcome.settings.by_preset("data") == "mnist":
        ax.set_title("open: Wan et al. 2013", fontsize=7)


def draw_sites(ax: Axes, outcome: Any) -> None:
    """Error against n at one width, with no noise at the right."""
    c = {name: np.asarray(column) for name, column in outcome.columns.items()}
    width = int(outcome.settings.by_preset("site_width"))
    noisy = (c["hidden_units"] == width) & np.isfinite(c["n"])
    _means(ax, c["n"][noisy], c["test_error_percent"][noisy], style.COLOURS["ltp"], "n sites")
    plain = c["test_error_percent"][(c["hidden_units"] == width) & (c["regulariser"] == "none")]
    ax.axhline(plain.mean(), color=style.COLOURS["data"], lw=0.9, ls="--", label="no noise")
    ax.set_xscale("log", base=2)
    sites = np.unique(c["n"][noisy])
    ax.set_xticks(sites, [f"{n:g}" for n in sites])
    ax.set_ylim(bottom=0)
    ax.set_xlabel("release sites of a weight, n")
    ax.set_ylabel("test error (%)")
    ax.set_title(f"width {width}; n = 1 is DropConnect", fontsize=7)
    ax.legend()


def _means(ax: Axes, x: Any, y: Any, colour: Any, label: str) -> None:
    ax.plot(x, y, ".", ms=2.5, color=colour, alpha=0.5)
    kinds = np.unique(x)
    mean = np.array([y[x == one].mean() for one in kinds])
    error = [y[x == one].std(ddof=1) / np.sqrt((x == one).sum()) if (x == one).sum() > 1 else 0
             for one in kinds]  # fmt: skip
    ax.errorbar(kinds, mean, yerr=error, fmt="o-", ms=3.5, lw=1, color=colour, label=label)


def slope(x: Any, y: Any) -> tuple[float, float]:
    """Least-squares slope of y on x, and its standard error (NaN of two points)."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    middle = x - x.mean()
    found = float((middle * y).sum() / (middle**2).sum())
    left = y - y.mean() - found * middle
    if len(x) < 3:
        return found, float("nan")
    return found, float(np.sqrt((left**2).sum() / (len(x) - 2) / (middle**2).sum()))

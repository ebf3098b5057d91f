"""Figures of fitted STDP windows: data, best window with its band, residuals."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.fit.curves import RIVAL
from synsim.fit.windows import WindowFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from synsim.fit.result import GroupFit, StdpFit

Array = NDArray[Any]

_COLUMNS = 3
_FAR = 0.5  # spans of the data that the axis grows by, at most, to hold a band
_LAG = r"$\Delta t = t_\mathrm{post} - t_\mathrm{pre}$ (ms)"
_AS_GOOD = f"window within {RIVAL:g} AICc"
_CHANGE = "Fractional change\n(whole protocol)"


@style.styled
def draw_curve(g: GroupFit, ax: Axes | None = None, *, alone: bool = True) -> Axes:
    """One curve: data with standard errors, best window, 95 % band, rivals, outliers.

    Parameters
    ----------
    ax : axes to draw on, new ones when None
    alone : with a legend that names the windows; otherwise labels suit a legend for several
        curves
    """
    ax = style.axes(ax)
    fit, curve = g.curve_fit, g.curve_fit.curve
    style.zero_lines(ax)
    lag, low, high = fit.band.T
    bottom, top = _limits(curve.change, curve.sem, low, high)
    for x, a, b in zip(*(_broken(fit.best, lag, v) for v in (lag, low, high)), strict=True):
        ax.fill_between(
            x, a, b, color=style.COLOURS["band"], lw=0, alpha=0.8, label=_once(ax, "95 % band")
        )
    for name, dashes in zip(fit.rivals[1:3], ("--", ":"), strict=False):
        label = pretty(name) if alone else _AS_GOOD
        _line(ax, fit.fits[name], lag, style.COLOURS["neutral"], label, dashes if alone else "--")
    best = pretty(fit.best.name) if alone else "best window"
    _line(ax, fit.best, lag, style.COLOURS["model"], best, "-")
    far = fit.outliers
    given = curve.sem.any()
    for which, face, label in (
        (~far, style.COLOURS["data"], "data, ± SEM" if given else "data"),
        (far, style.COLOURS["paper"], "outlier"),
    ):
        if which.any():
            ax.errorbar(
                curve.lag[which],
                curve.change[which],
                yerr=curve.sem[which] if given else None,
                fmt="o",
                ms=3.2,
                mfc=face,
                mec=style.COLOURS["data"],
                mew=0.7,
                ecolor=style.COLOURS["data"],
                elinewidth=0.7,
                label=label,
                zorder=3,
            )
    ax.set_ylim(bottom, top)
    ax.set_xlabel(_LAG)
    ax.set_ylabel(_CHANGE)
    if alone:
        ax.legend(loc="best", fontsize=7, frameon=False)
    return ax


def draw_residuals(g: GroupFit, ax: Axes) -> Axes:
    """Residuals of the best window in standard deviations, with the lines of +-2."""
    z, lag, far = g.curve_fit.standardised, g.curve_fit.curve.lag, g.curve_fit.outliers
    style.zero_lines(ax)
    for level in (-2, 2):
        ax.axhline(level, color=style.COLOURS["neutral"], lw=0.6, ls=":", zorder=0)
    for which, face in ((~far, style.COLOURS["data"]), (far, style.COLOURS["paper"])):
        ax.plot(lag[which], z[which], "o", ms=2.6, mfc=face, mec=style.COLOURS["data"], mew=0.7)
    reach = max(3.0, 1.1 * float(np.abs(z).max()))
    ax.set_ylim(-reach, reach)
    ax.set_yticks([-2, 0, 2])
    ax.set_xlabel(_LAG)
    ax.set_ylabel("Residual (SD)")
    return ax


@style.styled
def figure(result: StdpFit) -> Figure:
    """Every curve above its residuals, up to three side by side, and one legend for all."""
    count = len(result.fits)
    columns = min(count, _COLUMNS)
    blocks = math.ceil(count / columns)
    width = 100.0 if columns == 1 else 65.0 * columns
    made, axes = style.figure(
        width,
        blocks * 88 + 12,
        nrows=2 * blocks,
        ncols=columns,
        squeeze=False,
        gridspec_kw={"height_ratios": [3, 1] * blocks},
    )
    labelled: dict[str, Any] = {}
    for i in range(columns * blocks):
        row, column = 2 * (i // columns), i % columns
        upper, lower = axes[row, column], axes[row + 1, column]
        if i >= count:
            upper.remove()
            lower.remove()
            continue
        g = result.fits[i]
        draw_curve(g, upper, alone=count == 1)
        if count == 1:
            upper.get_legend().remove()
        draw_residuals(g, lower)
        lower.sharex(upper)
        upper.set_xlabel("")
        upper.tick_params(labelbottom=False)
        if column:
            upper.set_ylabel("")
            lower.set_ylabel("")
        upper.set_title(_title(g, 56 if columns == 1 else 34), fontsize=8)
        for handle, label in zip(*upper.get_legend_handles_labels(), strict=True):
            labelled.setdefault(label, handle)
    names = sorted(labelled, key=lambda name: (not name.startswith("data"), name == "95 % band"))
    made.legend(
        [labelled[name] for name in names],
        names,
        loc="outside lower center",
        ncols=2 if columns == 1 else 5,
        fontsize=7,
        frameon=False,
    )
    return made


def pretty(window: str) -> str:
    """A window's name for people: 'Mexican hat'."""
    special = {"mexican_hat": "Mexican hat", "anti_hebbian": "anti-Hebbian"}
    return special.get(window, window.replace("_", " "))


def _title(g: GroupFit, width: int) -> str:
    """The curve's name and its shape, in lines of `width` characters."""
    rivals = [pretty(name) for name in g.curve_fit.rivals]
    more = f" or {len(rivals) - 3} more" if len(rivals) > 3 else ""
    shape = rivals[0] if len(rivals) == 1 else f"undecided: {' or '.join(rivals[:3])}{more}"
    lines = [g.label] if g.label else []
    return "\n".join(textwrap.fill(line, width) for line in (*lines, shape))


def _once(ax: Axes, label: str) -> str:
    """The label, or none when it is there already."""
    return "_" if label in ax.get_legend_handles_labels()[1] else label


def _line(ax: Axes, fit: WindowFit, lag: Array, colour: str, label: str, ls: str) -> None:
    for x, y in zip(*(_broken(fit, lag, v) for v in (lag, fit.predict(lag))), strict=True):
        ax.plot(x, y, color=colour, ls=ls, lw=1.2, label=_once(ax, label))


def _broken(fit: WindowFit, lag: Array, values: Array) -> list[Array]:
    """Values left and right of lag 0 where the window has no value there, else in one piece."""
    if fit.window.defined_at_zero:
        return [values]
    return [part for part in (values[lag < 0], values[lag > 0]) if part.size]


def _limits(change: Array, sem: Array, under: Array, over: Array) -> tuple[float, float]:
    """Limits of the vertical axis: data and band, but a band that runs far off runs out."""
    low = min(0.0, float((change - sem).min()))
    high = max(0.0, float((change + sem).max()))
    span = (high - low) or 1.0
    room = 0.12 * span
    bottom, top = float(np.nanmin(under)), float(np.nanmax(over))
    return (
        min(low - room, max(bottom - room / 4, low - _FAR * span)),
        max(high + room, min(top + room / 4, high + _FAR * span)),
    )

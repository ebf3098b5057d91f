"""Figures of quantal fits: amplitudes with the fitted mixture, likelihood of n, mean per pulse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.fit.profile import limit
from synsim.fit.quantal_classical import at_rest, pulses
from synsim.fit.quantal_models import ModelFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from synsim.fit.quantal_result import GroupFit, QuantalFit

Array = NDArray[Any]

MOST = 12  # groups in one figure
_PEAKS = 15  # quantal peaks that can still be told apart by eye


def mixture(fit: ModelFit, amplitude: Array) -> Array:
    """Density of the amplitudes under the fit, averaged over all responses, shape of amplitude."""
    from scipy.stats import binom

    q, s0, cv = (fit.value(name) for name in ("q", "s0", "cv"))
    k = np.arange(fit.n + 1)
    P = np.clip(fit.prediction.released, 0, 1)
    weight = np.asarray(binom.pmf(k, fit.n, P[:, None])).mean(axis=0)
    variance = s0**2 + k * (cv * q) ** 2
    z = amplitude[:, None] - k * q
    return np.asarray(
        (weight * np.exp(-0.5 * z**2 / variance) / np.sqrt(2 * np.pi * variance)).sum(axis=1)
    )


def draw_amplitudes(g: GroupFit, unit: str, ax: Axes) -> Axes:
    """Histogram of all amplitudes and the fitted mixture, multiples of q marked."""
    fit, y = g.best, g.best.release.data.y
    bins = int(np.clip(2.5 * np.sqrt(y.size), 12, 60))
    ax.hist(y, bins=bins, density=True, color=style.COLOURS["neutral"], alpha=0.5, label="data")
    top = ax.get_ylim()[1]
    at = np.linspace(min(y.min(), 0), y.max(), 600)
    ax.plot(at, mixture(fit, at), color=style.COLOURS["model"], label="fit")
    q = fit.value("q")
    if y.max() / q <= _PEAKS:
        for k in range(int(y.max() / q) + 1):
            ax.axvline(k * q, color=style.COLOURS["neutral"], lw=0.5, ls=":", zorder=0)
    ax.set_ylim(0, 1.15 * top)
    ax.set_xlabel(f"Amplitude ({unit})" if unit != "1" else "Amplitude")
    ax.set_ylabel("Density")
    ax.set_title(g.label or "responses")
    return ax


def draw_sites(g: GroupFit, ax: Axes) -> Axes:
    """Log likelihood over n, relative to its greatest, with the limit of the 95 % set."""
    fit = g.best
    n = np.array(list(fit.maxima))
    fall = np.array([f.loglik for f in fit.maxima.values()]) - fit.loglik
    ax.plot(n, fall, "-o", ms=2.6, color=style.COLOURS["model"], lw=0.8)
    allowed = limit(fit.size, fit.k, together=2) / 2
    ax.axhline(-allowed, color=style.COLOURS["neutral"], lw=0.6, ls=":")
    ax.set_ylim(-5 * allowed, 0.6)
    near = n[fall > -5 * allowed]
    ax.set_xlim(max(0, near.min() - 1.5), near.max() + 1.5)
    ax.set_xlabel("Sites n")
    ax.set_ylabel("Log likelihood")
    low, high = fit.estimate("n").interval
    ax.set_title(f"n = {fit.n} ({'1' if low is None else low} to {'?' if high is None else high})")
    return ax


def draw_pulses(g: GroupFit, unit: str, ax: Axes) -> Axes:
    """Mean per pulse since rest with standard errors, and what the fit expects of it.

    The band holds the mean of as many responses in 95 of 100 recordings. Where every
    response is from rest there is no train, and amplitudes are drawn in their order instead.
    """
    fit, y = g.best, g.best.release.data.y
    colour, band = style.COLOURS["model"], style.COLOURS["band"]
    if bool(at_rest(fit).all()):
        ax.plot(np.arange(1, y.size + 1), y, ".", ms=2, color=style.COLOURS["data"])
        middle, sd = float(fit.prediction.mean[0]), float(np.sqrt(fit.prediction.variance[0]))
        ax.axhspan(middle - 1.96 * sd, middle + 1.96 * sd, color=band, alpha=0.6, lw=0)
        ax.axhline(middle, color=colour)
        ax.set_xlabel("Response")
        ax.set_ylabel(f"Amplitude ({unit})" if unit != "1" else "Amplitude")
        ax.set_title("each response, mean and 95 % range")
        return ax
    pulse = pulses(fit)
    number = np.unique(pulse)
    rows = [np.flatnonzero(pulse == p) for p in number]
    count = np.array([r.size for r in rows])
    mean = np.array([y[r].mean() for r in rows])
    expected = np.array([fit.prediction.mean[r].mean() for r in rows])
    error = np.sqrt([fit.prediction.variance[r].mean() for r in rows] / count)
    ax.fill_between(
        number, expected - 1.96 * error, expected + 1.96 * error, color=band, alpha=0.8, lw=0
    )
    ax.plot(number, expected, color=colour)
    sem = [y[r].std(ddof=1) / np.sqrt(r.size) if r.size > 1 else 0.0 for r in rows]
    few = number.size <= 60
    ax.errorbar(
        number,
        mean,
        yerr=sem if few else None,
        fmt="o",
        ms=2.4 if few else 1.5,
        color=style.COLOURS["data"],
        elinewidth=0.6,
    )
    ax.set_ylim(bottom=min(0.0, float(mean.min())))
    ax.set_xlabel("Pulse since rest")
    ax.set_ylabel(f"Mean ({unit})" if unit != "1" else "Mean")
    ax.set_title(fit.name.replace("_", " and "))
    return ax


@style.styled
def figure(result: QuantalFit) -> Figure:
    """One row per group, the first MOST of them."""
    shown = result.fits[:MOST]
    made, axes = style.figure(180, 46 * len(shown) + 4, nrows=len(shown), ncols=3, squeeze=False)
    for g, row in zip(shown, axes, strict=True):
        draw_amplitudes(g, result.responses.unit, row[0])
        draw_sites(g, row[1])
        draw_pulses(g, result.responses.unit, row[2])
    axes[0][0].legend()
    if len(result.fits) > MOST:
        made.supxlabel(f"{len(result.fits) - MOST} more in summary.json and report.txt", fontsize=7)
    return made

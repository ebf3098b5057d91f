"""The figure of `energy-information`: where the ATP goes, what it buys, and the best p."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KEYS = ("calcium", "recycling", "postsynaptic")
_COLOURS = {"calcium": "ltd", "recycling": "accent", "postsynaptic": "second"}
_SITES = (1, 2, 5, 10)


def _column(outcome: Any, name: str) -> Any:
    return np.asarray(outcome.columns[name], dtype=float)


def draw_prices(ax: Axes, outcome: Any) -> None:
    """ATP per spike, per successful transmission and per bit; lines are the closed form."""
    rate, success = _column(outcome, "rate_Hz"), _column(outcome, "success_exact")
    spike = _column(outcome, "atp_per_spike_exact")
    for name, exact, colour, label in (
        ("atp_per_spike", spike, "neutral", "per spike"),
        ("atp_per_success", spike / success, "simulation", "per successful spike"),
        ("atp_per_bit", _column(outcome, "atp_per_bit_exact"), "model", "per bit"),
    ):
        ax.plot(rate, exact, color=style.COLOURS[colour], lw=0.9)
        ax.plot(rate, _column(outcome, name), "o", color=style.COLOURS[colour], label=label)
    best = _column(outcome, "atp_per_bit_best")
    ax.plot(rate, best, "--", color=style.COLOURS["model"], lw=0.9, label="per bit, at the best p")
    _rates(ax)
    ax.set_yscale("log")
    style.plain_log(ax.yaxis)
    ax.set_ylabel("ATP")


def draw_parts(ax: Axes, outcome: Any) -> None:
    """ATP per spike by what it is spent on."""
    rate = _column(outcome, "rate_Hz")
    for key in KEYS:
        spent = _column(outcome, f"atp_{key}")
        if np.any(spent > 0):
            ax.plot(rate, spent, "o-", lw=0.9, color=style.COLOURS[_COLOURS[key]], label=key)
    if outcome.settings.atp_fixed:
        ax.axhline(
            outcome.settings.atp_fixed, color=style.COLOURS["neutral"], lw=0.9, label="fixed"
        )
    _rates(ax)
    ax.set_yscale("log")
    style.plain_log(ax.yaxis)
    ax.set_ylabel("ATP per spike")


def draw_best(ax: Axes, outcome: Any) -> None:
    """Release probability with the most bits per ATP, against rate."""
    rate = _column(outcome, "rate_Hz")
    for name, style_, label in (
        ("best_p", "o-", "with its dynamics"),
        ("best_p_static", "s--", "static"),
    ):
        ax.plot(
            rate, _column(outcome, name), style_, lw=0.9, color=style.COLOURS["data"], label=label
        )
    ax.axhline(
        outcome.settings.release_probability,
        color=style.COLOURS["model"],
        lw=0.9,
        label="p of the synapse",
    )
    _rates(ax)
    ax.set_ylim(0, None)
    ax.set_ylabel("best release probability")


def draw_sites(ax: Axes, outcome: Any) -> None:
    """Bits per ATP against p for static synapses of other n, at the middle rate."""
    settings = outcome.settings
    rate = float(np.sort(settings.rate)[len(settings.rate) // 2])
    p = np.linspace(0.005, 0.995, 199)
    sites = sorted({*_SITES, settings.n})
    for i, n in enumerate(sites):
        bits = settings.efficiency(
            n, p, p[:, None], np.ones((len(p), 1)), rate * settings.time_step
        )
        colour = style.shade(i, len(sites))
        own = n == settings.n
        ax.plot(p, 1e6 * bits, color=colour, lw=1.8 if own else 1.0, label=f"n = {n}")
        best, most = settings.best(rate, n=n, static=True)
        ax.plot(best, 1e6 * most, "o", color=colour)
    ax.set_xlabel("release probability")
    ax.set_ylabel(f"bits per 10⁶ ATP at {rate:g} Hz, static")
    ax.set_ylim(0, None)


def _rates(ax: Axes) -> None:
    ax.set_xscale("log")
    style.plain_log(ax.xaxis)
    ax.set_xlabel("rate of the input (Hz)")


def figure(outcome: Any) -> Figure:
    """All four."""
    fig, axes = style.figure(170, 130, nrows=2, ncols=2)
    for ax, draw in zip(
        axes.ravel(), (draw_prices, draw_parts, draw_best, draw_sites), strict=True
    ):
        draw(ax, outcome)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    return fig

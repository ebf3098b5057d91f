"""Bits under background activity whose steps are not small: the master equation of separate pairs.

The changes of single pairs, a exp(-s/tau), come at the rate r_pre r_post ds, and the weight is
clipped at both bounds. That leaves out what one spike's several pairs have in common: (r_pre +
r_post) (P - M)^2 of the diffusion (`synsim.predict.disturbance`).

A weight so large that a single presynaptic spike makes the neuron fire (`own`) has a postsynaptic
spike a step dt after every presynaptic one. Both together change it by

    a_plus (e^(-dt/tau_plus) + sum over earlier pre) - a_minus (sum over earlier post)

the sums being shot noise of spikes at r_pre, and at r_post + r_pre; LTD never comes without the
greater LTP that follows it. Two presynaptic spikes s apart fire it together where
w (1 + e^(-s/tau_m)) reaches `own`: at the rate r_pre^2 ds, up by
a_plus (e^(-dt/tau_plus) + e^(-(s + dt)/tau_plus)). Three are left out, as is the time in which the
neuron is refractory.

The rates from cell to cell of the weight's range are one matrix; its exponential over a short step
is squared as often as a time asks for. Source: derived here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_FINEST, _COARSEST = 1000, 200  # cells of the weight's range


class Activity(Protocol):
    """What this takes from a `Background`; it has to be hashable."""

    @property
    def a_plus(self) -> float: ...
    @property
    def a_minus(self) -> float: ...
    @property
    def tau_plus(self) -> float: ...
    @property
    def tau_minus(self) -> float: ...
    @property
    def pre_rate(self) -> float: ...
    @property
    def post_rate(self) -> float: ...
    @property
    def dt(self) -> float: ...
    @property
    def scatter_cv(self) -> float: ...
    @property
    def own(self) -> float: ...
    @property
    def tau_m(self) -> float: ...


class Flow:
    """The state after any time: powers of two of one short step, as far as they are asked for."""

    def __init__(self, background: Activity) -> None:
        step = max(min(background.a_plus, background.a_minus), 1e-9)
        self.cells = int(np.clip(np.ceil(100 / step), _COARSEST, _FINEST))
        rates, most = generator(background, self.cells)
        self._unit = 1 / (64 * max(most, 1e-300))
        short = rates * self._unit
        term = power = np.eye(self.cells + 1)
        for order in range(1, 6):  # the step is a 64th of a jump: the rest is below 1e-13
            term = term @ short / order
            power = power + term
        self._powers = [power]

    def after(self, time: float, state: Array) -> Array:
        """`time` is taken in whole steps."""
        left, k = round(time / self._unit), 0
        while left:
            if k == len(self._powers):
                self._powers.append(self._powers[-1] @ self._powers[-1])
            if left & 1:
                state = state @ self._powers[k]
            left, k = left >> 1, k + 1
        return state


@lru_cache(maxsize=2)
def flow(background: Activity) -> Flow:
    """The flow under this activity, kept for further times."""
    return Flow(background)


def reached(weight: float, cells: int) -> Array:
    """1 from a weight on and 0 below it, the cell that it cuts in parts."""
    return np.clip(np.arange(cells + 1) - weight * cells + 0.5, 0, 1)


def deposit(cells: Array, position: Array, part: Array) -> None:
    """Add to the two cells that each position lies between, so that the mean is kept."""
    low = np.clip(np.floor(position).astype(int), 0, len(cells) - 2)
    np.add.at(cells, low, part * (1 - (position - low)))
    np.add.at(cells, low + 1, part * (position - low))


def _deposited(position: Array, size: int, reach: int) -> Array:
    """A distribution over offsets, those below 0 at the end; positions equally likely."""
    cells = np.zeros(2 * reach + 3)
    deposit(cells, np.clip(position, -reach, reach) + reach + 1, np.full(len(position), 1.0))
    found = np.zeros(size)
    found[np.arange(-reach - 1, reach + 2)] = cells / len(position)
    return found


def generator(b: Activity, cells: int) -> tuple[Array, float]:
    """Rates from cell to cell, shape (cells + 1, cells + 1), and the largest in all."""
    pre, post = (-np.expm1(-r * b.dt) / b.dt for r in (b.pre_rate, b.post_rate))
    up, down = _sizes(b, True), -_sizes(b, False)
    reach = int(np.ceil(4 * max(b.a_plus, b.a_minus) * (1 + 5 * b.scatter_cv) * cells))
    reach = min(max(reach, 2), 2 * cells)
    pairs = [
        pre * post * b.dt * len(sizes) * _update(b, sizes, reach, cells) for sizes in (up, down)
    ]
    rates = np.broadcast_to(pairs[0] + pairs[1], (cells + 1, 2 * reach + 1)).copy()
    fires = reached(b.own, cells)
    if fires.any():
        alone = np.array([b.a_plus * np.exp(-b.dt / b.tau_plus)])
        loss = _update(b, np.zeros(1), reach, cells, (down, pre + post))
        both = np.convolve(_update(b, alone, reach, cells, (up, pre)), loss, mode="same")
        rates += fires[:, None] * (pre * both - pairs[1])
    for lag in np.arange(1, int(5 * b.tau_m / b.dt) + 1) * b.dt:
        together = reached(b.own / (1 + np.exp(-lag / b.tau_m)), cells) - fires
        if np.isfinite(b.own) and together.any():
            change = b.a_plus * (1 + np.exp(-lag / b.tau_plus))
            jump = np.array([change * np.exp(-b.dt / b.tau_plus)])
            rates += pre**2 * b.dt * together[:, None] * _update(b, jump, reach, cells)
    at = np.arange(cells + 1)[:, None]
    made = np.zeros((cells + 1, cells + 1))
    np.add.at(made, (at, np.clip(at + np.arange(-reach, reach + 1), 0, cells)), rates)
    out = rates.sum(axis=1)
    made[at[:, 0], at[:, 0]] -= out
    return made, float(out.max())


def _update(
    b: Activity, changes: Array, reach: int, cells: int, noise: tuple[Array, float] | None = None
) -> Array:
    """Distribution of what one spike changes, in cells from -reach to reach.

    Parameters
    ----------
    changes : each as likely as the others
    noise : changes by further spikes, one a time step, and their rate; shot noise
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(9 if b.scatter_cv else 1)
    size = 1 << (4 * reach + 2).bit_length()  # no wrapping round
    found = np.zeros(size)
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        scale = (1 + b.scatter_cv * node) * cells
        law = np.fft.rfft(_deposited(changes * scale, size, reach))
        if noise is not None:
            more = np.fft.rfft(_deposited(noise[0] * scale, size, reach))
            law = law * np.exp(noise[1] * b.dt * len(noise[0]) * (more - 1))
        found += weight * np.fft.irfft(law, size)
    return np.concatenate([found[-reach:], found[: reach + 1]])


def _sizes(b: Activity, up: bool) -> Array:
    """Changes by a pair, one for each step of its lag up to 12 time constants."""
    size, tau = (b.a_plus, b.tau_plus) if up else (b.a_minus, b.tau_minus)
    return np.asarray(size * np.exp(-np.arange(1, int(12 * tau / b.dt) + 1) * b.dt / tau))

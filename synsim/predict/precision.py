"""Writing a number into a weight by counting pairings: what arrives, and how much is told by it.

A weight in [0, 1] has L levels k/L, k = 0 .. L - 1. A pairing at lag +d moves it up by one level,
one at -d down by one, where pairings are far apart: a_plus exp(-d/tau_plus) = a_minus
exp(-d/tau_minus) = 1/L.

Rate. Pairings every T overlap: each spike also pairs with those of the other pairings. k of them
move the weight (additive rule, all-to-all, 0 < d < T) by

    up:    G(k, tau_plus) - exp((2d - T)/tau_minus) G(k - 1, tau_minus)          levels
    down:  the same with plus and minus exchanged
    G(N, tau) = sum over m < N of (N - m) r^m = (N - (N + 1) r + r^(N+1))/(1 - r)^2
    r = exp(-T/tau)

and each further one, once settled, by 1/(1 - r_plus) - exp((2d - T)/tau_minus)/(1 - r_minus). For
T much shorter than the time constants that is (tau_plus - tau_minus)/T: not one level, and of the
sign of the larger area. A count of k is right to `tolerance` levels where |moved - k| stays below
it.

Scatter. Each pairing moves 1 + c xi levels, xi standard normal, and every pairing of one synapse
g zeta more, zeta drawn once for the synapse. After k pairings from a known start

    mean k,    variance k c^2 (1 + g^2) + k^2 g^2          levels^2

The first is a random walk: in levels it grows as sqrt(k), so no more than about 1 + 1/(4 c^2)
levels are right to half a level; as a part of the range it is c sqrt(k)/L, which more and smaller
pairings do make as small as one likes. The second is not: g k/L stays. From a start that is
anywhere in [0, 1] the writer counts from the middle, k - L/2 pairings, and what comes out is the
start moved, clipped at the bounds. Counting from a bound takes `reset_pairings` first: L, and 3
standard deviations of their walk.

Reading. round(L w), or through release (`models/quantal_release.py`): R spikes release B ~
Binomial(R n, p) quanta, and the weight is read as w B/(R n p), with the standard deviation w
sqrt((1 - p)/(R n p)).

Everything is in levels and numpy's; times in s. Source: the question, and the numbers put to the
test, are those of C. Simon, "The importance of precise synapse weights"; the sums over pairs are
those of `models/pair_stdp.py`; the rest is derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Count:
    """Counting by pairings, each worth one level where they do not overlap.

    lag : s, above 0;  tau_plus, tau_minus : s
    """

    lag: float
    tau_plus: float
    tau_minus: float

    def moved(self, k: ArrayLike, period: ArrayLike, up: bool = True) -> Array:
        """By how many levels k pairings (any shape, broadcast with the period) move the weight,
        away from the bounds.

        Raises InputError unless the period is longer than the lag.
        """
        own, other = self._taus(up, period)
        k, period = np.asarray(k, dtype=float), np.asarray(period, dtype=float)
        return _overlaps(k, period / own) - np.exp((2 * self.lag - period) / other) * _overlaps(
            np.maximum(k - 1, 0), period / other
        )

    def settled(self, period: ArrayLike, up: bool = True) -> Array:
        """Levels that one more pairing moves the weight by, after many."""
        period = np.asarray(period, dtype=float)
        own, other = self._taus(up, period)
        return np.asarray(
            -1 / np.expm1(-period / own)
            + np.exp((2 * self.lag - period) / other) / np.expm1(-period / other)
        )

    def reached(
        self, levels: int, period: float, scatter_cv: float = 0.0, most: int = 3
    ) -> tuple[float, float]:
        """Mean and variance of the pairings up that bring 0 to half a level of L - 1.

        A walk with b = L - 3/2 to go needs b + (1 + c^2)/2 of its steps in the mean (b and half
        the mean square of a step over its mean, the excess of renewal theory; Feller 1971, vol. 2,
        XI.4), with a variance of about c^2 b; a count without scatter the first whole number that
        has moved so far. NaN where `most` times as many pairings as levels do not get there.
        """
        k = np.arange(1, most * levels + 1)
        moved, to_go = self.moved(k, period), levels - 1.5
        there = np.flatnonzero(moved >= to_go - 1e-12)
        if not there.size:
            return float("nan"), float("nan")
        whole = int(k[there[0]])
        if scatter_cv == 0:
            return float(whole), 0.0
        last = moved[whole - 2] if whole > 1 else 0.0
        passed = whole - 1 + (to_go - last) / (moved[whole - 1] - last)
        return passed + (1 + scatter_cv**2) / 2, scatter_cv**2 * to_go

    def highest_rate(self, pairings: int, tolerance: float = 1.0, up: bool = True) -> float:
        """The highest rate (Hz) up to which every count of 1 to `pairings` is right.

        The lowest rate at which some count is `tolerance` levels out; infinite where none is out
        at any period longer than the lag.
        """
        rates = np.geomspace(1e-3, (1 - 1e-6) / self.lag, 600)
        out = self._worst(pairings, 1 / rates, up) > tolerance
        if not out.any():
            return float("inf")
        first = int(np.argmax(out))
        low, high = float(rates[max(first - 1, 0)]), float(rates[first])
        for _ in range(50):
            middle = 0.5 * (low + high)
            if self._worst(pairings, 1 / middle, up) > tolerance:
                high = middle
            else:
                low = middle
        return low

    def _worst(self, pairings: int, period: ArrayLike, up: bool) -> Array:
        """The largest error of any count, of each period."""
        # The last count, and where the error turns before it, are among a fine grid of counts
        k = np.unique(np.linspace(1, pairings, min(pairings, 100)).astype(int))
        k = k.reshape(-1, *([1] * np.ndim(period)))
        return np.asarray(np.max(np.abs(self.moved(k, period, up) - k), axis=0))

    def _taus(self, up: bool, period: ArrayLike) -> tuple[float, float]:
        if not 0 < self.lag < np.min(period):
            raise InputError(
                f"counting: found a lag of {self.lag:g} s and a period of {np.min(period):g} s, "
                "expected a lag above 0 and below the period"
            )
        return (self.tau_plus, self.tau_minus) if up else (self.tau_minus, self.tau_plus)


def _overlaps(n: Array, exponent: Array) -> Array:
    """G(n): sum over m = 0 .. n - 1 of (n - m) r^m, with r = exp(-exponent)."""
    r, gap = np.exp(-exponent), -np.expm1(-exponent)
    # n/gap - r (1 - r^n)/gap^2 is the same without its difference of large numbers
    return n / gap + r * np.expm1(-exponent * n) / gap**2


def write_moments(k: ArrayLike, scatter_cv: float, gain_cv: float = 0.0) -> tuple[Array, Array]:
    """Mean and variance, in levels, of what k separate pairings write from a known start."""
    k = np.asarray(k, dtype=float)
    return k, k * scatter_cv**2 * (1 + gain_cv**2) + (k * gain_cv) ** 2


def clipped_square(k: ArrayLike, mean: ArrayLike, variance: ArrayLike, levels: int) -> Array:
    """Mean of (x - k)^2 for x normal and then clipped to [0, L]; all in levels, broadcasting.

    With a = -m/s, b = (L - m)/s and d = m - k it is k^2 Phi(a) + (L - k)^2 Phi(-b)
    + (d^2 + s^2)(Phi(b) - Phi(a)) + 2 d s (phi(a) - phi(b)) + s^2 (a phi(a) - b phi(b)).
    """
    from scipy.special import ndtr

    k, mean = np.asarray(k, dtype=float), np.asarray(mean, dtype=float)
    s = np.maximum(np.sqrt(variance), 1e-9)
    a, b, d = -mean / s, (levels - mean) / s, mean - k
    at_a, at_b = (np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) for z in (a, b))
    inside = (d**2 + s**2) * (ndtr(b) - ndtr(a)) + 2 * d * s * (at_a - at_b)
    inside += s**2 * (a * at_a - b * at_b)
    return np.asarray(k**2 * ndtr(a) + (levels - k) ** 2 * ndtr(-b) + inside)


def write_error(levels: int, scatter_cv: float, gain_cv: float = 0.0) -> float:
    """RMS error, in levels, over all values meant, of counts that the bounds do not clip.

    sqrt(c^2 (1 + g^2) (L - 1)/2 + g^2 (L - 1)(2 L - 1)/6).
    """
    n = levels - 1
    return float(
        np.sqrt(scatter_cv**2 * (1 + gain_cv**2) * n / 2 + gain_cv**2 * n * (2 * n + 1) / 6)
    )


def levels_within(tolerance: float, scatter_cv: float, gain_cv: float = 0.0) -> float:
    """How many levels are right to `tolerance` levels (one SD of the highest); inf if all are.

    The root of n c^2 (1 + g^2) + n^2 g^2 = tolerance^2, and 1: the level 0 needs no pairing.
    """
    walk, gain = scatter_cv**2 * (1 + gain_cv**2), gain_cv**2
    if walk == gain == 0:
        return float("inf")
    return 1 + 2 * tolerance**2 / (walk + np.sqrt(walk**2 + 4 * gain * tolerance**2))


def reset_pairings(levels: int, scatter_cv: float) -> int:
    """Pairings that bring a weight from anywhere to the bound: L and 3 SD of their walk."""
    return int(np.ceil(levels + 3 * scatter_cv * np.sqrt(levels)))


def write_channel(
    levels: int,
    scatter_cv: float,
    gain_cv: float = 0.0,
    *,
    n: int = 1,
    p: float = 1.0,
    reads: int = 1,
) -> Array:
    """P(read | meant), shape (L, L): counted from a bound that is known, read through release.

    The weight is taken as normal (it is, where only one of scatter and gain is above 0), and so is
    the reading given the quanta, whose binomial law is exact; rounding to a level and clipping to
    0 .. L - 1 come last. Clipping on the way, of a walk that comes back from the bound, is left
    out.

    Parameters
    ----------
    n, p, reads : release sites, release probability, presynaptic spikes that are averaged
    """
    k = np.arange(levels)[:, None]
    edges = np.arange(levels - 1) + 0.5
    below = np.zeros((levels, levels - 1))
    mean, variance = write_moments(k, scatter_cv, gain_cv)
    for factor, chance in _quanta(n, p, reads):
        reached = edges / factor if factor > 0 else np.full(levels - 1, np.inf)
        below += chance * _normal_below(reached, mean, np.sqrt(variance))
    return np.diff(np.minimum(below, 1.0), axis=1, prepend=0.0, append=1.0)


def unknown_start_channel(levels: int, scatter_cv: float = 0.0) -> Array:
    """P(read | meant), shape (L, L), from a start that is anywhere: k - L/2 pairings from there.

    P(w < x) is the mean over the start u in [0, L] of Phi((x - u - m)/s), m = k - L/2,
    s = c sqrt(|m|).
    """
    m = np.arange(levels)[:, None] - levels / 2
    m = np.trunc(m)  # whole pairings
    edges = np.arange(levels - 1) + 0.5
    s = np.maximum(scatter_cv * np.sqrt(np.abs(m)), 1e-9)
    high, low = (edges - m) / s, (edges - m - levels) / s
    below = s * (_normal_integral(high) - _normal_integral(low)) / levels
    return np.diff(np.clip(below, 0, 1), axis=1, prepend=0.0, append=1.0)


def read_error(w: ArrayLike, n: int, p: float, reads: int) -> Array:
    """Standard deviation of a weight read through R spikes: w sqrt((1 - p)/(R n p))."""
    return np.asarray(np.asarray(w, dtype=float) * np.sqrt((1 - p) / (reads * n * p)))


def burst_sum(spikes: int, interval: float, tau_m: float) -> Array:
    """Peaks of the membrane after each spike of a burst, in single jumps: 1, 1 + r, 1 + r + r^2 ..

    r = exp(-interval/tau_m). Without leak five jumps of 0.2 make 1; with it, less.
    """
    r = np.exp(-interval / tau_m)
    return np.cumsum(r ** np.arange(spikes))


def _quanta(n: int, p: float, reads: int) -> list[tuple[float, float]]:
    """B/(R n p) and its probability, for every number B of released quanta."""
    from scipy.special import gammaln, xlog1py, xlogy

    sites = reads * n
    b = np.arange(sites + 1)
    choose = gammaln(sites + 1) - gammaln(b + 1) - gammaln(sites - b + 1)
    chance = np.exp(choose + xlogy(b, p) + xlog1py(sites - b, -p))
    return [(x / (reads * n * p), c) for x, c in zip(b, chance, strict=True) if c > 1e-15]


def _normal_below(x: Any, mean: Array, spread: Array) -> Any:
    from scipy.special import ndtr

    return ndtr((x - mean) / np.maximum(spread, 1e-9))


def _normal_integral(z: Array) -> Any:
    """The integral of Phi up to z: z Phi(z) + phi(z)."""
    from scipy.special import ndtr

    return z * ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)

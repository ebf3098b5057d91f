"""Where plasticity sits, without a likelihood: CV analysis and failures.

With n sites of equal release probability p, quanta of mean q and coefficient of variation cv, and
noise of variance s0^2,

    mean = n p q,    1/CV^2 = mean^2/(variance - s0^2) = n p/(1 - p + cv^2)

and with pi = mean after / mean before and r = (CV_after/CV_before)^-2

    only q changes    r = 1                                       the horizontal line
    only n changes    r = pi                                      the diagonal
    only p changes    r = pi (1 - p_b + cv^2)/(1 - p_a + cv^2)    beyond the diagonal, seen from 1

so that a change of p lies above the diagonal in potentiation and below it in depression, and
close to it where p is small. Between the lines q has changed together with n or p.

Known to mislead (Faber & Korn 1991; Brock et al. 2020): 1/CV^2 must be corrected for noise; a
drift of the mean within an epoch counts as variance; few responses; sites of unequal p or q;
several axons of which not all are excited every time; silent synapses that begin to speak, or the
AMPA receptors of a site gained or lost, which are a change of n here however postsynaptic they
are; a change of cv, which moves r without p, n or q.

Intervals are percentiles of a bootstrap over the responses of each epoch; s0 is taken as given.

Sources: Malinow & Tsien 1990, Bekkers & Stevens 1990 (CV analysis of LTP); Faber & Korn 1991 (its
conditions); Brock et al. 2020 (a guide); del Castillo & Katz 1954 (failures).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation
from synsim.fit.profile import Interval

MALINOW_TSIEN = Citation("Malinow & Tsien 1990, Nature 346:177", "10.1038/346177a0")
BEKKERS_STEVENS = Citation("Bekkers & Stevens 1990, Nature 346:724", "10.1038/346724a0")
FABER_KORN = Citation(
    "Faber & Korn 1991, Biophys J 60:1288", "10.1016/S0006-3495(91)82162-2"
)  # fmt: skip
BROCK = Citation(
    "Brock, Thomazeau, Watanabe, Li & Sjöström 2020, Front Synaptic Neurosci 12:11",
    "10.3389/fnsyn.2020.00011",
)

Array = NDArray[Any]

SAMPLES = 2000
THRESHOLD = 2.5  # of the noise's standard deviation

#: What a place in the plane says.
PLACES = {
    "unchanged": "the mean has not changed beyond its scatter: there is nothing to place",
    "flat": "on the horizontal line: q",
    "diagonal": "on the diagonal: n, or p where p is small",
    "beyond": "beyond the diagonal: p",
    "between": "between the lines: q together with n or p",
    "opposite": "CV changes against the mean: more than one of p, n and q, or the variability",
    "undecided": "undecided: the interval holds more than one line",
}


@dataclass(frozen=True)
class CVAnalysis:
    """Mean ratio, ratio of 1/CV^2, 95 % intervals, and the place in the plane.

    `samples` holds the bootstrap of both, shape (SAMPLES, 2); r is nan where the variance of a
    sample is below that of the noise. `above` is the share of samples above the diagonal.
    """

    responses: tuple[int, int]
    s0: tuple[float, float]
    mean_ratio: float
    mean_interval: Interval
    ratio: float
    interval: Interval
    above: float
    place: str
    samples: Array


@dataclass(frozen=True)
class Failures:
    """Responses within the noise, before and after; exact intervals; p of no change (Fisher)."""

    threshold: float
    counts: tuple[int, int]
    totals: tuple[int, int]
    intervals: tuple[Interval, Interval]
    p_value: float

    @property
    def rates(self) -> tuple[float, float]:
        """Share of failures before and after."""
        return self.counts[0] / self.totals[0], self.counts[1] / self.totals[1]


def expected_ratio(
    before: tuple[float, float, float], after: tuple[float, float, float], cv: float = 0.0
) -> tuple[float, float]:
    """Mean ratio and ratio of 1/CV^2 in closed form.

    Parameters
    ----------
    before, after : n, p, q; p below 1, or cv above 0
    """
    (n, p, q), (m, u, v) = before, after
    return m * u * v / (n * p * q), m * u / (1 - u + cv**2) / (n * p / (1 - p + cv**2))


def cv_analysis(
    before: Array, after: Array, s0: tuple[float, float], rng: np.random.Generator
) -> CVAnalysis:
    """CV analysis of responses under one and the same condition, magnitudes (m,) each."""
    drawn = [_resampled(y, noise, rng) for y, noise in zip((before, after), s0, strict=True)]
    (mean_b, inverse_b), (mean_a, inverse_a) = drawn
    with np.errstate(divide="ignore", invalid="ignore"):
        pi = np.where((mean_a > 0) & (mean_b > 0), mean_a / mean_b, np.nan)
        r = inverse_a / inverse_b
    with np.errstate(divide="ignore", invalid="ignore"):
        log_pi, log_r = np.log(pi), np.log(r)
    mean_ratio = float(after.mean() / before.mean())
    ratio = _inverse_cv2(after, s0[1]) / _inverse_cv2(before, s0[0])
    return CVAnalysis(
        responses=(before.size, after.size),
        s0=s0,
        mean_ratio=mean_ratio,
        mean_interval=_exp(_percentiles(log_pi)),
        ratio=ratio,
        interval=_exp(_percentiles(log_r)),
        above=float(np.mean((log_r > log_pi)[np.isfinite(log_r)]))
        if np.isfinite(log_r).any()
        else math.nan,
        place=_place(_percentiles(log_pi), _percentiles(log_r), _percentiles(log_r - log_pi)),
        samples=np.column_stack([pi, r]),
    )


def _inverse_cv2(y: Array, s0: float) -> float:
    variance = float(y.var(ddof=1)) - s0**2
    return float(y.mean()) ** 2 / variance if variance > 0 else math.nan


def _resampled(y: Array, s0: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Mean and 1/CV^2 of each bootstrap sample; nan where noise makes up all the variance."""
    drawn = y[rng.integers(0, y.size, (SAMPLES, y.size))]
    mean, variance = drawn.mean(axis=1), drawn.var(axis=1, ddof=1) - s0**2
    return mean, np.where(variance > 0, mean**2 / np.where(variance > 0, variance, 1.0), np.nan)


def _percentiles(values: Array) -> Interval:
    """2.5 and 97.5 percentile; no limits where more than 1 in 40 samples has no value."""
    there = values[np.isfinite(values)]
    if there.size < 0.975 * values.size:
        return None, None
    low, high = np.quantile(there, [0.025, 0.975])
    return float(low), float(high)


def _exp(ends: Interval) -> Interval:
    low, high = (None if end is None else math.exp(end) for end in ends)
    return low, high


def _sign(ends: Interval) -> int | None:
    """1, -1, 0 where the interval holds 0, None without limits."""
    low, high = ends
    if low is None or high is None:
        return None
    return 1 if low > 0 else -1 if high < 0 else 0


def _place(pi: Interval, r: Interval, above: Interval) -> str:
    way, from_flat, from_diagonal = _sign(pi), _sign(r), _sign(above)
    if way == 0:
        return "unchanged"
    if way is None or from_flat is None or from_diagonal is None:
        return "undecided"
    flat, diagonal = from_flat * way, from_diagonal * way
    if flat == 0:
        return "flat" if diagonal == -1 else "undecided"
    if flat == -1:
        return "opposite"
    return {1: "beyond", 0: "diagonal", -1: "between"}[diagonal]


def count_failures(before: Array, after: Array, s0: float) -> Failures:
    """Responses below 2.5 s0; a quantum has to stand out from the noise for it to mean failures."""
    from scipy.stats import beta, fisher_exact

    threshold = THRESHOLD * s0
    counts = (int(np.sum(before < threshold)), int(np.sum(after < threshold)))
    totals = (before.size, after.size)
    intervals: list[Interval] = []
    for k, m in zip(counts, totals, strict=True):
        low = float(beta.ppf(0.025, k, m - k + 1)) if k else 0.0
        high = float(beta.ppf(0.975, k + 1, m - k)) if k < m else 1.0
        intervals.append((low, high))
    table = np.array([[k, m - k] for k, m in zip(counts, totals, strict=True)])
    p_value = float(fisher_exact(table)[1])
    return Failures(threshold, counts, totals, (intervals[0], intervals[1]), p_value)

"""Intervals from the profile likelihood: what each parameter may be, all others free.

A value belongs to the 95 % interval when the likelihood, maximised over all other parameters
and the scatter, falls short of the greatest by no more than

    2 (l_max - l) <= n ln(1 + t^2/(n - p))

with t the 97.5 % point of Student's t at n - p degrees of freedom, n points and p parameters of
the curve. In large samples that is the chi-squared limit, 3.84; in small ones it is the exact
limit for a curve that is linear in its parameters and Gaussian residuals of unknown variance
(the likelihood-ratio form of the t test, as in the profile t of Bates & Watts 1988, ch. 6),
where 3.84 gives intervals that are too narrow. Where standard errors are given and make up
most of the variance it is on the wide side.

An interval is the smallest one that holds every value not refused. Where no value tried is
refused, that side has no limit: None (0 for an amplitude, which has a natural end there). Nor
has it one where the end moves with the range tried for ANOTHER parameter (an amplitude whose
time constant is as short as was tried): such an end would be ours, not the data's.

The likelihood has several maxima, and so has its profile: a climb that stays in the wrong one
makes an interval too narrow. So each profile starts from several maxima, neighbours along it
help each other, and its far end and its two limits are searched afresh.

Sources: Venzon & Moolgavkar 1988; Bates & Watts 1988, Nonlinear Regression Analysis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation
from synsim.fit.likelihood import Problem
from synsim.fit.rays import Rays
from synsim.fit.search import Maximum

VENZON = Citation("Venzon & Moolgavkar 1988, Appl Stat 37:87", "10.2307/2347496")
BATES_WATTS = Citation("Bates & Watts 1988, Nonlinear Regression Analysis (Wiley)", "", "ch. 6")

Array = NDArray[Any]
Interval = tuple[float | None, float | None]

_BETTER = 1e-3  # in log likelihood: a profile that climbs higher than the maximum found it


@dataclass(frozen=True)
class Profile:
    """Intervals, and every point visited that is not refused, shape (m, k), for a band.

    `better` is not None when the climb found more than the maximum it was given: then there
    are no intervals, and the maximum is to be sought again from there.
    """

    intervals: tuple[Interval, ...]
    inside: Array
    limit: float
    better: Array | None = None


def limit(n: int, p: int, level: float = 0.95, together: int = 1) -> float:
    """The greatest 2 (l_max - l) of a value inside the interval.

    Parameters
    ----------
    n : points
    p : parameters of the curve, below n
    level : of the interval
    together : parameters that it holds at once (F instead of t^2)
    """
    from scipy.special import fdtri

    return n * math.log1p(together * float(fdtri(together, n - p, level)) / (n - p))


def profile(problem: Problem, maximum: Maximum, level: float = 0.95) -> Profile:
    """Profile-likelihood intervals of all parameters of the curve.

    Parameters
    ----------
    problem, maximum : as `search.maximise` takes and returns them
    level : of the intervals

    Returns
    -------
    Profile, with one interval per coordinate, in the unit of the parameter.
    """
    allowed = limit(problem.y.size, problem.size - 1, level)
    rays = Rays(problem, maximum, allowed)
    found: dict[tuple[int, int], float] = {}
    if rays.js.size:
        rays.explore()
        for _ in range(4):
            ends = rays.ends()
            if not rays.check(ends):
                break
        if rays.deviance().min() < -2 * _BETTER:
            return Profile((), maximum.u[None], allowed, rays.best())
        ends[rays.leaning()] = np.nan
        found = {
            (int(j), int(way)): float(end)
            for j, way, end in zip(rays.js, rays.ways, ends, strict=True)
        }
    return Profile(tuple(_intervals(problem, found)), rays.inside(), allowed)


def _intervals(problem: Problem, found: dict[tuple[int, int], float]) -> list[Interval]:
    """Ends in the units of the parameters; NaN, or no room to that side, means no limit."""
    intervals: list[Interval] = []
    for j, c in enumerate(problem.coordinates):
        ends: list[float | None] = []
        for way in (-1, 1):
            u = found.get((j, way), math.nan)
            if not math.isnan(u):
                ends.append(math.exp(u) if c.log else u)
            else:
                ends.append(0.0 if way < 0 and c.low == 0 else None)
        intervals.append((ends[0], ends[1]))
    return intervals

"""The 95 % band of a fitted curve: at each lag, the values its curve may have.

With profile intervals it is the range, at each lag, of all curves inside the same likelihood
limit as the intervals: the profile-likelihood interval of the curve at that lag. Curves on the
limit are found along many directions from the estimate, scaled by its covariance, together with
all those met on the way to the intervals. With a bootstrap it is the 2.5 to 97.5 percentile
of the samples' curves.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.likelihood import Problem
from synsim.fit.rays import covariance
from synsim.fit.search import Maximum

Array = NDArray[Any]


def on_the_limit(
    problem: Problem, maximum: Maximum, allowed: float, rng: np.random.Generator, count: int = 400
) -> Array:
    """Coordinates (m, k) near the limit of the likelihood, in all directions.

    Parameters
    ----------
    allowed : the limit of 2 (l_max - l)
    count : number of directions
    """
    spread = covariance(problem, maximum.u)
    values, vectors = np.linalg.eigh(spread)
    axes = vectors * np.sqrt(np.maximum(values, 0))
    directions = rng.standard_normal((count, problem.size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions = directions @ axes.T

    def at(distance: Array) -> tuple[Array, Array]:
        u = np.clip(maximum.u + distance[:, None] * directions, problem.low, problem.high)
        return u, 2 * (problem.loss(u) + maximum.loglik)

    # Outwards in small steps to the first place beyond the limit, so that curved and lopsided
    # regions are followed, then halving.
    reach = math.sqrt(allowed)
    inner, outer = np.zeros(count), np.full(count, np.nan)
    for distance in reach * np.geomspace(0.1, 8, 24):
        searching = np.isnan(outer)
        _, deviance = at(np.full(count, distance))
        leaves = searching & (deviance > allowed)
        outer[leaves] = distance
        inner[searching & ~leaves] = distance
    outer = np.where(np.isnan(outer), inner, outer)
    for _ in range(12):
        middle = (inner + outer) / 2
        _, deviance = at(middle)
        inner = np.where(deviance <= allowed, middle, inner)
        outer = np.where(deviance <= allowed, outer, middle)
    return at(inner)[0]

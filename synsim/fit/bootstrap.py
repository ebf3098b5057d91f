"""Intervals from a bootstrap over cells, or over points where no cells are named.

Cells (with all their points) are drawn with replacement, as many as there are, and the window
is fitted again; the interval is from the 2.5 to the 97.5 percentile. Samples that no longer
determine the window (too few different lags on a side) are left out and counted. All samples
are fitted at once: a sample is how often each point counts.

Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13 (percentile interval).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation
from synsim.fit.likelihood import Problem
from synsim.fit.profile import Interval
from synsim.fit.search import Maximum, climb
from synsim.models.stdp_windows import Window

EFRON = Citation("Efron & Tibshirani 1993, An Introduction to the Bootstrap", "", "ch. 13")

Array = NDArray[Any]


@dataclass(frozen=True)
class Bootstrap:
    """Percentile intervals, the coordinates of all samples (m, k), and how many were left out."""

    intervals: tuple[Interval, ...]
    samples: Array
    left_out: int


def draw(units: Array, samples: int, rng: np.random.Generator) -> Array:
    """How often each point counts in each sample, shape (samples, n).

    Parameters
    ----------
    units : the cell of each point, as numbers from 0, shape (n,)
    """
    count = int(units.max()) + 1
    drawn = rng.integers(0, count, (samples, count))
    times = np.zeros((samples, count))
    np.add.at(times, (np.arange(samples)[:, None], drawn), 1.0)
    return times[:, units]


def bootstrap(
    window: Window,
    problem: Problem,
    maximum: Maximum,
    units: Array,
    samples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> Bootstrap:
    """Percentile intervals of all parameters of a window.

    Parameters
    ----------
    units : the cell of each point, as numbers from 0, shape (n,)
    samples : how many to draw
    """
    weights = draw(units, samples, rng)
    weights = weights[_determined(window, problem, weights)]
    left_out = samples - len(weights)
    if len(weights) < 20:
        nothing: Interval = (None, None)
        return Bootstrap((nothing,) * (problem.size - 1), maximum.u[None], left_out)
    u = np.empty((len(weights), problem.size))
    loss = np.full(len(weights), np.inf)
    for start in (maximum.u, *maximum.others):
        rows = np.tile(start, (len(weights), 1))
        found, value = climb(problem, rows, weights=weights, steps=80, tolerance=1e-5)
        better = value < loss
        u[better], loss[better] = found[better], value[better]
    intervals = tuple(_interval(problem, u, j, level) for j in range(problem.size - 1))
    return Bootstrap(intervals, u, left_out)


def _determined(window: Window, problem: Problem, weights: Array) -> Array:
    """Which samples have as many different lags on each side as the window has parameters."""
    lags, place = np.unique(problem.x, return_inverse=True)
    there = np.zeros((len(weights), lags.size), bool)
    for point, column in enumerate(place):
        there[:, column] |= weights[:, point] > 0
    names = {c.name for c in problem.coordinates}
    good = there.sum(axis=1) >= min(problem.size, lags.size)
    for side in (-1, 1):
        needed = sum(p.side == side and p.name in names for p in window.parameters)
        good &= there[:, lags * side > 0].sum(axis=1) >= needed
    return good


def _interval(problem: Problem, u: Array, j: int, level: float) -> Interval:
    c = problem.coordinates[j]
    found = u[:, j]
    partner = next(
        (
            i
            for i, other in enumerate(problem.coordinates)
            if other.name == f"A_{c.name.rpartition('_')[2]}" and other is not c
        ),
        None,
    )
    # A branch without height says nothing about its time constant: it may be anything.
    if partner is not None and np.mean(u[:, partner] <= 0) > (1 - level) / 2:
        return None, None
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    ends: list[float | None] = []
    for end, bound in ((low, problem.low[j]), (high, problem.high[j])):
        stuck = abs(end - bound) <= 1e-6 * (1 + abs(bound))
        natural = bound == 0 and not c.log
        ends.append(None if stuck and not natural else math.exp(end) if c.log else float(end))
    return ends[0], ends[1]

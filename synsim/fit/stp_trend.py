"""Rundown: whether trains that were repeated grow or shrink over the recording.

Trains of one stimulus are compared with each other, not with a model: each has the factor a by
which it is the mean train of its stimulus, by weighted least squares, and a straight line is put
through the factors against their place in the file, one level for each stimulus,

    a_j = level(stimulus) + slope (place_j - mean place of its stimulus)

The slope over its standard error is Student's t with m - s - 1 degrees of freedom, m trains of s
stimuli, where responses scatter normally and by the same amount.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.stp_curve import Trains
from synsim.fit.words import number

Array = NDArray[Any]

FEWEST = 4  # repeats of stimuli in all, for a line
_SAME = 0.01  # of an interval: stimuli that differ by less are one
_CLEAR, _LEAST = 0.01, 0.02  # of the chance; of the change


@dataclass(frozen=True)
class Trend:
    """Relative change from the first repeated train to the last, its chance, how many trains."""

    change: float
    chance: float
    trains: int


def trend(trains: Trains, y: Array, sem: Array) -> Trend | None:
    """The trend over repeats of the same stimuli; None where there are too few.

    Parameters
    ----------
    trains : in the order of the recording
    y, sem : mean responses and their errors (0: none), train after train, shape (m,)
    """
    if trains.relative:
        return None
    from scipy.special import stdtr

    place, factor, alike = [], [], 0
    for members in _stimuli(trains):
        if len(members) < 2:
            continue
        rows = np.array([np.flatnonzero(trains.train == j) for j in members])
        responses = y[rows]
        weight = 1 / sem[rows] ** 2 if np.all(sem[rows] > 0) else np.ones(rows.shape)
        mean = np.average(responses, axis=0, weights=weight)
        size = np.sum(weight * mean**2, axis=1)
        if np.any(size == 0):
            continue
        found = np.sum(weight * mean * responses, axis=1) / size
        factor.append(found - found.mean())
        place.append(np.array(members) - np.mean(members))
        alike += 1
    if not place:
        return None
    x, a = np.concatenate(place), np.concatenate(factor)
    freedom = x.size - alike - 1
    if x.size < FEWEST or freedom < 1:
        return None
    slope = float(x @ a / (x @ x))
    rest = float(np.sum((a - slope * x) ** 2))
    change = slope * (len(trains.lengths) - 1)
    if rest == 0:
        return Trend(change, float(slope == 0), int(x.size))
    t = slope / math.sqrt(rest / freedom / float(x @ x))
    return Trend(change, 2 * float(stdtr(freedom, -abs(t))), int(x.size))


def _stimuli(trains: Trains) -> list[list[int]]:
    """Numbers of the trains that share their stimulus, kind after kind."""
    kinds: list[list[int]] = []
    for j, length in enumerate(trains.lengths):
        gaps = trains.intervals[1:length, j]
        for kind in kinds:
            first = trains.intervals[1 : trains.lengths[kind[0]], kind[0]]
            if first.size == gaps.size and np.allclose(gaps, first, rtol=_SAME, atol=0):
                kind.append(j)
                break
        else:
            kinds.append([j])
    return kinds


def words(found: Trend | None) -> list[str]:
    """What is to be minded about a trend, if anything."""
    if found is None or found.chance >= _CLEAR or abs(found.change) <= _LEAST:
        return []
    kind = "rundown" if found.change < 0 else "run-up"
    return [
        f"{kind} over the recording: in the order of the file, the {found.trains} trains of "
        f"repeated stimuli change by {100 * found.change:+.0f} % from first to last (p = "
        f"{found.chance:.1g}); the parameters are those of a stable recording"
    ]


def line(found: Trend) -> str:
    """For a report."""
    return (
        f"Trend over {found.trains} trains of repeated stimuli: {100 * found.change:+.0f} % from "
        f"first to last (p = {number(found.chance)})"
    )

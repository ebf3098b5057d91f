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
refused, that side has no limit: None (0 for an amplitude, which has a natural end there).

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
from synsim.fit.search import Maximum, climb

VENZON = Citation("Venzon & Moolgavkar 1988, Appl Stat 37:87", "10.2307/2347496")
BATES_WATTS = Citation("Bates & Watts 1988, Nonlinear Regression Analysis (Wiley)", "", "ch. 6")

Array = NDArray[Any]
Interval = tuple[float | None, float | None]

_GRID = 12  # points tried from the estimate to each bound
_BETTER = 1e-3  # in log likelihood: a profile that climbs higher than the maximum found it


@dataclass(frozen=True)
class Profile:
    """Intervals, and every point visited that is not refused, shape (m, k), for a band."""

    intervals: tuple[Interval, ...]
    inside: Array
    limit: float
    better: Array | None = None  # coordinates of a greater likelihood, if one was found


def limit(n: int, p: int, level: float = 0.95) -> float:
    """The greatest 2 (l_max - l) of a value inside the interval.

    Parameters
    ----------
    n : points
    p : parameters of the curve, below n
    level : of the interval
    """
    from scipy.special import stdtrit

    t = float(stdtrit(n - p, 0.5 + level / 2))
    return n * math.log1p(t**2 / (n - p))


def covariance(problem: Problem, u: Array) -> Array:
    """Approximate covariance (k, k) of the coordinates at u; 0 for those stuck at a bound."""
    gradient, matrix = (m[0] for m in problem.slopes(u[None]))
    stuck = ((u <= problem.low) & (gradient > 0)) | ((u >= problem.high) & (gradient < 0))
    scale = np.sqrt(np.diag(matrix))
    free = ~stuck & (scale > 0)
    found = np.zeros_like(matrix)
    inner = matrix[np.ix_(free, free)] / np.outer(scale[free], scale[free])
    found[np.ix_(free, free)] = np.linalg.pinv(inner, rcond=1e-8) / np.outer(
        scale[free], scale[free]
    )
    return found


def profile(problem: Problem, maximum: Maximum, level: float = 0.95) -> Profile:
    """Profile-likelihood intervals of all parameters of the curve.

    Parameters
    ----------
    problem, maximum : as `search.maximise` takes and returns them
    level : of the intervals

    Returns
    -------
    Profile, with one interval per coordinate. Its `better` is not None when the climb found
    more than the maximum: then maximise from there and profile again.
    """
    k = problem.size
    allowed = limit(problem.y.size, k - 1, level)
    spread = covariance(problem, maximum.u)
    # One row per parameter, direction and distance.
    at, which, way = [], [], []
    for j in range(k - 1):
        for direction, end in ((-1, problem.low[j]), (1, problem.high[j])):
            room = abs(end - maximum.u[j])
            if room <= 0:
                continue
            first = min(0.4 * math.sqrt(spread[j, j]) or room / 50, room / 4)
            at.append(maximum.u[j] + direction * np.geomspace(first, room, _GRID))
            at[-1][-1] = end
            which.append(j)
            way.append(direction)
    if not at:
        return Profile(tuple(_natural(problem, maximum, {})), maximum.u[None], allowed)
    places, js = np.array(at), np.array(which)
    points, deviance = _grid(problem, maximum, spread, places, js, allowed)
    if deviance.min() < -2 * _BETTER:
        better = points.reshape(-1, k)[int(np.argmin(deviance))]
        return Profile((), maximum.u[None], allowed, better)
    ends, visited = _crossings(problem, maximum, places, js, points, deviance, allowed)
    found = {(int(j), d): end for j, d, end in zip(js, way, ends, strict=True)}
    inside = np.concatenate([maximum.u[None], points[deviance <= allowed], visited])
    return Profile(tuple(_natural(problem, maximum, found)), inside, allowed)


def _natural(
    problem: Problem, maximum: Maximum, found: dict[tuple[int, int], float]
) -> list[Interval]:
    """Ends in the units of the parameters; NaN, or no room to that side, means no limit."""
    intervals: list[Interval] = []
    for j, c in enumerate(problem.coordinates):
        ends: list[float | None] = []
        for direction in (-1, 1):
            u = found.get((j, direction), math.nan)
            if not math.isnan(u):
                ends.append(math.exp(u) if c.log else float(u))
            else:
                ends.append(0.0 if direction < 0 and c.low == 0 else None)
        intervals.append((ends[0], ends[1]))
    return intervals


def _grid(
    problem: Problem,
    maximum: Maximum,
    spread: Array,
    places: Array,
    js: Array,
    allowed: float,
) -> tuple[Array, Array]:
    """Maxima (rows, _GRID, k) with one coordinate held, and their deviance (rows, _GRID)."""
    rows, steps = places.shape
    k = problem.size
    held = np.zeros((rows, steps, k), bool)
    held[np.arange(rows), :, js] = True

    def put(points: Array) -> Array:
        points = np.array(np.broadcast_to(points, (rows, steps, k)))
        points[np.arange(rows), :, js] = places
        return points

    def improve(new: Array, points: Array, loss: Array) -> None:
        """Climb from `new` where the best so far is refused, and keep what is better."""
        rows_, steps_ = np.nonzero(2 * (loss + maximum.loglik) > allowed)
        u, found = climb(
            problem, new[rows_, steps_], fixed=held[rows_, steps_], steps=40, tolerance=1e-3
        )
        wins = found < loss[rows_, steps_]
        points[rows_[wins], steps_[wins]], loss[rows_[wins], steps_[wins]] = u[wins], found[wins]

    # The first guess follows the ridge of the likelihood, as far as it is straight.
    diagonal = spread[js, js]
    ridge = np.divide(spread[js], diagonal[:, None], where=diagonal[:, None] > 0, out=0 * spread[js])
    moved = places - maximum.u[js][:, None]
    straight = np.clip(maximum.u + ridge[:, None, :] * moved[:, :, None], problem.low, problem.high)
    points, loss = put(maximum.u), np.full((rows, steps), np.inf)
    for new in (straight, maximum.u, *maximum.others[:2]):
        improve(put(new), points, loss)
    # Neighbours along the profile help each other out of lesser maxima.
    for _ in range(3):
        before = loss.copy()
        for neighbour in (1, -1):
            rolled = np.roll(points, neighbour, axis=1)
            edge = 0 if neighbour == 1 else -1
            rolled[:, edge] = maximum.u if edge == 0 else points[:, -1]
            improve(put(rolled), points, loss)
        if np.max(before - loss) < 0.01:
            break
    return points, 2 * (loss + maximum.loglik)


def _crossings(
    problem: Problem,
    maximum: Maximum,
    places: Array,
    js: Array,
    points: Array,
    deviance: Array,
    allowed: float,
) -> tuple[Array, Array]:
    """Where the deviance leaves the limit for good, NaN where it never does.

    Returns the ends (rows,), and the points visited inside the limit (m, k).
    """
    rows, steps = places.shape
    k = problem.size
    inside = deviance <= allowed
    outermost = np.where(inside.any(axis=1), steps - 1 - np.argmax(inside[:, ::-1], axis=1), -1)
    ends = np.full(rows, np.nan)
    open_rows = np.flatnonzero(outermost < steps - 1)
    visited = [np.empty((0, k))]
    if not open_rows.size:
        return ends, visited[0]
    o = outermost[open_rows]
    j = js[open_rows]
    first = o < 0
    x_in = np.where(first, maximum.u[j], places[open_rows, o])
    u_in = np.where(first[:, None], maximum.u, points[open_rows, o])
    # Roots of the deviance are nearly straight in the distance from the estimate.
    aim = math.sqrt(allowed)
    f_in = np.where(first, 0.0, np.sqrt(np.maximum(deviance[open_rows, o], 0))) - aim
    x_out, u_out = places[open_rows, o + 1], points[open_rows, o + 1]
    f_out = np.sqrt(deviance[open_rows, o + 1]) - aim
    todo = np.arange(j.size)
    for turn in range(12):
        a, b = todo, j[todo]
        fraction = -f_in[a] / (f_out[a] - f_in[a]) if turn % 3 != 2 else np.full(a.shape, 0.5)
        fraction = np.clip(fraction, 0.02, 0.98)
        x = x_in[a] + fraction * (x_out[a] - x_in[a])
        new = u_in[a] + fraction[:, None] * (u_out[a] - u_in[a])
        new[np.arange(a.size), b] = x
        held = np.arange(k) == b[:, None]
        u, loss = climb(problem, new, fixed=held, steps=60, tolerance=1e-4)
        f = np.sqrt(np.maximum(2 * (loss + maximum.loglik), 0)) - aim
        goes_in = f <= 0
        visited.append(u[goes_in])
        i, o = a[goes_in], a[~goes_in]
        x_in[i], f_in[i], u_in[i] = x[goes_in], f[goes_in], u[goes_in]
        x_out[o], f_out[o], u_out[o] = x[~goes_in], f[~goes_in], u[~goes_in]
        close = (np.abs(f) < 2e-3) | (np.abs(x_out[a] - x_in[a]) < 1e-5 * (1 + np.abs(x)))
        todo = todo[~close]
        if not todo.size:
            break
    ends[open_rows] = x_in - f_in * (x_out - x_in) / (f_out - f_in)
    return ends, np.concatenate(visited)

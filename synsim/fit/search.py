"""Finding the greatest likelihood: many starting points at once, then lmfit from the best.

The likelihood of a window has several maxima (a decay that fits one early point, a Gaussian
on the wrong group of points). So a grid of starting points over all time parameters climbs
together, as rows of one array; lmfit polishes the best of them within the same bounds, and the
better of the two ends is kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation
from synsim.fit.likelihood import Problem

LMFIT = Citation("Newville, Stensitzki, Allen & Ingargiola 2014, LMFIT", "10.5281/zenodo.11813")

Array = NDArray[Any]

_ENTRIES = 2_000_000  # of the largest array: more rows are taken in parts
_PATIENCE = 20  # steps as good as the next one that are waited for, with a goal
_LONGEST_STEP = 1.5  # in logarithms of times: farther, a Gauss-Newton step means little


@dataclass(frozen=True)
class Maximum:
    """The best point found: coordinates (k,) and log likelihood; and the runners-up (m, k).

    `seeds` (s, k) are some of the starting points, spread over all of them.
    """

    u: Array
    loglik: float
    others: Array
    seeds: Array


def climb(
    problem: Problem,
    start: Array,
    *,
    fixed: Array | None = None,
    weights: Array | None = None,
    steps: int = 100,
    tolerance: float = 1e-8,
    goal: float | None = None,
) -> tuple[Array, Array]:
    """Damped scoring steps from every row of `start`, inside the bounds.

    Parameters
    ----------
    problem : with k coordinates
    start : shape (rows, k)
    fixed : coordinates not to move, shape (rows, k)
    weights : how often each point counts, shape (n,) or (rows, n)
    tolerance : a row stops when its next step promises less than this in log likelihood
    goal : a row also stops when it would need many more such steps to come below this loss

    Returns
    -------
    u : where each row ended, shape (rows, k)
    loss : minus the log likelihood there, shape (rows,)
    """
    rows, k = start.shape
    at_once = max(1, _ENTRIES // (k * problem.x.size))
    if rows > at_once:
        parts = [
            climb(
                problem,
                start[i : i + at_once],
                fixed=None if fixed is None else fixed[i : i + at_once],
                weights=_rows(weights, slice(i, i + at_once)),
                steps=steps,
                tolerance=tolerance,
                goal=goal,
            )
            for i in range(0, rows, at_once)
        ]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    low, high = problem.low, problem.high
    u = np.clip(start, low, high)
    held = np.zeros((rows, k), bool) if fixed is None else fixed
    limit = np.array([_LONGEST_STEP if c.log else np.inf for c in problem.coordinates] + [1.0])
    loss = problem.loss(u, weights)
    damping = np.full(rows, 1e-3)
    moving = np.arange(rows)
    gradient, matrix = problem.slopes(u, weights)
    for turn in range(steps):
        here, slope, curvature = u[moving], gradient[moving], matrix[moving]
        blocked = held[moving] | ((here <= low) & (slope > 0)) | ((here >= high) & (slope < 0))
        slope = np.where(blocked, 0, slope)
        curvature = np.where(blocked[:, :, None] | blocked[:, None, :], 0, curvature)
        diagonal = np.einsum("bii->bi", curvature)
        # A coordinate that nothing depends on keeps its place: its slope is 0.
        diagonal += np.where(blocked | (diagonal <= 0), 1.0, damping[moving, None] * diagonal)
        step = -np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        promised = -np.sum(slope * step, axis=-1)
        step /= np.maximum(1, np.max(np.abs(step) / limit, axis=-1))[:, None]
        there = np.clip(here + step, low, high)
        reached = problem.loss(there, _rows(weights, moving))
        better = reached < loss[moving]
        accepted = moving[better]
        u[accepted], loss[accepted] = there[better], reached[better]
        damping[moving] = np.maximum(damping[moving] * np.where(better, 0.2, 6.0), 1e-8)
        if accepted.size:
            gradient[accepted], matrix[accepted] = problem.slopes(
                u[accepted], _rows(weights, accepted)
            )
        # Damping shrinks what a step promises, so it is taken out of the comparison.
        undamped = promised * (1 + damping[moving])
        going = (undamped > tolerance) & (damping[moving] < 1e9)
        if goal is not None and turn >= 5:
            going &= loss[moving] - _PATIENCE * undamped < goal
        moving = moving[going]
        if not moving.size:
            break
    return u, loss


def _rows(weights: Array | None, which: Any) -> Array | None:
    """The weights of some rows; those that are the same for all rows as they are."""
    return weights[which] if weights is not None and weights.ndim == 2 else weights


def starts(problem: Problem, guess: Mapping[str, float], kinds: Mapping[str, str]) -> Array:
    """A grid of starting points, shape (rows, k).

    Parameters
    ----------
    guess : a value for each parameter
    kinds : parameter name -> amplitude, offset, tau, width or centre: times are spread over
        the range of the data, the others start from the guess
    """
    lags, spread = problem.x, float(np.std(problem.y))
    size = np.abs(lags[lags != 0])
    near, far = (size.min(), size.max()) if size.size else (1.0, 1.0)
    grid: list[list[float]] = []
    for c in problem.coordinates:
        kind = kinds[c.name]
        spaced = {
            "tau": np.geomspace(near, far, 6),
            "width": np.geomspace(max(c.low, far / 30), far / 2, 4),
            "centre": np.quantile(lags, [0.05, 0.23, 0.41, 0.59, 0.77, 0.95]),
        }.get(kind)
        if spaced is not None:
            grid.append([float(v) for v in spaced])
        elif kind == "amplitude" and len(kinds) < 6:
            # Half the guess as well: a robust fit may want to ignore the largest change.
            grid.append([guess[c.name], 0.5 * guess[c.name]])
        else:
            grid.append([guess[c.name]])
    own = [guess[c.name] for c in problem.coordinates]
    values = np.array([own, *itertools.product(*grid)])
    low, high = problem.scatter_bounds
    return problem.to_u(values, np.clip(spread, low, high))


def maximise(problem: Problem, start: Array, *, keep: int = 3) -> Maximum:
    """The greatest likelihood from many starting points.

    Parameters
    ----------
    start : shape (rows, k)
    keep : how many different runners-up to return, for profiles that leave the best one

    Returns
    -------
    Maximum
    """
    few = problem.thinned()
    u, loss = climb(few, start, steps=8)
    best = np.argsort(loss, kind="stable")[:40]
    u, loss = climb(few, u[best])
    u, loss = _different(u, loss, keep + 1)
    if few is not problem:
        u, loss = climb(problem, u)
        u, loss = _different(u, loss, keep + 1)
    polished = np.clip(_lmfit(problem, u[0]), problem.low, problem.high)
    again, loss_again = climb(problem, np.stack([u[0], polished]), steps=1000)
    winner = int(np.argmin(loss_again))
    seeds = start[:: max(1, len(start) // 40)]
    return Maximum(again[winner], -float(loss_again[winner]), u[1:], seeds)


def _different(u: Array, loss: Array, count: int) -> tuple[Array, Array]:
    """The best rows, leaving out those that ended at the same maximum."""
    order = np.argsort(loss, kind="stable")
    chosen: list[int] = []
    for row in order:
        if all(np.max(np.abs(u[row] - u[c])) > 1e-3 for c in chosen):
            chosen.append(int(row))
        if len(chosen) == count:
            break
    return u[chosen], loss[chosen]


def _lmfit(problem: Problem, u: Array) -> Array:
    """Where lmfit gets to from u, shape (k,)."""
    import lmfit

    parameters = lmfit.Parameters()
    *values, scatter = (float(v) for v in problem.values(u))
    # lmfit maps a bounded value to an unbounded one, which has no slope at the bound itself.
    for c, value in zip(problem.coordinates, values, strict=True):
        margin = 1e-6 * (c.high - c.low)
        inside = min(max(value, c.low + margin), c.high - margin)
        parameters.add(c.name, value=inside, min=c.low, max=c.high)
    low, high = problem.scatter_bounds
    inside = min(max(scatter, low * 1.001), high / 1.001)
    parameters.add("scatter", value=inside, min=low, max=high)

    def loss(now: Any) -> float:
        found = np.array([p.value for p in now.values()])
        return float(problem.loss(problem.to_u(found[None, :-1], found[-1]))[0])

    result = lmfit.minimize(loss, parameters, method="lbfgsb", calc_covar=False)
    found = np.array([p.value for p in result.params.values()])
    return problem.to_u(found[:-1], found[-1])

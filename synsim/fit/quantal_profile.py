"""Intervals of release parameters from the profile likelihood, over n as well.

A value belongs to the 95 % interval when the likelihood, maximised over all other parameters
and over the whole numbers n, falls short of the greatest by no more than the limit of
`synsim.fit.profile.limit`. Along one parameter the profiles of the n in question overlap; the
interval is from the least to the greatest value that any of them allows. Which n reach farthest
is told by the curvature at their maxima, and the two foremost are followed exactly.

A side is None (no limit) where the end is a bound of the range tried, and where it is reached
at the largest n tried and would still move with more. 0 is the natural end of cv, s0 and
tau_facil.

Source: Venzon & Moolgavkar 1988 (the profile); the search along it is our own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.profile import Interval
from synsim.fit.quantal_climb import Fitted, Release, climb, positive

Array = NDArray[Any]

_NATURAL_ZERO = ("cv", "s0", "tau_facil")  # 0 means that there is none of it
_STILL_MOVES = 0.03  # in logarithms, over the last step to the largest n


def intervals(
    release: Release, found: Mapping[int, Fitted], allowed: float, open_n: bool, exact: bool = True
) -> dict[str, Interval]:
    """Intervals of all estimated parameters except n.

    Parameters
    ----------
    found : the maxima at all n tried
    allowed : the limit of 2 (l_max - l)
    open_n : whether the 95 % set of n goes on beyond the largest tried
    exact : follow the profile; otherwise the ends are those that the curvature at the maxima
        suggests
    """
    top = max(f.loglik for f in found.values())
    inside = [f for f in found.values() if 2 * (top - f.loglik) < allowed]
    bends = {f.n: _spread(release, f) for f in inside}
    return {
        name: (
            _end(release, inside, bends, j, -1, top, allowed, open_n, exact),
            _end(release, inside, bends, j, 1, top, allowed, open_n, exact),
        )
        for j, name in enumerate(release.free)
    }


def _spread(release: Release, fitted: Fitted) -> tuple[Array, Array]:
    """Second derivatives at a maximum and their inverse, coordinates stuck at bounds held."""
    bend = release.curvature(fitted.n, fitted.z)
    fitted.bend = bend
    at = (fitted.z <= release.low) | (fitted.z >= release.high)
    slack = bend.copy()
    slack[at, :] = slack[:, at] = 0
    slack[at, at] = np.diag(bend)[at]
    return bend, np.linalg.inv(positive(slack))


def _end(
    release: Release,
    inside: list[Fitted],
    bends: Mapping[int, tuple[Array, Array]],
    j: int,
    way: int,
    top: float,
    allowed: float,
    open_n: bool,
    exact: bool,
) -> float | None:
    name = release.free[j]
    bound = release.high[j] if way > 0 else release.low[j]

    def guess(f: Fitted) -> float:
        slack = max(allowed / 2 - (top - f.loglik), 0.0)
        reach = math.sqrt(2 * slack * max(float(bends[f.n][1][j, j]), 0.0))
        return float(f.z[j]) + way * reach

    order = sorted(inside, key=guess, reverse=way > 0)

    def end_at(f: Fitted) -> float | None:
        if exact:
            return _along(release, f, bends[f.n], j, way, top, allowed)
        return guess(f) if (guess(f) - bound) * way < 0 else None

    ends: list[tuple[float, int]] = []
    for f in order[:2]:
        end = end_at(f)
        if end is None:  # the bound itself is not refused
            return 0.0 if name in _NATURAL_ZERO and way < 0 else None
        ends.append((end, f.n))
    end, n = max(ends, key=lambda e: e[0] * way)
    largest = max(f.n for f in inside)
    if open_n and n == largest and len(inside) > 1:
        before = max((f for f in inside if f.n < largest), key=lambda f: f.n)
        earlier = end_at(before)
        if earlier is None or (end - earlier) * way > _STILL_MOVES:
            return None
    if abs(end - bound) < 1e-6 * (1 + abs(bound)):
        return 0.0 if name in _NATURAL_ZERO and way < 0 else None
    return release.natural(name, end)


def _along(
    release: Release,
    fitted: Fitted,
    bends: tuple[Array, Array],
    j: int,
    way: int,
    top: float,
    allowed: float,
) -> float | None:
    """Where the profile at one n leaves the limit; None when it does not before the bound."""
    bend, inverse = bends
    bound = float(release.high[j] if way > 0 else release.low[j])
    goal = math.sqrt(allowed)
    own = max(float(inverse[j, j]), 1e-12)
    ridge = inverse[j] / own

    def deviance(at: float, start: Array) -> tuple[float, Array]:
        start = start.copy()
        start[j] = at
        z, value, _ = climb(
            lambda z: release.loss(fitted.n, z), start, release.low, release.high, bend, held=j,
            tolerance=1e-3,
        )  # fmt: skip
        # The square root of the deviance is nearly straight in the distance.
        return math.sqrt(max(2 * (top + value), 0.0)) - goal, z

    start = float(fitted.z[j])
    lack = math.sqrt(max(2 * (top - fitted.loglik), 0.0)) - goal
    inner, f_in, z_in = start, lack, fitted.z
    step = max(math.sqrt(max(allowed - 2 * (top - fitted.loglik), 0.0) * own), 1e-3)
    outer = math.nan
    f_out = 0.0
    for _ in range(30):
        at = start + way * step
        reached_bound = (at - bound) * way >= 0
        at = bound if reached_bound else at
        f, z = deviance(at, z_in + ridge * (at - inner))
        if f > 0:
            outer, f_out = at, f
            break
        inner, f_in, z_in = at, f, z
        if reached_bound:
            return None
        step *= 1.6
    if math.isnan(outer):
        return None
    for turn in range(12):
        if f_out < 0.01 or f_in > -0.01 or abs(outer - inner) < 1e-4:
            break
        share = -f_in / (f_out - f_in) if turn % 3 < 2 else 0.5
        at = inner + min(max(share, 0.05), 0.95) * (outer - inner)
        f, z = deviance(at, z_in + ridge * (at - inner))
        if abs(f) < 0.01:
            return at
        if f > 0:
            outer, f_out = at, f
        else:
            inner, f_in, z_in = at, f, z
    return inner - f_in * (outer - inner) / (f_out - f_in)

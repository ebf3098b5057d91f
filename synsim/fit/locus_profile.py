"""Profile-likelihood intervals of p, q and n in two epochs, and of how they changed.

An interval holds every value for which the likelihood of both epochs, maximised over all else
and over the numbers of sites, falls short of the greatest by no more than the limit of
`synsim.fit.profile.limit`, for n and q as in `quantal_profile`. A quantity is a difference or a
value of logarithms, g(z): log p after - log p before, say. Its profile is traced by minimising

    -log L(z) + (W/2) (g(z) - c)^2

for a target c: whatever W is, the minimum is a constrained maximum of the likelihood for the g
that it reaches, so (g, log L) is a point of the profile exactly, without coordinates of its own.

Numbers of sites count as in `quantal_profile`: the pairs that reach farthest by curvature are
followed. A side is None (no limit) where the profile reaches a factor of 100, or the end of the
range of a parameter, unrefused; and where it is reached at the largest n tried and would
still move with more.

Source: Venzon & Moolgavkar 1988 (the profile).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.locus_pair import FittedPair, Pair, Sites
from synsim.fit.locus_search import Found, best, fitted_at
from synsim.fit.profile import Interval
from synsim.fit.quantal_climb import climb, positive

Array = NDArray[Any]

_WEIGHT = 10.0  # of the target, against the curvature of the profile itself
_FARTHEST = math.log(100.0)
_STILL_MOVES = 0.03  # in logarithms, with the largest n left out
_CURVED, _FOLLOWED = 6, 2  # pairs of numbers of sites looked at closely, and followed


@dataclass(frozen=True)
class Quantity:
    """Logarithm of U or q of an epoch (0, 1), or of its ratio after/before (epoch None)."""

    name: str
    epoch: int | None = None

    def value(self, pair: Pair, z: Array) -> tuple[float, Array]:
        """g and its gradient by the coordinates."""
        at = pair.places[:, pair.free.index(self.name)]
        terms = [(at[1], 1), (at[0], -1)] if self.epoch is None else [(at[self.epoch], 1)]
        g, gradient = 0.0, np.zeros(z.size)
        for j, sign in terms:
            U = 1 / (1 + math.exp(-z[j])) if self.name == "U" else 0.0
            g += sign * (math.log(U) if self.name == "U" else float(z[j]))
            gradient[j] += sign * (1 - U)
        return g, gradient


def interval(pair: Pair, found: Found, quantity: Quantity, allowed: float, n_max: int) -> Interval:
    """The 95 % interval of exp(g): of the parameter, or of its ratio.

    Parameters
    ----------
    found : the maxima at all pairs of numbers of sites tried
    allowed : the limit of 2 (l_max - l)
    """
    top = best(found).loglik
    inside = [f for f in found.values() if 2 * (top - f.loglik) < allowed]
    ends = [_end(pair, inside, quantity, way, top, allowed, n_max) for way in (-1, 1)]
    low, high = (None if end is None else math.exp(end) for end in ends)
    return low, high


def sites_interval(pair: Pair, found: Found, allowed: float, n_max: int) -> dict[str, Interval]:
    """95 % sets of n before, n after and of their ratio, from the least to the greatest.

    Pairs between those tried are tried too where a set ends.
    """
    top = best(found).loglik

    def inside(sites: Sites) -> bool:
        return 2 * (top - fitted_at(pair, found, sites).loglik) <= allowed

    def measure(sites: Sites) -> dict[str, float]:
        return {"before": sites[0], "after": sites[1], "ratio": sites[1] / sites[0]}

    steps = [(-1, 0), (1, 0), (0, -1), (0, 1)] if pair.n_changes else [(-1, -1), (1, 1)]
    result: dict[str, Interval] = {}
    for name in ("before", "after", "ratio"):
        ends: list[float | None] = []
        for way in (-1, 1):
            known = [s for s in found if inside(s)]
            last = max(known, key=lambda s: way * measure(s)[name])
            moved = True
            while moved:
                moved = False
                for step in steps:
                    new = (last[0] + step[0], last[1] + step[1])
                    farther = (
                        way * (measure(new)[name] - measure(last)[name]) > 0 if min(new) else 0
                    )
                    if min(new) >= 1 and max(new) <= n_max and farther and inside(new):
                        last, moved = new, True
            at_limit = max(last) == n_max and (name == "ratio" or way > 0)
            ends.append(None if at_limit else measure(last)[name])
        result[name] = (ends[0], ends[1])
    return result


def _spread(pair: Pair, fitted: FittedPair) -> Array:
    """Inverse of the second derivatives at a maximum; coordinates stuck at bounds are held."""
    at = (fitted.z <= pair.low) | (fitted.z >= pair.high)
    slack = fitted.bend.copy()
    slack[at, :] = slack[:, at] = 0
    slack[at, at] = 1.0
    inverse = np.linalg.inv(positive(slack))
    inverse[at, :] = inverse[:, at] = 0
    return np.asarray(inverse)


def _end(
    pair: Pair,
    inside: Sequence[FittedPair],
    quantity: Quantity,
    way: int,
    top: float,
    allowed: float,
    n_max: int,
) -> float | None:
    def guess(f: FittedPair) -> float:
        g, slope = quantity.value(pair, f.z)
        slack = max(allowed - 2 * (top - f.loglik), 0.0)
        return way * g + math.sqrt(slack * max(float(slope @ _spread(pair, f) @ slope), 0.0))

    # What the climb learned of the second derivatives picks those that are worth computing.
    near = sorted(inside, key=guess, reverse=True)[:_CURVED]
    near += [f for f in sorted(inside, key=guess, reverse=True) if max(f.sites) < n_max][:1]
    for f in near:
        f.bend = pair.curvature(f.sites, f.z)
    order = sorted(dict.fromkeys(near), key=guess, reverse=True)
    ends: list[tuple[float, FittedPair]] = []
    for f in order[:_FOLLOWED]:
        end = _along(pair, f, quantity, way, top, allowed)
        if end is None:
            return None
        ends.append((end, f))
    end, f = max(ends, key=lambda e: e[0] * way)
    lesser = [o for o in order if max(o.sites) < n_max]
    if max(f.sites) == n_max and lesser:
        other = _along(pair, lesser[0], quantity, way, top, allowed)
        if other is None or (end - other) * way > _STILL_MOVES:
            return None
    return end


def _along(
    pair: Pair,
    fitted: FittedPair,
    quantity: Quantity,
    way: int,
    top: float,
    allowed: float,
) -> float | None:
    """Where the profile at one pair of numbers leaves the limit; None when it does not."""
    goal, spread = math.sqrt(allowed), _spread(pair, fitted)
    start, slope = quantity.value(pair, fitted.z)
    own = max(float(slope @ spread @ slope), 1e-8)
    ridge, weight = spread @ slope / own, _WEIGHT / own

    def point(target: float, z: Array) -> tuple[float, float, Array]:
        """g, root of the deviance above the goal, coordinates."""

        def loss(at: Array) -> tuple[float, Array]:
            value, gradient = pair.loss(fitted.sites, at)
            g, by_z = quantity.value(pair, at)
            return (
                value + 0.5 * weight * (g - target) ** 2,
                gradient + weight * (g - target) * by_z,
            )

        by_z = quantity.value(pair, z)[1]
        bend = fitted.bend + weight * np.outer(by_z, by_z)
        z, _, _ = climb(loss, z, pair.low, pair.high, bend, tolerance=1e-4)
        deviance = 2 * (top + pair.loss(fitted.sites, z)[0])
        return quantity.value(pair, z)[0], math.sqrt(max(deviance, 0.0)) - goal, z

    inner, f_in, z_in = start, math.sqrt(max(2 * (top - fitted.loglik), 0.0)) - goal, fitted.z
    step = max(math.sqrt(max(allowed - 2 * (top - fitted.loglik), 0.0) * own), 1e-3)
    reach = step
    outer, f_out = math.nan, 0.0
    for _ in range(30):
        target = start + way * reach
        g, f, z = point(target, np.clip(z_in + ridge * (target - inner), pair.low, pair.high))
        if f > 0:
            outer, f_out = g, f
            break
        if (g - inner) * way < 0.05 * (target - inner) * way or abs(g) > _FARTHEST:
            return None
        inner, f_in, z_in = g, f, z
        reach = max(reach * 1.6, abs(inner - start) + 0.3 * step)
    if math.isnan(outer):
        return None
    for turn in range(12):
        if f_out < 0.01 or f_in > -0.01 or abs(outer - inner) < 1e-4:
            break
        share = -f_in / (f_out - f_in) if turn % 3 < 2 else 0.5
        target = inner + min(max(share, 0.05), 0.95) * (outer - inner)
        g, f, z = point(target, np.clip(z_in + ridge * (target - inner), pair.low, pair.high))
        if f > 0:
            outer, f_out = g, f
        else:
            inner, f_in, z_in = g, f, z
    return float(inner - f_in * (outer - inner) / (f_out - f_in))

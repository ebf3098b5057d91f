"""The greatest likelihood of two epochs over all pairs of numbers of sites.

Pairs (n before, n after) are tried on a lattice that is every whole number at first and gets
sparser upwards. From the best pairs known the search spreads to their neighbours, each
starting from the one it is reached from, as long as they are not too far below the best: so
the whole set that matters is seen, and not only a walk along one axis. Around the best pair every
whole number counts. Where n does not change, the pairs are those of equal numbers.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synsim.fit.locus_pair import FittedPair, Pair, Sites
from synsim.fit.quantal_search import profile_n, starting_points

Array = NDArray[np.float64]
_FAR = 5.0  # in log likelihood: pairs that far below the best are not spread from
_BETTER = 1e-3
_SEEDS = (1, 3, 8, 20)
_STEPS = ((-1, -1), (1, 1), (-1, 0), (1, 0), (0, -1), (0, 1))

#: Changes of log q that are tried: as fine as peaks that stand far out of the noise ask for.
_SHIFTS = np.linspace(-math.log(4), math.log(4), 241)

Found = dict[Sites, FittedPair]


@dataclass(frozen=True, eq=False)
class Alone:
    """A maximum of one epoch by itself (0 before, 1 after), at n sites."""

    epoch: int
    n: int
    z: Array


def lattice(n_max: int) -> list[int]:
    """Whole numbers up to 8, then steps of about a fifth."""
    grid = [1]
    while grid[-1] < n_max:
        grid.append(min(n_max, max(grid[-1] + 1, round(grid[-1] * 1.18))))
    return grid


def maxima(
    pair: Pair,
    n_max: int,
    n: int | None = None,
    simpler: Sequence[tuple[Pair, FittedPair]] = (),
    alone: Sequence[Alone] = (),
) -> Found:
    """The maximum at every pair of numbers of sites that matters.

    Parameters
    ----------
    n_max : the largest number to try
    n : the only number to try, where it is known
    simpler : models that this one contains, with their maxima, to start from as well
    alone : maxima of single epochs, to start from as well
    """
    found: Found = {}
    for start in alone:
        for z in _from_epoch(pair, start):
            _keep(found, pair.fit_at((start.n, start.n), z))
    for other, fitted in simpler:
        _keep(found, pair.fit_at(fitted.sites, pair.embed(other, fitted)))
    if not found:
        for fitted in _seeds(pair, [n] if n else [s for s in _SEEDS if s <= n_max]):
            _keep(found, fitted)
    if n is None:
        _spread(pair, found, lattice(n_max))
        _level(pair, found)
        _refine(pair, found, n_max)
    return found


def epochs_alone(pair: Pair, n_max: int, n: int | None = None) -> list[Alone]:
    """The best maxima of each epoch on its own. Where quanta stand out of the noise, a likelihood
    has a maximum at each q that brings some peaks onto others, and an epoch alone tells them
    apart."""
    found = []
    for epoch, release in enumerate(pair.releases):
        fits = sorted(profile_n(release, n_max, n).items(), key=lambda item: -item[1].loglik)
        found += [Alone(epoch, sites, fitted.z) for sites, fitted in fits[:2]]
    return found


def best(found: Found) -> FittedPair:
    """The pair of greatest likelihood."""
    return max(found.values(), key=lambda f: f.loglik)


def fitted_at(pair: Pair, found: Found, sites: Sites) -> FittedPair:
    """The maximum at a pair of numbers, found from its nearest neighbour and kept."""
    if sites not in found:
        near = min(
            found, key=lambda s: abs(math.log(s[0] / sites[0])) + abs(math.log(s[1] / sites[1]))
        )
        found[sites] = pair.fit_at(sites, pair.moved(found[near], sites), found[near].bend)
    return found[sites]


def _from_epoch(pair: Pair, start: Alone) -> list[Array]:
    """Starting points with one epoch as it is alone, and the other like it, but for q: where q may
    change, the two changes of q among many that suit the other epoch best."""
    z = np.empty(len(pair.names))
    z[pair.places[1 - start.epoch]] = start.z
    z[pair.places[start.epoch]] = start.z
    if "q" not in pair.changing:
        return [np.clip(z, pair.low, pair.high)]
    at = pair.places[1 - start.epoch, pair.free.index("q")]
    made = []
    for shift in _SHIFTS:
        moved = z.copy()
        moved[at] += shift
        made.append(np.clip(moved, pair.low, pair.high))
    made.sort(key=lambda z: pair.loss((start.n, start.n), z)[0])
    return made[:2]


def _keep(found: Found, new: FittedPair) -> None:
    if new.sites not in found or new.loglik > found[new.sites].loglik:
        found[new.sites] = new


def _seeds(pair: Pair, numbers: Sequence[int]) -> list[FittedPair]:
    """Maxima from rough estimates of the epoch before; q after follows the mean, if it may."""
    before, after = pair.releases
    ratio = min(max(float(after.data.y.mean() / before.data.y.mean()), 0.1), 10.0)
    found = []
    for n in numbers:
        starts = []
        for start in starting_points(before):
            z = np.empty(len(pair.names))
            z[pair.places[0]] = before.to_z(start | {"q": start["nq"] / n})
            second = z[pair.places[0]]
            if "q" in pair.changing:
                second[pair.free.index("q")] += math.log(ratio)
            own = pair.places[1] >= len(pair.free)
            z[pair.places[1][own]] = second[own]
            starts.append(np.clip(z, pair.low, pair.high))
        starts.sort(key=lambda z: pair.loss((n, n), z)[0])
        found += [pair.fit_at((n, n), z) for z in starts[:2]]
    return found


def _neighbours(pair: Pair, sites: Sites, grid: list[int]) -> list[Sites]:
    def near(n: int) -> list[int]:
        below, above = [g for g in grid if g < n], [g for g in grid if g > n]
        return below[-1:] + [n] + above[:1]

    if not pair.n_changes:
        return [(n, n) for n in near(sites[0])]
    return [(b, a) for b in near(sites[0]) for a in near(sites[1])]


def _spread(pair: Pair, found: Found, grid: list[int]) -> None:
    top = best(found).loglik
    heap = [(-f.loglik, f.sites) for f in found.values()]
    heapq.heapify(heap)
    while heap:
        fall, sites = heapq.heappop(heap)
        if -fall < top - _FAR:
            break
        here = found[sites]
        for other in _neighbours(pair, sites, grid):
            if other not in found:
                new = pair.fit_at(other, pair.moved(here, other), here.bend)
                found[other] = new
                top = max(top, new.loglik)
                heapq.heappush(heap, (-new.loglik, other))


def _level(pair: Pair, found: Found) -> None:
    """Once more from better neighbours: a maximum may have followed a lesser ridge."""
    top = best(found).loglik
    ordered = sorted(found, key=lambda s: -found[s].loglik)
    good = [s for s in ordered if found[s].loglik > top - _FAR / 2]
    for sites in good:
        for other in ordered:
            apart = max(abs(math.log(a / b)) for a, b in zip(sites, other, strict=True))
            steps = max(abs(a - b) for a, b in zip(sites, other, strict=True))
            if other == sites or (apart > 0.2 and steps > 1):
                continue
            z = pair.moved(found[sites], other)
            if -pair.loss(other, z)[0] > found[other].loglik + _BETTER:
                _keep(found, pair.fit_at(other, z, found[sites].bend))


def _refine(pair: Pair, found: Found, n_max: int) -> None:
    """Whole numbers around the best pair."""
    for _ in range(30):
        here = best(found)
        for step in _STEPS if pair.n_changes else _STEPS[:2]:
            sites = (here.sites[0] + step[0], here.sites[1] + step[1])
            if min(sites) >= 1 and max(sites) <= n_max and sites not in found:
                found[sites] = pair.fit_at(sites, pair.moved(here, sites), here.bend)
        if best(found) is here:
            break

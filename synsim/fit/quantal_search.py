"""The greatest likelihood of a release model over all numbers of sites.

n is a whole number and is profiled: everything else is estimated at each n that is tried,
starting from its neighbour (`quantal_climb`). Tried are whole numbers that get sparser upwards
(by about a sixth); around the greatest likelihood and where the 95 % set of n ends every whole
number counts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.profile import limit
from synsim.fit.quantal_climb import U_RANGE, Fitted, Release, fit_at

Array = NDArray[Any]

_FAR = 12.0  # in log likelihood: the walk over n ends at least that far below the best,
_FARTHER = 2.0  # and that far below the limit of the 95 % set, which is wide with few responses


def moved(release: Release, fitted: Fitted, n: int) -> Array:
    """Where to start at another n: the mean and the first variance stay as they are."""
    z = fitted.z.copy()
    ratio = math.log(fitted.n / n)
    p, q = release.free.index("U"), release.free.index("q")
    U = release.natural("U", z[p])
    # A small U gives way itself (Poisson limit), a large one leaves it to q.
    z[p] = release.to_coordinate(
        "U", min(max(U * math.exp((1 - U) * ratio), U_RANGE[0]), U_RANGE[1])
    )
    z[q] += U * ratio
    return np.clip(z, release.low, release.high)


def starting_points(release: Release, count: int = 4) -> list[dict[str, float]]:
    """Rough estimates from the means alone: least squares over a grid of U and time constants."""
    from synsim.fit import release_kernel

    y, h = release.data.y, release.data.h
    finite = h[np.isfinite(h)]
    Us = (0.1, 0.3, 0.6)
    taus: tuple[Any, ...] = (1.0,)
    facils: tuple[Any, ...] = (0.0,)
    if "tau_rec" in release.free and finite.size:
        middle = float(np.median(finite))
        taus = tuple(np.unique(np.geomspace(0.5 * middle, max(20 * middle, 0.1 * finite.max()), 6)))
    if "tau_facil" in release.free and finite.size:
        facils = tuple(np.geomspace(0.5 * middle, 20 * middle, 3))
    found = []
    for U in Us:
        for tau in taus:
            for facil in facils:
                u, x = release_kernel.mean_field(h, U, tau, facil)
                P = u * x
                height = max(float(P @ y / (P @ P)), 1e-6)
                rest = float(np.mean((y - height * P) ** 2))
                found.append((rest, {"U": U, "tau_rec": tau, "tau_facil": facil, "nq": height}))
    found.sort(key=lambda item: item[0])
    return [
        start | {"s0": 0.5 * math.sqrt(rest) + 1e-9, "cv": 0.2} for rest, start in found[:count]
    ]


def _from_simpler(release: Release, simpler: Release, fitted: Fitted) -> Array:
    """The maximum of a simpler model in the coordinates of this one, what is new as good as 0."""
    z = release.low.copy()
    for name, value in zip(simpler.free, fitted.z, strict=True):
        z[release.free.index(name)] = value
    return np.clip(z, release.low, release.high)


def profile_n(
    release: Release,
    n_max: int,
    n_fixed: int | None = None,
    simpler: tuple[Release, dict[int, Fitted]] | None = None,
) -> dict[int, Fitted]:
    """The maximum at each n that matters, keys in increasing order.

    Parameters
    ----------
    n_max : the largest n to try
    n_fixed : the only n to try
    simpler : a model that this one contains, with its maxima, to start from as well
    """
    found: dict[int, Fitted] = {}
    if simpler is not None:
        best = max(simpler[1].values(), key=lambda f: f.loglik)
        _keep(found, fit_at(release, best.n, _from_simpler(release, simpler[0], best)))
    seeds = (n_fixed,) if n_fixed else tuple(n for n in (2, 6, 16) if n <= n_max) or (n_max,)
    for n in seeds:
        rough = []
        for start in starting_points(release):
            z = release.to_z(start | {"q": start["nq"] / n})
            rough.append((release.loss(n, z)[0], tuple(z)))
        rough.sort(key=lambda item: item[0])
        for _, z_start in rough[:2]:
            _keep(found, fit_at(release, n, np.array(z_start)))
    if n_fixed:
        return found
    grid = _grid(n_max)
    m = release.data.y.size
    far = max(_FAR, limit(m, release.k, together=2) / 2 + _FARTHER)
    first = max(found.values(), key=lambda f: f.loglik).n
    for way in (1, -1):
        last = found[first]
        for n in sorted((g for g in grid if (g - first) * way > 0), key=lambda g: g * way):
            last = fit_at(release, n, moved(release, last, n), last.bend)
            _keep(found, last)
            last = found[n]
            if last.loglik < max(f.loglik for f in found.values()) - far:
                break
    if simpler is not None:
        for n, fitted in simpler[1].items():
            if n in found and fitted.loglik > found[n].loglik + 1e-3:
                _keep(found, fit_at(release, n, _from_simpler(release, simpler[0], fitted)))
    # Once more from each neighbour: a walk in one direction may follow a lesser ridge.
    for n in sorted(found)[::-1] + sorted(found):
        others = sorted(found)
        at = others.index(n)
        for other in others[max(at - 1, 0) : at + 2]:
            z = moved(release, found[other], n)
            if other != n and -release.loss(n, z)[0] > found[n].loglik + 1e-3:
                _keep(found, fit_at(release, n, z, found[other].bend))
    _refine(release, found)
    return dict(sorted(found.items()))


def _grid(n_max: int) -> list[int]:
    grid = [1]
    while grid[-1] < n_max:
        grid.append(min(n_max, max(grid[-1] + 1, round(grid[-1] * 1.17))))
    return grid


def _keep(found: dict[int, Fitted], new: Fitted) -> None:
    if new.n not in found or new.loglik > found[new.n].loglik:
        found[new.n] = new


def _between(release: Release, found: dict[int, Fitted], n: int) -> Fitted:
    near = min(found.values(), key=lambda f: abs(math.log(f.n / n)))
    _keep(found, fit_at(release, n, moved(release, near, n), near.bend))
    return found[n]


def _refine(release: Release, found: dict[int, Fitted]) -> None:
    """Whole numbers around the best n."""
    for _ in range(12):
        best = max(found.values(), key=lambda f: f.loglik).n
        known = sorted(found)
        at = known.index(best)
        gaps = [
            (known[i] + known[i + 1]) // 2
            for i in (at - 1, at)
            if 0 <= i < len(known) - 1 and known[i + 1] - known[i] > 1
        ]
        if not gaps:
            break
        for n in gaps:
            _between(release, found, n)


def ends_of_n(
    release: Release, found: dict[int, Fitted], allowed: float, n_max: int
) -> tuple[int | None, int | None]:
    """The 95 % set of n, first and last; None where it goes on beyond n_max (or starts at 1).

    Parameters
    ----------
    found : is added to
    allowed : the limit of 2 (l_max - l)
    """
    top = max(f.loglik for f in found.values())

    def inside(n: int) -> bool:
        return 2 * (top - found[n].loglik) <= allowed

    ends: list[int | None] = []
    for way in (-1, 1):
        known = sorted(found, key=lambda n: n * way)
        last = max((n for n in known if inside(n)), key=lambda n: n * way)
        beyond = [n for n in known if (n - last) * way > 0]
        if not beyond:
            ends.append(last if way < 0 or last < n_max else None)
            continue
        outer = beyond[0]
        while abs(outer - last) > 1:
            middle = (outer + last) // 2
            _between(release, found, middle)
            if inside(middle):
                last = middle
            else:
                outer = middle
        ends.append(last)
    return ends[0], ends[1]

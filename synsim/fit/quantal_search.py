"""The greatest likelihood of a release model, for one number of sites and over all of them.

Optimisation runs in coordinates z in which steps are even: the logit of U, logarithms of q,
time constants and s0, and cv^2. n is a whole number and is profiled: everything else is
estimated at each n that is tried, starting from its neighbour. Tried are whole numbers that
get sparser upwards (by about a sixth); around the greatest likelihood and where the 95 % set
of n ends every whole number counts.

The quasi-Newton steps are our own (BFGS within bounds) rather than scipy's L-BFGS-B: the
matrix of second derivatives is handed on from one n to the next and along profiles, which saves
most of the evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.release_filter import NAMES, ReleaseFilter

Array = NDArray[Any]

#: Parameters that each model estimates besides n, q, s0 and cv.
MODELS = {
    "constant": ("U",),
    "depression": ("U", "tau_rec"),
    "depression_facilitation": ("U", "tau_rec", "tau_facil"),
}
_U = (1e-4, 1 - 1e-5)
_CV2 = 1.0  # a cv above 1 is no quantum
_LONGEST = 1.0  # of a step, in logarithms
_FAR = 12.0  # in log likelihood: the walk over n ends that far below the best


@dataclass
class Release:
    """A release model and the responses it is fitted to.

    Parameters
    ----------
    data : the likelihood; times in ms
    model : a name in `MODELS`
    fixed : values of s0 or cv that are not estimated
    """

    data: ReleaseFilter
    model: str
    fixed: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.model == "constant":
            self.data = self.data.at_rest()
        y, h = self.data.y, self.data.h
        size = float(np.sqrt(np.mean(y**2)))
        finite = h[np.isfinite(h)]
        short, long = (finite.min(), finite.max()) if finite.size else (1.0, 1.0)
        total = float(finite.sum()) if finite.size else 1.0
        steps = np.diff(np.unique(y))
        step = float(steps.min()) if steps.size else size
        limits = {
            "U": _U,
            "q": (1e-3 * size, 5 * float(np.abs(y).max())),
            "tau_rec": (0.05 * short, max(20 * long, 2 * min(total, 1e3 * long))),
            "tau_facil": (0.05 * short, max(20 * long, 2 * min(total, 1e3 * long))),
            # Values written with few digits would otherwise be fitted without any noise.
            "s0": (max(1e-3 * size, min(step / math.sqrt(12), 0.05 * size)), 3 * size),
            "cv": (0.0, _CV2),
        }
        free = (*MODELS[self.model], "q", "s0", "cv")
        self.free = tuple(name for name in NAMES if name in free and name not in self.fixed)
        self.places = np.array([NAMES.index(name) for name in self.free])
        self.low = np.array([self._to(name, limits[name][0]) for name in self.free])
        self.high = np.array([self._to(name, limits[name][1]) for name in self.free])
        self.calls = 0

    @property
    def k(self) -> int:
        """Number of estimated parameters, n among them."""
        return len(self.free) + 1

    @staticmethod
    def _to(name: str, value: float) -> float:
        """A coordinate; that of cv takes cv^2."""
        if name == "cv":
            return value
        return math.log(value / (1 - value)) if name == "U" else math.log(value)

    def to_z(self, values: dict[str, float]) -> Array:
        """Coordinates of parameter values, inside the bounds."""
        z = [self._to(k, values[k] ** 2 if k == "cv" else values[k]) for k in self.free]
        return np.clip(z, self.low, self.high)

    def theta(self, z: Array) -> Array:
        """All six parameters in the order of `release_filter.NAMES`."""
        theta = np.array([0.5, 1.0, 1.0, 0.0, 1.0, 0.0])
        for name, value in self.fixed.items():
            theta[NAMES.index(name)] = value
        for name, place, value in zip(self.free, self.places, z, strict=True):
            if name == "U":
                theta[place] = 1 / (1 + math.exp(-value))
            else:
                theta[place] = math.sqrt(value) if name == "cv" else math.exp(value)
        return theta

    def natural(self, name: str, z: float) -> float:
        """The parameter's value at a coordinate."""
        if name == "U":
            return 1 / (1 + math.exp(-z))
        return math.sqrt(max(z, 0.0)) if name == "cv" else math.exp(z)

    def loss(self, n: int, z: Array) -> tuple[float, Array]:
        """Minus the log likelihood and its gradient (k-1,) at coordinates."""
        self.calls += 1
        theta = self.theta(z)
        value, by_theta = self.data.with_gradient(n, theta)
        if not math.isfinite(value):
            return math.inf, np.zeros(z.size)
        slope = theta.copy()  # of the parameter by its logarithm
        slope[0] = theta[0] * (1 - theta[0])
        slope[5] = 1.0
        return -value, -(by_theta * slope)[self.places]

    def curvature(self, n: int, z: Array) -> Array:
        """Second derivatives of the loss, shape (k-1, k-1), from differences of gradients."""
        matrix = np.empty((z.size, z.size))
        for j in range(z.size):
            step = 1e-4 if self.free[j] == "cv" else 1e-3
            up, down = z.copy(), z.copy()
            up[j] = min(z[j] + step, self.high[j])
            down[j] = max(up[j] - 2 * step, self.low[j])
            matrix[j] = (self.loss(n, up)[1] - self.loss(n, down)[1]) / (up[j] - down[j])
        return positive((matrix + matrix.T) / 2)


def positive(matrix: Array) -> Array:
    """The nearest matrix that bends upwards in every direction."""
    if not np.all(np.isfinite(matrix)):
        return np.eye(len(matrix))
    values, vectors = np.linalg.eigh(matrix)
    floor = max(1e-3, 1e-9 * float(np.abs(values).max()))
    return np.asarray((vectors * np.maximum(np.abs(values), floor)) @ vectors.T)


@dataclass
class Fitted:
    """The maximum at one n: coordinates, log likelihood, second derivatives of the loss."""

    n: int
    z: Array
    loglik: float
    bend: Array


def climb(
    loss: Callable[[Array], tuple[float, Array]],
    z: Array,
    low: Array,
    high: Array,
    bend: Array,
    held: int | None = None,
    tolerance: float = 2e-5,
    steps: int = 80,
) -> tuple[Array, float, Array]:
    """BFGS steps within bounds.

    Parameters
    ----------
    bend : second derivatives to start with, (k, k), positive definite
    held : a coordinate not to move
    tolerance : stops when the next step promises less than this

    Returns
    -------
    z, the loss there, the second derivatives as far as learned
    """
    z = np.clip(z, low, high)
    value, slope = loss(z)
    bend = bend.copy()
    for _ in range(steps):
        if not math.isfinite(value):
            break
        free = ~(((z <= low) & (slope > 0)) | ((z >= high) & (slope < 0)))
        if held is not None:
            free[held] = False
        if not free.any():
            break
        step = np.zeros(z.size)
        step[free] = -np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        promised = -float(slope @ step)
        if promised < tolerance:
            break
        step *= min(1.0, _LONGEST / float(np.abs(step).max()))
        for _ in range(20):
            there = np.clip(z + step, low, high)
            moved = there - z
            reached, new_slope = loss(there)
            if reached <= value + 1e-4 * float(slope @ moved):
                break
            step *= 0.3
        else:
            break
        change = new_slope - slope
        z, value, slope = there, reached, new_slope
        along = float(moved @ change)
        pulled = bend @ moved
        own = float(moved @ pulled)
        if own <= 0:
            continue
        # Powell's damping keeps the matrix positive where the loss bends downwards.
        if along < 0.2 * own:
            share = 0.8 * own / (own - along)
            change = share * change + (1 - share) * pulled
            along = float(moved @ change)
        bend += np.outer(change, change) / along - np.outer(pulled, pulled) / own
    return z, value, bend


def fit_at(release: Release, n: int, z: Array, bend: Array | None = None) -> Fitted:
    """The maximum at n from a starting point."""
    z = np.clip(z, release.low, release.high)
    matrix = release.curvature(n, z) if bend is None else bend
    z, value, matrix = climb(lambda at: release.loss(n, at), z, release.low, release.high, matrix)
    return Fitted(n, z, -value, matrix)


def moved(release: Release, fitted: Fitted, n: int) -> Array:
    """Where to start at another n: the mean and the first variance stay as they are."""
    z = fitted.z.copy()
    ratio = math.log(fitted.n / n)
    p, q = release.free.index("U"), release.free.index("q")
    U = release.natural("U", z[p])
    # A small U gives way itself (Poisson limit), a large one leaves it to q.
    z[p] = release._to("U", min(max(U * math.exp((1 - U) * ratio), _U[0]), _U[1]))
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
    first = max(found.values(), key=lambda f: f.loglik).n
    for way in (1, -1):
        last = found[first]
        for n in sorted((g for g in grid if (g - first) * way > 0), key=lambda g: g * way):
            last = fit_at(release, n, moved(release, last, n), last.bend)
            _keep(found, last)
            last = found[n]
            if last.loglik < max(f.loglik for f in found.values()) - _FAR:
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

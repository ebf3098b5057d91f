"""A release model at one number of sites: its coordinates, bounds, and greatest likelihood.

Optimisation runs in coordinates z in which steps are even: the logit of U, logarithms of q,
time constants and s0, and cv^2.

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
from synsim.fit.rest_mixture import RestMixture

Array = NDArray[Any]

#: Parameters that each model estimates besides n, q, s0 and cv.
MODELS = {
    "constant": ("U",),
    "depression": ("U", "tau_rec"),
    "depression_facilitation": ("U", "tau_rec", "tau_facil"),
}
U_RANGE = (1e-4, 1 - 1e-5)
_CV2 = 1.0  # a cv above 1 is no quantum
_LONGEST = 1.0  # of a step, in logarithms


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
        if self.model == "constant" and not isinstance(self.data, RestMixture):
            self.data = RestMixture(self.data.y)
        y, h = self.data.y, self.data.h
        size = float(np.sqrt(np.mean(y**2)))
        finite = h[np.isfinite(h)]
        short, long = (finite.min(), finite.max()) if finite.size else (1.0, 1.0)
        total = float(finite.sum()) if finite.size else 1.0
        steps = np.diff(np.unique(y))
        step = float(steps.min()) if steps.size else size
        limits = {
            "U": U_RANGE,
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
        self.low = np.array([self.to_coordinate(name, limits[name][0]) for name in self.free])
        self.high = np.array([self.to_coordinate(name, limits[name][1]) for name in self.free])
        self.calls = 0

    @property
    def k(self) -> int:
        """Number of estimated parameters, n among them."""
        return len(self.free) + 1

    @staticmethod
    def to_coordinate(name: str, value: float) -> float:
        """A coordinate; that of cv takes cv^2."""
        if name == "cv":
            return value
        return math.log(value / (1 - value)) if name == "U" else math.log(value)

    def to_z(self, values: dict[str, float]) -> Array:
        """Coordinates of parameter values, inside the bounds."""
        z = [self.to_coordinate(k, values[k] ** 2 if k == "cv" else values[k]) for k in self.free]
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
        try:
            step[free] = -np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        except np.linalg.LinAlgError:  # updates of very different size have used up its digits
            bend = positive(bend)
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

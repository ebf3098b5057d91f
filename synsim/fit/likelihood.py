"""The log likelihood of a curve with parameters, for many parameter sets at once.

A `Problem` is data, a curve and a distribution of residuals. Optimisation runs in coordinates
u in which steps are even: logarithms of times above 0 and of the scatter, all else as it is.
Rows of u are independent problems: starting points, points of a profile, bootstrap samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.noise import Noise

Array = NDArray[Any]

_MANY = 200  # points, from which starting points are chosen with some of them


@dataclass(frozen=True)
class Coordinate:
    """A free parameter of the curve: its name, bounds, and whether u is its logarithm."""

    name: str
    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Problem:
    """Data and what is fitted to them.

    `curve(x, *values)` takes the values in the order of `coordinates`, each broadcasting
    against x; `gradient(x, *values)` gives its derivatives by them, in that order. The last
    column of u is the logarithm of the scatter. Shapes: x, y, sem (n,).
    """

    curve: Callable[..., Array]
    gradient: Callable[..., tuple[Array, ...]]
    coordinates: tuple[Coordinate, ...]
    x: Array
    y: Array
    sem: Array
    noise: Noise
    scatter_bounds: tuple[float, float]
    whole: bool = False  # a point's curve depends on the other points: none may be left out
    low: Array = field(init=False)
    high: Array = field(init=False)
    log: Array = field(init=False, repr=False)  # which columns of u are logarithms

    def __post_init__(self) -> None:
        log = np.array([*(c.log for c in self.coordinates), True])
        object.__setattr__(self, "log", log)
        for name in ("low", "high"):
            ends = [getattr(c, name) for c in self.coordinates]
            bound = np.array([*ends, self.scatter_bounds[name == "high"]], dtype=float)
            bound[log] = np.log(bound[log])
            object.__setattr__(self, name, bound)

    @property
    def size(self) -> int:
        """Number of coordinates, the scatter among them: k of AICc and BIC."""
        return len(self.coordinates) + 1

    def thinned(self) -> Problem:
        """The problem with some of its points, spread over x, to choose starting points with.

        Itself where it has few: a search among thousands of points takes minutes and finds no
        other places.
        """
        if self.whole or self.x.size <= _MANY:
            return self
        rows = np.argsort(self.x, kind="stable")[:: self.x.size // (_MANY // 2)]
        return replace(self, x=self.x[rows], y=self.y[rows], sem=self.sem[rows])

    def to_u(self, values: Array, scatter: float | Array) -> Array:
        """Coordinates of parameter values, shape (..., k-1), and of the scatter."""
        u = np.empty((*np.shape(values)[:-1], self.size))
        u[..., :-1] = values
        u[..., -1] = scatter
        u[..., self.log] = np.log(u[..., self.log])
        return np.clip(u, self.low, self.high)

    def values(self, u: Array) -> Array:
        """Parameter values at u, and the scatter last, shape (..., k)."""
        found = u.copy()
        found[..., self.log] = np.exp(u[..., self.log])
        return found

    def predict(self, values: Array, x: Array | None = None) -> Array:
        """The curve at x for every row of values (rows, k), shape (rows, len(x))."""
        columns = values.T[:-1, :, None]
        found = self.curve(self.x if x is None else x, *columns)
        return np.broadcast_to(found, (len(values), (self.x if x is None else x).size))

    def variance(self, values: Array) -> Array:
        """Variance of every point for every row of values, shape (rows, n)."""
        return self.sem**2 + values[:, -1:] ** 2

    def loss(self, u: Array, weights: Array | None = None) -> Array:
        """Minus the log likelihood of every row of u, shape (rows,).

        Parameters
        ----------
        u : shape (rows, k)
        weights : how often each point counts, shape (n,) or (rows, n)
        """
        values = self.values(u)
        each = self.noise.log_density(self.y - self.predict(values), self.variance(values))
        return -np.sum(each if weights is None else weights * each, axis=-1)

    def slopes(self, u: Array, weights: Array | None = None) -> tuple[Array, Array]:
        """Gradient (rows, k) of the loss and its scoring matrix (rows, k, k).

        The matrix leaves out the curvature of the curve (Gauss-Newton), so it is never
        indefinite; curve and scatter are independent in it.
        """
        rows, k = u.shape
        values = self.values(u)
        residual, variance = self.y - self.predict(values), self.variance(values)
        parts = self.noise.slopes(residual, variance)
        if weights is not None:
            parts = tuple(weights * part for part in parts)  # type: ignore[assignment]
        weight, curvature, by_variance, information = parts
        jacobian = np.empty((rows, k - 1, self.x.size))
        for j, column in enumerate(self.gradient(self.x, *values.T[:-1, :, None])):
            jacobian[:, j] = column
        jacobian *= np.where(self.log[:-1], values[:, :-1], 1)[:, :, None]
        gradient = np.empty((rows, k))
        gradient[:, :-1] = -(jacobian @ (weight * residual)[:, :, None])[:, :, 0]
        by_log_scatter = 2 * values[:, -1:] ** 2
        gradient[:, -1] = -np.sum(by_variance * by_log_scatter, axis=-1)
        matrix = np.zeros((rows, k, k))
        matrix[:, :-1, :-1] = (jacobian * curvature[:, None]) @ jacobian.transpose(0, 2, 1)
        matrix[:, -1, -1] = np.sum(information * (by_log_scatter / variance) ** 2, axis=-1)
        return gradient, matrix

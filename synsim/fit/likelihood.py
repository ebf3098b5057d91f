"""The log likelihood of a curve with parameters, for many parameter sets at once.

A `Problem` is data, a curve and a distribution of residuals. Optimisation runs in coordinates
u in which steps are even: logarithms of times above 0 and of the scatter, all else as it is.
Rows of u are independent problems: starting points, points of a profile, bootstrap samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.noise import Noise

Array = NDArray[Any]

_STEP = 1e-20  # of the complex-step derivative: no difference is taken, so it may be tiny


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
    against x, and must accept complex ones. The last column of u is the logarithm of the
    scatter. Shapes: x, y, sem (n,).
    """

    curve: Callable[..., Array]
    coordinates: tuple[Coordinate, ...]
    x: Array
    y: Array
    sem: Array
    noise: Noise
    scatter_bounds: tuple[float, float]
    low: Array = field(init=False)
    high: Array = field(init=False)

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            ends = [
                np.log(getattr(c, name)) if c.log else getattr(c, name) for c in self.coordinates
            ]
            scatter = self.scatter_bounds[name == "high"]
            object.__setattr__(self, name, np.array([*ends, np.log(scatter)], dtype=float))

    @property
    def size(self) -> int:
        """Number of coordinates, the scatter among them: k of AICc and BIC."""
        return len(self.coordinates) + 1

    def to_u(self, values: Array, scatter: float | Array) -> Array:
        """Coordinates of parameter values, shape (..., k-1), and of the scatter."""
        values = np.asarray(values, dtype=float)
        columns = [
            np.log(values[..., j]) if c.log else values[..., j]
            for j, c in enumerate(self.coordinates)
        ]
        columns.append(np.broadcast_to(np.log(scatter), values.shape[:-1]))
        return np.clip(np.stack(columns, axis=-1), self.low, self.high)

    def values(self, u: Array) -> Array:
        """Parameter values at u, without the scatter, shape (..., k-1)."""
        is_log = np.array([c.log for c in self.coordinates], dtype=bool)
        inner = u[..., :-1]
        return np.where(is_log, np.exp(np.where(is_log, inner, 0)), inner)

    def predict(self, u: Array, x: Array | None = None) -> Array:
        """The curve at x for every row of u, shape (rows, len(x))."""
        columns = np.moveaxis(self.values(u), -1, 0)[..., None]
        return self.curve(self.x if x is None else x, *columns)

    def variance(self, u: Array) -> Array:
        """Variance of every point for every row of u, shape (rows, n)."""
        return self.sem**2 + np.exp(2 * u[..., -1:])

    def loss(self, u: Array, weights: Array | None = None) -> Array:
        """Minus the log likelihood of every row of u, shape (rows,).

        Parameters
        ----------
        u : shape (rows, k)
        weights : how often each point counts, shape (n,) or (rows, n)
        """
        each = self.noise.log_density(self.y - self.predict(u), self.variance(u))
        return -np.sum(each if weights is None else weights * each, axis=-1)

    def slopes(self, u: Array, weights: Array | None = None) -> tuple[Array, Array]:
        """Gradient (rows, k) of the loss and its scoring matrix (rows, k, k).

        The matrix leaves out the curvature of the curve (Gauss-Newton), so it is never
        indefinite; curve and scatter are independent in it.
        """
        rows, k = u.shape
        residual, variance = self.y - self.predict(u), self.variance(u)
        parts = self.noise.slopes(residual, variance)
        if weights is not None:
            parts = tuple(weights * part for part in parts)  # type: ignore[assignment]
        weight, curvature, by_variance, information = parts
        jacobian = np.empty((rows, k - 1, self.x.size))
        base=self.predict(u)
        for j in range(k - 1):
            up = u.copy()
            h = 1e-7
            up[:, j] += h
            jacobian[:, j] = (self.predict(up) - base) / h
        gradient = np.empty((rows, k))
        gradient[:, :-1] = -np.einsum("bjn,bn->bj", jacobian, weight * residual)
        by_log_scatter = 2 * np.exp(2 * u[:, -1:])
        gradient[:, -1] = -np.sum(by_variance * by_log_scatter, axis=-1)
        matrix = np.zeros((rows, k, k))
        matrix[:, :-1, :-1] = (jacobian * curvature[:, None]) @ jacobian.transpose(0, 2, 1)
        matrix[:, -1, -1] = np.sum(information * (by_log_scatter / variance) ** 2, axis=-1)
        return gradient, matrix

    def _predict_complex(self, u: Array) -> Array:
        columns = [
            (np.exp(u[:, j]) if c.log else u[:, j])[:, None]
            for j, c in enumerate(self.coordinates)
        ]
        return self.curve(self.x, *columns)

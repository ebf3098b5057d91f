"""Which costs recorded release probabilities prefer: likelihood of the distance to the boundary.

A synapse is taken to lie near the minimum-energy boundary (`synsim.predict.energy_budget`): given
its mean response, its release probability has the density

    f(logit p) = e^(-d/T) / integral of the same over logit p,   -8 < logit p < 8

with d = ln(sigma^2/sigma_least^2) at that p, the mean and n kept, and T its scatter. The weight w
of one cost beside calcium and T are the parameters, fitted by maximum likelihood; w has the
interval of its profile likelihood. Compared with two densities that know nothing of energy:

    free          logit p is normal
    free-by-mean  normal about a line in ln mean

by AICc. That e^(-d/T) is taken in logit p is a choice; so is T alike for all.

What this can and cannot say. When the same n is assumed for every synapse, n enters R only by the
factor n^alpha, and the mean n p q only by n^gamma: both are absorbed in w. The likelihood is the
same for every n, and w goes as n^-(alpha + gamma). Release probabilities without n say
nothing about sites.

Sources: the boundary after Malkin, O'Donnell & Houghton 2026, arXiv:2602.15787; the likelihood is
ours (theirs was not at hand).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.predict.energy_budget import TERMS, calcium, distance

Array = NDArray[np.float64]
LIMIT = 3.8414588206941236  # chi-squared of one degree of freedom, 95 %
LOGIT = np.linspace(-8, 8, 161)
_LOG_W, _LOG_T = (-16.0, 12.0), (-5.0, 6.0)


@dataclass(frozen=True)
class CostModel:
    """A fitted model. Without energy (free, free-by-mean) there are no weight and no T.

    weight : of the cost beside calcium, for one site; low, high : 95 %, None where not bounded
    temperature : T;  loglik : maximum;  aicc
    """

    name: str
    loglik: float
    aicc: float
    parameters: int
    weight: float | None = None
    low: float | None = None
    high: float | None = None
    temperature: float | None = None


@dataclass(frozen=True)
class Distances:
    """d of each synapse at its own release probability, shape (m,), and over the grid, (m, k)."""

    own: Array
    grid: Array  # or (1, k) where it is the same for all

    @classmethod
    def of(cls, name: str, log_w: float, p: Array, size: Array) -> Distances:
        """At a weight of the cost `name`, for one site."""

        def d(p: Array, size: Array) -> Array:
            return distance(name, calcium(p), np.exp(log_w) * TERMS[name].cost(1.0, p, size))

        same = TERMS[name].gamma == 0  # for every size
        over = d(1 / (1 + np.exp(-LOGIT)), size[:1, None] if same else size[:, None])
        return cls(d(p, size), over)

    def loglik(self, log_T: float) -> Array:
        """ln f(logit p) of each synapse, shape (m,)."""
        over = -self.grid * np.exp(-log_T)
        top = over.max(axis=1)
        total = np.exp(over - top[:, None]).sum(axis=1) * (LOGIT[1] - LOGIT[0])
        return np.asarray(-self.own * np.exp(-log_T) - top - np.log(total), dtype=float)

    def best(self) -> tuple[float, float]:
        """Greatest log likelihood over T, and ln T."""
        from scipy.optimize import minimize_scalar

        found = minimize_scalar(
            lambda log_T: -float(self.loglik(log_T).sum()),
            bounds=_LOG_T,
            method="bounded",
            options={"xatol": 1e-4},
        )
        return -float(found.fun), float(found.x)


@dataclass(frozen=True)
class _Profile:
    """Log likelihood over T against ln w, on a grid and anywhere."""

    name: str
    p: Array
    size: Array

    def at(self, log_w: float) -> float:
        return Distances.of(self.name, log_w, self.p, self.size).best()[0]

    def top(self) -> tuple[Array, Array, float, float]:
        """The grid, what it holds, and the maximum: ln w and log likelihood."""
        from scipy.optimize import minimize_scalar

        grid = np.linspace(*_LOG_W, 29)
        values = np.array([self.at(log_w) for log_w in grid])
        top = int(np.argmax(values))
        found = minimize_scalar(
            lambda log_w: -self.at(log_w),
            bounds=(grid[max(top - 1, 0)], grid[min(top + 1, len(grid) - 1)]),
            method="bounded",
            options={"xatol": 1e-4},
        )
        return grid, values, float(found.x), -float(found.fun)

    def end(self, grid: Array, values: Array, log_w: float, most: float) -> float | None:
        """Where the values fall 3.84/2 below `most`, outermost on a grid that leads outwards.

        None where they do not: the weight has no limit on that side.
        """
        from scipy.optimize import brentq

        beyond = np.sign(grid[-1] - grid[0]) * (grid - log_w) > 0
        kept = np.flatnonzero((2 * (most - values) <= LIMIT) & beyond)
        inside = grid[kept[-1]] if kept.size else log_w
        outside = grid[beyond & (np.abs(grid - log_w) > np.abs(inside - log_w))]
        if not outside.size:
            return None
        root = brentq(lambda x: 2 * (most - self.at(x)) - LIMIT, outside[0], inside, xtol=1e-4)
        return float(np.exp(root))


def greatest(name: str, p: ArrayLike, size: ArrayLike) -> tuple[float, float]:
    """The greatest log likelihood with the cost `name` beside calcium, and its weight."""
    profile = _Profile(name, np.asarray(p, dtype=float), np.asarray(size, dtype=float))
    _, _, log_w, most = profile.top()
    return most, float(np.exp(log_w))


def fit_cost(name: str, p: ArrayLike, size: ArrayLike) -> CostModel:
    """Weight and T by maximum likelihood, the weight with its profile interval.

    Parameters
    ----------
    name : the cost beside calcium, of `TERMS`
    p : release probabilities, shape (m,), each above 0 and below 1
    size : mean response per site p q, mV, shape (m,)
    """
    profile = _Profile(name, np.asarray(p, dtype=float), np.asarray(size, dtype=float))
    grid, values, log_w, most = profile.top()
    low = profile.end(grid[::-1], values[::-1], log_w, most)
    high = profile.end(grid, values, log_w, most)
    T = float(np.exp(Distances.of(name, log_w, profile.p, profile.size).best()[1]))
    weight = float(np.exp(log_w))
    return CostModel(name, most, aicc(most, 2, len(profile.p)), 2, weight, low, high, T)


def fit_free(p: ArrayLike, size: ArrayLike, by_mean: bool) -> CostModel:
    """The normal density of logit p, about a constant or a line in ln(p q)."""
    p, size = np.asarray(p, dtype=float), np.asarray(size, dtype=float)
    logit = np.log(p / (1 - p))
    design = np.stack([np.ones_like(p), np.log(size)][: 1 + by_mean], axis=1)
    away = logit - design @ np.linalg.lstsq(design, logit, rcond=None)[0]
    loglik = -len(p) / 2 * (np.log(2 * np.pi * np.mean(away**2)) + 1)
    count = 3 if by_mean else 2
    name = "free-by-mean" if by_mean else "free"
    return CostModel(name, float(loglik), aicc(float(loglik), count, len(p)), count)


def aicc(loglik: float, parameters: int, count: int) -> float:
    """Akaike's criterion, corrected for few points."""
    k = parameters
    return -2 * loglik + 2 * k + 2 * k * (k + 1) / (count - k - 1)


def fit_all(p: ArrayLike, size: ArrayLike) -> dict[str, CostModel]:
    """Every cost beside calcium, and the two densities without energy."""
    found = {name: fit_cost(name, p, size) for name in TERMS}
    return found | {m.name: m for m in (fit_free(p, size, False), fit_free(p, size, True))}

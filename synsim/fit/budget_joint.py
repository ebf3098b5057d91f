"""Calcium and all four other costs together: the share of each that release probabilities allow.

With E = A + sum of R_k, R_k = w_k n^alpha p^beta mean^gamma, a synapse is on the minimum-energy
boundary (`synsim.predict.energy_budget`) where

    A/4 = sum of (alpha_k - beta_k (1 - p)) R_k

(from the derivatives of ln(1/CV^2) = ln n + 4 ln A along n and logit p at a given E). The right
side is a cubic in n^(1/3) without negative coefficients, so there is one n for every p; the
greatest precision for an energy is the greatest along the boundary up to there. The likelihood is
that of `synsim.fit.budget`; the four weights and T are its parameters.

A share is the mean over the synapses of that cost's part of E. Its 95 % interval is that of the
profile likelihood: the least and the greatest share among all weights and T whose deviance from the
maximum is within `synsim.fit.profile.limit` (4.39 for 44 synapses). They are searched for one by
one (sequential quadratic programming, from the furthest that is known), again and again until none
moves, so what is found is never wider than the interval is; how often it holds the truth is in
docs/validation_fits.md. Where two costs can stand for each other, both intervals are wide; what the
data leave open is said by that.
Source: ours.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.fit.budget import LOGIT, Distances, aicc
from synsim.fit.profile import limit
from synsim.predict.energy_budget import TERMS, calcium

Array = NDArray[np.float64]
SHARES = ("calcium", *TERMS)
# logit p along the boundary, finest where synapses are
_ALONG = np.concatenate(
    [np.arange(-24, -8, 0.5), np.linspace(-8, 8, 267), np.arange(8.5, 24.5, 0.5)]
)
#: Roots of the weights, in which costs that can stand for each other do so along a circle; log T
_BOUNDS = np.array([(0.0, 8.0)] * 4 + [(-5.0, 6.0)])
_LEAST = 1e-3  # a weight of 1e-6 is none
_OPTIONS: Any = {"maxiter": 40, "eps": 1e-4, "ftol": 1e-6}
_ROUNDS = 6  # of searches for the ends, at most; two are enough for the recordings that ship
_STILL = 1e-4  # a share that an end has to move by, or the search for it is over


class Boundary:
    """Synapses of one site at given release probabilities and means, whatever the costs weigh.

    p, size : release probability and mean per site (mV), shape (m,)
    """

    def __init__(self, p: Array, size: Array) -> None:
        terms, self._along = TERMS.values(), 1 / (1 + np.exp(-_ALONG))
        self._A, self._powers = np.exp(_ALONG / 4), [round(3 * term.alpha) for term in terms]
        self._cost = [term.cost(1.0, self._along, size[:, None]) for term in terms]
        self._slope = [
            (term.alpha - term.beta * (1 - self._along)) * cost
            for term, cost in zip(terms, self._cost, strict=True)
        ]
        # The own release probability of each synapse, and then the grid, shape (m, 1 + k)
        grid = 1 / (1 + np.exp(-LOGIT))
        self._p = np.column_stack([p, np.broadcast_to(grid, (len(p), len(grid)))])
        self._calcium = calcium(self._p)
        self._rest = [term.cost(1.0, self._p, size[:, None]) for term in terms]

    def distances(self, log_weights: ArrayLike) -> Distances:
        """d of each synapse at its own p and over the grid.

        Parameters
        ----------
        log_weights : logarithms of the weights of turnover, membrane, actin and trafficking
        """
        weights = np.exp(np.asarray(log_weights, dtype=float))
        # By the power of x = n^(1/3): 1, 2 or 3
        cost, slope = np.zeros((2, 4, *self._cost[0].shape))
        for k, power in enumerate(self._powers):
            cost[power] += weights[k] * self._cost[k]
            slope[power] += weights[k] * self._slope[k]
        x = _root(slope, self._A / 4)
        log_energy = np.log(self._A + x * (cost[1] + x * (cost[2] + x * cost[3])))
        gain = 3 * np.log(x) + 4 * np.log(self._A)
        if np.any(np.diff(log_energy, axis=1) <= 0):
            order = np.argsort(log_energy, axis=1)
            log_energy, gain = (np.take_along_axis(a, order, 1) for a in (log_energy, gain))
            gain = np.maximum.accumulate(gain, axis=1)
        spent = np.log(self._calcium + sum(w * r for w, r in zip(weights, self._rest, strict=True)))
        best = [np.interp(*row) for row in zip(spent, log_energy, gain, strict=True)]
        d = np.array(best) - 4 * np.log(self._calcium)
        return Distances(d[:, 0], d[:, 1:])

    def shares(self, log_weights: ArrayLike) -> Array:
        """Mean shares of the energy, in the order of `SHARES`, shape (5,)."""
        weights = np.exp(np.asarray(log_weights, dtype=float))
        parts = [self._calcium[:, 0]]
        parts += [w * r[:, 0] for w, r in zip(weights, self._rest, strict=True)]
        return np.asarray((np.array(parts) / np.sum(parts, axis=0)).mean(axis=1))


def _root(slope: Array, value: Array) -> Array:
    """x above 0 with slope_1 x + slope_2 x^2 + slope_3 x^3 = value, by Newton from above."""
    with np.errstate(divide="ignore"):
        x = np.min([value / slope[1], np.sqrt(value / slope[2]), np.cbrt(value / slope[3])], axis=0)
    for _ in range(6):  # convex and rising: each step stays above, and comes closer
        found = x * (slope[1] + x * (slope[2] + x * slope[3])) - value
        x = x - found / (slope[1] + x * (2 * slope[2] + x * 3 * slope[3]))
    return np.asarray(x)


@dataclass(frozen=True)
class JointFit:
    """All four weights beside calcium, for one site, by name.

    share, low, high : of the energy, calcium's besides; the ends are those of the 95 % interval
    """

    loglik: float
    aicc: float
    weight: dict[str, float]
    share: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]


@dataclass
class _Tried:
    """The likelihood, and all that it was asked for; `limit` is the deviance of an end."""

    boundary: Boundary
    limit: float
    at: list[Array] = field(default_factory=list)
    loglik: list[float] = field(default_factory=list)
    share: list[Array] = field(default_factory=list)

    def __call__(self, coordinates: Array) -> tuple[float, Array]:
        coordinates = np.clip(coordinates, *_BOUNDS.T)
        if self.at and np.array_equal(coordinates, self.at[-1]):
            return self.loglik[-1], self.share[-1]
        log_weights = _log_weights(coordinates)
        made = self.boundary.distances(log_weights)
        self.at.append(coordinates)
        self.loglik.append(float(made.loglik(coordinates[4]).sum()))
        self.share.append(self.boundary.shares(log_weights))
        return self.loglik[-1], self.share[-1]


def _log_weights(coordinates: Array) -> Array:
    return 2 * np.log(np.maximum(coordinates[:4], _LEAST))


def fit_joint(p: ArrayLike, size: ArrayLike) -> JointFit:
    """All weights and T by maximum likelihood, the shares with their profile intervals.

    Parameters
    ----------
    p : release probabilities, shape (m,), each above 0 and below 1
    size : mean response per site p q, mV, shape (m,)
    """
    from scipy.optimize import Bounds, minimize

    p, size = np.asarray(p, dtype=float), np.asarray(size, dtype=float)
    # The range searched is for sizes about 1: the unit of q must not decide what is found.
    unit = float(np.exp(np.mean(np.log(size))))
    tried = _Tried(Boundary(p, size / unit), limit(len(p), 5))

    def search(objective: Callable[[Array], float], start: Array, **how: Any) -> None:
        minimize(objective, start, bounds=Bounds(*_BOUNDS.T), options=_OPTIONS, **how)

    for k in range(4):  # from each cost as the largest
        start = np.append(np.where(np.arange(4) == k, 0.6, 0.1), -1.0)
        search(lambda x: -tried(x)[0], start, method="L-BFGS-B")
    search(lambda x: -tried(x)[0], _best(tried)[0], method="L-BFGS-B")

    def outwards(k: int, side: int) -> None:
        """Along the likelihood that is allowed."""
        least = max(tried.loglik) - tried.limit / 2 + 1e-3
        search(
            lambda x: -side * float(tried(x)[1][k]),
            _end(tried, k, side),
            method="SLSQP",
            constraints={"type": "ineq", "fun": lambda x: tried(x)[0] - least},
        )

    ends = _ends(tried)
    for _ in range(_ROUNDS):
        for k, side in itertools.product(range(len(SHARES)), (-1, 1)):
            outwards(k, side)
        before, ends = ends, _ends(tried)
        if np.max(np.abs(ends - before)) < _STILL:
            break
    return _fit(tried, unit, len(p))


def _fit(tried: _Tried, unit: float, count: int) -> JointFit:
    parameters, most = _best(tried)
    found = tried.boundary.shares(_log_weights(parameters))
    weights = {
        name: float(np.exp(log_w)) * unit**-term.gamma
        for log_w, (name, term) in zip(_log_weights(parameters), TERMS.items(), strict=True)
    }
    return JointFit(
        most,
        aicc(most, 5, count),
        weights,
        *(dict(zip(SHARES, s.tolist(), strict=True)) for s in (found, *_ends(tried))),
    )


def _best(tried: _Tried) -> tuple[Array, float]:
    i = int(np.argmax(tried.loglik))
    return tried.at[i], tried.loglik[i]


def _inside(tried: _Tried) -> NDArray[np.int64]:
    """What was tried and is within the interval."""
    loglik = np.array(tried.loglik)
    return np.flatnonzero(2 * (loglik.max() - loglik) <= tried.limit)


def _ends(tried: _Tried) -> Array:
    """The least and the greatest of each share within the interval, shape (2, 5)."""
    near = np.array(tried.share)[_inside(tried)]
    return np.array([near.min(axis=0), near.max(axis=0)])


def _end(tried: _Tried, k: int, side: int) -> Array:
    """Of what is within the interval, where share k is furthest out."""
    inside = _inside(tried)
    return tried.at[inside[np.argmax(side * np.array(tried.share)[inside, k])]]

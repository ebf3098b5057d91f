"""The likelihood of two epochs of one synapse, before and after induction, together.

Each epoch has the exact likelihood of `release_filter`. What an epoch has of its own and what the
two share is chosen: of p (U at rest), q and n each either changes between them or does not. Time
constants, the noise s0 and the variability cv of a quantum are shared, unless they are named as
changing too.

    log L = log L_before(n_b, p_b, q_b, shared) + log L_after(n_a, p_a, q_a, shared)

Coordinates are those of `quantal_climb.Release`, first all that are shared or of the epoch
before, then those of the epoch after that differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.quantal_climb import U_RANGE, Release, climb, positive
from synsim.fit.release_filter import ReleaseFilter

Array = NDArray[Any]
Sites = tuple[int, int]  # before, after

LETTERS = {"p": "U", "q": "q", "n": "n"}


@dataclass(eq=False)
class FittedPair:
    """A maximum at given numbers of sites: coordinates, log likelihood, second derivatives."""

    sites: Sites
    z: Array
    loglik: float
    bend: Array


class Pair:
    """Two epochs under one release model.

    Parameters
    ----------
    before, after : the likelihoods of the epochs; times in ms
    dynamics : a name in `quantal_climb.MODELS`
    changing : which of n and of the parameters in `release_filter.NAMES` differ between epochs
    fixed : values of s0 or cv that are not estimated
    """

    def __init__(
        self,
        before: ReleaseFilter,
        after: ReleaseFilter,
        dynamics: str,
        changing: Iterable[str],
        fixed: dict[str, float],
    ) -> None:
        self.releases = tuple(Release(data, dynamics, dict(fixed)) for data in (before, after))
        self.free = self.releases[0].free
        self.changing = frozenset(changing)
        self.n_changes = "n" in self.changing
        own = [i for i, name in enumerate(self.free) if name in self.changing]
        self.names = self.free + tuple(self.free[i] for i in own)
        #: Where each epoch finds its coordinates, shape (2, parameters of an epoch).
        self.places = np.tile(np.arange(len(self.free)), (2, 1))
        self.places[1, own] = len(self.free) + np.arange(len(own))
        low = np.minimum(*(r.low for r in self.releases))
        high = np.maximum(*(r.high for r in self.releases))
        self.low, self.high = np.append(low, low[own]), np.append(high, high[own])

    @property
    def k(self) -> int:
        """Number of estimated parameters, numbers of sites among them."""
        return len(self.names) + 1 + self.n_changes

    @property
    def size(self) -> int:
        """Number of responses of both epochs."""
        return int(sum(r.data.y.size for r in self.releases))

    def theta(self, z: Array) -> tuple[Array, Array]:
        """The six parameters of `release_filter.NAMES` of each epoch."""
        first, second = (r.theta(z[at]) for r, at in zip(self.releases, self.places, strict=True))
        return first, second

    def loss(self, sites: Sites, z: Array) -> tuple[float, Array]:
        """Minus the log likelihood of both epochs, and its gradient by the coordinates."""
        total, gradient = 0.0, np.zeros(z.size)
        for release, n, at in zip(self.releases, sites, self.places, strict=True):
            value, slope = release.loss(n, z[at])
            total += value
            gradient[at] += slope
        return total, gradient

    def curvature(self, sites: Sites, z: Array) -> Array:
        """Second derivatives of the loss from differences of gradients."""
        matrix = np.empty((z.size, z.size))
        for j, name in enumerate(self.names):
            step = 1e-4 if name == "cv" else 1e-3
            up, down = z.copy(), z.copy()
            up[j] = min(z[j] + step, self.high[j])
            down[j] = max(up[j] - 2 * step, self.low[j])
            matrix[j] = (self.loss(sites, up)[1] - self.loss(sites, down)[1]) / (up[j] - down[j])
        return positive((matrix + matrix.T) / 2)

    def fit_at(self, sites: Sites, z: Array, bend: Array | None = None) -> FittedPair:
        """The maximum at given numbers of sites from a starting point."""
        z = np.clip(z, self.low, self.high)
        matrix = self.curvature(sites, z) if bend is None else bend
        z, value, matrix = climb(
            lambda at: self.loss(sites, at), z, self.low, self.high, matrix
        )  # fmt: skip
        return FittedPair(sites, z, -value, matrix)

    def moved(self, fitted: FittedPair, sites: Sites) -> Array:
        """Where to start at other numbers of sites: means and variances stay about as they are.

        What two epochs share takes the mean of what each would ask for.
        """
        z = fitted.z.copy()
        shift, asked = np.zeros(z.size), np.zeros(z.size)
        U_at, q_at = self.free.index("U"), self.free.index("q")
        for old, new, at in zip(fitted.sites, sites, self.places, strict=True):
            ratio = math.log(old / new)
            U = 1 / (1 + math.exp(-z[at[U_at]]))
            moved = min(max(U * math.exp((1 - U) * ratio), U_RANGE[0]), U_RANGE[1])
            shift[at[U_at]] += math.log(moved / (1 - moved)) - z[at[U_at]]
            shift[at[q_at]] += U * ratio
            asked[at[[U_at, q_at]]] += 1
        z += shift / np.maximum(asked, 1)
        return np.clip(z, self.low, self.high)

    def embed(self, simpler: Pair, fitted: FittedPair) -> Array:
        """The maximum of a model that this one contains, in the coordinates of this one."""
        z = np.empty(len(self.names))
        for place, theirs in zip(self.places, simpler.places, strict=True):
            z[place] = fitted.z[theirs]
        return np.clip(z, self.low, self.high)

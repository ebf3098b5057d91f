"""What is sampled for a posterior: coordinates, priors and their product with the likelihood.

Priors and coordinates are stated in `quantal_posterior`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.quantal_climb import U_RANGE, Release
from synsim.fit.release_filter import NAMES

Array = NDArray[Any]


class Target:
    """Log posterior of a release model in the coordinates that are sampled.

    Parameters
    ----------
    release : the model with its data, bounds and fixed values
    n_max : the largest n; n : its value where it is known
    """

    def __init__(self, release: Release, n_max: int, n: int | None) -> None:
        self.release, self.n_max, self.n = release, n_max, n
        self.rest = tuple(x for x in release.free if x not in ("U", "q"))
        self.names = (("log_nu",) if n is None else ()) + ("log_mean", "logit_U") + self.rest
        self.low = {x: release.natural(x, release.low[i]) for i, x in enumerate(release.free)}
        self.high = {x: release.natural(x, release.high[i]) for i, x in enumerate(release.free)}
        self.data = release.data
        self._quick = release.model == "constant"

    def sites(self, x: Array) -> int:
        """n at sampled coordinates."""
        return self.n or round(min(math.exp(min(float(x[0]), 50.0)), self.n_max + 0.5) - 1e-9)

    def theta(self, x: Array) -> tuple[int, Array]:
        """n and the six parameters of `release_filter.NAMES` at sampled coordinates."""
        n, at = self.sites(x), 1 if self.n is None else 0
        theta = np.array([0.5, 1.0, 1.0, 0.0, 1.0, 0.0])
        for name, value in self.release.fixed.items():
            theta[NAMES.index(name)] = value
        U = 1 / (1 + math.exp(-min(max(float(x[at + 1]), -50.0), 50.0)))
        theta[0], theta[1] = U, math.exp(min(float(x[at]), 500.0)) / (max(n, 1) * max(U, 1e-30))
        for name, value in zip(self.rest, x[at + 2 :], strict=True):
            log = name.startswith("tau")
            theta[NAMES.index(name)] = math.exp(min(value, 500.0)) if log else value
        return n, theta

    def coordinates(self, n: int, theta: Array) -> Array:
        """The inverse of `theta`."""
        U, q = theta[0], theta[1]
        x = [] if self.n is not None else [math.log(n)]
        x += [math.log(n * U * q), math.log(U / (1 - U))]
        for name in self.rest:
            value = theta[NAMES.index(name)]
            x.append(math.log(value) if name.startswith("tau") else value)
        return np.array(x)

    def log_posterior(self, x: Array) -> float:
        """Log density up to a constant; minus infinity outside the priors."""
        if self.n is None and not math.log(0.5) < x[0] < math.log(self.n_max + 0.5):
            return -math.inf
        n, theta = self.theta(x)
        if not U_RANGE[0] < theta[0] < U_RANGE[1]:
            return -math.inf
        for name in ("q", *self.rest):
            if not self.low[name] <= theta[NAMES.index(name)] <= self.high[name]:
                return -math.inf
        # Of uniform nu by log nu, and of uniform U by its logit; the others are as they are.
        jacobian = math.log(theta[0]) + math.log1p(-theta[0])
        jacobian += float(x[0]) if self.n is None else 0.0
        found = (
            self.data.with_gradient(n, theta)[0]
            if self._quick
            else self.data.log_likelihood(n, *theta)
        )
        return found + jacobian if math.isfinite(found) else -math.inf

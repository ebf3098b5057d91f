"""Distributions of the residuals, and information criteria.

    change_i = W(lag_i) + e_i,    variance of e_i = sem_i^2 + scatter^2

`scatter` is fitted, so that given standard errors are a floor: they say how well each point
was measured, and not how much synapses differ (published ones alone leave chi^2 per degree of
freedom near 10). Log likelihoods keep every constant, so that windows and the two
distributions can be compared with each other.

    gaussian    p(e) = exp(-e^2/(2 v)) / sqrt(2 pi v)
    student-t   p(e) = G((nu+1)/2) / (G(nu/2) sqrt(pi nu c)) (1 + e^2/(nu c))^(-(nu+1)/2)

with v the variance, G the gamma function, nu = 4 and c = v (nu-2)/nu, so that `scatter` means
the same in both: a standard deviation. nu is not fitted: some tens of points do not tell it.

Sources: Lange, Little & Taylor 1989 (Student-t residuals for robust fits; they recommend
nu = 4 where it cannot be estimated); Hurvich & Tsai 1989 (AICc); Schwarz 1978 (BIC).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation, InputError

LANGE = Citation(
    "Lange, Little & Taylor 1989, J Am Stat Assoc 84:881", "10.1080/01621459.1989.10478852"
)
HURVICH_TSAI = Citation("Hurvich & Tsai 1989, Biometrika 76:297", "10.1093/biomet/76.2.297")
SCHWARZ = Citation("Schwarz 1978, Ann Stat 6:461", "10.1214/aos/1176344136")

Array = NDArray[Any]


@dataclass(frozen=True)
class Noise:
    """A distribution of residuals with a given variance; `nu` None is Gaussian."""

    name: str
    nu: float | None = None

    def log_density(self, residual: Array, variance: Array) -> Array:
        """Logarithm of the density, elementwise.

        Parameters
        ----------
        residual, variance : broadcast against each other
        """
        if self.nu is None:
            return -0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance)
        nu = self.nu
        constant = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(math.pi * nu)
        squared_scale = variance * (nu - 2) / nu
        return (
            constant
            - 0.5 * np.log(squared_scale)
            - (nu + 1) / 2 * np.log1p(residual**2 / (nu * squared_scale))
        )

    def slopes(self, residual: Array, variance: Array) -> tuple[Array, Array, Array, Array]:
        """What a scoring step needs, elementwise.

        Returns
        -------
        weight : -d log p / d residual = weight * residual
        curvature : about -d^2 log p / d residual^2, but never below 0: far out, where the
            Student-t is convex, a fifth of the weight stands for it
        by_variance : d log p / d variance
        information : expected (d log p / d log variance)^2
        """
        if self.nu is None:
            weight = 1 / variance
            by_variance = 0.5 * (residual**2 / variance - 1) / variance
            return weight, weight, by_variance, np.full_like(variance, 0.5)
        nu = self.nu
        core = variance * (nu - 2)  # nu times the squared scale
        weight = (nu + 1) / (core + residual**2)
        curvature = weight * np.maximum((core - residual**2) / (core + residual**2), 0.2)
        by_variance = 0.5 * (weight * residual**2 - 1) / variance
        return weight, curvature, by_variance, np.full_like(variance, 0.5 * nu / (nu + 3))


NOISES = {n.name: n for n in (Noise("gaussian"), Noise("student-t", 4.0))}


def noise(name: str) -> Noise:
    """The distribution of that name; InputError for an unknown one."""
    if name not in NOISES:
        raise InputError(f"--residuals: found {name!r}, expected one of {', '.join(NOISES)}")
    return NOISES[name]


def aicc(loglik: float, k: int, n: int) -> float:
    """Akaike's criterion corrected for small samples (Hurvich & Tsai 1989).

        -2 loglik + 2 k + 2 k (k + 1)/(n - k - 1)

    Parameters
    ----------
    loglik : greatest log likelihood
    k : number of fitted parameters, the scatter among them
    n : number of points, above k + 1

    Raises
    ------
    ValueError
        when n <= k + 1, where it is undefined.
    """
    if n <= k + 1:
        raise ValueError(f"AICc is undefined for {k} parameters and {n} points")
    return -2 * loglik + 2 * k + 2 * k * (k + 1) / (n - k - 1)


def bic(loglik: float, k: int, n: int) -> float:
    """Schwarz's criterion, -2 loglik + k ln n (Schwarz 1978)."""
    return -2 * loglik + k * math.log(n)


def akaike_weights(criteria: list[float]) -> list[float]:
    """Relative likelihoods exp(-(c - min c)/2) of models, summing to 1."""
    relative = np.exp(-0.5 * (np.asarray(criteria) - min(criteria)))
    return [float(w) for w in relative / relative.sum()]

"""What a reliable synapse pays: any sum of power laws of sigma, the entropic limit, your own.

    power_law(rho, c)    c sigma^-rho             calcium 1/2, membrane 2/3, actin 4/3,
                                                  trafficking 2 (Malkin et al. 2024, appendix 1)
    entropic(c)          -c ln sigma              the limit of c (sigma^-rho - 1)/rho, rho -> 0
    gaussian_prior(s)    sigma^2/(2 s^2) - ln sigma   a weight's divergence from a Normal(0, s^2)
    written(function)    function(sigma)          any function of an array, of JAX's numpy

Costs add, and a number multiplies them: ``0.5 * power_law(2) + power_law(1/2, c=0.1)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synsim.component import InputError


@dataclass(frozen=True)
class Cost:
    """A cost of one synapse as a function of its sigma; a network pays the sum over synapses.

    exponents, weights : of the power laws, sum of weight * sigma^-exponent
    entropic : weight of -ln sigma
    quadratic : weight of sigma^2
    own : a function of an array of sigma, elementwise, with its weight `own_weight`
    """

    exponents: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    entropic: float = 0.0
    quadratic: float = 0.0
    own: Callable[[Any], Any] | None = None
    own_weight: float = 1.0

    def __add__(self, other: Cost) -> Cost:
        if self.own is not None and other.own is not None:
            raise InputError("found two written costs in a sum, expected one function for both")
        with_own = self if self.own is not None else other
        return Cost(
            self.exponents + other.exponents,
            self.weights + other.weights,
            self.entropic + other.entropic,
            self.quadratic + other.quadratic,
            with_own.own,
            with_own.own_weight,
        )

    def __mul__(self, factor: float) -> Cost:
        if not (np.isfinite(factor) and factor > 0):
            raise InputError(f"found a cost times {factor!r}, expected a finite number above 0")
        return replace(
            self,
            weights=tuple(factor * w for w in self.weights),
            entropic=factor * self.entropic,
            quadratic=factor * self.quadratic,
            own_weight=factor * self.own_weight,
        )

    __rmul__ = __mul__

    def __call__(self, sigma: Any) -> Any:
        """The cost of each sigma; numpy or JAX arrays alike."""
        own = None if self.own is None else (self.own, self.own_weight)
        return evaluate(sigma, self.exponents, self.weights, self.entropic, self.quadratic, own)

    def optimum(self, curvature: float) -> float:
        """The sigma at which the cost's slope is -curvature * sigma; of one power law it is
        (c rho/H)^(1/(rho + 2)) (Malkin et al. 2024, appendix 5)."""
        from scipy.optimize import brentq

        step = 1e-4

        def excess(log_sigma: float) -> float:
            with np.errstate(over="ignore", invalid="ignore"):
                return _excess(log_sigma)

        def _excess(log_sigma: float) -> float:
            ends = np.exp(np.array([log_sigma - step, log_sigma + step]))
            if self.own is None:
                low, high = np.asarray(self(ends), dtype=float)
            else:
                from synsim.networks import need

                need.jax()
                low, high = np.asarray(self(_as_jax(ends)), dtype=float)
            return float(curvature * np.exp(2 * log_sigma) + (high - low) / (2 * step))

        low, high = np.log(1e-6), np.log(1e3)
        if not excess(low) < 0 < excess(high):
            return float("nan")  # a cost of one's own may have no optimum
        return float(np.exp(brentq(excess, low, high, xtol=1e-3)))


def _as_jax(array: Any) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(array, dtype=jnp.float32)


def evaluate(
    sigma: Any, exponents: Any, weights: Any, entropic: Any, quadratic: Any, own: Any
) -> Any:
    """The cost of each sigma. Powers by the logarithm: five times as fast as pow on a CPU."""
    xp = sigma.__array_namespace__()
    log_sigma = xp.log(sigma)
    total = quadratic * sigma**2 - entropic * log_sigma
    for exponent, weight in zip(exponents, weights, strict=True):
        total = total + weight * xp.exp(-exponent * log_sigma)
    if own is not None:
        function, factor = own
        total = total + factor * function(sigma)
    return total


def power_law(rho: float, c: float = 1.0) -> Cost:
    """c sigma^-rho.

    Raises
    ------
    InputError
        when rho or c is not above 0.
    """
    if not (np.isfinite(rho) and rho > 0):
        more = ": it would cost the same everywhere; its limit is entropic(c)" if rho == 0 else ""
        raise InputError(f"found rho = {rho:g}, expected a finite number above 0{more}")
    return Cost((float(rho),), (_positive(c),))


def entropic(c: float = 1.0) -> Cost:
    """-c ln sigma, the limit of c (sigma^-rho - 1)/rho for rho -> 0; with c = 1 the entropy of a
    Gaussian up to a constant. Raises InputError when c is not above 0."""
    return Cost(entropic=_positive(c))


def gaussian_prior(sd: float) -> Cost:
    """sigma^2/(2 sd^2) - ln sigma: what sigma adds to the Kullback-Leibler divergence of
    Normal(mu, sigma^2) from a prior Normal(0, sd^2). What mu adds, mu^2/(2 sd^2), is the `l2` of
    `Training`. Together they are Bayes by backprop (Blundell et al. 2015, arXiv:1505.05424).
    Raises InputError when sd is not above 0."""
    if not (np.isfinite(sd) and sd > 0):
        raise InputError(f"found a prior of SD {sd:g}, expected a finite number above 0")
    return Cost(entropic=1.0, quadratic=1 / (2 * float(sd) ** 2))


def written(function: Callable[[Any], Any], c: float = 1.0) -> Cost:
    """c function(sigma); the function takes and returns an array of JAX, elementwise.

    Raises
    ------
    InputError
        when c is not above 0, or the function cannot be called, is not made of functions of JAX,
        or does not return one number for each sigma
    """
    factor = _positive(c)
    if not callable(function):
        raise InputError(f"found {function!r} as a cost, expected a function of sigma")
    _try(function)
    return Cost(own=function, own_weight=factor)


def _try(function: Callable[[Any], Any]) -> None:
    """Costs of two sigmas, traced as training does; refuses what is not one number for each."""
    from synsim.networks import need

    need.jax()
    import jax

    name = getattr(function, "__name__", repr(function))
    try:
        found = jax.eval_shape(function, jax.ShapeDtypeStruct((2,), "float32"))
    except Exception as error:  # whatever the function raises
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"the cost {name} cannot be evaluated with arrays of JAX: {told}; write it with "
            "functions of jax.numpy"
        ) from None
    shape = getattr(found, "shape", None)
    if shape != (2,):
        raise InputError(
            f"the cost {name} returns {'no array' if shape is None else f'shape {shape}'} for two "
            "sigmas, expected one number for each: training sums them"
        )


def _positive(c: float) -> float:
    if not (np.isfinite(c) and c > 0):
        raise InputError(f"found c = {c:g}, expected a finite number above 0")
    return float(c)

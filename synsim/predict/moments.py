"""Moments of the responses to a spike train from rest, from plain numbers and arrays.

    P_i = u_i x_i                  (p where there is no short-term plasticity)
    quanta      mean n P,  variance n P (1 - P),  failures (1 - P)^n
    response    mean n P q,  variance q^2 (1 + cv_between^2) n P (1 - P + cv_within^2) + s0^2

Between spikes, sites that empty and refill are correlated (`models/release_sites.py`); with
binomial release spikes are independent. Means are the same for all release rules; mean-field
release has no variance. Exact, for any train, without simulation and without Brian2.

Everything broadcasts over parameters, and covariances are computed when they are asked for: a
train of 20 pulses takes some tens of microseconds. `synsim.predict.train` is the same for a
`Synapse`, with its units and checks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import InputError
from synsim.models.release_sites import covariance_of
from synsim.models.tsodyks_markram import decay
from synsim.models.tsodyks_markram import train as two_state
from synsim.models.tsodyks_three_state import train as three_state

Array = NDArray[np.float64]

RELEASES = ("sites", "binomial", "mean-field")


@dataclass(frozen=True)
class Prediction:
    """Moments at every spike of a train of m spikes; S is the shape of the parameters.

    u, x : release probability and availability as used, shape S + (m,)
    mean, variance, failures : of the released quanta, shape S + (m,)
    response_mean, response_variance : in units of q and its square (SI), shape S + (m,),
        the variance with quantal variability and recording noise
    covariance : of the released quanta, shape S + (m, m); its diagonal is the variance
    response_covariance : shape S + (m, m); its diagonal is `response_variance`

    The two covariances are computed when they are first asked for.
    """

    u: Array
    x: Array
    mean: Array
    variance: Array
    failures: Array
    response_mean: Array
    response_variance: Array
    _covariance: Callable[[], Array] | None = field(repr=False, compare=False)
    _q: Array = field(repr=False, compare=False)

    @cached_property
    def covariance(self) -> Array:
        """Of the released quanta, shape S + (m, m)."""
        m = self.variance.shape[-1]
        if self._covariance is None:
            return np.asarray(self.variance[..., None] * np.eye(m))
        found = self._covariance()
        return np.broadcast_to(found, (*self.variance.shape, m))

    @cached_property
    def response_covariance(self) -> Array:
        """Of the responses, shape S + (m, m)."""
        found = self._q[..., None] * self._q[..., None, :] * self.covariance
        diagonal = np.arange(self.variance.shape[-1])
        found[..., diagonal, diagonal] = self.response_variance
        return np.asarray(found)

    @property
    def paired_pulse_ratio(self) -> Array:
        """Mean response at the second spike over that at the first, shape S."""
        return np.asarray(self.response_mean[..., 1] / self.response_mean[..., 0])


def train_moments(
    times: ArrayLike,
    n: ArrayLike,
    U: ArrayLike,
    tau_rec: ArrayLike | None = None,
    tau_facil: ArrayLike = 0.0,
    *,
    tau_inact: ArrayLike | None = None,
    release: str = "sites",
    q: ArrayLike = 1.0,
    cv_within: ArrayLike = 0.0,
    cv_between: ArrayLike = 0.0,
    s0: ArrayLike = 0.0,
) -> Prediction:
    """What a synapse does at every spike of a train from rest.

    Parameters
    ----------
    times : shape (m,), increasing, in the unit of the time constants
    n, U : release sites, and their release probability at rest
    tau_rec, tau_facil, tau_inact : time constants; without `tau_rec` U is used at every spike,
        without `tau_inact` there are two states
    release : "sites", "binomial" or "mean-field"; sites need tau_rec, and two states
    q, s0 : response to one quantum, and standard deviation of the recording noise, in one unit
    cv_within, cv_between : variability of the quantum, of one site and between sites (the
        latter with binomial release only)

    All but `times` and `release` are numbers, or arrays that broadcast to a shape S. Their values
    are not checked.

    Raises
    ------
    InputError
        when the times do not increase, and for what sites cannot do
    """
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or bool((times[1:] <= times[:-1]).any()):
        raise InputError("times: found a train that does not increase, expected one that does")
    sites = release == "sites"
    if release not in RELEASES:
        raise InputError(f"release: found {release!r}, expected one of {', '.join(RELEASES)}")
    if sites and (tau_rec is None or tau_inact is not None or np.any(np.asarray(cv_between) > 0)):
        raise InputError(
            "release: found 'sites', expected 'binomial' without tau_rec, with tau_inact, or with "
            "cv_between"
        )
    n, q, s0 = _column(n), _column(q), _column(s0)
    if tau_rec is None:
        if tau_inact is not None or np.any(np.asarray(tau_facil) > 0):
            raise InputError("tau_rec: missing, expected it beside tau_facil or tau_inact")
        u = _column(U) + np.zeros(times.size)
        x = np.ones_like(u)
    elif tau_inact is None:
        u, x = two_state(times, U, tau_rec, tau_facil)
    else:
        u, x, _ = three_state(times, U, tau_rec, tau_facil, tau_inact)
    chance = u * x
    mean = n * chance
    if release == "mean-field":
        variance, spread = np.zeros_like(mean), np.zeros_like(mean)
        failures = (mean == 0).astype(float)
    else:
        variance = mean * (1 - chance)
        spread = variance + mean * _column(cv_within) ** 2
        failures = (1 - chance) ** n
    covariance = None
    if sites:
        assert tau_rec is not None
        covariance = partial(_site_covariance, times, u, x, n, tau_rec)
    response_variance = q**2 * (1 + _column(cv_between) ** 2) * spread + s0**2
    shape = response_variance.shape

    def whole(value: Array) -> Array:
        return value if value.shape == shape else np.broadcast_to(value, shape)

    return Prediction(
        u=whole(u),
        x=whole(x),
        mean=whole(mean),
        variance=whole(variance),
        failures=whole(failures),
        response_mean=whole(mean * q),
        response_variance=response_variance,
        _covariance=covariance,
        _q=q,
    )


def _site_covariance(times: Array, u: Array, x: Array, n: Array, tau_rec: ArrayLike) -> Array:
    stay_empty = np.moveaxis(decay(np.diff(times), tau_rec), 0, -1)
    return covariance_of(u, x, n[..., 0], stay_empty)


def _column(value: ArrayLike) -> Array:
    """A parameter with a last axis for the spikes."""
    return np.asarray(value, dtype=float)[..., None]

"""Responses of a synapse to a spike train from rest, in closed form.

    P_i = u_i x_i                  (p where there is no short-term plasticity)
    quanta      mean n P,  variance n P (1 - P),  failures (1 - P)^n
    response    mean n P q,  variance q^2 (1 + cv_between^2) n P (1 - P + cv_within^2) + s0^2

Between spikes, sites that empty and refill are correlated (`models/release_sites.py`); with
binomial release spikes are independent. Means are the same for all release rules; mean-field
release has no variance. Exact, for any train, without simulation and without Brian2.

The long-term weight stays at its start: a prediction says what a synapse does before it learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import InputError
from synsim.models.release_sites import covariance as site_covariance
from synsim.models.tsodyks_markram import train as two_state
from synsim.models.tsodyks_three_state import TsodyksThreeState
from synsim.models.tsodyks_three_state import train as three_state
from synsim.synapse import Synapse


@dataclass(frozen=True)
class Prediction:
    """Moments at every spike of a train of m spikes; S is the shape of the parameters.

    u, x : release probability and availability as used, shape S + (m,)
    mean, variance, failures : of the released quanta, shape S + (m,)
    covariance : of the released quanta, shape S + (m, m); its diagonal is the variance
    response_mean, response_variance : in units of q and its square (SI), shape S + (m,),
        the variance with quantal variability and recording noise
    response_covariance : shape S + (m, m); its diagonal is `response_variance`
    """

    u: NDArray[np.float64]
    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    failures: NDArray[np.float64]
    covariance: NDArray[np.float64]
    response_mean: NDArray[np.float64]
    response_variance: NDArray[np.float64]
    response_covariance: NDArray[np.float64]

    @property
    def paired_pulse_ratio(self) -> NDArray[np.float64]:
        """Mean response at the second spike over that at the first, shape S."""
        return self.response_mean[..., 1] / self.response_mean[..., 0]


def predict_train(synapse: Synapse, times: ArrayLike) -> Prediction:
    """What `synapse` does at every spike of a train from rest.

    Parameters
    ----------
    synapse : its parameters may be arrays, which broadcast to a shape S
    times : s, shape (m,), increasing

    Raises
    ------
    InputError
        when the times do not increase
    """
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or np.any(np.diff(times) <= 0):
        raise InputError("times: found a train that does not increase, expected one that does")
    n, q, p = _start(synapse)
    u, x, recovery = _states(synapse, times, p)
    n, q = np.asarray(n, dtype=float)[..., None], np.asarray(q, dtype=float)[..., None]
    u, x, n, q = np.broadcast_arrays(u, x, n, q)
    chance = u * x
    mean = n * chance
    spread = 1.0 if synapse.release.stochastic else 0.0
    variance = spread * mean * (1 - chance)
    if synapse.release.needs_recovery:
        covariance = site_covariance(times, n[..., 0], *recovery)
    else:
        covariance = variance[..., None] * np.eye(len(times))
    within, between, noise = _scatter(synapse)
    response_variance = q**2 * (1 + between**2) * (variance + spread * mean * within**2) + noise**2
    response_covariance = q[..., None] * q[..., None, :] * covariance
    diagonal = np.arange(len(times))
    response_covariance[..., diagonal, diagonal] = response_variance
    return Prediction(
        u=u,
        x=x,
        mean=mean,
        variance=variance,
        failures=np.where(spread > 0, (1 - chance) ** n, (mean == 0).astype(float)),
        covariance=covariance,
        response_mean=mean * q,
        response_variance=response_variance,
        response_covariance=response_covariance,
    )


def _start(synapse: Synapse) -> tuple[ArrayLike, ArrayLike, ArrayLike]:
    """n, q and p (or U) at the weight at the start."""
    contacts = synapse.contacts
    p = contacts.p if synapse.short_term is None else synapse.short_term.U
    assert p is not None
    if synapse.plasticity is None:
        return contacts.n, contacts.q, p
    w = np.asarray(contacts.w0)
    if contacts.acts_on == "p":
        return contacts.n, contacts.q, w * p
    if contacts.acts_on == "n":
        return np.floor(w * contacts.n + 0.5), contacts.q, p
    return contacts.n, w * contacts.q, p


def _states(
    synapse: Synapse, times: NDArray[np.float64], U: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[Any, Any, Any]]:
    """u and x at every spike, and U, tau_rec, tau_facil."""
    rule = synapse.short_term
    if rule is None:
        u = np.broadcast_to(np.asarray(U, dtype=float)[..., None], (*np.shape(U), len(times)))
        return u, np.ones_like(u), (U, np.inf, 0.0)
    recovery: tuple[Any, Any, Any] = (U, rule.tau_rec, rule.tau_facil)
    if isinstance(rule, TsodyksThreeState):
        u, x, _ = three_state(times, *recovery, rule.tau_inact)
        return u, x, recovery
    u, x = two_state(times, *recovery)
    return u, x, recovery


def _scatter(synapse: Synapse) -> tuple[NDArray[np.float64], ...]:
    """cv_within, cv_between and s0, shape S + (1,)."""
    variability, noise = synapse.variability, synapse.noise
    values = (
        0.0 if variability is None else variability.cv_within,
        0.0 if variability is None else variability.cv_between,
        0.0 if noise is None else noise.s0,
    )
    return tuple(np.asarray(v, dtype=float)[..., None] for v in values)

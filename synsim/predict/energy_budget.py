"""The minimum-energy boundary: least variance of a response for a given mean and energy.

A synapse of n sites, release probability p and quantal size q = mean/(n p) has the precision

    1/CV^2 = mean^2/sigma^2 = n o,   o = p/(1 - p)

and spends, in units of what calcium costs at even odds,

    E = A + R,   A = o^(1/4),   R = sum over the others of w n^alpha p^beta mean^gamma

    other         cost            alpha  beta   gamma
    turnover      n               1       0      0       the pool of vesicles, whatever they hold
    membrane      n q^(2/3)       1/3    -2/3    2/3
    actin         n q^(1/3)       2/3    -1/3    1/3
    trafficking   n p             1       1      0

With one of them beside calcium, n is what R leaves, n^alpha = R/(w p^beta mean^gamma), and the
logarithm of the precision,

    ln(1/CV^2) = (1/alpha) ln(E - A) - (beta/alpha) ln p + 4 ln A - (1/alpha)(ln w + gamma ln mean),

is largest where  R = A/(4 (alpha - beta (1 - p))): on the boundary. Its maximum over A is a
function G of E alone, less the last term. So how far a synapse is from the boundary,

    d = ln(sigma^2/sigma_least^2) = G(A + R) - [(1/alpha) ln R - (beta/alpha) ln p + 4 ln A] >= 0,

depends on what it spends on calcium (A) and on the rest (R) only.

With turnover, R = A/4: calcium takes 4/5 of the energy whatever the weights, G = 5 ln E + const,
and sigma^-2 ~ E^5 exactly (n taken as continuous). This is what Malkin, O'Donnell & Houghton 2026
(arXiv:2602.15787) report for recorded synapses. With trafficking instead, R = A/(4 p): the same
only as p -> 1, and at low energies the least variance is reached by endlessly many sites that
hardly release. n is continuous here; whole sites do worse.

Without calcium certain release costs nothing and the least variance is 0: that is refused.

Sources: the costs as in `models/energy.py`; turnover and the boundary: Malkin, O'Donnell &
Houghton 2026, arXiv:2602.15787 (abstract; the derivation here is ours).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """A cost n^alpha p^beta mean^gamma beside calcium."""

    alpha: float
    beta: float
    gamma: float

    def cost(self, n: ArrayLike, p: ArrayLike, mean: ArrayLike) -> Array:
        """Per spike, relative; mean in mV. Arguments broadcast."""
        n, p, mean = (np.asarray(a, dtype=float) for a in (n, p, mean))
        return np.asarray(n**self.alpha * p**self.beta * mean**self.gamma, dtype=float)


TERMS = {
    "turnover": Term(1, 0, 0),
    "membrane": Term(1 / 3, -2 / 3, 2 / 3),
    "actin": Term(2 / 3, -1 / 3, 1 / 3),
    "trafficking": Term(1, 1, 0),
}


def calcium(p: ArrayLike) -> Array:
    """A = (p/(1 - p))^(1/4)."""
    p = np.asarray(p, dtype=float)
    return np.asarray((p / (1 - p)) ** 0.25, dtype=float)


def split_at_boundary(term: Term, p: ArrayLike) -> Array:
    """R on the boundary at release probability p, A/(4 (alpha - beta (1 - p)))."""
    return calcium(p) / (4 * (term.alpha - term.beta * (1 - np.asarray(p, dtype=float))))


def _gain(term: Term, log_energy: ArrayLike, logit_share: ArrayLike) -> Array:
    """What is maximised: (1/alpha) ln(E - A) - (beta/alpha) ln p + 4 ln A, with A = share E."""
    log_A = log_energy - np.logaddexp(0, -np.asarray(logit_share))
    log_R = log_energy - np.logaddexp(0, np.asarray(logit_share))
    log_p = -np.logaddexp(0, -4 * log_A)  # p = A^4/(1 + A^4)
    return np.asarray(log_R / term.alpha - term.beta / term.alpha * log_p + 4 * log_A)


def greatest_gain(term: Term, energy: ArrayLike) -> Array:
    """G(E), to about 1e-8."""
    log_energy = np.log(np.asarray(energy, dtype=float))[..., None]
    share = np.linspace(-25, 25, 501)
    for _ in range(3):
        found = _gain(term, log_energy, share)
        top = np.argmax(found, axis=-1)[..., None]
        share = np.broadcast_to(share, found.shape)
        middle, step = np.take_along_axis(share, top, -1), share[..., 1:2] - share[..., :1]
        best = np.take_along_axis(found, top, -1)[..., 0]
        share = middle + step * np.linspace(-1, 1, 41)
    return np.asarray(best, dtype=float)


@cache
def _table(name: str) -> Any:
    from scipy.interpolate import CubicSpline

    log_energy = np.linspace(-12, 16, 2801)
    return CubicSpline(log_energy, greatest_gain(TERMS[name], np.exp(log_energy)))


def distance(name: str, A: ArrayLike, R: ArrayLike) -> Array:
    """ln(sigma^2/sigma_least^2) of synapses that spend A on calcium and R on `name`.

    By interpolation in the energy, to about 1e-6; arguments broadcast.
    """
    term = TERMS[name]
    log_A, log_R = np.log(np.asarray(A, dtype=float)), np.log(np.asarray(R, dtype=float))
    log_p = -np.logaddexp(0, -4 * log_A)
    own = log_R / term.alpha - term.beta / term.alpha * log_p + 4 * log_A
    return np.asarray(_table(name)(np.logaddexp(log_A, log_R)) - own, dtype=float)


def check_weights(weights: Mapping[str, float]) -> None:
    """Refuse weights that are negative or leave nothing to be paid for beside calcium."""
    for name, weight in weights.items():
        if name not in TERMS:
            raise InputError(f"unknown cost {name!r}, expected some of {', '.join(TERMS)}")
        if not (np.isfinite(weight) and weight >= 0):
            raise InputError(f"{name}: found a weight of {weight:g}, expected one at least 0")
    if not any(weights.values()):
        raise InputError(
            "found no cost beside calcium, expected one above 0: endlessly many sites would be free"
        )


@dataclass(frozen=True)
class Best:
    """The synapse of least variance: SD (mV), sites, release probability, quantal size (mV)."""

    sd: float
    n: float
    p: float
    q: float


def least_variance(mean: float, energy: float, weights: Mapping[str, float]) -> Best:
    """The synapse with the least variance for a mean and an energy, for any weighting.

    Parameters
    ----------
    mean : mV, above 0
    energy : above 0, in units of what calcium costs at even odds
    weights : cost beside calcium -> weight in the same unit

    Raises
    ------
    InputError
        for a mean or an energy that is not above 0, and for weights as `check_weights` refuses
    """
    if not (np.isfinite(mean) and mean > 0):
        raise InputError(f"mean: found {mean:g}, expected a mean response above 0")
    if not (np.isfinite(energy) and energy > 0):
        raise InputError(f"energy: found a budget of {energy:g}, expected one above 0")
    check_weights(weights)
    logit = np.linspace(-100, 4 * np.log(energy) - 1e-9, 800)
    for _ in range(4):
        n = _affordable(mean, energy, weights, logit)
        found = np.log(n) + logit
        top = int(np.argmax(found))
        best_n, best_logit = float(n[top]), float(logit[top])
        logit = np.linspace(logit[max(top - 1, 0)], logit[min(top + 1, len(logit) - 1)], 60)
    p = float(1 / (1 + np.exp(-best_logit)))
    sd = mean / float(np.sqrt(best_n * np.exp(best_logit)))
    return Best(sd, best_n, p, mean / (best_n * p))


def _affordable(mean: float, energy: float, weights: Mapping[str, float], logit: Array) -> Array:
    """Sites that the energy pays for at each release probability, by bisection of ln n."""
    p, left = 1 / (1 + np.exp(-logit)), np.maximum(energy - np.exp(logit / 4), 1e-300)
    low, high = np.full(len(p), -900.0), np.full(len(p), 200.0)
    terms = [(TERMS[name], weight) for name, weight in weights.items() if weight > 0]
    for _ in range(80):
        middle = (low + high) / 2
        spent = sum(weight * term.cost(np.exp(middle), p, mean) for term, weight in terms)
        low, high = np.where(spent < left, middle, low), np.where(spent < left, high, middle)
    return np.asarray(np.exp(low), dtype=float)


def energy_of(n: ArrayLike, p: ArrayLike, mean: ArrayLike, weights: Mapping[str, float]) -> Array:
    """E = A + sum of w n^alpha p^beta mean^gamma; mean in mV. Arguments broadcast."""
    found = calcium(p)
    for name, weight in weights.items():
        found = found + weight * TERMS[name].cost(n, p, mean)
    return np.asarray(found, dtype=float)

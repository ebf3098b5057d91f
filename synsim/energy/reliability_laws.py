"""The mechanisms that reliability can be paid by: what varies, what it costs, what it brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.energy.reliability import psp_weights
from synsim.models.energy import EnergyCost
from synsim.models.energy_actin import Actin
from synsim.models.energy_calcium import CalciumEfflux
from synsim.models.energy_membrane import VesicleMembrane
from synsim.models.energy_trafficking import Trafficking
from synsim.predict.frequency import predict_steady_state
from synsim.synapse import Synapse

Array = NDArray[np.float64]

COSTS: tuple[EnergyCost, ...] = (
    CalciumEfflux(atp_calcium=1),
    VesicleMembrane(atp_membrane=1),
    Actin(atp_actin=1),
    Trafficking(atp_trafficking=1),
)
"""Relative costs: the formulas of `models/energy.py` with q in mV."""


@dataclass(frozen=True)
class Law:
    """meter: whose cost; variable: what varies; exponent: rho, None where there is no power law."""

    meter: EnergyCost
    variable: str
    exponent: float | None
    colour: str  # of `synsim.style`
    label: str


LAWS = {
    "calcium": Law(COSTS[0], "p", 1 / 2, "ltd", "calcium"),
    "membrane": Law(COSTS[1], "n", 2 / 3, "accent", "membrane"),
    "actin": Law(COSTS[2], "n", 4 / 3, "second", "actin"),
    "trafficking": Law(COSTS[3], "n", 2.0, "ltp", "trafficking"),
    "trafficking_by_p": Law(COSTS[3], "p", None, "neutral", "trafficking, p varied"),
}


@dataclass(frozen=True)
class Points:
    """Synapses of one mean, and their closed form; shape (points,).

    chance : release probability of a site in the steady state, u x
    q : V, such that the PSP has the mean that is asked for
    sd : V, of the PSP;  cost : relative, per spike
    """

    n: NDArray[Any]
    p: Array
    chance: Array
    q: Array
    sd: Array
    cost: Array


def points(
    law: Law, n: ArrayLike, p: ArrayLike, mean: float, synapse: Synapse, rate: float
) -> Points:
    """Closed form of synapses whose PSPs have a given mean in a regular train that has settled.

    With c_k the weights of `reliability.psp_weights`, a PSP sum_k c_k r_(i-k) has the mean
    n q u x sum_k c_k and the variance sum_kl c_k c_l Cov_|k-l|, where Cov_0 is the variance of the
    response, n q^2 u x (1 - u x + cv_within^2), and release sites are correlated over m > 0 spikes
    by Cov_m = n q^2 (u x) u (y_m - x), y_m = 1 - (1 - y_(m-1) (1 - u)) E, y_0 = 0
    (`models/release_sites.py`).

    Parameters
    ----------
    n, p : sites and release probability (U), broadcast; n need not be whole, for curves
    mean : V
    synapse : says how the release probabilities `p` behave, and what scatters
    rate : Hz
    """
    n, p = np.broadcast_arrays(n, np.asarray(p, dtype=float))
    steady = predict_steady_state(synapse, rate)
    u, x = np.broadcast_to(steady.u, p.shape), np.broadcast_to(steady.x, p.shape)
    weights = psp_weights(1 / rate)
    chance = u * x
    q = mean / (n * chance * weights.sum())
    cv = 0.0 if synapse.variability is None else synapse.variability.cv_within
    variance = np.sum(weights**2) * chance * (1 - chance + cv**2)
    if synapse.release.needs_recovery:
        assert synapse.short_term is not None
        empty, y = np.exp(-1 / (rate * synapse.short_term.tau_rec)), np.zeros_like(x)
        for lag in range(1, len(weights)):
            y = 1 - (1 - y * (1 - u) * (lag > 1)) * empty
            variance = variance + 2 * np.sum(weights[lag:] * weights[:-lag]) * chance * u * (y - x)
    sd = q * np.sqrt(n * variance)
    return Points(n, p, chance, q, sd, law.meter.expected(n, u, q, n * chance) + 0 * q)

"""Responses simulated site by site in plain numpy, for fits to find again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def responses(
    h: Array,
    n: int,
    U: float,
    q: float,
    tau_rec: float,
    tau_facil: float,
    s0: float,
    cv: float,
    rng: np.random.Generator,
) -> Array:
    """Amplitudes of a synapse of n sites, intervals h (infinite at rest), shape (m,)."""
    full = np.ones(n, bool)
    u, y = 0.0, np.empty(h.size)
    for i, interval in enumerate(h):
        full |= rng.random(n) < -np.expm1(-interval / tau_rec)
        u = U + u * (1 - U) * (np.exp(-interval / tau_facil) if tau_facil > 0 else 0.0)
        released = full & (rng.random(n) < u)
        full &= ~released
        quanta = q * (1 + cv * rng.standard_normal(int(released.sum())))
        y[i] = quanta.sum() + s0 * rng.standard_normal()
    return y


def trains(sweeps: int) -> Array:
    """Intervals in ms: sweeps of five stimuli, each from rest."""
    return np.tile([np.inf, 50.0, 20.0, 50.0, 200.0], sweeps)

"""Trains and synapses that the tests of the references share."""

from __future__ import annotations

import numpy as np

# name -> (U, tau_rec, tau_facil)
SYNAPSES = {
    "depressing": (0.5, 0.8, 0.02),
    "facilitating": (0.06, 0.15, 0.7),
    "no-facilitation": (0.35, 0.4, 0.0),
    "instant-recovery": (0.2, 0.0, 0.3),
}


def random_train(seed: int, n: int, mean_interval: float = 0.04) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 0.01 + np.cumsum(rng.exponential(mean_interval, n) + 1e-3)

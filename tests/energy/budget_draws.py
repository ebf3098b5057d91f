"""Release probabilities of synapses that are near a minimum-energy boundary, drawn from its law."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.fit.budget import LOGIT
from synsim.fit.budget_joint import Boundary

Array = NDArray[np.float64]


def drawn_near_the_boundary(
    log_weights: ArrayLike, T: float, size: Array, rng: np.random.Generator
) -> Array:
    """p of synapses of means `size` (mV, per site), as probable as exp(-distance/T) in logit p."""
    logit = np.linspace(-8, 8, 1601)
    law = Boundary(np.full(size.size, 0.5), size).distances(log_weights)
    fine = np.array([np.interp(logit, LOGIT, row) for row in law.grid])
    mass = np.cumsum(np.exp(-fine / T), axis=1)
    index = [
        np.searchsorted(row, u * row[-1])
        for row, u in zip(mass, rng.random(size.size), strict=True)
    ]
    return np.asarray(1 / (1 + np.exp(-logit[index])))

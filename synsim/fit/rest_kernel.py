"""The loop of `rest_mixture`, compiled by numba; see `release_kernel` on why and how."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

_UNLIKELY = -200.0  # log density of a number of quanta, against the best number


@njit(cache=True)
def mixture(y: Array, theta: Array, choices: Array, gradient: Array) -> float:  # pragma: no cover
    """Log likelihood; adds its derivatives (the last by cv^2) to `gradient` (6,).

    choices : log C(n, k), shape (n + 1,)
    """
    U, q, s0, cv = theta[0], theta[1], theta[4], theta[5]
    size = choices.size
    weight, half = np.empty(size), np.empty(size)
    log_p = np.empty(size)
    for k in range(size):
        variance = s0 * s0 + k * (cv * q) ** 2
        half[k] = 0.5 / variance
        weight[k] = (
            choices[k]
            + k * np.log(U)
            + (size - 1 - k) * np.log1p(-U)
            - 0.5 * np.log(2 * np.pi * variance)
        )
    total_log, quanta = 0.0, 0.0
    for i in range(y.size):
        top = -np.inf
        for k in range(size):
            z = y[i] - k * q
            log_p[k] = weight[k] - z * z * half[k]
            top = max(top, log_p[k])
        total = 0.0
        for k in range(size):
            far = log_p[k] - top
            log_p[k] = np.exp(far) if far > _UNLIKELY else 0.0
            total += log_p[k]
        total_log += np.log(total) + top
        for k in range(size):
            if log_p[k] > 0.0:
                share = log_p[k] / total
                z, by = y[i] - k * q, 2 * half[k]
                by_variance = (z * z * by - 1) * by
                quanta += share * k
                gradient[1] += share * k * (z * by + cv * cv * q * by_variance)
                gradient[4] += share * s0 * by_variance
                gradient[5] += 0.5 * share * k * q * q * by_variance
    gradient[0] += (quanta - (size - 1) * U * y.size) / (U * (1 - U))
    return total_log

"""The classical estimates of n, p and q from the same responses, for comparison.

    mean-variance   variance - s0^2 = Q mean - mean^2/n over the pulses, Q = q (1 + cv^2), each
                    weighted by the sampling error of its variance (MPFA: Silver 2003)
    least squares   the same parabola with equal weights; U and tau_rec from the averaged train

Both are given the true s0 and cv, as if these had been measured apart, which the likelihood is not.
Where the parabola bends upwards there is no n: NaN, and so for p, which is the mean of the first
pulse over n q.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def mean_variance(table: Array, s0: float, cv: float) -> list[Any]:
    """n, U and q from the variances of the pulses.

    Parameters
    ----------
    table : responses, shape (sweeps, pulses)
    """
    mean, variance = table.mean(axis=0), table.var(axis=0, ddof=1)
    fitted = variance
    for _ in range(10):
        # a sample variance has a relative error that is the same for all
        beta = _parabola(mean, variance - s0**2, 1 / np.maximum(fitted, 0.05 * variance.max()))
        fitted = beta[0] * mean - beta[1] * mean**2 + s0**2
    return _estimates("mean-variance", beta, mean[0], cv)


def least_squares(
    table: Array, intervals: Array, s0: float, cv: float, facilitation: bool = False
) -> list[Any]:
    """n and q from the parabola with equal weights, U and time constants from the averaged train.

    Parameters
    ----------
    table : responses, shape (sweeps, pulses)
    intervals : ms, shape (pulses,); the first is infinite
    """
    from scipy.optimize import least_squares as solve

    mean, variance = table.mean(axis=0), table.var(axis=0, ddof=1)
    beta = _parabola(mean, variance - s0**2, np.ones(mean.size))
    n, _, q = _estimates("least squares", beta, mean[0], cv)
    names = ["U", "tau_rec", *(["tau_facil"] if facilitation else [])]
    if mean.size <= len(names):  # more unknowns than pulses
        values = [float("nan")] * len(names)
    else:
        low, high = [0, 1e-3, 1, 1], [np.inf, 1, 1e5, 1e5]
        count = len(names) + 1
        fits = [
            solve(
                lambda v: _train(intervals, *v) - mean,
                (mean[0] / U, U, 200.0, 100.0)[:count],
                bounds=(low[:count], high[:count]),
                x_scale=(mean[0], 0.3, 200.0, 100.0)[:count],
            )
            for U in (0.2, 0.5, 0.8)
        ]
        values = min(fits, key=lambda f: float(f.cost)).x[1:].tolist()
    found = [("least squares", k, v, None, None, "") for k, v in zip(names, values, strict=True)]
    return [n, q, *found]


def _train(intervals: Array, A: float, U: float, tau_rec: float, tau_facil: float = 0.0) -> Array:
    """Mean responses of a train from rest."""
    u, x, found = 0.0, 1.0, np.empty(intervals.size)
    for i, h in enumerate(intervals):
        x = 1 - (1 - x * (1 - u)) * np.exp(-h / tau_rec)
        u = U + u * (1 - U) * (np.exp(-h / tau_facil) if tau_facil > 0 else 0.0)
        found[i] = A * u * x
    return found


def _parabola(mean: Array, variance: Array, weight: Array) -> Array:
    columns = np.column_stack([mean, -(mean**2)]) * weight[:, None]
    return np.linalg.lstsq(columns, variance * weight, rcond=None)[0]


def _estimates(method: str, beta: Array, first: float, cv: float) -> list[Any]:
    q = float(beta[0]) / (1 + cv**2)
    n = 1 / float(beta[1]) if beta[1] > 0 else float("nan")
    p = first / (n * q) if q > 0 else float("nan")
    if q <= 0:
        n, q = float("nan"), float("nan")
    return [
        (method, "n", n, None, None, ""),
        (method, "U", p, None, None, ""),
        (method, "q", q, None, None, ""),
    ]

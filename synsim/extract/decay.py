"""The decay of a response: one exponential, fitted to the average after the last stimulus.

    y(l) = a e^(-(l - l0)/tau),    l from where the average has fallen to 70 % of its peak
                                   to where it has fallen to 5 %, or the data end

by least squares, the baseline held at its value before the first stimulus. What earlier responses
left decays with the same tau and changes a only. The error of tau is that of a delete-one jackknife
over sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError

Array = NDArray[np.float64]

_FROM, _TO = 0.7, 0.05
_FEWEST = 8  # samples in the fit
_MOST = 50  # groups of the jackknife


@dataclass(frozen=True)
class Decay:
    """tau and its standard error in samples, what was fitted, and how well (r2)."""

    tau: float
    se: float
    first: int
    last: int
    r2: float


def fit(rows: Array, peak: int, sign: int) -> Decay:
    """Fit the decay after the last stimulus.

    Parameters
    ----------
    rows : sweeps from the last stimulus on, baseline taken away, shape (sweeps, lags)
    peak : lag of the average's peak
    sign : of the response

    Raises
    ------
    InputError
        when the data end before the decay can be seen, or do not decay; the text does not say
        where.
    """
    mean = sign * rows.mean(axis=0)
    top = mean[peak]
    after = np.flatnonzero(mean[peak:] < _FROM * top)
    if not top > 0 or not after.size:
        raise InputError("the sweeps end before the last response has fallen to 70 % of its peak")
    first = peak + int(after[0])
    gone = np.flatnonzero(mean[first:] < _TO * top)
    last = first + int(gone[0]) if gone.size else mean.size
    if last - first < _FEWEST:
        raise InputError(f"only {last - first} samples of the decay of the last response are there")
    tau = _exponential(mean[first:last])
    if tau is None:
        raise InputError("the average does not decay after the last response")
    lags = np.arange(last - first)
    shape = np.exp(-lags / tau)
    scale = shape @ mean[first:last] / (shape @ shape)
    left = mean[first:last] - scale * shape
    spread = mean[first:last] - mean[first:last].mean()
    r2 = 1.0 - float(left @ left) / float(spread @ spread)
    return Decay(tau, _jackknife(sign * rows[:, first:last], tau), first, last, r2)


def _exponential(y: Array, near: float | None = None) -> float | None:
    """tau of a e^(-l/tau) by least squares, in samples; None where there is no decay.

    For a given tau the best a is linear, so that one parameter is searched: everywhere, or
    within a factor of 3 of `near`.
    """
    from scipy.optimize import minimize_scalar

    lags = np.arange(y.size)

    def lost(log_tau: float) -> float:
        shape = np.exp(-lags / np.exp(log_tau))
        return -(float(shape @ y) ** 2) / float(shape @ shape)

    if near is None:
        grid = np.linspace(np.log(0.5), np.log(50.0 * y.size), 60)
    else:
        grid = np.log(near) + np.linspace(-np.log(3.0), np.log(3.0), 5)
    best = int(np.argmin([lost(g) for g in grid]))
    if best in (0, grid.size - 1):
        return None
    found = minimize_scalar(
        lost, bounds=(grid[best - 1], grid[best + 1]), method="bounded", options={"xatol": 1e-7}
    )
    return float(np.exp(found.x))


def _jackknife(rows: Array, tau: float) -> float:
    """Standard error of tau over groups of sweeps; NaN for a single sweep."""
    groups = np.array_split(np.arange(len(rows)), min(len(rows), _MOST))
    if len(groups) < 2:
        return float("nan")
    total = rows.sum(axis=0)
    means = [(total - rows[g].sum(axis=0)) / (len(rows) - g.size) for g in groups]
    found = [_exponential(mean, tau) for mean in means]
    taus = np.array([t for t in found if t is not None])
    if taus.size < len(groups):
        return float("nan")
    return float(np.sqrt((taus.size - 1) / taus.size * np.sum((taus - taus.mean()) ** 2)))

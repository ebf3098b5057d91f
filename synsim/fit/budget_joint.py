"""Calcium, membrane and turnover together: how much turnover the release probabilities allow.

With E = A + R_m + R_t, R_m = w_m n^(1/3) (mean/p)^(2/3) and R_t = w_t n, a synapse is on the
minimum-energy boundary (`synsim.predict.energy_budget`) where

    A = 4 (R_m (1/3 + 2/3 (1 - p)) + R_t)

which is a cubic in n^(1/3) with one root, so the boundary is known for every p, and the greatest
precision for an energy by interpolation along it. The likelihood is that of `synsim.fit.budget`,
with the weight of turnover profiled. Source: ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.fit.budget import LIMIT, LOGIT, Distances, aicc
from synsim.predict.energy_budget import TERMS, calcium

Array = NDArray[np.float64]
_ALONG = np.linspace(-24, 24, 801)  # logit p along the boundary
_TURNOVER, _MEMBRANE = np.linspace(-12, 1, 11), (-5.0, 4.0)


def joint_distances(log_turnover: float, log_membrane: float, p: Array, size: Array) -> Distances:
    """d of each synapse at its own p and over the grid, for one site.

    Parameters
    ----------
    log_turnover, log_membrane : logarithms of the weights
    p, size : release probability and mean per site (mV), shape (m,)
    """
    w_t, w_m = np.exp(log_turnover), np.exp(log_membrane)
    along = 1 / (1 + np.exp(-_ALONG))
    A = np.exp(_ALONG / 4)
    rise = (size[:, None] / along) ** (2 / 3) * w_m
    # x^3 + P x - Q = 0 with x = n^(1/3)
    P, Q = rise * (1 / 3 + 2 / 3 * (1 - along)) / w_t, A / (4 * w_t)
    x = 2 * np.sqrt(P / 3) * np.sinh(np.arcsinh(1.5 * Q / P * np.sqrt(3 / P)) / 3)
    log_energy = np.log(A + rise * x + w_t * x**3)
    gain = 3 * np.log(x) + 4 * np.log(A)

    def d(row: int, p: ArrayLike) -> Array:
        spent = calcium(p) + w_t + w_m * TERMS["membrane"].cost(1.0, p, size[row])
        best = np.interp(np.log(spent), log_energy[row], gain[row])
        return np.asarray(best - 4 * np.log(calcium(p)), dtype=float)

    grid = 1 / (1 + np.exp(-LOGIT))
    rows = range(len(p))
    return Distances(np.array([d(i, p[i]) for i in rows]), np.stack([d(i, grid) for i in rows]))


@dataclass(frozen=True)
class JointFit:
    """Weights of turnover and membrane beside calcium, for one site.

    turnover_low : None where none at all is allowed for; turnover_high : None without limit
    turnover_share : mean share of the energy that goes to turnover
    """

    loglik: float
    aicc: float
    turnover: float
    turnover_low: float | None
    turnover_high: float | None
    membrane: float
    turnover_share: float


def fit_joint(p: ArrayLike, size: ArrayLike) -> JointFit:
    """Both weights and T by maximum likelihood; turnover with its 95 % profile interval."""
    from scipy.optimize import brentq, minimize_scalar

    p, size = np.asarray(p, dtype=float), np.asarray(size, dtype=float)
    # The range searched is for sizes about 1: the unit of q must not decide what is found.
    unit = float(np.exp(np.mean(np.log(size))))
    size = size / unit

    def at(log_turnover: float) -> tuple[float, float]:
        found = minimize_scalar(
            lambda log_membrane: -joint_distances(log_turnover, log_membrane, p, size).best()[0],
            bounds=_MEMBRANE,
            method="bounded",
            options={"xatol": 3e-3},
        )
        return -float(found.fun), float(found.x)

    values = np.array([at(x)[0] for x in _TURNOVER])
    top = int(np.argmax(values))
    ends = _TURNOVER[max(top - 1, 0)], _TURNOVER[min(top + 1, len(values) - 1)]
    found = minimize_scalar(
        lambda x: -at(x)[0], bounds=ends, method="bounded", options={"xatol": 1e-2}
    )
    most, log_turnover = max((-float(found.fun), float(found.x)), (values[top], _TURNOVER[top]))
    log_membrane = at(log_turnover)[1]

    def end(side: int) -> float | None:
        beyond = _TURNOVER[(_TURNOVER - log_turnover) * side > 0][::side]
        short = [x for x in beyond if 2 * (most - values[x == _TURNOVER][0]) > LIMIT]
        if not short:
            return None
        root = brentq(lambda x: 2 * (most - at(x)[0]) - LIMIT, short[0], log_turnover, xtol=1e-2)
        return float(np.exp(root))

    w_t, w_m = float(np.exp(log_turnover)), float(np.exp(log_membrane))
    spent = calcium(p) + w_t + w_m * TERMS["membrane"].cost(1.0, p, size)
    low, high = end(-1), end(1)
    share = float(np.mean(w_t / spent))
    if top == 0 and low is None:
        w_t = 0.0  # the least turnover tried does best, and none at all is not refused
    w_m /= unit ** (2 / 3)
    return JointFit(float(most), aicc(float(most), 3, len(p)), w_t, low, high, w_m, share)

"""Cost against scatter, measured: PSPs through a membrane, their SD, and the exponent of a law.

    cost ~ sigma^-rho,     ln sigma = const - (1/rho) ln cost

Both sides are measured, so the line is fitted with the errors of both: a point's residual has the
variance Var(ln sigma) + Var(ln cost)/rho^2 + 2 Cov/rho, all taken from batches of spikes, which
holds for spikes that are correlated too. The interval of rho is that of the slope, inverted; where
the points scatter about the line by more than their errors (no power law) it is widened by
sqrt(chi^2/dof), and chi^2 says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.models.lif import LIF
from synsim.models.synaptic_currents import ExponentialCurrent

Array = NDArray[np.float64]
BATCHES = 100


def membrane() -> tuple[LIF, ExponentialCurrent]:
    """A leaky membrane and an excitatory current (time constants of Vogels & Abbott 2005)."""
    values: dict[str, Any] = {"tau": "5ms"}
    return LIF.preset("lif-vogels-abbott-2005"), ExponentialCurrent(**values)


def psp_weights(interval: float) -> Array:
    """What each response weighs in the PSP as it is measured: peak less the potential before.

    Each response is the peak of the PSP that it makes in a membrane at rest. Below threshold the
    membrane is linear and the potential is the responses' superposition, so a PSP also loses what
    earlier ones decay by while it rises:

        a_i = sum over k of c_k r_(i-k),  c_0 = 1,  c_k = psi(k h + t_peak) - psi(k h)

    with psi a PSP of peak 1.

    Parameters
    ----------
    interval : h, s, from spike to spike of a regular train

    Returns
    -------
    c_0, c_1, ... as far as they reach 1e-12
    """
    neuron, current = membrane()
    peak_time, peak = neuron.psp_peak(current, 1.0)
    count = int(np.ceil(28 * neuron.tau_m / interval))
    before = interval * np.arange(1, count + 1)
    lost = neuron.psp(before + peak_time, current, 1.0) - neuron.psp(before, current, 1.0)
    return np.append(1.0, lost / peak)


def psp_amplitudes(responses: ArrayLike, interval: float) -> Array:
    """PSPs in a membrane, shape (..., spikes), of responses that come every `interval` seconds."""
    from scipy.signal import lfilter

    return np.asarray(lfilter(psp_weights(interval), [1.0], np.asarray(responses), axis=-1))


@dataclass(frozen=True)
class Scatter:
    """Of each point, shape (points,): SD of the response, mean cost, and the logs' covariance.

    covariance : of (ln SD, ln cost), shape (points, 2, 2)
    """

    mean: Array
    sd: Array
    cost: Array
    covariance: Array


def measure(responses: ArrayLike, costs: ArrayLike, batches: int = BATCHES) -> Scatter:
    """Mean and SD of responses and the mean cost of a spike, with errors from batches.

    Parameters
    ----------
    responses, costs : shape (points, spikes), of the same spikes
    batches : of consecutive spikes, each much longer than spikes are correlated
    """
    responses, costs = np.asarray(responses, dtype=float), np.asarray(costs, dtype=float)
    mean, sd = responses.mean(axis=-1), responses.std(axis=-1, ddof=1)
    cost = costs.mean(axis=-1)
    size = responses.shape[-1] // batches
    # influence of a spike on ln SD and on ln cost, to first order
    influence = np.stack(
        [
            ((responses - mean[:, None]) ** 2 / sd[:, None] ** 2 - 1) / 2,
            costs / cost[:, None] - 1,
        ]
    )
    blocks = influence[..., : size * batches].reshape(2, len(sd), batches, size).mean(axis=-1)
    blocks -= blocks.mean(axis=-1, keepdims=True)
    covariance = np.einsum("apb,cpb->pac", blocks, blocks) / (batches * (batches - 1))
    return Scatter(mean, sd, cost, covariance)


@dataclass(frozen=True)
class PowerLaw:
    """cost ~ sigma^-rho: the exponent with its 95 % interval, and chi^2 of the points."""

    rho: float
    low: float
    high: float
    chi2: float
    dof: int


def fit_power_law(sd: ArrayLike, cost: ArrayLike, covariance: ArrayLike) -> PowerLaw:
    """Weighted line of ln SD in ln cost.

    Parameters
    ----------
    sd, cost : shape (points,), at least three
    covariance : of (ln sd, ln cost), shape (points, 2, 2)
    """
    from scipy.stats import t

    x, y = np.log(np.asarray(cost, dtype=float)), np.log(np.asarray(sd, dtype=float))
    covariance = np.asarray(covariance, dtype=float)
    slope = float(np.polyfit(x, y, 1)[0])
    for _ in range(8):
        error = (
            covariance[:, 0, 0] + slope**2 * covariance[:, 1, 1] - 2 * slope * covariance[:, 0, 1]
        )
        weight = 1 / error
        centre = np.average(x, weights=weight)
        spread = np.sum(weight * (x - centre) ** 2)
        slope = float(np.sum(weight * (x - centre) * y) / spread)
    away = y - np.average(y, weights=weight) - slope * (x - centre)
    chi2, dof = float(np.sum(weight * away**2)), len(x) - 2
    # errors come from batches, so of themselves have the freedom of their number
    half = float(t.ppf(0.975, BATCHES - 1)) * np.sqrt(max(1.0, chi2 / dof) / spread)
    ends = sorted(-1 / (slope + side * half) for side in (-1, 1))
    if slope - half < 0 < slope + half:
        ends = [-np.inf, np.inf]  # the scatter does not depend on the cost
    return PowerLaw(-1 / slope, float(ends[0]), float(ends[1]), chi2, dof)


def local_exponents(sd: ArrayLike, cost: ArrayLike) -> Array:
    """-d ln cost/d ln SD from each point to the next, shape (points - 1,)."""
    return -np.diff(np.log(np.asarray(cost))) / np.diff(np.log(np.asarray(sd)))

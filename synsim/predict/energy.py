"""What a synapse costs, in closed form: of a given train, of a regular one, of Poisson trains.

A mechanism's cost of a spike depends on n, q, the u (or p) that the spike finds, and on the mean
quanta it releases (`models/energy.py`), so a given train has an exact expectation spike by spike.

Over Poisson trains of rate r from rest, the costs that go with released quanta need E[u x]. With
v what is left of facilitation just before a spike and x the availability, a spike sends v to
u = U + (1 - U) v and x to x (1 - u), and between spikes v decays and x recovers, so that the
moments m_j = E[v^j] and X_j = E[x v^j] obey, with B_jl = C(j,l) U^(j-l) (1-U)^l,

    dm_j/dt = -j m_j/tau_facil + r (sum_l B_jl m_l - m_j)
    dX_j/dt = (m_j - X_j)/tau_rec - j X_j/tau_facil + r (sum_l (B_jl - B_(j+1)l) X_l - X_j)
    E[quanta of a spike at t] = n (U X_0 + (1 - U) X_1)

a linear system (the expected quanta of a time T are r times the integral, one matrix
exponential). X_j depends on X_(j+1) with the factor (1-U)^(j+1) and decays with j/tau_facil: it
is cut off where nothing changes any more. Without facilitation one equation is left,

    dX/dt = (1 - X)/tau_rec - r U X,   X -> 1/(1 + U r tau_rec)

which is the known mean field, exact there. The moments are ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import InputError
from synsim.models.tsodyks_three_state import TsodyksThreeState
from synsim.predict.frequency import predict_steady_state
from synsim.predict.train import _start, predict_train
from synsim.synapse import Synapse

Array = NDArray[np.float64]
_MOMENTS = 40


def predict_energy(synapse: Synapse, times: ArrayLike) -> dict[str, Array]:
    """Expected ATP of every spike of a train from rest, for each meter of the synapse.

    Parameters
    ----------
    synapse : its parameters may be arrays, which broadcast to a shape S
    times : s, shape (m,), increasing

    Returns
    -------
    key of the energy model -> ATP per spike, shape S + (m,). Long-term weights stay at the start.

    Raises
    ------
    InputError
        when the times do not increase
    """
    exact = predict_train(synapse, times)
    n, q, _ = (np.asarray(a, dtype=float)[..., None] for a in _start(synapse))
    return _costs(synapse, n, exact.u, q, exact.mean)


def steady_energy(synapse: Synapse, rate: ArrayLike) -> dict[str, Array]:
    """Expected ATP per pulse of a regular train that has lasted for long.

    Parameters
    ----------
    rate : Hz, above 0; broadcasts with the parameters

    Returns
    -------
    key of the energy model -> ATP per pulse, of the shape of rate and parameters
    """
    exact = predict_steady_state(synapse, rate)
    n, q, _ = (np.asarray(a, dtype=float) for a in _start(synapse))
    return _costs(synapse, n, exact.u, q, exact.mean)


def _costs(synapse: Synapse, n: Any, u: Any, q: Any, released: Any) -> dict[str, Array]:
    shape = np.broadcast_shapes(*(np.shape(a) for a in (n, u, q, released)))
    found = {}
    for cost in synapse.energy:
        if released.ndim and any(np.ndim(getattr(cost, name)) for name in cost.specs()):
            raise InputError(
                "energy: found a coefficient with one value per synapse, expected one for all "
                "(predict each synapse by itself)"
            )
        found[cost.key] = np.broadcast_to(cost.expected(n, u, q, released), shape).astype(float)
    return found


def poisson_energy(synapse: Synapse, rate: float, duration: float) -> dict[str, float]:
    """Expected ATP of Poisson trains from rest, in all, for each meter of the synapse.

    Parameters
    ----------
    synapse : with single numbers for parameters, without the three-state model
    rate : Hz
    duration : s, from rest

    Returns
    -------
    key of the energy model -> expected ATP of one synapse

    Raises
    ------
    InputError
        where there is no closed form: calcium with facilitation, and the three-state model;
        `predict_energy` gives the expectation for a train that is known
    """
    n, q, p = (float(a) for a in _start(synapse))  # type: ignore[arg-type]
    spikes = rate * duration
    rule = synapse.short_term
    found = {}
    for cost in synapse.energy:
        if rule is not None and rule.tau_facil > 0 and cost.key == "calcium":
            raise InputError(
                "calcium of a facilitating synapse has no closed form over Poisson trains, "
                "expected another energy model, or predict_energy for a given train"
            )
        # every cost is linear in the quanta, so means may be put in
        quanta = poisson_quanta(synapse, rate, duration)
        found[cost.key] = spikes * float(
            cost.expected(n, p, q, quanta / spikes if spikes > 0 else 0.0)
        )
    return found


def poisson_quanta(synapse: Synapse, rate: float, duration: float) -> float:
    """Expected number of quanta over Poisson trains of a duration (s) from rest."""
    from scipy.linalg import expm

    n, _, U = (float(a) for a in _start(synapse))  # type: ignore[arg-type]
    rule = synapse.short_term
    if rule is None:
        return n * U * rate * duration
    if isinstance(rule, TsodyksThreeState):
        raise InputError(
            "the three-state model has no closed form over Poisson trains, expected two states"
        )
    order = _MOMENTS if rule.tau_facil > 0 else 0
    M = _moment_system(rate, U, float(rule.tau_rec), float(rule.tau_facil), order)
    start = np.zeros(len(M))
    start[0] = start[order + 1] = 1.0  # v = 0 and x = 1
    return n * float((expm(M * duration) @ start)[-1])


def _moment_system(rate: float, U: float, tau_rec: float, tau_facil: float, order: int) -> Array:
    """Matrix of d/dt (m_0 .. m_K, X_0 .. X_K, quanta of a site) with K = `order`."""
    from scipy.stats import binom

    j = np.arange(order + 2)
    B = np.asarray(binom.pmf(j[None, :], j[:, None], 1 - U))  # B_jl, l along the rows
    decay = np.diag(j[: order + 1] / tau_facil) if order else np.zeros((1, 1))
    one, square = np.eye(order + 1), B[: order + 1, : order + 1]
    loss = B[1:, : order + 1]  # E[x u^(j+1)], the last one without X_(K+1)
    M = np.zeros((2 * order + 3, 2 * order + 3))
    m, X = slice(0, order + 1), slice(order + 1, 2 * order + 2)
    M[m, m] = rate * (square - one) - decay
    M[X, m] = one / tau_rec
    M[X, X] = rate * (square - loss - one) - decay - one / tau_rec
    M[-1, X] = rate * loss[0]
    return M

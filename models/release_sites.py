"""Release sites that empty and refill, one by one.

Each of n sites is full or empty. At a presynaptic spike, an interval h after the one
before, every empty site refills, and then every full site releases (with the u of
`tsodyks_markram`), with probabilities

    P_refill = 1 - exp(-h / tau_rec)
    P_release = u_i

Sites are independent chains of two states, so the released quanta are exactly

    k_i ~ Binomial(n, u_i x_i)
    Cov(k_i, k_j) = n u_i x_i u_j (y_j - x_j),  i < j

with u, x of `tsodyks_markram` and y the x-recursion after a certain release at i, from y = 0
just after spike i:

    y_{l+1} = 1 - (1 - y_l (1 - u_l)) exp(-h / tau_rec)

Symbols
    n        1     number of sites
    full     1     sites that are full just after the last spike
    u_i      1     release probability of a full site at spike i
    tau_rec  time  mean time to refill an empty site

Sources: Fuhrmann, Segev, Markram & Tsodyks 2002, J Neurophysiol 87:140 (the discrete
model); the same in NEST's quantal_stp_synapse. The covariance follows from the chain.
Deviates from them: where long-term plasticity changes n, sites that are removed are taken
from the full ones only as far as there are not enough empty ones, and new sites enter
empty and fill with tau_rec.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation
from synsim.component.code import Fragment, State
from synsim.models.quantal_release import EXACT_BINOMIAL, ReleaseRule
from synsim.models.tsodyks_markram import decay, train

FUHRMANN = Citation(
    "Fuhrmann, Segev, Markram & Tsodyks 2002, J Neurophysiol 87:140", "10.1152/jn.00258.2001"
)


class ReleaseSites(ReleaseRule):
    """Discrete sites that empty and refill; spikes are correlated."""

    name = "sites"
    citations = (FUHRMANN,)
    needs_recovery = True

    @staticmethod
    def draw(n: str, probability: str, available: str | None) -> Fragment:
        """`available` is not used: availability is the number of full sites itself."""
        return Fragment(
            # The first interval is endless, so that every site is full at the first spike.
            states=(State("full", "full sites after the last spike", integer=True),),
            on_pre=f"""
            full = clip(full, 0, {n})
            full += exact_binomial({n} - full, -expm1(-(t - pre_time)/tau_rec), j)
            released = exact_binomial(full, {probability}, j)
            full -= released
            """,
            functions=(EXACT_BINOMIAL,),
        )


def covariance(
    times: ArrayLike, n: ArrayLike, U: ArrayLike, tau_rec: ArrayLike, tau_facil: ArrayLike
) -> NDArray[np.float64]:
    """Covariance matrix of the released quanta over a train from rest.

    Parameters
    ----------
    times : spike times, shape (m,), increasing, in the unit of the time constants
    n, U, tau_rec, tau_facil : numbers, or arrays that broadcast to a shape S

    Returns
    -------
    array of shape S + (m, m); its diagonal is the variance n u x (1 - u x)
    """
    u, x = train(times, U, tau_rec, tau_facil)
    gaps = np.diff(np.asarray(times, dtype=float))
    stay_empty = np.moveaxis(decay(gaps, tau_rec), 0, -1)
    return covariance_of(u, x, np.asarray(n, dtype=float), stay_empty)


def covariance_of(
    u: NDArray[np.float64],
    x: NDArray[np.float64],
    n: NDArray[np.float64],
    stay_empty: NDArray[np.float64],
) -> NDArray[np.float64]:
    """`covariance` where u and x are known already.

    y_j - x_j is -x_i just before its release at i, and shrinks at every step:
    -x_i times the product of (1 - u_l) exp(-h_l/tau_rec) over l = i .. j-1.

    Parameters
    ----------
    u, x : as used at each spike, shape S + (m,)
    n : number of sites, of a shape that broadcasts with S
    stay_empty : exp(-h/tau_rec) over each interval, shape S + (m - 1,) or one that broadcasts
    """
    m = u.shape[-1]
    chance = u * x
    later = np.arange(m)[:, None] < np.arange(m)
    shrink = np.zeros(np.broadcast_shapes(u.shape, (*stay_empty.shape[:-1], m), (*n.shape, m)))
    shrink[..., 1:] = (1 - u[..., :-1]) * stay_empty
    pairs = np.where(later, shrink[..., None, :], 1.0)
    np.cumprod(pairs, axis=-1, out=pairs)
    pairs *= u[..., None, :]
    pairs *= -n[..., None, None] * (chance * x)[..., None] * later
    pairs = pairs + np.swapaxes(pairs, -1, -2)
    pairs[..., np.arange(m), np.arange(m)] = n[..., None] * chance * (1 - chance)
    return np.asarray(pairs)

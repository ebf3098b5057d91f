"""What a synapse has recovered a pause after a train, in closed form.

After m pulses, u and x as the last of them used them, a pulse a pause h later finds

    u' = U + u (1 - U) e^(-h/tau_facil),   x' = 1 - (1 - x (1 - u)) e^(-h/tau_rec)

and is u' x'/U of the first response. After a single pulse that is the paired-pulse ratio,

    PPR(h) = (1 + (1 - U) e^(-h/tau_facil)) (1 - U e^(-h/tau_rec))

which without facilitation recovers along one exponential from 1 - U: a curve on a logarithmic
axis of pauses that is broader than that has more than one time constant. With an inactive
state, what was active recovers by way of it, later (`models/tsodyks_three_state.py`).

Source: the equations of Maass & Markram 2002 (`models/tsodyks_markram.py`), one step of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.models.tsodyks_markram import aligned, decay
from synsim.models.tsodyks_markram import train as two_state
from synsim.models.tsodyks_three_state import lag
from synsim.models.tsodyks_three_state import train as three_state

Array = NDArray[np.float64]


def after_pause(
    pause: ArrayLike,
    U: ArrayLike,
    tau_rec: ArrayLike,
    tau_facil: ArrayLike = 0.0,
    tau_inact: ArrayLike | None = None,
    *,
    times: ArrayLike = (0.0,),
) -> tuple[Array, Array]:
    """u and x of one pulse, for each of many pauses after the last pulse of a train from rest.

    Parameters
    ----------
    pause : shape (k,), above 0; each is a train of its own, in the unit of the time constants
    U, tau_rec, tau_facil, tau_inact : numbers, or arrays that broadcast to a shape S; two states
        without tau_inact
    times : of the train before the pause, shape (m,), increasing; a single pulse by default

    Returns
    -------
    u, x : as used in the release, shape S + (k,)
    """
    pause = np.asarray(pause, dtype=float)
    y = np.zeros(())
    if tau_inact is None:
        u, x = (a[..., -1] for a in two_state(times, U, tau_rec, tau_facil))
        late = np.zeros(pause.shape)
    else:
        u, x, y = (a[..., -1] for a in three_state(times, U, tau_rec, tau_facil, tau_inact))
        late = lag(pause, tau_rec, tau_inact)
    _, rec, facil, late = aligned(u, decay(pause, tau_rec), decay(pause, tau_facil), late)
    released = u * x
    found_x = 1 - (1 - (x - released)) * rec + late * (y + released)
    found_u = np.asarray(U, dtype=float) + u * (1 - np.asarray(U)) * facil
    found_u, found_x = np.broadcast_arrays(found_u, found_x)
    return np.moveaxis(found_u, 0, -1), np.moveaxis(found_x, 0, -1)


def recovery_curve(
    pause: ArrayLike,
    U: ArrayLike,
    tau_rec: ArrayLike,
    tau_facil: ArrayLike = 0.0,
    tau_inact: ArrayLike | None = None,
    *,
    times: ArrayLike = (0.0,),
) -> Array:
    """Mean response after each pause over that to the first pulse, shape S + (k,).

    Parameters are those of `after_pause`; with its default of one pulse before the pause this is
    the paired-pulse ratio. U above 0.
    """
    u, x = after_pause(pause, U, tau_rec, tau_facil, tau_inact, times=times)
    return np.asarray(u * x / np.asarray(U, dtype=float)[..., None])

"""Tsodyks-Markram short-term plasticity with the inactive state of the first papers.

Resources are recovered (x), active (y) or inactive (z = 1 - x - y):

    dx/dt = z / tau_rec
    dy/dt = -y / tau_inact
    dz/dt = y / tau_inact - z / tau_rec
    du/dt = -u / tau_facil
    at a spike:  u <- u + U (1 - u),  then  x <- x - u x,  y <- y + u x

integrated exactly between spikes. The mean release at a spike is n u x. As tau_inact -> 0
it becomes `tsodyks_markram`.

Symbols
    U          1     release probability at rest
    tau_rec    time  inactive -> recovered
    tau_facil  time  decay of facilitation; 0 means none (u = U always)
    tau_inact  time  active -> inactive
    u, x, y    1     as used at the spike (x, y: before its release)

Sources: Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821, eqs 2-5; Tsodyks, Uziel &
Markram 2000; NEST's tsodyks_synapse, which integrates the same way.
Deviates from them: the two exponentials have a removable singularity at tau_inact =
tau_rec, which is refused; take one of them a little longer.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation, Preset, parameter
from synsim.component.code import Fragment, State
from synsim.component.errors import FieldError
from synsim.models.tsodyks_markram import (
    TSODYKS_PAWELZIK,
    TSODYKS_UZIEL,
    TsodyksMarkram,
    aligned,
    decay,
)


class TsodyksThreeState(TsodyksMarkram):
    """Facilitation and depression of release, three states (Tsodyks, Pawelzik & Markram)."""

    name = "tsodyks-three-state"
    citations = (TSODYKS_PAWELZIK, TSODYKS_UZIEL)
    presets = MappingProxyType(
        {
            "tsodyks-1998-facilitating": Preset(
                {"U": 0.03, "tau_rec": "130ms", "tau_facil": "530ms", "tau_inact": "1.5ms"},
                Citation(TSODYKS_PAWELZIK.text, TSODYKS_PAWELZIK.doi, "Fig. 1B"),
                "the absolute strength is A = 1540 pA",
            ),
            "tsodyks-1998-depressing": Preset(
                {"U": 0.5, "tau_rec": "800ms", "tau_facil": "0ms", "tau_inact": "3ms"},
                Citation(TSODYKS_PAWELZIK.text, TSODYKS_PAWELZIK.doi, "Fig. 1A"),
                "the absolute strength is A = 250 pA; U = 0.5 does not quite match the plot "
                "(the Brian2 example uses 0.6)",
            ),
        }
    )

    two_state = False
    tau_inact: float = parameter("ms", "time in the active state", low=0, low_open=True, array=True)

    def check(self) -> None:
        if np.any(np.asarray(self.tau_inact) == np.asarray(self.tau_rec)):
            raise FieldError(
                type(self).__name__,
                "tau_inact",
                f"found {self.text('tau_inact')}, which is tau_rec, expected another value",
            )

    @staticmethod
    def deplete() -> Fragment:
        """Runs before `facilitate`: u is the one of the last spike."""
        return Fragment(
            states=(
                State("x", "recovered fraction as used at the last spike", initial=1.0),
                State("y", "active fraction as found at the last spike"),
            ),
            on_pre="""
            y = y + u*x
            x = x - u*x
            z = 1 - x - y
            kept = exp(-(t - pre_time)/tau_rec)
            active = exp(-(t - pre_time)/tau_inact)
            returned = 1 + (tau_inact*active - tau_rec*kept)/(tau_rec - tau_inact)
            x = x + z*(1 - kept) + y*returned
            y = y*active
            """,
        )


def train(
    times: ArrayLike, U: ArrayLike, tau_rec: ArrayLike, tau_facil: ArrayLike, tau_inact: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """u, x and y at every spike of a train that starts from rest.

    Parameters
    ----------
    times : spike times, shape (m,), increasing, in the unit of the time constants
    U, tau_rec, tau_facil, tau_inact : numbers, or arrays that broadcast to a shape S

    Returns
    -------
    u, x, y : as used in the release at each spike, shape S + (m,) each
    """
    gaps = np.diff(np.asarray(times, dtype=float))
    rec, facil, inact = (decay(gaps, tau) for tau in (tau_rec, tau_facil, tau_inact))
    late = lag(gaps, tau_rec, tau_inact)
    U, rec, facil, inact, late = aligned(np.asarray(U, dtype=float), rec, facil, inact, late)
    back = 1 - rec
    axes = (rec.shape[1:], facil.shape[1:], inact.shape[1:])
    shape = (np.size(times), *np.broadcast_shapes(U.shape, *axes))
    u, x, y = np.empty((3, *shape))
    u[:1], x[:1], y[:1] = U, 1.0, 0.0
    for i in range(1, shape[0]):
        released = u[i - 1] * x[i - 1]
        active = y[i - 1] + released
        x[i] = back[i - 1] + rec[i - 1] * (x[i - 1] - released) + late[i - 1] * active
        y[i] = inact[i - 1] * active
        u[i] = U + u[i - 1] * (1 - U) * facil[i - 1]
    return np.moveaxis(u, 0, -1), np.moveaxis(x, 0, -1), np.moveaxis(y, 0, -1)


def lag(gaps: NDArray[np.float64], tau_rec: ArrayLike, tau_inact: ArrayLike) -> NDArray[np.float64]:
    """By how much less has recovered after a gap of what was active than of what was inactive.

        (e - k) tau_inact/(tau_rec - tau_inact),  e = exp(-gap/tau_inact), k = exp(-gap/tau_rec)

    0 or below, shape (gaps,) + that of the time constants. Where these are close the difference
    is taken as one exponential, -(gap/tau) exp(-gap/tau) in the limit.
    """
    tau_rec, tau_inact = np.asarray(tau_rec, dtype=float), np.asarray(tau_inact, dtype=float)
    rec, inact = aligned(np.empty(()), decay(gaps, tau_rec), decay(gaps, tau_inact))[1:]
    h = gaps.reshape(-1, *(1,) * max(tau_rec.ndim, tau_inact.ndim))
    z = h * (1 / tau_inact - 1 / tau_rec)
    near = np.abs(z) < 0.5
    one = np.where(near & (z != 0), z, 1.0)
    mean = np.where(z == 0, 1.0, -np.expm1(-one) / one)
    far = tau_inact / np.where(tau_rec == tau_inact, 1.0, tau_rec - tau_inact)
    return np.where(near, -rec * h / tau_rec * mean, (inact - rec) * far)

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
from synsim.models.tsodyks_markram import TSODYKS_PAWELZIK, TSODYKS_UZIEL, TsodyksMarkram


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
    times: ArrayLike, U: float, tau_rec: float, tau_facil: float, tau_inact: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """u, x and y at every spike of a train that starts from rest.

    Parameters
    ----------
    times : spike times, shape (m,), increasing, in the unit of the time constants

    Returns
    -------
    u, x, y : as used in the release at each spike, shape (m,) each
    """
    times = np.asarray(times, dtype=float)
    found = np.empty((3, len(times)))
    u, x, y = 0.0, 1.0, 0.0
    for i, h in enumerate(np.diff(times, prepend=-np.inf)):
        x, y = x - u * x, y + u * x
        kept, active = np.exp(-h / tau_rec), np.exp(-h / tau_inact)
        # fraction of what was active that has come back by way of the inactive state
        returned = 1 + (tau_inact * active - tau_rec * kept) / (tau_rec - tau_inact)
        x, y = x + (1 - x - y) * (1 - kept) + y * returned, y * active
        u = U + u * (1 - U) * (np.exp(-h / tau_facil) if tau_facil > 0 else 0.0)
        found[:, i] = u, x, y
    return found[0], found[1], found[2]

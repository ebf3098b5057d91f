"""Tsodyks-Markram short-term plasticity: facilitation u and depression x.

At presynaptic spike i, an interval h after the one before:

    u_i = U + u_{i-1} (1 - U) exp(-h / tau_facil)                       eq. (4)
    x_i = 1 - (1 - x_{i-1} (1 - u_{i-1})) exp(-h / tau_rec)              eq. (5)
    released quanta = n u_i x_i  (mean)

of Maass & Markram 2002, whose form this is. From rest u = U and x = 1, so both formulas
hold for the first spike with h = infinity.

Symbols
    U          1     release probability at rest (the p of quantal release)
    tau_rec    time  recovery of a released site
    tau_facil  time  decay of facilitation; 0 means none (u = U always)
    u          1     release probability of an available site, as used at the spike
    x          1     fraction of available sites, as used at the spike

Order at a spike: u and x recover over the interval, then u facilitates, then release uses
that u and x, then x depletes (the factor 1 - u in the next x).

Sources: Tsodyks & Markram 1997; Markram, Wang & Tsodyks 1998, PNAS 95:5323, whose eq. 2
misprints u_{n+1} for u_n; Maass & Markram 2002, Neural Netw 15:155, eqs 4-5.
Deviates from them: never. It is the model of two states (released resources recover at
once with tau_rec); for the inactive state between, see `tsodyks_three_state`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation, Mechanism, Preset, parameter
from synsim.component.code import FADE, Fragment, State

MAASS_MARKRAM = Citation("Maass & Markram 2002, Neural Netw 15:155", where="eqs 4-5")
TSODYKS_MARKRAM = Citation("Tsodyks & Markram 1997, PNAS 94:719", "10.1073/pnas.94.2.719")
MARKRAM_WANG = Citation("Markram, Wang & Tsodyks 1998, PNAS 95:5323", "10.1073/pnas.95.9.5323")
TSODYKS_PAWELZIK = Citation(
    "Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821", "10.1162/089976698300017502"
)
MAASS_NATSCHLAEGER = Citation(
    "Maass, Natschlaeger & Markram 2002, Neural Comput 14:2531", "10.1162/089976602760407955"
)
GUPTA = Citation("Gupta, Wang & Markram 2000, Science 287:273", "10.1126/science.287.5451.273")
TSODYKS_UZIEL = Citation(
    "Tsodyks, Uziel & Markram 2000, J Neurosci 20:RC50", "10.1523/JNEUROSCI.20-01-j0003.2000"
)


def _preset(U: float, tau_rec: str, tau_facil: str, citation: Citation, note: str = "") -> Preset:
    return Preset({"U": U, "tau_rec": tau_rec, "tau_facil": tau_facil}, citation, note)


class TsodyksMarkram(Mechanism):
    """Facilitation and depression of release, two states (Tsodyks & Markram)."""

    name = "tsodyks-markram"
    role = "short-term plasticity"
    citations: ClassVar[tuple[Citation, ...]] = (TSODYKS_MARKRAM, MARKRAM_WANG, MAASS_MARKRAM)
    presets = MappingProxyType(
        {
            "tm-facilitating": _preset(
                0.03,
                "130ms",
                "530ms",
                Citation(TSODYKS_PAWELZIK.text, TSODYKS_PAWELZIK.doi, "Fig. 1B"),
                "as in the Brian2 and NEST examples; the paper also has tau_inact 1.5 ms",
            ),
            "tm-depressing": _preset(
                0.5,
                "800ms",
                "0ms",
                Citation(TSODYKS_PAWELZIK.text, TSODYKS_PAWELZIK.doi, "Fig. 1A"),
                "the paper also has tau_inact 3 ms; U = 0.5 does not quite match its plot "
                "(the Brian2 example uses 0.6)",
            ),
            "maass-ee": _preset(0.5, "1100ms", "50ms", MAASS_NATSCHLAEGER),
            "maass-ei": _preset(0.05, "125ms", "1200ms", MAASS_NATSCHLAEGER),
            "maass-ie": _preset(0.25, "700ms", "20ms", MAASS_NATSCHLAEGER),
            "maass-ii": _preset(0.32, "144ms", "60ms", MAASS_NATSCHLAEGER),
            "gupta-i1": _preset(0.16, "45ms", "376ms", GUPTA, "facilitating; mean of the class"),
            "gupta-i2": _preset(0.25, "706ms", "21ms", GUPTA, "depressing; mean of the class"),
            "gupta-i3": _preset(0.32, "144ms", "62ms", GUPTA, "recovering; mean of the class"),
            "tsodyks-2000-to-e": _preset(
                0.5, "800ms", "0ms", TSODYKS_UZIEL, "mean of the network's distribution"
            ),
            "tsodyks-2000-to-i": _preset(
                0.04, "100ms", "1000ms", TSODYKS_UZIEL, "mean of the network's distribution"
            ),
        }
    )

    U: float = parameter(
        "1", "release probability at rest; the same quantity as p", low=0, high=1, array=True
    )
    tau_rec: float = parameter(
        "ms", "recovery of a released site", low=0, low_open=True, array=True
    )
    tau_facil: float = parameter(
        "ms", "decay of facilitation, 0 for none", default="0ms", low=0, array=True
    )

    probability = "U"  # the parameter that long-term plasticity of p acts on
    two_state: ClassVar[bool] = True  # resources are there or not, as release sites are

    @staticmethod
    def facilitate(U: str) -> Fragment:
        """State and statements of u; `U` is the name of the resting probability to use."""
        return Fragment(
            states=(State("u", "release probability as used at the last spike"),),
            on_pre=f"u = {U} + u*(1 - {U})*fade(t - pre_time, tau_facil)",
            functions=(FADE,),
        )

    @staticmethod
    def deplete() -> Fragment:
        """State and statements of the mean-field x. Runs before `facilitate`: u is the old one."""
        return Fragment(
            states=(State("x", "fraction available as used at the last spike", initial=1.0),),
            on_pre="x = 1 - (1 - x*(1 - u))*exp(-(t - pre_time)/tau_rec)",
        )


def train(
    times: ArrayLike, U: ArrayLike, tau_rec: ArrayLike, tau_facil: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """u and x at every spike of a train that starts from rest (eqs 4 and 5).

    Parameters
    ----------
    times : spike times, shape (m,), increasing, in the unit of the time constants
    U, tau_rec, tau_facil : numbers, or arrays that broadcast to a shape S

    Returns
    -------
    u, x : as used in the release at each spike, shape S + (m,) each
    """
    times = np.asarray(times, dtype=float)
    U, tau_rec, tau_facil = np.broadcast_arrays(U, tau_rec, tau_facil)
    u, x = np.empty((2, *U.shape, len(times)))
    u_last, x_last = np.zeros(U.shape), np.ones(U.shape)
    for i, interval in enumerate(np.diff(times, prepend=-np.inf)):
        x_last = 1 - (1 - x_last * (1 - u_last)) * np.exp(-interval / tau_rec)
        u_last = U + u_last * (1 - U) * _fade(interval, tau_facil)
        u[..., i], x[..., i] = u_last, x_last
    return u, x


def _fade(interval: Any, tau: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(-interval/tau), nothing for tau = 0."""
    with np.errstate(divide="ignore"):
        return np.exp(-interval / tau)


def steady_state(
    rate: ArrayLike, U: ArrayLike, tau_rec: ArrayLike, tau_facil: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """u and x in the steady state of a regular train.

    Parameters
    ----------
    rate : of the train, in 1 / the unit of the time constants; above 0. Arguments broadcast.

    Returns
    -------
    u = U / (1 - (1 - U) E_f), x = (1 - E_d) / (1 - (1 - u) E_d), with E = exp(-1/(rate tau))
    """
    rate, U, tau_rec, tau_facil = np.broadcast_arrays(rate, U, tau_rec, tau_facil)
    E_d, E_f = np.exp(-1 / (rate * tau_rec)), _fade(1 / rate, tau_facil)
    u = U / (1 - (1 - U) * E_f)
    return u, (1 - E_d) / (1 - (1 - u) * E_d)

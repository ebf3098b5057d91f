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


# The values are those that are quoted everywhere; the page of the paper was not at hand.
_QUOTED = "mean of a distribution that the network draws from; quoted, page not checked"
_CLASS = "mean of the class; quoted, table not checked"


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
            "maass-ee": _preset(0.5, "1100ms", "50ms", MAASS_NATSCHLAEGER, _QUOTED),
            "maass-ei": _preset(0.05, "125ms", "1200ms", MAASS_NATSCHLAEGER, _QUOTED),
            "maass-ie": _preset(0.25, "700ms", "20ms", MAASS_NATSCHLAEGER, _QUOTED),
            "maass-ii": _preset(0.32, "144ms", "60ms", MAASS_NATSCHLAEGER, _QUOTED),
            "gupta-i1": _preset(0.16, "45ms", "376ms", GUPTA, f"facilitating; {_CLASS}"),
            "gupta-i2": _preset(0.25, "706ms", "21ms", GUPTA, f"depressing; {_CLASS}"),
            "gupta-i3": _preset(0.32, "144ms", "62ms", GUPTA, f"recovering; {_CLASS}"),
            "tsodyks-2000-to-e": _preset(0.5, "800ms", "0ms", TSODYKS_UZIEL, _QUOTED),
            "tsodyks-2000-to-i": _preset(0.04, "100ms", "1000ms", TSODYKS_UZIEL, _QUOTED),
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
    gaps = times[1:] - times[:-1]
    U, rec, facil = np.asarray(U, dtype=float), decay(gaps, tau_rec), decay(gaps, tau_facil)
    if not U.ndim and rec.ndim == facil.ndim == 1:
        return _one_train(float(U), rec.tolist(), facil.tolist(), len(times))
    U, rec, facil = aligned(U, rec, facil)
    shape = (len(times), *np.broadcast_shapes(U.shape, rec.shape[1:], facil.shape[1:]))
    u, x = np.empty((2, *shape))
    u[:1], x[:1] = U, 1.0
    fade = (1 - U) * facil
    for i in range(1, shape[0]):
        np.multiply(u[i - 1], fade[i - 1], out=u[i])
        u[i] += U
    stay, back = (1 - u[:-1]) * rec, 1 - rec
    for i in range(1, shape[0]):
        np.multiply(x[i - 1], stay[i - 1], out=x[i])
        x[i] += back[i - 1]
    return np.moveaxis(u, 0, -1), np.moveaxis(x, 0, -1)


def _one_train(
    U: float, rec: list[float], facil: list[float], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`train` of single numbers: arrays of size 1 would take ten times as long."""
    us, xs, u, x = [U], [1.0], U, 1.0
    for E_d, E_f in zip(rec, facil, strict=True):
        x = 1 - (1 - x * (1 - u)) * E_d
        u = U + u * (1 - U) * E_f
        us.append(u)
        xs.append(x)
    return np.array(us[:count]), np.array(xs[:count])


def decay(gaps: NDArray[np.float64], tau: ArrayLike) -> NDArray[np.float64]:
    """exp(-gap/tau), 0 for tau = 0; shape (gaps,) + that of tau."""
    tau = np.asarray(tau, dtype=float)
    if not tau.ndim:
        return np.exp(-gaps / tau) if tau > 0 else np.zeros(gaps.shape)
    with np.errstate(divide="ignore"):
        return np.exp(-gaps.reshape(-1, *(1,) * tau.ndim) / tau)


def aligned(first: NDArray[Any], *others: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Arrays with an axis of gaps in front of their own axes, so that the latter broadcast."""
    axes = max(first.ndim, *(a.ndim - 1 for a in others))
    return first, *(a.reshape(len(a), *(1,) * (axes + 1 - a.ndim), *a.shape[1:]) for a in others)


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

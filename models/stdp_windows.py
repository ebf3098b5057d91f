"""Shapes of STDP windows: the change of a synapse against the lag of its spikes.

    exponential         +A_plus exp(-dt/tau_plus)                       for dt > 0
                        -A_minus exp(dt/tau_minus)                      for dt < 0
    exponential_offset  the same + offset, at every lag
    alpha               +A_plus (dt/tau_plus) exp(1 - dt/tau_plus)      for dt > 0
                        -A_minus (-dt/tau_minus) exp(1 + dt/tau_minus)  for dt < 0
    mexican_hat         +A_plus exp(-(dt - centre_plus)^2 / (2 width_plus^2))
                        -A_minus exp(-(dt - centre_minus)^2 / (2 width_minus^2))
    symmetric           +A_plus exp(-|dt|/tau_plus), or -A_minus exp(-|dt|/tau_minus)
    anti_hebbian        -A_minus exp(-dt/tau_minus)                     for dt > 0
                        +A_plus exp(dt/tau_plus)                        for dt < 0
    constant            offset, at every lag

Symbols
    dt, lag         time  t_post - t_pre
    A_plus          1     greatest potentiation, a positive magnitude
    A_minus         1     greatest depression, a positive magnitude
    tau_plus        time  time constant of the potentiation, on whichever side it lies
    tau_minus       time  time constant of the depression
    centre_plus     time  lag at which potentiation is greatest
    centre_minus    time  lag at which depression is greatest
    width_plus      time  standard deviation of the potentiating Gaussian
    width_minus     time  standard deviation of the depressing Gaussian
    offset          1     change that does not depend on the lag, of either sign

The change is a fraction (0.2 is 20 % more), and that of the WHOLE protocol, not of one pairing.
Functions are plain numpy and know no units: all times are in one unit, whichever it is, and
amplitudes in the unit of the result. Parameters broadcast against the lags.

A lag of exactly 0: the two branches of `exponential` and `anti_hebbian` do not meet there. The
functions return what coincident spikes do by default in a simulation: no pairing, so 0 (or
the offset). `Window.defined_at_zero` says for which shapes that is a convention and no value.

Sources: two exponentials, Bi & Poo 1998 (data), Song, Miller & Abbott 2000 (equation);
reversed and symmetric windows, Abbott & Nelson 2000, Fig. 2; anti-Hebbian, Bell et al. 1997;
symmetric, Mishra et al. 2016 (potentiation), Egger et al. 1999 (depression); a peak with a
trough at each side, Wittenberg & Wang 2006, Fig. 3e; alpha function, Rall 1967.
Deviates from them: Gaussians for the peak and troughs are our choice, and the alpha function was
Rall's for a conductance; both are shapes that data may have, not claims of a mechanism.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import Citation

Value = float | NDArray[Any]
Array = NDArray[Any]

BI_POO = Citation(
    "Bi & Poo 1998, J Neurosci 18:10464", "10.1523/JNEUROSCI.18-24-10464.1998", "Fig. 7"
)
SONG = Citation("Song, Miller & Abbott 2000, Nat Neurosci 3:919", "10.1038/78829")
ABBOTT_NELSON = Citation("Abbott & Nelson 2000, Nat Neurosci 3:1178", "10.1038/81453", "Fig. 2")
WITTENBERG_WANG = Citation(
    "Wittenberg & Wang 2006, J Neurosci 26:6610", "10.1523/JNEUROSCI.5388-05.2006", "Fig. 3e"
)
MISHRA = Citation("Mishra, Kim, Guzman & Jonas 2016, Nat Commun 7:11552", "10.1038/ncomms11552")
EGGER = Citation("Egger, Feldmeyer & Sakmann 1999, Nat Neurosci 2:1098", "10.1038/16026")
BELL = Citation("Bell, Han, Sugawara & Grant 1997, Nature 387:278", "10.1038/387278a0")
RALL = Citation("Rall 1967, J Neurophysiol 30:1138", "10.1152/jn.1967.30.5.1138")


def exponential(
    lag: ArrayLike, A_plus: Value, tau_plus: Value, A_minus: Value, tau_minus: Value
) -> Array:
    """Potentiation for pre before post, depression for post before pre, both decaying.

        A_plus exp(-lag/tau_plus) for lag > 0;  -A_minus exp(lag/tau_minus) for lag < 0

    Parameters
    ----------
    lag : t_post - t_pre, any shape
    A_plus, A_minus : magnitudes at lag -> 0, at least 0; broadcast against `lag`
    tau_plus, tau_minus : above 0, in the unit of `lag`

    Returns
    -------
    Change, in the unit of the amplitudes; 0 at lag 0 by convention.
    Source: Song, Miller & Abbott 2000.
    """
    lag = np.asarray(lag)
    # Each branch sees only its own side, so that the other cannot overflow.
    plus = (lag > 0) * A_plus * np.exp(-np.maximum(lag, 0) / tau_plus)
    minus = (lag < 0) * A_minus * np.exp(np.minimum(lag, 0) / tau_minus)
    return np.asarray(plus - minus)


def exponential_offset(
    lag: ArrayLike,
    A_plus: Value,
    tau_plus: Value,
    A_minus: Value,
    tau_minus: Value,
    offset: Value,
) -> Array:
    """`exponential` on a change that is there at every lag, as drift of a recording is.

        exponential(lag) + offset

    Parameters as of `exponential`, and `offset` of either sign; the offset at lag 0.
    Source: Song, Miller & Abbott 2000, with an offset.
    """
    return exponential(lag, A_plus, tau_plus, A_minus, tau_minus) + offset


def alpha(
    lag: ArrayLike, A_plus: Value, tau_plus: Value, A_minus: Value, tau_minus: Value
) -> Array:
    """Signs as in `exponential`, but each branch rises from 0 to its peak at one tau.

        A_plus (lag/tau_plus) exp(1 - lag/tau_plus) for lag > 0, mirrored for lag < 0

    Parameters as of `exponential`; amplitudes are the peaks, reached at lag = tau_plus and
    -tau_minus. Source of the function: Rall 1967.
    """
    lag = np.asarray(lag)
    plus, minus = np.maximum(lag, 0) / tau_plus, np.maximum(-lag, 0) / tau_minus
    return np.asarray(A_plus * plus * np.exp(1 - plus) - A_minus * minus * np.exp(1 - minus))


def mexican_hat(
    lag: ArrayLike,
    A_plus: Value,
    centre_plus: Value,
    width_plus: Value,
    A_minus: Value,
    centre_minus: Value,
    width_minus: Value,
) -> Array:
    """Difference of two Gaussians, each with a centre of its own.

        A_plus exp(-(lag - centre_plus)^2/(2 width_plus^2))
        - A_minus exp(-(lag - centre_minus)^2/(2 width_minus^2))

    A wide depressing Gaussian under a narrow potentiating one gives a peak with a trough at
    each side.

    Parameters
    ----------
    lag : t_post - t_pre, any shape
    A_plus, A_minus : heights of the two Gaussians, at least 0. Where they overlap, the
        window is their difference and reaches neither
    centre_plus, centre_minus : any lag
    width_plus, width_minus : standard deviations, above 0

    Returns
    -------
    Change, in the unit of the amplitudes.
    Source of such data: Wittenberg & Wang 2006, Fig. 3e.
    """
    lag = np.asarray(lag)
    plus, minus = (lag - centre_plus) / width_plus, (lag - centre_minus) / width_minus
    return np.asarray(A_plus * np.exp(-(plus**2) / 2) - A_minus * np.exp(-(minus**2) / 2))


def symmetric(lag: ArrayLike, A_plus: Value, tau_plus: Value) -> Array:
    """Potentiation whichever spike comes first, decaying with |lag|.

        A_plus exp(-|lag|/tau_plus)

    Parameters as of `exponential`. Source of such data: Mishra et al. 2016.
    """
    return np.asarray(A_plus * np.exp(-np.abs(np.asarray(lag)) / tau_plus))


def symmetric_depression(lag: ArrayLike, A_minus: Value, tau_minus: Value) -> Array:
    """Depression whichever spike comes first, decaying with |lag|.

        -A_minus exp(-|lag|/tau_minus)

    Parameters as of `exponential`. Source of such data: Egger et al. 1999.
    """
    return -symmetric(lag, A_minus, tau_minus)


def anti_hebbian(
    lag: ArrayLike, A_plus: Value, tau_plus: Value, A_minus: Value, tau_minus: Value
) -> Array:
    """`exponential` with the sides exchanged: pre before post depresses.

        -A_minus exp(-lag/tau_minus) for lag > 0;  A_plus exp(lag/tau_plus) for lag < 0

    Parameters as of `exponential`: plus is potentiation, which here lies at lag < 0.
    0 at lag 0 by convention. Source of such data: Bell et al. 1997 (depression).
    """
    return exponential(-np.asarray(lag), A_plus, tau_plus, A_minus, tau_minus)


def constant(lag: ArrayLike, offset: Value) -> Array:
    """The same change at every lag: what a window must beat to be one.

        offset

    Parameters
    ----------
    lag : any shape
    offset : of either sign
    """
    return np.zeros(np.shape(lag)) + offset


def _exponential_slopes(
    lag: Array, A_plus: Value, tau_plus: Value, A_minus: Value, tau_minus: Value
) -> tuple[Array, ...]:
    plus = (lag > 0) * np.exp(-np.maximum(lag, 0) / tau_plus)
    minus = (lag < 0) * np.exp(np.minimum(lag, 0) / tau_minus)
    return (
        plus,
        A_plus * plus * lag / tau_plus**2,
        -minus,
        A_minus * minus * lag / tau_minus**2,
    )


def _exponential_offset_slopes(lag: Array, *values: Value) -> tuple[Array, ...]:
    return (*_exponential_slopes(lag, *values[:4]), np.ones(np.shape(lag)))


def _anti_hebbian_slopes(lag: Array, *values: Value) -> tuple[Array, ...]:
    return _exponential_slopes(-lag, *values)


def _alpha_slopes(
    lag: Array, A_plus: Value, tau_plus: Value, A_minus: Value, tau_minus: Value
) -> tuple[Array, ...]:
    plus, minus = np.maximum(lag, 0) / tau_plus, np.maximum(-lag, 0) / tau_minus
    rise_plus, rise_minus = plus * np.exp(1 - plus), minus * np.exp(1 - minus)
    return (
        rise_plus,
        A_plus * rise_plus * (plus - 1) / tau_plus,
        -rise_minus,
        -A_minus * rise_minus * (minus - 1) / tau_minus,
    )


def _mexican_hat_slopes(lag: Array, *values: Value) -> tuple[Array, ...]:
    slopes: list[Array] = []
    for sign, (height, centre, width) in ((1, values[:3]), (-1, values[3:])):
        z = (lag - centre) / width
        bell = sign * np.exp(-(z**2) / 2)
        slopes += [bell, height * bell * z / width, height * bell * z**2 / width]
    return tuple(slopes)


def _symmetric_slopes(lag: Array, A_plus: Value, tau_plus: Value) -> tuple[Array, ...]:
    size = np.abs(lag)
    decay = np.exp(-size / tau_plus)
    return decay, A_plus * decay * size / tau_plus**2


def _symmetric_depression_slopes(lag: Array, *values: Value) -> tuple[Array, ...]:
    return tuple(-s for s in _symmetric_slopes(lag, *values))


def _constant_slopes(lag: Array, offset: Value) -> tuple[Array, ...]:
    return (np.ones(np.shape(lag)),)


@dataclass(frozen=True)
class WindowParameter:
    """One parameter of a window.

    `kind` is amplitude (a magnitude, at least 0), offset (of either sign), tau or width (a
    time above 0) or centre (a time of either sign); `side` is +1 where only lags above 0 tell
    about it, -1 where only those below, 0 where all do.
    """

    name: str
    kind: str
    side: int = 0

    @property
    def is_time(self) -> bool:
        return self.kind in ("tau", "width", "centre")


@dataclass(frozen=True)
class Window:
    """A window shape, described for fitting.

    `gradient(lag, *values)` gives the derivatives of `function` by its parameters, in order.
    `alternative` is the same shape with its sign turned round and its parameters named
    accordingly; of the two, the one that fits better goes by the shape's name.
    """

    name: str
    function: Callable[..., Array]
    gradient: Callable[..., tuple[Array, ...]]
    parameters: tuple[WindowParameter, ...]
    citations: tuple[Citation, ...] = ()
    defined_at_zero: bool = True
    alternative: Window | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.parameters)

    @property
    def times(self) -> tuple[str, ...]:
        """Names of the parameters that are times."""
        return tuple(p.name for p in self.parameters if p.is_time)

    @property
    def amplitudes(self) -> tuple[str, ...]:
        """Names of the parameters that are positive magnitudes of a change."""
        return tuple(p.name for p in self.parameters if p.kind == "amplitude")

    def variants(self) -> Iterator[Window]:
        """The shape and, where there is one, its alternative."""
        yield self
        if self.alternative is not None:
            yield self.alternative

    def bounds(self, lag: Array, change: Array) -> dict[str, tuple[float, float]]:
        """Lowest and highest value to try for each parameter, from the range of the data.

        Parameters
        ----------
        lag, change : shape (n,)

        Time constants go from a quarter of the smallest |lag| (a faster decay would hang on
        one point) to ten times the largest (a slower one is a step); centres stay inside the
        lags; a Gaussian is no narrower than the median distance of neighbouring lags. Amplitudes
        go up to ten times the largest change (four times for Gaussians, whose centres lie
        inside the data), offsets to twice that.
        """
        size = np.abs(lag[lag != 0])
        near, far = (float(size.min()), float(size.max())) if size.size else (1.0, 1.0)
        low, high = float(lag.min()), float(lag.max())
        distinct = np.unique(lag)
        gap = float(np.median(np.diff(distinct))) if distinct.size > 1 else near
        top = float(np.abs(change).max()) or 1.0
        gaussian = any(p.kind == "width" for p in self.parameters)
        by_kind = {
            "amplitude": (0.0, (4 if gaussian else 10) * top),
            "offset": (-2 * top, 2 * top),
            "tau": (near / 4, 10 * far),
            "width": (min(gap, far), max(high - low, 2 * gap)),
            "centre": (low, high),
        }
        return {p.name: by_kind[p.kind] for p in self.parameters}

    def guess(self, lag: Array, change: Array) -> dict[str, float]:
        """Starting values, from moments of the data.

        Parameters
        ----------
        lag, change : shape (n,)

        Returns
        -------
        Parameter name -> value, inside `bounds`.
        """
        found: dict[str, float] = {}
        spread = float(np.ptp(lag)) or 1.0
        for p in self.parameters:
            here = lag * p.side > 0 if p.side else np.ones(lag.shape, bool)
            # A branch is weighed by the change that has its sign: its mean |lag| is then about
            # one time constant.
            wanted = -1 if p.name.endswith("minus") else 1
            weight = np.where(here, np.maximum(wanted * change, 0), 0.0)
            if not weight.any():
                weight = here.astype(float)
            if not weight.any():
                weight = np.ones(lag.shape)
            centre = float(np.average(lag, weights=weight))
            found[p.name] = {
                "amplitude": float(weight.max()),
                "offset": float(np.median(change)),
                "tau": float(np.average(np.abs(lag), weights=weight)) or spread / 4,
                "centre": centre,
                "width": float(np.average((lag - centre) ** 2, weights=weight)) ** 0.5,
            }[p.kind]
        bounds = self.bounds(lag, change)
        return {name: float(np.clip(value, *bounds[name])) for name, value in found.items()}


def _branches(plus_side: int) -> tuple[WindowParameter, ...]:
    return (
        WindowParameter("A_plus", "amplitude", plus_side),
        WindowParameter("tau_plus", "tau", plus_side),
        WindowParameter("A_minus", "amplitude", -plus_side),
        WindowParameter("tau_minus", "tau", -plus_side),
    )


_OFFSET = WindowParameter("offset", "offset")
_GAUSSIANS = tuple(
    WindowParameter(f"{kind}_{branch}" if kind != "amplitude" else f"A_{branch}", kind)
    for branch in ("plus", "minus")
    for kind in ("amplitude", "centre", "width")
)

#: Window shapes by the name that users type.
WINDOWS: MappingProxyType[str, Window] = MappingProxyType(
    {
        w.name: w
        for w in (
            Window(
                "exponential",
                exponential,
                _exponential_slopes,
                _branches(1),
                (SONG,),
                defined_at_zero=False,
            ),
            Window(
                "exponential_offset",
                exponential_offset,
                _exponential_offset_slopes,
                (*_branches(1), _OFFSET),
                (SONG,),
                defined_at_zero=False,
            ),
            Window("mexican_hat", mexican_hat, _mexican_hat_slopes, _GAUSSIANS, (WITTENBERG_WANG,)),
            Window("alpha", alpha, _alpha_slopes, _branches(1), (RALL,)),
            Window(
                "symmetric",
                symmetric,
                _symmetric_slopes,
                (WindowParameter("A_plus", "amplitude"), WindowParameter("tau_plus", "tau")),
                (ABBOTT_NELSON, MISHRA),
                alternative=Window(
                    "symmetric",
                    symmetric_depression,
                    _symmetric_depression_slopes,
                    (WindowParameter("A_minus", "amplitude"), WindowParameter("tau_minus", "tau")),
                    (ABBOTT_NELSON, EGGER),
                ),
            ),
            Window(
                "anti_hebbian",
                anti_hebbian,
                _anti_hebbian_slopes,
                _branches(-1),
                (ABBOTT_NELSON, BELL),
                defined_at_zero=False,
            ),
            Window("constant", constant, _constant_slopes, (_OFFSET,)),
        )
    }
)

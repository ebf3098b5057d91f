"""What a mechanism contributes to a synapse: state, statements, functions. Text only.

Nothing here runs: `synsim.compose` puts the pieces together and `synsim.brian` hands them
to Brian2. Because a composed synapse is text, the text is also what a compiled build is
recognised by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Times of last spikes start here: so long ago that every exponential is exactly zero.
LONG_AGO = -1e9  # s


@dataclass(frozen=True)
class State:
    """A state variable of every synapse."""

    name: str
    doc: str
    unit: str = "1"  # Brian2's SI unit
    initial: float | str = 0.0  # SI, or a Brian2 expression
    integer: bool = False
    double: bool = False  # kept in 64 bits also where Brian2 is asked for 32, as all times are


def dtypes(states: Iterable[State]) -> dict[str, Any]:
    """As `brian2.Synapses` takes them: types of the states that are not of Brian2's default one."""
    return {s.name: np.float64 for s in states if s.double or s.unit == "second"}


@dataclass(frozen=True)
class CodeFunction:
    """A function for all three code generation targets.

    ``cpp`` and ``cython`` are source texts; both and `numpy` draw uniform or normal numbers
    from Brian2's own generators (``_rand``, ``_randn``), so that one seed rules them all.
    A `random` function takes ``_vectorisation_idx`` as its last argument, and before it the
    synapse's index, unused: it keeps Brian2 from taking a draw with the same arguments everywhere
    for one number shared by all synapses. ``headers`` are files of `synsim.engine` that ``cpp``
    needs.
    """

    name: str
    arguments: tuple[str, ...]
    cpp: str
    cython: str
    numpy: Callable[..., Any]
    integer: bool = False
    random: bool = False
    units: tuple[str, ...] = ()  # Brian2's SI units of the arguments; () for plain numbers
    headers: tuple[str, ...] = ()


def _numpy_fade(interval: Any, tau: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.exp(-np.asarray(interval) / np.asarray(tau))


FADE = CodeFunction(
    name="fade",
    arguments=("interval", "tau"),
    units=("second", "second"),
    numpy=_numpy_fade,
    cpp="""
    static inline double fade(const double interval, const double tau)
    {
        return tau > 0.0 ? exp(-interval / tau) : 0.0;
    }
    """,
    cython="""
    cdef double fade(double interval, double tau):
        return exp(-interval / tau) if tau > 0.0 else 0.0
    """,
)
"""exp(-interval/tau) for a time constant that may be zero: then nothing is left."""

NORMAL = CodeFunction(
    name="fresh_normal",
    arguments=("synapse",),
    random=True,
    numpy=lambda synapse, _vectorisation_idx: np.random.standard_normal(np.shape(synapse)),  # noqa: NPY002
    cpp="""
    static inline double fresh_normal(const int32_t synapse, const int _vectorisation_idx)
    {
        return _randn(_vectorisation_idx);
    }
    """,
    cython="""
    cdef double fresh_normal(int synapse, int _vectorisation_idx):
        return _randn(_vectorisation_idx)
    """,
)
"""A standard normal number for every synapse and spike."""


@dataclass(frozen=True)
class Fragment:
    """Statements of one mechanism, to be run at a presynaptic or postsynaptic spike."""

    states: tuple[State, ...] = ()
    on_pre: str = ""
    on_post: str = ""
    functions: tuple[CodeFunction, ...] = field(default=())

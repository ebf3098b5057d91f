"""Mean responses of Tsodyks-Markram trains and their derivatives, for many parameter sets.

    response_i = A u_i x_i

with u and x of `synsim.models.tsodyks_markram`, every train from rest, and A the response if
everything were released (n q of a quantal synapse; the absolute synaptic efficacy). All trains
run side by side, so that a step over one pulse is one step of whole arrays.

Source: Maass & Markram 2002 eqs 4-5, by way of the model file; the derivatives follow from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: Parameters of each model, in the order in which curves take them.
MODELS = {
    "depression": ("A", "U", "tau_rec"),
    "depression_facilitation": ("A", "U", "tau_rec", "tau_facil"),
}


class Trains:
    """Stimulus trains, each from rest.

    Parameters
    ----------
    times : for each train its times in ms, increasing
    """

    def __init__(self, times: Sequence[Array]) -> None:
        self.lengths = [len(t) for t in times]
        longest = max(self.lengths)
        self.intervals = np.full((longest, len(times)), np.inf)
        for j, t in enumerate(times):
            self.intervals[1 : len(t), j] = np.diff(t)
        # Where each pulse, train after train, stands in (pulse, train).
        self.pulse = np.concatenate([np.arange(n) for n in self.lengths])
        self.train = np.repeat(np.arange(len(times)), self.lengths)

    @property
    def size(self) -> int:
        return int(self.pulse.size)

    def _run(
        self, U: Array, tau_rec: Array, tau_facil: Array | None, slopes: bool
    ) -> tuple[Array, dict[str, Array]]:
        """u x at every pulse, shape (rows, size), and its derivatives by name."""
        rows = len(U)
        steps, trains = self.intervals.shape
        release = np.empty((steps, rows, trains))
        names = ("U", "tau_rec", "tau_facil")
        by = {name: np.zeros((steps, rows, trains)) for name in names} if slopes else {}
        u, x = np.zeros((rows, trains)), np.ones((rows, trains))
        u_U, u_f, x_U, x_r, x_f = (np.zeros((rows, trains)) for _ in range(5))
        for i, h in enumerate(self.intervals):
            stay = np.exp(-h / tau_rec)
            late = np.where(np.isinf(h), 0.0, h)
            if tau_facil is None:
                fade, faded = np.zeros((1, trains)), np.zeros((1, trains))
            else:
                fade = np.exp(-h / tau_facil)
                faded = fade * late / tau_facil**2
            if slopes:
                left = 1 - x * (1 - u)
                x_r = stay * (x_r * (1 - u)) - left * stay * late / tau_rec**2
                x_U = stay * (x_U * (1 - u) - x * u_U)
                x_f = stay * (x_f * (1 - u) - x * u_f)
                u_f = (1 - U) * (fade * u_f + faded * u)
                u_U = 1 + fade * ((1 - U) * u_U - u)
            x = 1 - (1 - x * (1 - u)) * stay
            u = U + u * (1 - U) * fade
            release[i] = u * x
            if slopes:
                by["U"][i] = u_U * x + u * x_U
                by["tau_rec"][i] = u * x_r
                by["tau_facil"][i] = u_f * x + u * x_f
        at = (self.pulse, slice(None), self.train)
        return release[at].T, {name: value[at].T for name, value in by.items()}

    def curve(self, _: Array, A: Any, U: Any, tau_rec: Any, tau_facil: Any = None) -> Array:
        """Mean responses, shape (rows, size); the parameters have shape (rows, 1)."""
        U, tau_rec, tau_facil = _columns(U, tau_rec, tau_facil)
        return np.asarray(A * self._run(U, tau_rec, tau_facil, False)[0])

    def gradient(
        self, _: Array, A: Any, U: Any, tau_rec: Any, tau_facil: Any = None
    ) -> tuple[Array, ...]:
        """Derivatives of `curve` by its parameters, in their order."""
        columns = _columns(U, tau_rec, tau_facil)
        release, by = self._run(*columns, True)
        found = [release, A * by["U"], A * by["tau_rec"]]
        if tau_facil is not None:
            found.append(A * by["tau_facil"])
        return tuple(found)


def _columns(U: Any, tau_rec: Any, tau_facil: Any) -> tuple[Array, Array, Array | None]:
    U, tau_rec = np.asarray(U, dtype=float), np.asarray(tau_rec, dtype=float)
    return U, tau_rec, None if tau_facil is None else np.asarray(tau_facil, dtype=float)

"""Mean responses of Tsodyks-Markram trains and their derivatives, for many parameter sets.

    response_i = A u_i x_i

with u and x of `synsim.models.tsodyks_markram`, every train from rest, and A the response if
everything were released (n q of a quantal synapse; the absolute synaptic efficacy). All trains
run side by side, so that a step over one pulse is one step of whole arrays. Of pairs of pulses
the ratio u_2 x_2/(u_1 x_1) is taken, in which A is not.

With an inactive state (`synsim.models.tsodyks_three_state`) what was released at once is missing by

    (tau_rec e^(-t/tau_rec) - tau_inact e^(-t/tau_inact)) / (tau_rec - tau_inact)

a time t later. This does not change when the two time constants are exchanged, so neither does any
response: the shorter is called tau_inact, and a value above tau_rec counts as tau_rec.

Source: Maass & Markram 2002 eqs 4-5 and Tsodyks, Pawelzik & Markram 1998 eqs 2-5, by way of the
model files; the derivatives and the symmetry follow from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.models.tsodyks_three_state import lag

Array = NDArray[Any]

#: Parameters of each model, in the order in which curves take them.
MODELS = {
    "depression": ("A", "U", "tau_rec"),
    "depression_facilitation": ("A", "U", "tau_rec", "tau_facil"),
    "three_state": ("A", "U", "tau_rec", "tau_inact"),
    "three_state_facilitation": ("A", "U", "tau_rec", "tau_facil", "tau_inact"),
}

#: Those that are fitted unless others are named: the last takes as long as the first three.
STANDARD = tuple(MODELS)[:3]

_STEP = 1e-5  # of a time constant, in differences of `lag`, which has 13 digits


class Trains:
    """Stimulus trains, each from rest.

    Parameters
    ----------
    times : for each train its times in ms, increasing
    """

    relative = False

    def __init__(self, times: Sequence[Array]) -> None:
        self.lengths = [len(t) for t in times]
        longest = max(self.lengths)
        self.intervals = np.full((longest, len(times)), np.inf)
        for j, t in enumerate(times):
            self.intervals[1 : len(t), j] = np.diff(t)
        # Trains have few different intervals: what a gap does is computed once for each.
        self.gaps, place = np.unique(self.intervals, return_inverse=True)
        self.gap = place.reshape(self.intervals.shape)
        # Where each pulse, train after train, stands in (pulse, train).
        self.pulse = np.concatenate([np.arange(n) for n in self.lengths])
        self.train = np.repeat(np.arange(len(times)), self.lengths)

    @property
    def size(self) -> int:
        return int(self.pulse.size)

    def parameters(self, model: str) -> tuple[str, ...]:
        """Names of the parameters of a model that these responses depend on."""
        return tuple(name for name in MODELS[model] if name != "A" or not self.relative)

    def _run(self, values: dict[str, Array], slopes: bool) -> tuple[Array, dict[str, Array]]:
        """u x at every pulse, shape (rows, size), and its derivatives by name."""
        U, tau_rec = values["U"], values["tau_rec"]
        tau_facil, tau_inact = values.get("tau_facil"), values.get("tau_inact")
        names = [name for name in values if name != "A"] if slopes else []
        steps, trains = self.intervals.shape
        shape = (len(U), trains)
        release = np.empty((steps, *shape))
        by = {name: np.zeros((steps, *shape)) for name in names}
        u, x, y = np.zeros(shape), np.ones(shape), np.zeros(shape)
        du, dx, dy = ({name: np.zeros(shape) for name in names} for _ in range(3))
        gaps = _Gaps(self.gaps, tau_rec, tau_facil, tau_inact, slopes)
        # at every pulse: shape (rows, pulse, train)
        stays, fades, offs, lates = (c[:, self.gap] for c in gaps.values)
        of_stay, of_fade, of_off, of_late = (
            {name: c[:, self.gap] for name, c in by_name.items()} for by_name in gaps.slopes
        )
        inactive, moves_u = tau_inact is not None, ("U", "tau_facil")
        for i in range(steps):
            stay, fade, off, late = stays[:, i], fades[:, i], offs[:, i], lates[:, i]
            released = u * x
            kept = x - released
            active = y + released
            for name in names:
                d_released = u * dx[name]
                if name in moves_u:
                    d_released += du[name] * x
                dx[name] = stay * (dx[name] - d_released)
                if name in of_stay:
                    dx[name] += of_stay[name][:, i] * (kept - 1)
                if inactive:
                    d_active = dy[name] + d_released
                    dx[name] += late * d_active
                    dy[name] = off * d_active
                    if name in of_late:
                        dx[name] += of_late[name][:, i] * active
                        dy[name] += of_off[name][:, i] * active
                if name == "U":
                    du[name] = (1 - U) * fade * du[name] + (1 - u * fade)
                elif name in of_fade:
                    du[name] = (1 - U) * (fade * du[name] + of_fade[name][:, i] * u)
            x = 1 - stay * (1 - kept)
            if inactive:
                x += late * active
                y = off * active
            u = U + u * (1 - U) * fade
            release[i] = u * x
            for name in names:
                by[name][i] = u * dx[name]
                if name in moves_u:
                    by[name][i] += du[name] * x
        at = (self.pulse, slice(None), self.train)
        return release[at].T, {name: value[at].T for name, value in by.items()}

    def curve(self, model: str, *values: Any) -> Array:
        """Mean responses, shape (rows, size).

        Parameters
        ----------
        model : a name in MODELS
        values : its `parameters` in their order, shape (rows, 1) each
        """
        named = self._named(model, values)
        return np.asarray(named.get("A", 1.0) * self._run(named, False)[0])

    def gradient(self, model: str, *values: Any) -> tuple[Array, ...]:
        """Derivatives of `curve` by its parameters, in their order."""
        named = self._named(model, values)
        release, by = self._run(named, True)
        return tuple(release if name == "A" else named["A"] * by[name] for name in named)

    def _named(self, model: str, values: Sequence[Any]) -> dict[str, Array]:
        arrays = (np.asarray(v, dtype=float) for v in values)
        return dict(zip(self.parameters(model), arrays, strict=True))


class Pairs(Trains):
    """Pairs of pulses, of which the second response over the first is taken.

    Parameters
    ----------
    intervals : between the two pulses of each pair, ms, shape (m,)
    """

    relative = True

    def __init__(self, intervals: Array) -> None:
        super().__init__([np.array([0.0, h]) for h in intervals])
        self.pulse = np.ones(len(intervals), dtype=int)
        self.train = np.arange(len(intervals))

    def curve(self, model: str, *values: Any) -> Array:
        """Ratios of the responses, shape (rows, size); see `Trains.curve`."""
        named = self._named(model, values)
        return np.asarray(self._run(named, False)[0] / named["U"])

    def gradient(self, model: str, *values: Any) -> tuple[Array, ...]:
        """Derivatives of `curve` by its parameters, in their order."""
        named = self._named(model, values)
        release, by = self._run(named, True)
        by["U"] = by["U"] - release / named["U"]
        return tuple(by[name] / named["U"] for name in named)


class _Gaps:
    """What each of the gaps does, shape (rows, gaps), and the derivatives of that.

    stay, fade, off : what is left of inactive resources, of facilitation, of active resources
    late : `lag` of what was active
    values : the four; slopes : for each of them its derivatives by name
    """

    def __init__(
        self,
        gaps: Array,
        tau_rec: Array,
        tau_facil: Array | None,
        tau_inact: Array | None,
        slopes: bool,
    ) -> None:
        rest = np.isinf(gaps)
        h = np.where(rest, 0.0, gaps)

        def left(tau: Array) -> Array:
            return np.where(rest, 0.0, np.exp(-h / tau))

        stay = left(tau_rec)
        fade = off = late = np.zeros_like(stay)
        of_fade: dict[str, Array] = {}
        of_off: dict[str, Array] = {}
        of_late: dict[str, Array] = {}
        if tau_facil is not None:
            fade = left(tau_facil)
            of_fade = {"tau_facil": fade * h / tau_facil**2}
        if tau_inact is not None:
            shorter = np.minimum(tau_inact, tau_rec)
            off = left(shorter)
            late = np.where(rest, 0.0, _late(h, tau_rec, shorter))
            if slopes:
                of_off, of_late = _inactive_slopes(h, off, tau_rec, tau_inact)
        self.values = stay, fade, off, late
        self.slopes = {"tau_rec": stay * h / tau_rec**2}, of_fade, of_off, of_late


def _inactive_slopes(
    h: Array, off: Array, tau_rec: Array, tau_inact: Array
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Derivatives of off and late; above tau_rec, tau_inact counts as tau_rec."""
    shorter, above = np.minimum(tau_inact, tau_rec), tau_inact >= tau_rec
    up, down = 1 + _STEP, 1 - _STEP
    by_rec = _late(h, tau_rec * up, shorter) - _late(h, tau_rec * down, shorter)
    by_rec /= 2 * _STEP * tau_rec
    by_inact = _late(h, tau_rec, shorter * up) - _late(h, tau_rec, shorter * down)
    by_inact /= 2 * _STEP * shorter
    by_off = off * h / shorter**2
    of_off = {"tau_inact": np.where(above, 0.0, by_off), "tau_rec": np.where(above, by_off, 0.0)}
    of_late = {
        "tau_inact": np.where(above, 0.0, by_inact),
        "tau_rec": by_rec + np.where(above, by_inact, 0.0),
    }
    return of_off, of_late


def _late(h: Array, tau_rec: Array, tau_inact: Array) -> Array:
    """`lag` of each gap and each row, shape (rows, gaps)."""
    return np.asarray(lag(h, tau_rec[:, 0], tau_inact[:, 0]).T)

"""Pairing a presynaptic with a postsynaptic spike, N times at a rate: what several protocols do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import option, parameter
from synsim.component.errors import FieldError
from synsim.component.spike_trains import on_grid
from synsim.component.units import show
from synsim.engine import Spikes
from synsim.models.pair_stdp import PairSTDP
from synsim.predict.pairing import pairing_course
from synsim.synapse_settings import SynapseSettings


class InductionSettings(SynapseSettings):
    """A synapse, and how it is paired."""

    n_pairs: int = parameter("1", "number of pairings", default=60, low=1, integer=True)
    rate: float = parameter("Hz", "pairings per second", default="1Hz", low=0, low_open=True)
    lag_at: str = option(
        ("synapse", "soma"),
        "where the lag is meant: of spikes arriving at the synapse, or as they are fired",
        default="synapse",
    )

    def check(self) -> None:
        super().check()
        if self.rule is None:
            raise FieldError(type(self).__name__, "rule", "found none, expected a plasticity rule")
        self.within_reach("rate", self.n_pairs / self.rate)
        if 1 / self.rate < self.time_step * (1 - 1e-9):
            raise FieldError(
                type(self).__name__,
                "rate",
                f"found {self.text('rate')}, expected at most one pairing per time step of "
                f"{self.text('time_step')}",
            )

    @property
    def period_steps(self) -> int:
        """Time steps from pairing to pairing."""
        return int(on_grid(1 / self.rate, self.time_step))


@dataclass(frozen=True)
class Schedule:
    """When the spikes of the pairings are fired, in time steps.

    lag : t_post - t_pre at the synapse, shape (m,)
    pre, post : steps at which they are fired, shape (m, N); the first of all is at 0
    notes : what was moved to fit the grid, in words
    """

    lag: NDArray[np.int64]
    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    notes: tuple[str, ...]


def schedule(settings: InductionSettings, lags: NDArray[np.float64]) -> Schedule:
    """The pairings of each lag; `lags` in seconds, shape (m,)."""
    step = settings.time_step
    delay, dendritic = on_grid([settings.delay, settings.dendritic_delay], step)
    asked = on_grid(lags, step)
    fired_lag = asked - (dendritic - delay) if settings.lag_at == "synapse" else asked
    first = np.arange(settings.n_pairs) * settings.period_steps
    pre = first[None, :] + np.maximum(-fired_lag, 0)[:, None]
    return Schedule(
        lag=fired_lag + (dendritic - delay),
        pre=pre,
        post=pre + fired_lag[:, None],
        notes=tuple(_notes(settings, lags, asked)),
    )


def _notes(
    settings: InductionSettings, lags: NDArray[np.float64], asked: NDArray[np.int64]
) -> list[str]:
    step, grid = settings.time_step, settings.text("time_step")
    notes = []
    moved = np.abs(asked * step - lags)
    if np.any(moved > 1e-6 * step):
        worst = int(np.argmax(moved))
        notes.append(
            f"{np.count_nonzero(moved > 1e-6 * step)} lags were put on the grid of {grid}, "
            f"the furthest by {show(float(f'{moved[worst]:.3g}'), 'ms')}; "
            "the table shows them as they ran"
        )
    period = settings.period_steps * step
    if abs(period * settings.rate - 1) > 1e-9:
        notes.append(
            f"the period of {settings.text('rate')} was put on the grid of {grid}: it ran at "
            f"{1 / period:.6g} Hz"
        )
    return notes + settings.delay_notes()


def spikes(steps: NDArray[np.int64]) -> Spikes:
    """Spikes of one source per row, shape (m, any)."""
    return Spikes.of(steps, np.broadcast_to(np.arange(len(steps))[:, None], steps.shape))


def predicted_course(settings: InductionSettings, lag: ArrayLike) -> NDArray[np.float64] | None:
    """Weight after each pairing in closed form, shape (m, N); None for rules that have none.

    So has one whose changes scatter. `lag` in time steps at the synapse.
    """
    if not isinstance(settings.rule, PairSTDP) or settings.rule.scattered:
        return None
    return pairing_course(
        settings.rule,
        lag,
        settings.period_steps,
        settings.n_pairs,
        settings.time_step,
        settings.w0,
    )


def response_ratio(settings: InductionSettings, w: Any) -> NDArray[np.float64]:
    """Mean response at weight w relative to that at the start, minus 1."""
    w = np.asarray(w, dtype=float)
    if settings.acts_on != "n":
        return w / settings.w0 - 1
    return np.floor(w * settings.n + 0.5) / np.floor(settings.w0 * settings.n + 0.5) - 1

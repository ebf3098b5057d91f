"""What `protocols/weight_precision.py` writes: every scheme, number of levels and scatter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from synsim.component.spike_trains import on_grid
from synsim.predict.precision import reset_pairings
from synsim.writing.reader import Reader

Array = NDArray[np.float64]
Steps = NDArray[np.int64]
_MOST_LEVELS = 4096
_LEAST_BITS = 8192  # copies, so that one misread in a hundred is told from one in 130


@dataclass(frozen=True, eq=False)
class Row:
    """Copies that are written alike.

    scheme : one of the protocol's, or "check", whose synapses are all alike: without gains
    step : what a separate pairing changes the weight by, up or down
    period : time steps from pairing to pairing
    meant : level meant by each copy, shape (copies,)
    reset : pairings down before the count
    count : pairings of each copy, shape (copies,), up where positive
    start : weight before, shape (copies,)
    response : of the neuron to a spike at w = 1, V
    """

    scheme: str
    levels: int
    scatter_cv: float
    step: float
    period: int
    meant: Steps
    reset: int
    count: Steps
    start: Array
    response: float = 0.0

    @property
    def pairings(self) -> int:
        """The most that any of its numbers takes."""
        return self.reset + int(np.abs(self.count).max())

    @property
    def values(self) -> Array:
        """The values meant: k/L, or a bit."""
        return self.meant / (1 if self.scheme == "binary" else self.levels)


def pairing_steps(row: Row, lag: int) -> tuple[Steps, Steps, Steps]:
    """Copy, presynaptic step and postsynaptic step of every pairing of a row, shape (m,) each.

    The earlier spike of pairing i is at i periods.
    """
    total = row.reset + np.abs(row.count)
    copy = np.repeat(np.arange(len(total)), total)
    i = np.arange(len(copy)) - np.repeat(np.cumsum(total) - total, total)
    up = (i >= row.reset) & (row.count[copy] > 0)
    first = i * row.period
    return copy, first + np.where(up, 0, lag), first + np.where(up, lag, 0)


class Written(Protocol):
    """What this takes from the settings."""

    @property
    def levels(self) -> NDArray[np.float64]: ...
    @property
    def scatter_cv(self) -> NDArray[np.float64]: ...
    @property
    def rate(self) -> float: ...
    @property
    def budget(self) -> float: ...
    @property
    def budget_rates(self) -> NDArray[np.float64]: ...
    @property
    def burst(self) -> int: ...
    @property
    def burst_rate(self) -> float: ...
    @property
    def binary_step(self) -> float: ...
    @property
    def time_step(self) -> float: ...
    @property
    def response(self) -> float: ...

    def reader(self) -> Reader: ...
    def copies(self, levels: int) -> int: ...
    def period(self, rate: float) -> int: ...


def all_rows(settings: Written, seed: int) -> list[Row]:
    """All that is written, every weight from a start of its own that nobody knows."""
    rng = np.random.default_rng([seed, 10])
    period = settings.period(settings.rate)
    made = []
    for scatter in settings.scatter_cv.tolist():
        for levels in np.sort(settings.levels).astype(int).tolist():
            made.append(_graded(settings, "graded", levels, scatter, period, rng))
            made.append(_unknown_start(settings, levels, scatter, period, rng))
        for rate in np.sort(settings.budget_rates).tolist():
            levels = budget_levels(settings, rate, scatter)
            if levels >= 2:
                hurried = settings.period(rate)
                made.append(_graded(settings, "graded-in-budget", levels, scatter, hurried, rng))
        made.append(_binary(settings, scatter, rng))
    return made


def budget_levels(settings: Written, rate: float, scatter: float) -> int:
    """The most levels that a reset and a count have time for; at most 4096, 0 where not even 2."""
    pairings = int(on_grid(settings.budget, settings.time_step)) // settings.period(rate)
    fitting = [
        n for n in range(2, _MOST_LEVELS + 1) if reset_pairings(n, scatter) + n - 1 <= pairings
    ]
    return max(fitting, default=0)


def _meant(settings: Written, levels: int) -> NDArray[np.int64]:
    return np.tile(np.arange(levels), settings.copies(levels) // levels)


def _graded(
    settings: Written,
    scheme: str,
    levels: int,
    scatter: float,
    period: int,
    rng: np.random.Generator,
) -> Row:
    meant = _meant(settings, levels)
    return Row(
        scheme=scheme,
        levels=levels,
        scatter_cv=scatter,
        step=1 / levels,
        period=period,
        meant=meant,
        reset=reset_pairings(levels, scatter),
        count=meant,
        start=rng.random(len(meant)),
        response=settings.response,
    )


def _unknown_start(
    settings: Written, levels: int, scatter: float, period: int, rng: np.random.Generator
) -> Row:
    meant = _meant(settings, levels)
    return Row(
        scheme="graded-unknown-start",
        levels=levels,
        scatter_cv=scatter,
        step=1 / levels,
        period=period,
        meant=meant,
        reset=0,
        count=np.trunc(meant - levels / 2).astype(np.int64),
        start=rng.random(len(meant)),
        response=settings.response,
    )


def _binary(settings: Written, scatter: float, rng: np.random.Generator) -> Row:
    meant = np.arange(max(settings.copies(2), _LEAST_BITS)) % 2
    return Row(
        scheme="binary",
        levels=2,
        scatter_cv=scatter,
        step=settings.binary_step,
        period=settings.period(settings.burst_rate),
        meant=meant,
        reset=0,
        count=np.where(meant == 1, settings.burst, -settings.burst),
        start=rng.random(len(meant)),
        response=settings.reader().q,
    )

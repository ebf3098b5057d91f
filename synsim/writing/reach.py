"""How long writing really takes: pairings go on until the weight has come to its level.

A weight starts at 0, and pairings up come every period until it is within half a level of the
highest. What is measured is the time from the first spike to the one that gets it there. Law
(`synsim.predict.precision.Count.reached`): where pairings do not overlap, a walk with steps of
mean 1 and variance c^2 that has b = L - 3/2 to go takes

    mean  b + (1 + c^2)/2,   variance about c^2 b        pairings

(b and the mean excess over it of renewal theory; without scatter exactly L - 1). Where they do
overlap, the steps are those of `Count.moved`; and where LTD wins, it never gets there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synsim.component.spike_trains import on_grid
from synsim.predict.precision import Count
from synsim.protocol import Running
from synsim.writing.rows import Row
from synsim.writing.writer import Writer

Array = NDArray[np.float64]
_COPIES = 100
_LEAST_COPIES = 1024  # so that settings share one compiled program
_FACTOR = 3  # pairings tried, in levels


class Timed(Protocol):
    """What this takes from the settings."""

    @property
    def levels(self) -> NDArray[np.float64]: ...
    @property
    def scatter_cv(self) -> NDArray[np.float64]: ...
    @property
    def rate(self) -> float: ...
    @property
    def budget_rates(self) -> NDArray[np.float64]: ...
    @property
    def response(self) -> float: ...

    def period(self, rate: float) -> int: ...


def claimed_period(settings: Timed, writer: Writer) -> int:
    """Time steps from pairing to pairing when all levels are done in a second."""
    fastest = int(np.floor(max(writer.lag, writer.dead_time / writer.dt) + 1))
    return max(int(on_grid(1 / int(np.max(settings.levels)), writer.dt)), fastest)


def reach_rows(settings: Timed, writer: Writer) -> list[Row]:
    """All levels and scatters at the rate of writing; the finest, without scatter, at all rates."""
    period, finest = settings.period(settings.rate), int(np.max(settings.levels))
    made = [
        _row(settings, int(levels), scatter, period)
        for scatter in settings.scatter_cv.tolist()
        for levels in np.sort(settings.levels)
    ]
    periods = {claimed_period(settings, writer)}
    periods |= {settings.period(rate) for rate in settings.budget_rates.tolist()}
    if 0 in settings.scatter_cv:
        periods -= {period}  # it is there already
    made += [_row(settings, finest, 0.0, one) for one in sorted(periods, reverse=True)]
    return made


def _row(settings: Timed, levels: int, scatter: float, period: int) -> Row:
    copies = _COPIES if scatter > 0 else 1
    return Row(
        scheme="check", levels=levels, scatter_cv=scatter, step=1 / levels, period=period,
        meant=np.full(copies, levels - 1), reset=0, count=np.full(copies, _FACTOR * levels),
        start=np.zeros(copies), response=settings.response,
    )  # fmt: skip


def reach(settings: Timed, writer: Writer, running: Running) -> dict[str, Any]:
    """Pairings and time that it takes, measured and by the law, by name.

    What there is none of, because not all got there, is left out.
    """
    rows = reach_rows(settings, writer)
    copies = max(sum(len(row.meant) for row in rows), _LEAST_COPIES)
    program = writer.program(copies, events=("w",))
    _, run = writer.write(program, rows, running)
    first = np.cumsum([0, *(len(row.meant) for row in rows)])
    events = run.events["post"]
    order = np.lexsort((events.steps, events.copies))
    copies, steps, w = (a[order] for a in (events.copies, events.steps, events.states["w"]))
    enough = np.array([(row.levels - 1.5) / row.levels for row in rows])
    row_of = np.searchsorted(first, copies, side="right") - 1
    there = np.flatnonzero(w >= enough[row_of] - 1e-12)
    at = np.full(first[-1], np.nan)
    reached, where = np.unique(copies[there], return_index=True)
    # The first spike of every copy is in step 1
    at[reached] = (steps[there[where]] - 1) * writer.dt
    return _numbers(rows, [at[a:b] for a, b in pairwise(first)], writer)


def _numbers(rows: Sequence[Row], times: Sequence[Array], writer: Writer) -> dict[str, Any]:
    count = Count(writer.lag * writer.dt, writer.tau_plus, writer.tau_minus)
    numbers: dict[str, Any] = {}
    worst, fastest = 0.0, (np.nan, np.nan)
    compared = disagreements = 0
    for i, (row, time) in enumerate(zip(rows, times, strict=True), start=1):
        period = row.period * writer.dt
        pairings = (time - writer.lag * writer.dt) / period + 1
        mean, variance = count.reached(row.levels, period, row.scatter_cv, _FACTOR)
        name = f"reach_{i}"
        numbers |= {
            f"{name}_levels": row.levels,
            f"{name}_scatter_cv": row.scatter_cv,
            f"{name}_pairings_per_s": 1 / period,
            f"{name}_part_that_got_there": float(np.mean(np.isfinite(time))),
        }
        measured = {"pairings": _mean(pairings), "pairings_exact": mean, "s": _mean(time)}
        numbers |= {f"{name}_{k}": v for k, v in measured.items() if np.isfinite(v)}
        if row.scatter_cv == 0 and row.levels == max(r.levels for r in rows):
            seconds = _mean(time)
            if np.isfinite(seconds) and not seconds >= fastest[0]:
                fastest = (seconds, 1 / period)
        # The law is of separate pairings that all count alike
        if writer.gain_cv > 0 or row.response >= writer.fires_alone(1.0):
            continue
        compared += 1
        got_there = bool(np.all(np.isfinite(time)))
        disagreements += got_there != np.isfinite(mean)
        if not (got_there and np.isfinite(mean)):
            continue
        # Whole pairings and the law's remainder: never surer than a tenth of a pairing
        error = max(np.sqrt(variance / len(time)), 0.1)
        worst = max(worst, abs(_mean(pairings) - mean) / error)
        if row.scatter_cv > 0:
            numbers[f"{name}_pairings_sd"] = float(pairings.std(ddof=1))
            numbers[f"{name}_pairings_sd_exact"] = float(np.sqrt(variance))
    numbers["reach_compared_with_the_law"] = compared
    numbers["reach_disagreements_on_getting_there"] = int(disagreements)
    numbers["reach_largest_deviation_in_standard_errors"] = worst
    if np.isfinite(fastest[0]):
        numbers["reach_fastest_s"] = float(fastest[0])
        numbers["reach_fastest_pairings_per_s"] = float(fastest[1])
    return numbers


def _mean(values: Array) -> float:
    """NaN where not all of them got there."""
    return float(values.mean())

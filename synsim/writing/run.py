"""Running `protocols/weight_precision.py`: all numbers written in one run, left to themselves in
a second run of the same program, and what is measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synsim.component.spike_trains import on_grid
from synsim.predict.information import Information, mutual_information
from synsim.predict.precision import Count
from synsim.protocol import Running
from synsim.writing.expected import (
    HALF_LEVEL,
    MISREAD,
    NAN,
    Expected,
    background,
    bit_retention,
    crossing,
    expected,
    misread_bits,
)
from synsim.writing.rows import Written
from synsim.writing.writer import Reader, Row, Writer

Array = NDArray[np.float64]
_AROUND = np.array(
    [0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 1.9, 2.4, 3.2]
)  # of what is expected
_HELD = 200  # copies at each time


class Wanted(Written, Protocol):
    """What `measure` takes from the settings."""

    @property
    def background(self) -> float: ...
    @property
    def read_threshold(self) -> float: ...

    def writer(self) -> Writer: ...
    def reader(self) -> Reader: ...


@dataclass(frozen=True)
class MeasuredRow:
    """What came of a row.

    rms_error : of what is read, 0 to 1;  rms_se : its standard error
    stored : rms error of the weight itself
    """

    rms_error: float
    rms_se: float
    stored: float
    information: Information
    expected: Expected
    retention: float


@dataclass(frozen=True)
class Measured:
    """All rows, and what else is kept for the summary and the figure, by name."""

    rows: list[MeasuredRow]
    numbers: dict[str, Any]
    backend: str
    threads: int
    warnings: tuple[str, ...]


def measure(settings: Wanted, rows: Sequence[Row], running: Running) -> Measured:
    """Write, read and hold all rows."""
    writer, reader = settings.writer(), settings.reader()
    checks = count_checks(settings, writer)
    copies = sum(len(row.meant) for row in (*rows, *checks))
    program = writer.program(max(copies, len(rows) * len(_AROUND) * _HELD))
    weights, done = writer.write(program, [*rows, *checks], running)
    released = reader.released(sum(len(row.meant) for row in rows), running)
    first = np.cumsum([0, *(len(row.meant) for row in rows)])
    kept = Held.run(settings, program, rows, weights, running)
    found, warnings = [], list(done.warnings)
    for i, row in enumerate(rows):
        value, level = _read(reader, row, weights[i], released[first[i] : first[i + 1]])
        square = (value - row.values) ** 2
        rms = float(np.sqrt(square.mean()))
        error = float(square.std() / np.sqrt(len(square)) / max(2 * rms, 1e-30))
        found.append(
            MeasuredRow(
                rms,
                error,
                float(np.sqrt(np.mean((weights[i] - row.values) ** 2))),
                mutual_information(row.meant, level),
                expected(writer, reader, row),
                kept.retention[i],
            )
        )
    numbers = (
        _agreement(rows, found) | kept.numbers | _counted(writer, checks, weights[len(rows) :])
    )
    return Measured(found, numbers, done.backend, done.threads, tuple(dict.fromkeys(warnings)))


def _read(reader: Reader, row: Row, w: Array, released: Array) -> tuple[Array, NDArray[np.int64]]:
    """The value read, and the level that it is taken for."""
    if row.scheme == "binary":
        fired = reader.bit(w, released)
        return fired.astype(float), fired.astype(np.int64)
    value = reader.number(w, released)
    level = np.clip(np.floor(value * row.levels + 0.5), 0, row.levels - 1)
    return value, level.astype(np.int64)


# --- counting -----------------------------------------------------------------------------


def count_checks(settings: Wanted, writer: Writer) -> list[Row]:
    """A count to the highest level at each rate, in steps so small that no bound is met.

    The first is at the rate at which all levels are done in a second.
    """
    levels = int(np.max(settings.levels))
    claimed = max(int(on_grid(1 / levels, writer.dt)), writer.lag + 1)
    periods = [claimed, *(settings.period(r) for r in np.sort(settings.budget_rates).tolist())]
    count = _count(writer)
    made = []
    for period in periods:
        reach = np.max(np.abs(count.moved(np.arange(levels), period * writer.dt)))
        made.append(
            Row(
                "check", levels, 0.0, 0.4 / max(float(reach), levels), period,
                np.zeros(1, dtype=np.int64), 0, np.array([levels - 1]), np.array([0.5]),
            )
        )  # fmt: skip
    return made


def _count(writer: Writer) -> Count:
    return Count(writer.lag * writer.dt, writer.tau_plus, writer.tau_minus)


def _counted(writer: Writer, checks: Sequence[Row], weights: Sequence[Array]) -> dict[str, Any]:
    """Levels that the counts moved, per pairing, beside the closed form."""
    numbers, worst = {}, 0.0
    for i, (row, w) in enumerate(zip(checks, weights, strict=True)):
        moved = float((w[0] - 0.5) / row.step)
        exact = float(_count(writer).moved(row.levels - 1, row.period * writer.dt))
        worst = max(worst, abs(moved - exact))
        name = "claimed" if i == 0 else str(i)
        numbers[f"count_{name}_rate_Hz"] = 1 / (row.period * writer.dt)
        numbers[f"count_{name}_levels_moved"] = moved
        numbers[f"count_{name}_levels_moved_exact"] = exact
    return numbers | {"count_largest_deviation_levels": worst}


# --- holding ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """Retention of each row, and the curves that are drawn."""

    retention: list[float]
    numbers: dict[str, Any]

    @classmethod
    def run(
        cls, settings: Wanted, program: Any, rows: Sequence[Row], weights: Sequence[Array],
        running: Running,
    ) -> Held:  # fmt: skip
        """Leave copies of each row to background activity for several times each, in one run."""
        writer, rng = settings.writer(), np.random.default_rng([running.seed, 16])
        plans = [_Plan.of(settings, writer, row, w) for row, w in zip(rows, weights, strict=False)]
        going = [i for i, plan in enumerate(plans) if len(plan.steps)]
        retention = [plan.at_once for plan in plans]
        if not going:
            return cls(retention, {})
        chosen = {
            i: np.concatenate([rng.permutation(len(rows[i].meant))[:_HELD] for _ in _AROUND])
            for i in going
        }
        each = {i: np.repeat(plans[i].steps, len(chosen[i]) // len(_AROUND)) for i in going}
        after = writer.hold(
            program,
            np.concatenate([weights[i][chosen[i]] for i in going]),
            np.concatenate([np.full(len(chosen[i]), rows[i].step) for i in going]),
            np.concatenate([np.full(len(chosen[i]), rows[i].scatter_cv) for i in going]),
            np.concatenate([each[i] for i in going]),
            (settings.background, settings.background),
            running,
        )
        parts = np.split(after, np.cumsum([len(chosen[i]) for i in going])[:-1])
        numbers: dict[str, Any] = {}
        drawn = _drawn([rows[i] for i in going])
        for i, w in zip(going, parts, strict=True):
            row, plan = rows[i], plans[i]
            wrong = plan.wrong(row, w, chosen[i]).reshape(len(_AROUND), -1)
            times = np.append(0.0, plan.steps * writer.dt)
            curve = np.append(plan.wrong(row, weights[i], slice(None)).mean(), wrong.mean(axis=1))
            retention[i] = crossing(times, curve, plan.limit)
            if row in drawn:
                numbers |= _curve(settings, writer, row, weights[i], times, wrong)
        return cls(retention, numbers)


@dataclass(frozen=True, eq=False)
class _Plan:
    """How a row is held: time steps to be looked at, none where its retention is known."""

    steps: NDArray[np.int64]
    limit: float
    at_once: float
    threshold: float

    @classmethod
    def of(cls, settings: Wanted, writer: Writer, row: Row, w: Array) -> _Plan:
        b = background(writer, row, settings.background)
        threshold, none = settings.read_threshold, np.empty(0, dtype=np.int64)
        limit = MISREAD if row.scheme == "binary" else (HALF_LEVEL / row.levels) ** 2
        plan = cls(none, limit, NAN, threshold)
        now = float(plan.wrong(row, w, slice(None)).mean())
        if now >= limit:
            return cls(none, limit, 0.0, threshold)
        if row.scheme == "binary":
            likely = bit_retention(b, threshold, w[row.meant == 0], w[row.meant == 1])
        else:
            likely = b.retention(HALF_LEVEL / row.levels, np.sqrt(now))
        if not np.isfinite(likely):
            return plan
        steps = np.maximum(np.rint(likely * _AROUND / writer.dt), np.arange(1, len(_AROUND) + 1))
        return cls(steps.astype(np.int64), limit, NAN, threshold)

    def wrong(self, row: Row, w: Array, which: Any) -> Array:
        """Squared error of each weight; of a bit, whether it is misread."""
        if row.scheme == "binary":
            return ((w >= self.threshold) != (row.meant[which] == 1)).astype(float)
        return np.asarray((w - row.values[which]) ** 2)


def _drawn(rows: Sequence[Row]) -> list[Row]:
    """The finest graded row and the binary one, of the least scatter."""
    finest = sorted((r for r in rows if r.scheme == "graded"), key=lambda r: -r.levels)
    bits = [r for r in rows if r.scheme == "binary"]
    return [min(some, key=lambda r: r.scatter_cv) for some in (finest, bits) if some]


def _curve(
    settings: Wanted, writer: Writer, row: Row, w: Array, times: Array, wrong: Array
) -> dict[str, Any]:
    """Measured and predicted errors over time, for the figure."""
    b = background(writer, row, settings.background)
    error = wrong.std(axis=1) / np.sqrt(wrong.shape[1])
    if row.scheme == "binary":
        name, unit = "hold_bit", "misread"
        found = wrong.mean(axis=1)
        bits = (w[row.meant == 0], w[row.meant == 1])
        exact = misread_bits(b, times[1:], settings.read_threshold, *bits)
        error = np.sqrt(exact * (1 - exact) / wrong.shape[1])
    else:
        name, unit = "hold_number", "rms_levels"
        off = w - row.values
        mean, variance = b.moments(times[1:])
        square = np.mean(off**2) + 2 * off.mean() * mean + mean**2 + variance
        found, exact = (np.sqrt(v) * row.levels for v in (wrong.mean(axis=1), square))
        error = error * row.levels / (2 * np.sqrt(np.maximum(wrong.mean(axis=1), 1e-300)))
    if writer.gain_cv > 0:  # steps that differ between synapses have no closed form here
        exact = np.full(len(found), NAN)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(found - exact) / error
    numbers: dict[str, Any] = {f"{name}_levels": row.levels, f"{name}_scatter_cv": row.scatter_cv}
    for i, t in enumerate(times[1:]):
        numbers[f"{name}_{i + 1}_s"] = float(t)
        numbers[f"{name}_{i + 1}_{unit}"] = float(found[i])
        numbers[f"{name}_{i + 1}_{unit}_exact"] = float(exact[i])
    worst = float(np.nanmax(z, initial=0.0)) if np.any(np.isfinite(z)) else NAN
    return numbers | {f"{name}_largest_deviation_in_standard_errors": worst}


def _agreement(rows: Sequence[Row], found: Sequence[MeasuredRow]) -> dict[str, Any]:
    """How far errors and bits are from their closed forms."""
    counted = [one for row, one in zip(rows, found, strict=True)
               if row.scatter_cv > 0 and np.isfinite(one.expected.rms_error)]  # fmt: skip
    told = [one for one in found if np.isfinite(one.expected.bits)]
    numbers: dict[str, Any] = {"n_written": sum(len(row.meant) for row in rows)}
    if counted:
        z = [abs(one.rms_error - one.expected.rms_error) / one.rms_se for one in counted]
        numbers["largest_deviation_of_rms_error_in_standard_errors"] = float(np.max(z))
        numbers["n_comparisons_of_rms_error"] = len(z)
    if told:
        off = [abs(one.information.bits - one.expected.bits) for one in told]
        numbers["largest_deviation_of_bits"] = float(np.max(off))
        numbers["n_comparisons_of_bits"] = len(off)
    numbers["largest_standard_error_of_bits"] = float(max(o.information.error for o in found))
    return numbers

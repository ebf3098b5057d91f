"""Running `protocols/weight_precision.py`: all numbers written in one run, read and left to
themselves in further runs of the same program, and what is measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synsim import engine
from synsim.predict.information import Information, mutual_information
from synsim.predict.precision import Count
from synsim.protocol import Running
from synsim.writing import held, reach, rows
from synsim.writing.expected import Expected, expected
from synsim.writing.reader import Reader
from synsim.writing.rows import Row
from synsim.writing.writer import Writer, Written

Array = NDArray[np.float64]
_LEAST_COPIES = 2**15  # so that small settings share one compiled program
_SCAN = 500  # weights at which the threshold of reading is looked for


class Wanted(rows.Written, reach.Timed, held.Disturbed, Protocol):
    """What `measure` takes from the settings."""

    def writer(self) -> Writer: ...
    def reader(self) -> Reader: ...


@dataclass(frozen=True)
class MeasuredRow:
    """What came of a row.

    write_time : s, from the first spike to the last, of the number that takes longest
    rms_error : of what is read, 0 to 1;  rms_se : its standard error
    stored : rms error of the weight itself
    """

    write_time: float
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


def measure(settings: Wanted, made: Sequence[Row], running: Running) -> Measured:
    """Write, read and hold all rows."""
    writing, reader = settings.writer(), settings.reader()
    checks = count_checks(settings, writing)
    sizes = [len(row.meant) for row in made]
    copies = sum(sizes) + max(len(checks), _SCAN)
    copies = max(copies, held.copies_held(len(made)), _LEAST_COPIES)
    program = writing.program(copies)
    done, run = writing.write(program, [*made, *checks], running)
    written, counted = done[: len(made)], done[len(made) :]
    weights = [one.w for one in written]
    readings, numbers = read(program, writing, reader, made, weights, running)
    kept = held.Held.run(settings, writing, program, made, weights, running)
    numbers |= {
        # One spike each for a pairing, unless the neuron was refractory or fired by itself
        "postsynaptic_spikes": int(sum(one.fired.sum() for one in written)),
        "postsynaptic_spikes_asked_for": int(
            sum((row.reset + np.abs(row.count)).sum() for row in made)
        ),
    }
    found = []
    for i, (row, one) in enumerate(zip(made, written, strict=True)):
        value, level = _levels(row, one.w, readings[i], reader)
        square = (value - row.values) ** 2
        rms = float(np.sqrt(square.mean()))
        found.append(
            MeasuredRow(
                write_time=float(np.max(one.last)) - writing.dt,  # the first spike is in step 1
                rms_error=rms,
                rms_se=float(square.std() / np.sqrt(len(square)) / max(2 * rms, 1e-30)),
                stored=float(np.sqrt(np.mean((one.w - row.values) ** 2))),
                information=mutual_information(row.meant, level),
                expected=expected(writing, reader, row),
                retention=kept.retention[i],
            )
        )
    numbers |= _agreement(made, found) | kept.numbers | _counted(writing, checks, counted)
    numbers |= reach.reach(settings, writing, running)
    return Measured(found, numbers, run.backend, run.threads, tuple(dict.fromkeys(run.warnings)))


# --- reading --------------------------------------------------------------------------------


def read(
    program: engine.Program,
    writing: Writer,
    reader: Reader,
    made: Sequence[Row],
    weights: Sequence[Array],
    running: Running,
) -> tuple[list[Written], dict[str, Any]]:
    """A burst at every weight, and how the neurons' answers compare with the linear membrane.

    Besides, the smallest weight that reads as 1 where q was chosen as if nothing leaked; and what
    one reading with plasticity on does to the weights.
    """
    sizes = [len(w) for w in weights]
    scan = np.linspace(0, 1, _SCAN)
    w = np.concatenate([*weights, scan])
    response = np.repeat([row.response for row in made], sizes)
    response = np.concatenate([response, np.full(_SCAN, reader.uncalibrated_q)])
    done = _burst(program, writing, reader, w, response, np.zeros(len(w)), running, 15)
    parts = _split(done, sizes)
    fired = np.concatenate([one.fired > 0 for one in parts])
    chance = np.concatenate(
        [reader.fires(x, row.response) for x, row in zip(weights, made, strict=True)]
    )
    numbers: dict[str, Any] = {}
    if reader.n is None:
        numbers["readings_unlike_a_linear_membrane"] = int(np.count_nonzero(fired != chance))
    else:
        spread = np.sqrt(np.sum(chance * (1 - chance)))
        numbers["readings_largest_deviation_in_standard_errors"] = float(
            abs(fired.sum() - chance.sum()) / max(spread, 1e-30)
        )
    reads = done.fired[sum(sizes) :] > 0
    numbers["reads_as_one_from_w_uncalibrated"] = (
        float(scan[reads].min()) if reads.any() else np.nan
    )
    return parts, numbers | _used(program, writing, reader, made, weights, running)


def _used(
    program: engine.Program, writing: Writer, reader: Reader, made: Sequence[Row],
    weights: Sequence[Array], running: Running,
) -> dict[str, Any]:  # fmt: skip
    """What one reading does where plasticity goes on, to the finest number and to the bits."""
    sizes = [len(w) for w in weights]
    done = _burst(
        program, writing, reader, np.concatenate(weights),
        np.repeat([row.response for row in made], sizes),
        np.repeat([row.step for row in made], sizes), running, 17,
    )  # fmt: skip
    least = min(row.scatter_cv for row in made)
    finest = max(row.levels for row in made if row.scheme == "graded")
    numbers = {}
    for row, before, after in zip(made, weights, _split(done, sizes), strict=True):
        change = after.w - before
        if row.scatter_cv != least:
            continue
        if row.scheme == "graded" and row.levels == finest:
            numbers["reading_moves_a_number_levels"] = float(np.sqrt(np.mean(change**2)) / row.step)
        if row.scheme == "binary":
            for bit, name in enumerate(("zero", "one")):
                numbers[f"reading_moves_a_{name}"] = float(change[row.meant == bit].mean())
    return numbers


def _burst(
    program: engine.Program, writing: Writer, reader: Reader, w: Array, response: Array,
    step: Array, running: Running, stream: int,
) -> Written:  # fmt: skip
    at = np.broadcast_to(np.arange(reader.spikes) * reader.interval, (len(w), reader.spikes))
    copies = np.broadcast_to(np.arange(len(w))[:, None], at.shape)
    return writing.run(
        program,
        (engine.Spikes.of(at, copies), engine.Spikes.of([], [])),
        int(reader.spikes * reader.interval) + 2,
        w=w, step=step, scatter_cv=np.zeros(len(w)), response=response, running=running,
        stream=stream,
    )[0]  # fmt: skip


def _split(done: Written, sizes: Sequence[int]) -> list[Written]:
    cuts = np.cumsum(sizes)
    columns = {name: np.split(value, cuts) for name, value in vars(done).items()}
    return [Written(**{k: v[i] for k, v in columns.items()}) for i in range(len(sizes))]


def _levels(
    row: Row, w: Array, reading: Written, reader: Reader
) -> tuple[Array, NDArray[np.int64]]:
    """The value read, and the level that it is taken for."""
    if row.scheme == "binary":
        fired = reading.fired > 0
        return fired.astype(float), fired.astype(np.int64)
    value = w * reading.quanta / reader.mean_quanta
    level = np.clip(np.floor(value * row.levels + 0.5), 0, row.levels - 1)
    return value, level.astype(np.int64)


# --- counting -----------------------------------------------------------------------------


def count_checks(settings: Wanted, writing: Writer) -> list[Row]:
    """A count to the highest level at each rate, in steps so small that no bound is met.

    The first is at the rate at which all levels are done in a second.
    """
    levels = int(np.max(settings.levels))
    rates = np.sort(settings.budget_rates).tolist()
    periods = [reach.claimed_period(settings, writing), *(settings.period(r) for r in rates)]
    count = _count(writing)
    made = []
    for period in periods:
        far = np.max(np.abs(count.moved(np.arange(levels), period * writing.dt)))
        made.append(
            Row(
                "check", levels, 0.0, 0.4 / max(float(far), levels), period,
                np.zeros(1, dtype=np.int64), 0, np.array([levels - 1]), np.array([0.5]),
            )
        )  # fmt: skip
    return made


def _count(writing: Writer) -> Count:
    return Count(writing.lag * writing.dt, writing.tau_plus, writing.tau_minus)


def _counted(writing: Writer, checks: Sequence[Row], done: Sequence[Written]) -> dict[str, Any]:
    """Levels that the counts moved, per pairing, beside the closed form."""
    numbers, worst = {}, 0.0
    for i, (row, one) in enumerate(zip(checks, done, strict=True)):
        moved = float((one.w[0] - 0.5) / row.step)
        exact = float(_count(writing).moved(row.levels - 1, row.period * writing.dt))
        worst = max(worst, abs(moved - exact))
        name = "claimed" if i == 0 else str(i)
        numbers[f"count_{name}_rate_Hz"] = 1 / (row.period * writing.dt)
        numbers[f"count_{name}_levels_moved"] = moved
        numbers[f"count_{name}_levels_moved_exact"] = exact
    return numbers | {"count_largest_deviation_levels": worst}


def _agreement(made: Sequence[Row], found: Sequence[MeasuredRow]) -> dict[str, Any]:
    """How far errors and bits are from their closed forms."""
    known = [(row, one) for row, one in zip(made, found, strict=True)
             if row.scatter_cv > 0 and np.isfinite(one.expected.rms_error)]  # fmt: skip
    counted = [one for row, one in known if row.scheme != "binary"]
    bits = [_misread_deviation(row, one) for row, one in known if row.scheme == "binary"]
    told = [one for one in found if np.isfinite(one.expected.bits)]
    numbers: dict[str, Any] = {"n_written": sum(len(row.meant) for row in made)}
    if counted:
        z = [abs(one.rms_error - one.expected.rms_error) / one.rms_se for one in counted]
        numbers["largest_deviation_of_rms_error_in_standard_errors"] = float(np.max(z))
        numbers["n_comparisons_of_rms_error"] = len(z)
    if bits:
        numbers["largest_deviation_of_bits_misread_in_standard_errors"] = float(np.max(bits))
    if told:
        off = [abs(one.information.bits - one.expected.bits) for one in told]
        numbers["largest_deviation_of_bits"] = float(np.max(off))
        numbers["n_comparisons_of_bits"] = len(off)
    numbers["largest_standard_error_of_bits"] = float(max(o.information.error for o in found))
    return numbers


def _misread_deviation(row: Row, one: MeasuredRow) -> float:
    """How far the part of the bits misread at once is from the closed form, in standard errors.

    Where next to none is expected, as if half a bit of them were.
    """
    count = len(row.meant)
    expected_part = max(one.expected.rms_error**2, 0.5 / count)
    spread = np.sqrt(expected_part * (1 - expected_part) / count)
    return float(abs(one.rms_error**2 - one.expected.rms_error**2) / spread)

"""Numbers and bits left to background activity: how wrong they become, and how long they stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synsim import engine
from synsim.protocol import Running
from synsim.writing.expected import (
    HALF_LEVEL,
    MISREAD,
    NAN,
    background,
    bit_retention,
    crossing,
    misread_bits,
)
from synsim.writing.rows import Row
from synsim.writing.writer import Writer

Array = NDArray[np.float64]
_AROUND = np.array(
    [0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 1.9, 2.4, 3.2]
)  # of what is expected
_HELD = 200  # copies at each time
_LONGEST = 2000.0  # s simulated at most, at 1 Hz on each side; shorter at higher rates


class Disturbed(Protocol):
    """What this takes from the settings."""

    @property
    def background(self) -> float: ...
    @property
    def read_threshold(self) -> float: ...


def copies_held(rows: int) -> int:
    """How many copies a run of so many rows may need."""
    return rows * len(_AROUND) * _HELD


@dataclass(frozen=True)
class Held:
    """Retention of each row, and the curves that are drawn."""

    retention: list[float]
    numbers: dict[str, Any]

    @classmethod
    def run(
        cls, settings: Disturbed, writer: Writer, program: engine.Program, rows: Sequence[Row],
        weights: Sequence[Array], running: Running,
    ) -> Held:  # fmt: skip
        """Leave copies of each row to background activity for several times each, in one run."""
        rng = np.random.default_rng([running.seed, 16])
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

        def of_rows(name: str) -> Array:
            return np.concatenate([np.full(len(chosen[i]), getattr(rows[i], name)) for i in going])

        after = writer.hold(
            program,
            np.concatenate([each[i] for i in going]),
            (settings.background, settings.background),
            w=np.concatenate([weights[i][chosen[i]] for i in going]),
            step=of_rows("step"),
            scatter_cv=of_rows("scatter_cv"),
            response=of_rows("response"),
            running=running,
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
                if row.scheme == "binary":
                    numbers |= _by_bit(row, wrong, chosen[i])
        return cls(retention, numbers)


@dataclass(frozen=True, eq=False)
class _Plan:
    """How a row is held: time steps to be looked at, none where its retention is known."""

    steps: NDArray[np.int64]
    limit: float
    at_once: float
    threshold: float

    @classmethod
    def of(cls, settings: Disturbed, writer: Writer, row: Row, w: Array) -> _Plan:
        b = background(writer, row, settings.background)
        threshold, none = settings.read_threshold, np.empty(0, dtype=np.int64)
        limit = MISREAD if row.scheme == "binary" else (HALF_LEVEL / row.levels) ** 2
        plan = cls(none, limit, NAN, threshold)
        now = float(plan.wrong(row, w, slice(None)).mean())
        if now >= limit:
            return cls(none, limit, 0.0, threshold)
        if settings.background == 0:
            return plan
        if row.scheme == "binary":
            likely = bit_retention(b, threshold, w[row.meant == 0], w[row.meant == 1])
        else:
            likely = b.retention(HALF_LEVEL / row.levels, np.sqrt(now))
        # What is kept for longer than is simulated is looked at for as long as that
        likely = min(likely, _LONGEST / max(settings.background, 1.0) / _AROUND[-1])
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


def _by_bit(row: Row, wrong: Array, chosen: NDArray[np.int64]) -> dict[str, Any]:
    """Zeros and ones that are misread at the last time looked at."""
    bits = row.meant[chosen].reshape(wrong.shape)[-1]
    return {
        "hold_zeros_misread_at_last": float(wrong[-1][bits == 0].mean()),
        "hold_ones_misread_at_last": float(wrong[-1][bits == 1].mean()),
    }


def _curve(
    settings: Disturbed, writer: Writer, row: Row, w: Array, times: Array, wrong: Array
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
    # Without a closed form here: steps that differ between synapses; a noisy synapse, or a number
    # of that size, that fires its neuron now and then
    random = row.scheme == "binary" and writer.n is not None
    if writer.gain_cv > 0 or random or (row.scheme != "binary" and b.own <= 1):
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

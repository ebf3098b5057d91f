"""The claims of "The importance of precise synapse weights", each with a number and a verdict.

For the summary of `protocols/weight_precision.py`: claim_1 is what is said, claim_1_measured the
number, claim_1_unit what that is, claim_1_holds whether the claim holds (none where these
settings do not tell), and claim_1_when under which conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from synsim.predict.precision import Count, levels_within
from synsim.writing.expected import burst
from synsim.writing.reader import Reader
from synsim.writing.rows import Row
from synsim.writing.run import Measured, MeasuredRow, Wanted
from synsim.writing.writer import Writer

Pairs = list[tuple[Row, MeasuredRow]]
_MUCH_LONGER = 10  # what keeps that much longer than a number would be called immune


def wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share of `count` (Wilson 1927, J Am Stat Assoc 22:209)."""
    z2 = 1.96**2 / count
    middle = (share + z2 / 2) / (1 + z2)
    half = np.sqrt(share * (1 - share) * z2 + z2**2 / 4) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


class Asked(Wanted, Protocol):
    """What the claims take from the settings."""

    def copies(self, levels: int) -> int: ...

    @property
    def read_rate(self) -> float: ...


def claims(settings: Asked, rows: Sequence[Row], measured: Measured) -> dict[str, Any]:
    """All claims, flat: words, numbers and verdicts by name."""
    pairs = list(zip(rows, measured.rows, strict=True))
    writer, reader = settings.writer(), settings.reader()
    found = [
        _a_second(settings, writer, measured),
        _scatter_limits(pairs, writer),
        _start_unknown(pairs),
        _use_disturbs(settings, pairs),
        _reads_as_one(settings, reader, measured),
        _one_burst(settings, writer, reader, pairs),
        _immune(settings, writer, pairs, measured),
    ]
    named: dict[str, Any] = {}
    for i, (claim, unit, value, holds, when) in enumerate(found, start=1):
        named |= {
            f"claim_{i}": claim,
            f"claim_{i}_measured": value,
            f"claim_{i}_unit": unit,
            f"claim_{i}_holds": None if holds is None else bool(holds),
            f"claim_{i}_when": when,
        }
    return named


Verdict = tuple[str, str, float, bool | None, str]


def _a_second(settings: Asked, writer: Writer, measured: Measured) -> Verdict:
    levels = int(np.max(settings.levels))
    moved = measured.numbers["count_claimed_levels_moved"]
    count = Count(writer.lag * writer.dt, writer.tau_plus, writer.tau_minus)
    rate = count.highest_rate(levels - 1)
    if np.isfinite(rate):
        when = (
            f"a count of {levels - 1} is right to one level up to {rate:.3g} Hz, where it takes "
            f"{(levels - 1) / rate:.3g} s; faster pairings overlap"
        )
    else:
        when = "pairings do not overlap enough at any rate to be one level out"
    fastest = measured.numbers.get("reach_fastest_s", float("nan"))
    if np.isfinite(fastest):
        when += (
            f"; one that goes on until the weight is there took {fastest:.3g} s at the least, at "
            f"{measured.numbers['reach_fastest_pairings_per_s']:.3g} Hz of the rates tried"
        )
    else:
        when += "; at none of the rates tried did the weight get there"
    return (
        f"{levels} levels, each pairing worth one of them, are set in a full second",
        f"levels by which {levels - 1} pairings at {measured.numbers['count_claimed_rate_Hz']:.4g} "
        "Hz miss the highest",
        moved - (levels - 1),
        abs(moved - (levels - 1)) <= 1,
        when,
    )


def _scatter_limits(pairs: Pairs, writer: Writer) -> Verdict:
    """By the slope of log error against log levels: -1/2 for a walk, 0 for a limit."""
    most = max(row.scatter_cv for row, _ in pairs)
    graded = sorted(
        (p for p in pairs if p[0].scheme == "graded" and p[0].scatter_cv == most),
        key=lambda p: p[0].levels,
    )[-2:]
    slope, scattered = float("nan"), most > 0 or writer.gain_cv > 0
    if len(graded) == 2 and scattered:
        errors, levels = [p[1].stored for p in graded], [p[0].levels for p in graded]
        slope = float(np.log(errors[1] / errors[0]) / np.log(levels[1] / levels[0]))
    within = levels_within(0.5, most, writer.gain_cv)
    right = f"{within:.3g} levels are right to half a level" if scattered else "none was asked for"
    return (
        "scatter of plasticity limits the precision that any number of pairings reaches",
        "slope of log error (part of the range) against log levels, of the two finest, at a "
        f"scatter of {most:g} between pairings and {writer.gain_cv:g} between synapses",
        slope,
        slope > -0.25 if np.isfinite(slope) else None,
        f"where the scatter is a synapse's own (gain_cv: slope 0); of one from pairing to pairing "
        f"only in levels ({right}), of the range the error falls as the root of the number "
        "(slope -1/2)",
    )


def _start_unknown(pairs: Pairs) -> Verdict:
    least = min(row.scatter_cv for row, _ in pairs)
    finest = max(row.levels for row, _ in pairs if row.scheme == "graded")
    bits = {
        row.scheme: one.information.bits
        for row, one in pairs
        if row.levels == finest and row.scatter_cv == least
    }
    blind = bits["graded-unknown-start"]
    return (
        "the start is unknown, so only counting from a bound works",
        f"bits of {finest} levels without a reset (with it {bits['graded']:.3g})",
        blind,
        blind < 0.5 * bits["graded"],
        "the reset takes as many pairings again; without scatter or overlap it costs nothing else",
    )


def _use_disturbs(settings: Asked, pairs: Pairs) -> Verdict:
    graded = [one.retention for row, one in pairs if row.scheme == "graded"]
    kept = [retention for retention in graded if retention > 0]
    value = float(max(kept)) if kept else float("nan")
    # NaN: looked at to the end, and still less than half a level out
    untouched = settings.background > 0 and not kept and bool(np.any(np.isnan(graded)))
    return (
        "every use of the network disturbs the value",
        "s until a number is half a level out (the longest of all graded rows that begin better)",
        value,
        False if untouched else True if np.isfinite(value) else None,
        f"at {settings.background:g} Hz on both sides; in levels neither drift nor diffusion "
        "depends on their number, and both go as the product of the rates",
    )


def _reads_as_one(settings: Asked, reader: Reader, measured: Measured) -> Verdict:
    leaky = float(measured.numbers["reads_as_one_from_w_uncalibrated"])
    return (
        f"a weight above {settings.read_threshold:g} reads as 1: a burst of {settings.burst} "
        "reaches threshold",
        "least weight that makes the neuron fire, which leaks, with q chosen as if it did not",
        leaky,
        leaky <= 1.1 * settings.read_threshold,
        f"at {settings.read_rate:g} Hz and tau_m = {reader.neuron.tau_m * 1e3:.3g} ms (closed "
        f"form: {reader.uncalibrated_threshold:.3g}); q was made larger here, so that it holds",
    )


def _one_burst(settings: Asked, writer: Writer, reader: Reader, pairs: Pairs) -> Verdict:
    """Decided by the closed form, where there is one: one in a hundred is the line."""
    levels = int(np.max(settings.levels))
    row, one = max(
        (p for p in pairs if p[0].scheme == "binary"),
        key=lambda p: (p[1].rms_error, p[0].scatter_cv),
    )
    misread = float(one.rms_error**2)
    low, high = wilson(misread, len(row.meant))
    exact = np.mean(burst(writer, row).misread(reader.threshold)) if reader.n is None else np.nan
    known, most = "", ""
    if np.isfinite(exact):
        known = f"; closed form {exact:.3g}"
        most = f"to one in a hundred up to a scatter of {_most_scatter(writer, reader, row):.2g}; "
    decided: bool | None = bool(exact <= 0.01) if np.isfinite(exact) else misread <= 0.01
    if not np.isfinite(exact) and low <= 0.01 < high:
        decided = None  # the interval holds the line
    return (
        f"one burst of {settings.burst} sets a binary weight, whatever it was",
        "part of the bits misread at once "
        f"(the largest over scatter; 95 %: {low:.2g} to {high:.2g}{known})",
        misread,
        decided,
        f"{most}with steps of {settings.binary_step:g}: with those of a graded weight of {levels} "
        f"levels it would move by {settings.burst / levels:.2g}",
    )


def _most_scatter(writer: Writer, reader: Reader, row: Row) -> float:
    """The scatter from pairing to pairing up to which one bit in a hundred is misread."""
    low, high = 0.0, 2.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        made = replace(burst(writer, row), scatter_cv=middle)
        low, high = (
            (middle, high) if np.mean(made.misread(reader.threshold)) <= 0.01 else (low, middle)
        )
    return low


def _misread_after(measured: Measured, after: float) -> tuple[float, float]:
    """The first time looked at from `after` on, or the last of all, and the bits misread then."""
    found = measured.numbers
    times = [found[f"hold_bit_{i}_s"] for i in range(1, 13) if f"hold_bit_{i}_s" in found]
    if not times:
        return float("nan"), float("nan")
    at = next((i for i, t in enumerate(times, start=1) if t >= after), len(times))
    return float(times[at - 1]), float(found[f"hold_bit_{at}_misread"])


def _immune(settings: Asked, writer: Writer, pairs: Pairs, measured: Measured) -> Verdict:
    kept = [one.retention for row, one in pairs if row.scheme == "binary"]
    known = [k for k in kept if np.isfinite(k)]
    alone = writer.fires_alone(next(row.response for row, _ in pairs if row.scheme == "binary"))
    at_last = {
        bit: measured.numbers.get(f"hold_{bit}_misread_at_last", float("nan"))
        for bit in ("zeros", "ones")
    }
    seconds = measured.numbers.get("hold_bit_12_s", float("nan"))
    numbers = [one.retention for row, one in pairs if row.scheme == "graded"]
    after = _MUCH_LONGER * max((s for s in numbers if np.isfinite(s)), default=np.inf)
    looked, lost = _misread_after(measured, after)
    return (
        "a binary weight is immune to random change",
        f"part of the bits misread after {looked:.3g} s (the least scatter), {_MUCH_LONGER} times "
        "as long as the number that is kept longest, or the last time looked at",
        lost,
        bool(lost <= 0.01) if settings.background > 0 and np.isfinite(lost) else None,
        f"at {settings.background:g} Hz on both sides, {seconds:.3g} s: {at_last['zeros']:.2g} of "
        f"the zeros and {at_last['ones']:.2g} of the ones; 31.7 % of all after "
        + (f"{min(known):.3g} s" if known else "longer than was looked at")
        + f". From w = {alone:.3g} on, a presynaptic spike fires the neuron by itself and "
        "strengthens the synapse: ones keep themselves, and zeros that get there are lost",
    )

"""What the closed forms say of a row of `protocols/weight_precision.py`: error, bits, retention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.predict.burst import Burst
from synsim.predict.disturbance import Background
from synsim.predict.information import channel_information
from synsim.predict.precision import (
    Count,
    clipped_square,
    unknown_start_channel,
    write_channel,
    write_moments,
)
from synsim.writing.reader import Reader
from synsim.writing.rows import Row
from synsim.writing.writer import Writer

Array = NDArray[np.float64]

HALF_LEVEL = 0.5
MISREAD = 0.31731050786291415
"""P(|z| > 1) of a normal variable: what misses by half a level, rms, is misread so often."""
_MOST_JUMPS = 300_000
NAN = float("nan")


@dataclass(frozen=True)
class Expected:
    """Of one row; NaN where there is no closed form.

    rms_error : of the number as it is read, in units of the range; of a bit, the root of the
        part misread
    bits : information
    """

    rms_error: float = NAN
    bits: float = NAN


def expected(writer: Writer, reader: Reader, row: Row) -> Expected:
    """The closed form of a row whose pairings are far enough apart to count.

    That is where no count of the row is more than one level out, and no spike of the synapse
    fires the neuron by itself. A bit has one wherever it is read without noise.
    """
    if row.scheme == "binary":
        return _expected_bit(writer, reader, row)
    if writer.fires_alone(row.response) <= (1 if writer.n is None else 1 / writer.mean_quanta):
        return Expected()
    count = Count(writer.lag * writer.dt, writer.tau_plus, writer.tau_minus)
    period = row.period * writer.dt
    k = np.arange(row.levels)
    if period <= count.lag:
        return Expected()
    moved = count.moved(k, period)
    n, p = (1, 1.0) if reader.n is None else (reader.n, reader.p)
    if row.scheme == "graded-unknown-start":
        noisy = writer.gain_cv > 0 or reader.n is not None
        if noisy or np.max(np.abs(moved - k)) > 1:
            return Expected()
        return Expected(bits=channel_information(unknown_start_channel(row.levels, row.scatter_cv)))
    if np.max(np.abs(moved - k)) > 1:
        return Expected()
    error = graded_error(writer, reader, row.levels, row.scatter_cv, period)
    channel = write_channel(
        row.levels, row.scatter_cv, writer.gain_cv, n=n, p=p, reads=reader.spikes
    )
    return Expected(error / row.levels, channel_information(channel))


def _expected_bit(writer: Writer, reader: Reader, row: Row) -> Expected:
    if reader.n is not None:
        return Expected()
    wrong = burst(writer, row).misread(reader.threshold)
    channel = np.array([[1 - wrong[0], wrong[0]], [wrong[1], 1 - wrong[1]]])
    return Expected(float(np.sqrt(np.mean(wrong))), channel_information(channel))


def burst(writer: Writer, row: Row) -> Burst:
    """The burst that writes a bit of a row, from a weight that is anywhere."""
    return Burst(
        row.pairings, row.step, row.period * writer.dt, writer.lag * writer.dt, writer.tau_plus,
        writer.tau_minus, row.scatter_cv, writer.gain_cv,
    )  # fmt: skip


def graded_error(
    writer: Writer, reader: Reader, levels: int, scatter_cv: float, period: float
) -> float:
    """RMS error, in levels, of numbers counted from the bound every `period` (s), as read."""
    k = np.arange(levels)
    moved = Count(writer.lag * writer.dt, writer.tau_plus, writer.tau_minus).moved(k, period)
    variance = write_moments(k, scatter_cv, writer.gain_cv)[1]
    square = np.mean(clipped_square(k, moved, variance, levels))
    if reader.n is not None:
        power = np.mean(clipped_square(0, moved, variance, levels))
        square += power * (1 - reader.p) / (reader.spikes * reader.n * reader.p)
    return float(np.sqrt(square))


def background(writer: Writer, row: Row, rate: float) -> Background:
    """The background activity that a row's copies are left to, in units of the range.

    The neuron does not fire while it is refractory, which is taken by its mean.
    """
    plus, minus = writer.amplitudes(row.step)
    fired = rate / (1 + rate * writer.dead_time)
    return Background(
        float(plus), float(minus), writer.tau_plus, writer.tau_minus, rate, fired, writer.dt,
        row.scatter_cv, writer.fires_alone(row.response), float(writer.neuron.tau_m),
    )  # fmt: skip


def misread_bits(
    b: Background, time: ArrayLike, threshold: float, zeros: Array, ones: Array
) -> Array:
    """Part of the bits that are misread after `time`, as many zeros as ones, from those weights."""
    wrong = [b.misread(time, threshold, w, bit) for bit, w in enumerate((zeros, ones))]
    return np.asarray((wrong[0] + wrong[1]) / 2)


def bit_retention(b: Background, threshold: float, zeros: Array, ones: Array) -> float:
    """Time (s) until the part `MISREAD` of the bits is misread; infinite if that takes too many
    pairs to be worth following."""
    if b.pairs == 0:
        return float("inf")
    latest = 20 / b.pairs
    while misread_bits(b, latest, threshold, zeros, ones)[0] < MISREAD:
        latest *= 4
        if latest * b.pairs > _MOST_JUMPS:
            return float("inf")
    times = np.concatenate([[0.0], np.geomspace(latest / 1000, latest, 200)])
    return crossing(times, misread_bits(b, times, threshold, zeros, ones), MISREAD)


def crossing(times: Array, values: Array, level: float) -> float:
    """When the values reach the level, straight lines between them; NaN where they do not.

    Times increase. The values are taken as a rising curve with noise, whose least-squares rising
    fit is used: the first of several noisy values above the level would come too early.
    """
    from scipy.optimize import isotonic_regression

    values = np.asarray(isotonic_regression(values).x)
    reached = np.flatnonzero(values >= level)
    if not reached.size:
        return NAN
    i = int(reached[0])
    if i == 0:
        return float(times[0])
    part = (level - values[i - 1]) / (values[i] - values[i - 1])
    return float(times[i - 1] + part * (times[i] - times[i - 1]))

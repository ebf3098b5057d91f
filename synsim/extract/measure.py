"""Measuring responses in sweeps: baseline, overlap, peak, noise. Plain numpy, times in samples.

    y_i(l) = y[s_i + l] - B_i(l)                    response to pulse i, at lag l after its stimulus
    B_i(l) = b + (m_i - b) e^(-l/tau) / c           what would be there without pulse i
    a_i    = mean of y_i over L - w .. L + w        amplitude, L the lag of the average's peak

m_i is the mean over the baseline window before stimulus i; b is that before the first stimulus of
the sweep, or the last one before i that came `FORGOTTEN` time constants after its predecessor (so
that slow drift is not taken for a remnant); and c is the mean of e^(-l/tau) over the (negative)
lags of the window: so that an earlier response that decays with tau is taken away exactly, wherever
in its decay pulse i comes. Without correction B_i = m_i.

With L and tau fixed a_i is linear in the samples: noise that is zero on average leaves it so, and
the amplitudes of failures scatter evenly around 0. The extremum of each response by itself (`own`)
is not: the largest of many noisy samples is above 0 even when nothing was released. L is taken from
the average of all responses, whose noise is small. The noise of the measurement is that of the same
combination of samples where nothing was stimulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int_]

FORGOTTEN = 8.0
"""Time constants after which nothing is left of a response: e^-8 = 0.0003."""


@dataclass(frozen=True)
class Windows:
    """Lags in samples: baseline and search are [first, last), a peak is L - half .. L + half."""

    baseline: tuple[int, int]
    search: tuple[int, int]
    half: int

    @property
    def first(self) -> int:
        """The first lag that is needed."""
        return self.baseline[0]

    @property
    def last(self) -> int:
        """The lag after the last that is needed."""
        return self.search[1] + self.half


def baselines(trace: Array, stimuli: Indices, windows: Windows) -> Array:
    """Mean of the baseline window before every stimulus, shape (pulses,)."""
    low, high = windows.baseline
    return np.array([trace[s + low : s + high].mean() for s in stimuli])


def remnant(windows: Windows, lags: ArrayLike, tau: float) -> Array:
    """e^(-l/tau) / c: how much of a decay seen in the baseline window is left at each lag.

    Parameters
    ----------
    lags : samples after the stimulus, any shape
    tau : samples; infinite: a remnant that stays
    """
    window = np.arange(*windows.baseline)
    return np.asarray(np.exp(-np.asarray(lags) / tau) / np.exp(-window / tau).mean())


def rested(stimuli: Indices, tau: float | None) -> Indices:
    """For every stimulus, the last one up to it that nothing was left before, shape (pulses,).

    `tau` is the decay in samples; where it is None only the first stimulus counts.
    """
    number = np.arange(stimuli.size)
    if tau is None:
        return np.zeros_like(number)
    long = np.concatenate([[True], np.diff(stimuli) > FORGOTTEN * tau])
    return np.maximum.accumulate(np.where(long, number, 0))


def responses(
    trace: Array, stimuli: Indices, windows: Windows, tau: float | None, lags: Indices
) -> Array:
    """Responses to every stimulus with what is below them taken away, shape (pulses, lags).

    `tau` is the decay in samples; None leaves overlap as it is.
    """
    local = baselines(trace, stimuli, windows)
    found = trace[stimuli[:, None] + lags] - local[:, None]
    if tau is None:
        return np.asarray(found)
    left = remnant(windows, lags, tau)
    return np.asarray(found + np.outer(local - local[rested(stimuli, tau)], 1.0 - left))


def smooth(rows: Array, half: int) -> Array:
    """Running means over 2 half + 1 samples, shape (rows, columns - 2 half)."""
    width = 2 * half + 1
    total = np.cumsum(np.pad(rows, ((0, 0), (1, 0))), axis=1)
    return np.asarray((total[:, width:] - total[:, :-width]) / width)


def search_lags(windows: Windows) -> Indices:
    """The lags whose running means lie in the search window."""
    return np.arange(windows.search[0] - windows.half, windows.search[1] + windows.half)


def at_latency(
    trace: Array, stimuli: Indices, windows: Windows, tau: float | None, latency: int
) -> Array:
    """Amplitudes at one lag after every stimulus, shape (pulses,)."""
    lags = np.arange(latency - windows.half, latency + windows.half + 1)
    return np.asarray(responses(trace, stimuli, windows, tau, lags).mean(axis=1))


def own_peaks(
    trace: Array, stimuli: Indices, windows: Windows, tau: float | None, sign: int
) -> tuple[Array, Indices]:
    """The extremum of every response in the search window, and its lag, shape (pulses,) each."""
    rows = smooth(responses(trace, stimuli, windows, tau, search_lags(windows)), windows.half)
    at = np.argmax(sign * rows, axis=1)
    return rows[np.arange(len(rows)), at], at + windows.search[0]


def empty_places(clear: int, first_stimulus: int, windows: Windows, reach: int) -> Indices:
    """Where a response that is not there can be measured, between `clear` and the first stimulus.

    Stimuli that were not given, in samples, from the last to the first; their windows do not
    overlap. `reach` is the lag after the last that a measurement needs.
    """
    step = reach - windows.first
    count = max((first_stimulus - clear) // step, 0)
    return np.asarray(first_stimulus - reach - step * np.arange(count), dtype=int)


def average(rows: Sequence[Array]) -> tuple[Array, Array]:
    """Mean and standard error over all responses of all sweeps, shape (lags,) each."""
    stacked = np.concatenate(rows)
    mean = stacked.mean(axis=0)
    if len(stacked) < 2:
        return mean, np.full(mean.shape, np.nan)
    return mean, stacked.std(axis=0, ddof=1) / np.sqrt(len(stacked))

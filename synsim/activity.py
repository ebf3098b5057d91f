"""Rates, intervals and synchrony of a network, from spikes that come in pieces.

Nothing here grows with the length of a recording: counts, sums of intervals and of their squares
for each neuron, and the spikes of the last moment.

Conventions: CV of a neuron is the standard deviation of its intervals over their mean (divisor the
number of intervals), of neurons with at least `LEAST_INTERVALS`. Synchrony of a population is
the variance over the mean of its spikes in bins of equal length: 1 for independent Poisson spikes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LEAST_INTERVALS = 5


@dataclass
class Activity:
    """Told the spikes of a run, in the order of time, it keeps their statistics.

    neurons : number of all; the first `excitatory` are
    steps, bin_steps : length of the run and of a bin of the synchrony, in time steps
    raster_from : step from which on spikes are kept
    """

    neurons: int
    excitatory: int
    steps: int
    bin_steps: int
    raster_from: int
    count: NDArray[np.int64] = field(init=False)
    raster: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = field(init=False)

    def __post_init__(self) -> None:
        self.count = np.zeros(self.neurons, dtype=np.int64)
        self._last = np.full(self.neurons, -1, dtype=np.int64)
        self._intervals = np.zeros(self.neurons, dtype=np.int64)
        self._sum, self._squares = np.zeros((2, self.neurons))
        self._populations = [_Bins(self.steps // self.bin_steps) for _ in range(2)]
        self.raster = []

    def __call__(self, steps: NDArray[np.int32], neurons: NDArray[np.int32]) -> None:
        """The next spikes, shape (m,) each."""
        order = np.argsort(neurons, kind="stable")
        who, when = neurons[order], steps[order].astype(np.int64)
        change = who[1:] != who[:-1]
        first, last = np.append(True, change), np.append(change, True)
        before = np.empty_like(when)
        before[1:] = when[:-1]
        before[first] = self._last[who[first]]
        known = before >= 0
        interval = (when - before)[known].astype(float)
        for total, weights in (
            (self._intervals, None), (self._sum, interval), (self._squares, interval**2),
        ):  # fmt: skip
            total += np.bincount(who[known], weights, minlength=self.neurons).astype(total.dtype)
        self._last[who[last]] = when[last]
        self.count += np.bincount(who, minlength=self.neurons)
        excited = neurons < self.excitatory
        for population, mine in zip(self._populations, (excited, ~excited), strict=True):
            population.add(steps[mine] // self.bin_steps)
        late = steps >= self.raster_from
        if late.any():
            self.raster.append((steps[late].copy(), neurons[late].copy()))

    def cv(self) -> Array:
        """Of each neuron; NaN where it has too few intervals."""
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = self._sum / self._intervals
            found = np.sqrt(np.maximum(self._squares / self._intervals - mean**2, 0)) / mean
        return np.where(self._intervals >= LEAST_INTERVALS, found, np.nan)

    def synchrony(self) -> tuple[float, float]:
        """Of excitatory and of inhibitory neurons."""
        excitatory, inhibitory = (population.fano() for population in self._populations)
        return excitatory, inhibitory

    def spikes(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Steps and neurons of the spikes that were kept."""
        if not self.raster:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        steps, neurons = (np.concatenate(part) for part in zip(*self.raster, strict=True))
        return steps, neurons


class _Bins:
    """Sum of squares of counts in bins that come in order; the last bin is still open."""

    def __init__(self, bins: int) -> None:
        self._bins, self._total, self._squares = bins, 0.0, 0.0
        self._open, self._in_open = 0, 0

    def add(self, bins: NDArray[Any]) -> None:
        bins = bins[bins < self._bins]
        if not bins.size:
            return
        counts = np.bincount(bins - self._open)
        counts[0] += self._in_open
        self._total += bins.size
        self._squares += float(np.sum(counts[:-1].astype(float) ** 2))
        self._open += len(counts) - 1
        self._in_open = int(counts[-1])

    def fano(self) -> float:
        if self._total == 0 or self._bins < 2:
            return float("nan")
        squares = self._squares + float(self._in_open) ** 2
        return (
            (squares - self._total**2 / self._bins) / (self._bins - 1) / (self._total / self._bins)
        )

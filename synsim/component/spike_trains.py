"""Spike trains as plain arrays: what is a train, and how it goes on a time grid.

Times are SI floats (seconds). Needs neither Brian2 nor scipy: the engine, the protocols and the
spike sources all check and snap their trains here, so that they all refuse the same things.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.component import units
from synsim.component.errors import InputError

LAST_STEP = 2**31 - 1
"""Brian2's SpikeGeneratorGroup counts time steps in 32 bits."""

HALF = 0.5 + 1e-6
"""A time half-way between two steps goes to the later one. The 1e-6 keeps rounding noise, which
differs between targets, from deciding it."""


def on_grid(values: ArrayLike, dt: float) -> NDArray[np.int64]:
    """Times as whole numbers of time steps: the nearest, half-way to the later one.

    The one way in which lags, delays, periods and spikes are put on the grid.
    """
    return np.floor(np.asarray(values, dtype=float) / dt + HALF).astype(np.int64)


def check_times(
    times: ArrayLike, what: str, *, indices: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Spike times as an array, after checking that they are spike times.

    Parameters
    ----------
    times : s, shape (m,); numbers, or a Brian2 quantity of time. May be empty.
    what : what they are, for the message: "--pre spikes.csv", "times"
    indices : shape (m,), the neuron of each spike; without it all belong to one train

    Returns
    -------
    The times, s, shape (m,).

    Raises
    ------
    InputError
        naming `what`, the index (from 0) and the value, where a time is no finite number, is
        negative, or is not later than the one before it in the same train.
    """
    array = _numbers(times, what)
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        index = int(bad[0])
        raise InputError(f"{what}: found {array[index]} at index {index}, expected a finite time")
    bad = np.flatnonzero(array < 0)
    if bad.size:
        index = int(bad[0])
        raise InputError(
            f"{what}: found {_show(array[index])} at index {index}, expected no negative time"
        )
    neurons = _indices(indices, array, what)
    first, second = _neighbours(neurons, len(array))
    wrong = np.flatnonzero(array[second] <= array[first])
    if wrong.size:
        a, b = int(first[wrong[0]]), int(second[wrong[0]])
        whose = "" if neurons is None else f" of neuron {neurons[b]}"
        if array[a] == array[b]:
            raise InputError(
                f"{what}: found {_show(array[b])} twice, at index {a} and {b}{whose}, "
                "expected one spike at a time"
            )
        raise InputError(
            f"{what}: found {_show(array[b])} at index {b} after {_show(array[a])} at index "
            f"{a}{whose}, expected increasing times"
        )
    return array


def to_grid(
    times: ArrayLike,
    dt: float,
    *,
    what: str = "spike times",
    indices: ArrayLike | None = None,
) -> tuple[NDArray[np.int64], float]:
    """The time step nearest to every spike, and how far the spikes had to move.

    Parameters
    ----------
    times : s, shape (m,), as `check_times` wants them
    dt : time step, s
    what, indices : see `check_times`

    Returns
    -------
    steps : shape (m,); the spike of step k is at k dt. Half-way times go to the later step.
    largest_shift : s, the largest |k dt - t|; 0.0 where all lie on the grid up to rounding

    Raises
    ------
    InputError
        as `check_times` does; for a time beyond the last step that can be counted (2**31 - 1);
        and where two spikes of one train fall into one step, naming both times and a time step
        small enough for the whole train.
    """
    step = float(dt)
    if not (np.isfinite(step) and step > 0):
        raise InputError(f"time step: found {step} s, expected a time above 0 s")
    array = check_times(times, what, indices=indices)
    in_steps = array / step
    bad = np.flatnonzero(in_steps > LAST_STEP - 1)
    if bad.size:
        index = int(bad[0])
        raise InputError(
            f"{what}: found {_show(array[index])} at index {index}, expected at most "
            f"{_show(LAST_STEP * step)}, which is {LAST_STEP} steps of {_show(step)}"
        )
    steps = on_grid(array, step)
    neurons = _indices(indices, array, what)
    first, second = _neighbours(neurons, len(array))
    same = np.flatnonzero(steps[first] == steps[second])
    if same.size:
        a, b = int(first[same[0]]), int(second[same[0]])
        whose = "" if neurons is None else f" of neuron {neurons[b]}"
        shortest = float(np.min(array[second] - array[first]))
        raise InputError(
            f"{what}: found {_show(array[a])} and {_show(array[b])}{whose} (index {a} and {b}) "
            f"in the same time step of {_show(step)}, expected at most one spike per step: use a "
            f"time step below {_show(float(f'{shortest:.6g}'))}"
        )
    if not array.size:
        return steps, 0.0
    shift = float(np.max(np.abs(steps * step - array)))
    return steps, 0.0 if shift <= 4 * np.spacing(np.max(array)) else shift


def _numbers(times: ArrayLike, what: str) -> NDArray[np.float64]:
    try:
        quantity = units.from_quantity(times, (units.DIMENSIONS["time"],))
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
    array = np.asarray(times if quantity is None else quantity[0])
    if array.dtype.kind not in "iuf":
        raise InputError(f"{what}: found {_short(times)}, expected spike times as numbers")
    if array.ndim != 1:
        raise InputError(
            f"{what}: found an array of shape {array.shape}, expected one row of spike times"
        )
    return array.astype(float)


def _indices(
    indices: ArrayLike | None, times: NDArray[np.float64], what: str
) -> NDArray[np.int64] | None:
    if indices is None:
        return None
    array = np.asarray(indices)
    if array.size and array.dtype.kind not in "iu":
        raise InputError(f"{what}: found {_short(indices)}, expected whole numbers as indices")
    if array.shape != times.shape:
        raise InputError(
            f"{what}: found {array.size} indices for {times.size} times, expected as many"
        )
    return array.astype(np.int64)


def _neighbours(
    neurons: NDArray[np.int64] | None, count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of each spike and of the next one of the same train."""
    if neurons is None:
        order = np.arange(count)
        return order[:-1], order[1:]
    order = np.argsort(neurons, kind="stable")
    first, second = order[:-1], order[1:]
    together = neurons[first] == neurons[second]
    return first[together], second[together]


def _show(time: float) -> str:
    return units.show(float(time), "ms")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

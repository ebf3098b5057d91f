"""Whether sweeps of one stimulus agree on their pulses.

A response that is missing from a train is not a pulse that never came: it released, and what
follows hangs on it. So a sweep that lacks a pulse which its fellows have is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.tables import Table

Array = NDArray[Any]

SHORTEST = 0.5  # ms between stimuli: no axon follows faster
_CLOSE = 0.01  # of an interval, between sweeps
_FEW = 4  # pulses, of which one may be missing


def check_sweeps(
    table: Table, time: Array, rows: Sequence[Array], labels: Sequence[str]
) -> list[str]:
    """Notes on sweeps of one stimulus that are not equally long.

    Parameters
    ----------
    rows, labels : the rows of each train, and of which stimulus it is a sweep

    Raises
    ------
    InputError
        for a sweep without a pulse that the others have, or with one at another time.
    """
    notes = []
    for label in dict.fromkeys(labels):
        sweeps = [own for own, its in zip(rows, labels, strict=True) if its == label]
        since = [time[own] - time[own[0]] for own in sweeps]
        if len(sweeps) < 2:
            continue
        counted = Counter(tuple(np.round(t, 3)) for t in since)
        usual = np.array(max(counted, key=lambda times: (counted[times], len(times))))
        where = f" of {label}" if label else ""
        for own, its in zip(sweeps, since, strict=True):
            _against_others(table, own, its, usual, where)
        lengths = [t.size for t in since if t.size < usual.size and _begins_alike(t, usual)]
        if lengths:
            notes.append(
                f"sweeps of unequal length{where}: {len(lengths)} of {len(sweeps)} end before "
                f"pulse {usual.size}, the first after {lengths[0]}; each is fitted as it is"
            )
    return notes


def _near(times: Array, other: Array) -> Array:
    """Which of some times are among others."""
    slack = _CLOSE * float(np.diff(other).min()) if other.size > 1 else 0.0
    return np.asarray(np.any(np.abs(times[:, None] - other) <= slack, axis=1))


def _begins_alike(times: Array, usual: Array) -> bool:
    return bool(np.all(_near(times, usual[: times.size])))


def _against_others(table: Table, rows: Array, times: Array, usual: Array, where: str) -> None:
    if usual.size < _FEW or times.size < 2:
        return
    there = _near(usual, times)
    inside = usual < times[-1]
    lost = np.flatnonzero(~there & inside)
    if not lost.size:
        return
    following = int(np.searchsorted(times, usual[lost[0]]))
    place = f"{table.source}, {table.row_word} {table.lines[rows[following]]}"
    said = f"the sweeps{where} have a pulse {usual[lost[0]]:g} ms after the first"
    known = _near(times, usual)
    if np.all(known) and 3 * lost.size < usual.size:
        raise InputError(
            f"{place}: found the next pulse at {times[following]:g} ms where other {said[4:]}, "
            "expected a response to every pulse: one that is missing released as well"
        )
    odd = np.flatnonzero(~known[:-1])
    if times.size == usual.size and odd.size == lost.size and 3 * odd.size < usual.size:
        place = f"{table.source}, {table.row_word} {table.lines[rows[odd[0]]]}"
        raise InputError(
            f"{place}: found a pulse {times[odd[0]]:g} ms after the first where other {said[4:]}, "
            "expected equal times in the sweeps of one stimulus"
        )

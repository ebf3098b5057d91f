"""Whether the times of stimuli in averaged trains can be what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.fit.sweeps import SHORTEST
from synsim.tables import Table

Array = NDArray[Any]

_RATES = ("freq_hz", "frequency_hz", "rate_hz")
_SLACK = 0.05  # of an interval, against a rate that is written down
_FAR = 4.0  # a mean rate is not that far from the one written down


def check_times(
    table: Table, name: str, time: Array, rows: Sequence[Array], split: Sequence[str]
) -> None:
    """Refuse intervals that cannot be, or are not those of the rate that is written beside them.

    Parameters
    ----------
    name, time : the column of times, and its values in ms
    rows : the rows of each train
    split : columns whose values tell trains apart
    """
    for own in rows:
        gaps = np.diff(time[own])
        if gaps.size and gaps.min() < SHORTEST:
            at = int(np.argmin(gaps)) + 1
            raise InputError(
                f"{table.source}, {table.row_word} {table.lines[own[at]]}, column {name!r}: found "
                f"{gaps[at - 1]:.4g} ms after the stimulus before, which is hardly possible; are "
                f"the times in another unit? expected {SHORTEST:g} ms or more"
            )
    for column in split:
        if column.lower() not in _RATES:
            continue
        rates = table.numbers(column)
        for own in rows:
            _against_rate(table, name, time[own], own, column, float(rates[own[0]]))


def _against_rate(
    table: Table, name: str, time: Array, rows: Array, column: str, rate: float
) -> None:
    gaps = np.diff(time)
    if rate <= 0 or not gaps.size:
        return
    # all but the last, which may be a recovery pulse
    train = gaps[:-1] if gaps.size > 1 else gaps
    middle = float(np.median(train))
    over = middle * rate / 1e3
    regular = np.ptp(train) <= _SLACK * middle
    if (regular and abs(over - 1) > _SLACK) or not 1 / _FAR < over < _FAR:
        raise InputError(
            f"{table.source}, {table.row_word} {table.lines[rows[0]]}: found intervals of "
            f"{middle:.4g} ms (column {name!r}) in a train of {column} {rate:g}, expected "
            f"{1e3 / rate:.4g} ms"
        )

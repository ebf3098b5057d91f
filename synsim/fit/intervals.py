"""When stimuli came: intervals and times of single responses, and what cannot be.

An interval is used as it is written; `inf` is rest. Times begin anew in each sweep, or where they
go back. Sweeps of one group that are repeats of one stimulus have to agree on their pulses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.component.units import UNITS
from synsim.fit.sweeps import SHORTEST, check_sweeps
from synsim.tables import Table, scale, split_unit

Array = NDArray[Any]

_INTERVALS = ("isi", "interval", "ipi", "inter_stimulus_interval")
_TIMES = ("t", "time", "stimulus", "t_stim", "stimulus_time")


@dataclass(frozen=True)
class Intervals:
    """Time since the stimulus before, (m,) in ms, infinite at rest; None where the table has none.

    `interval` and `time` are the columns it is from.
    """

    since: Array | None
    interval: str | None
    time: str | None
    notes: list[str] = field(default_factory=list)


def read_intervals(
    table: Table,
    interval_column: str | None,
    time_column: str | None,
    groups: list[tuple[str, ...]],
    sweeps: list[str] | None,
) -> Intervals:
    """The intervals of a table's rows.

    Parameters
    ----------
    interval_column, time_column : the column, where it is named
    groups, sweeps : of each row

    Raises
    ------
    InputError
        when the column is not certain, for a value that is no time or comes too soon, and for a
        sweep that lacks a pulse which the others have
    """
    isi, times = _columns(table, interval_column, time_column)
    notes: list[str] = []
    if isi is not None:
        since = _from_intervals(table, isi, groups, sweeps)
    elif times is not None:
        since = _from_times(table, times, groups, sweeps, notes)
    else:
        said = (
            "no column of intervals or times (isi_s, isi_ms or t_ms): only a constant release "
            "probability is fitted"
        )
        return Intervals(None, None, None, [said])
    if len(since) and since.min() < SHORTEST:
        row = int(np.argmin(since))
        raise InputError(
            f"{table.source}, {table.row_word} {table.lines[row]}, column {isi or times!r}: found "
            f"{since[row]:.4g} ms after the stimulus before, which is hardly possible; is it "
            f"in another unit? expected {SHORTEST:g} ms or more"
        )
    if sweeps is not None or times is not None:
        notes += _check(table, since, groups, sweeps, from_times=times is not None)
    return Intervals(since, isi, times, notes)


def _check(
    table: Table,
    since: Array,
    groups: list[tuple[str, ...]],
    sweeps: list[str] | None,
    *,
    from_times: bool,
) -> list[str]:
    """Notes on sweeps of a group; a sweep is what its column says, or what follows from rest."""
    rows: dict[Any, list[int]] = {}
    begun: dict[tuple[str, ...], int] = {}
    for row, group in enumerate(groups):
        begun[group] = begun.get(group, 0) + int(math.isinf(since[row]) and from_times)
        rows.setdefault((group, begun[group] if sweeps is None else sweeps[row]), []).append(row)
    time = np.zeros(len(since))
    for own in rows.values():  # since the sweep's first stimulus
        time[own[1:]] = np.cumsum(since[own[1:]])
    clear = {key: own for key, own in rows.items() if np.all(np.isfinite(time[own]))}
    labels = [", ".join(group) for group, _ in clear]
    return check_sweeps(table, time, [np.array(own) for own in clear.values()], labels)


def _columns(table: Table, interval: str | None, time: str | None) -> tuple[str | None, str | None]:
    if interval is not None and time is not None:
        raise InputError("--interval-column and --time-column: give one of them")
    if interval is not None:
        return table.require(interval, "--interval-column"), None
    if time is not None:
        return None, table.require(time, "--time-column")
    isi = [n for n in table.names if split_unit(n)[0].lower() in _INTERVALS]
    times = [n for n in table.names if split_unit(n)[0].lower() in _TIMES and split_unit(n)[1]]
    if len(isi) + len(times) > 1:
        raise InputError(
            f"{table.source}: which column is the interval? {', '.join(isi + times)} may be; "
            "name one with --interval-column or --time-column"
        )
    return (isi[0] if isi else None), (times[0] if times else None)


def _begins(keys: Sequence[Any]) -> Array:
    """Whether each row is the first with its key, shape (m,)."""
    seen: set[Any] = set()
    found = []
    for key in keys:
        found.append(key not in seen)
        seen.add(key)
    return np.array(found)


def _from_intervals(
    table: Table, name: str, groups: list[tuple[str, ...]], sweeps: list[str] | None
) -> Array:
    unit = split_unit(name)[1]
    if unit is None or UNITS[unit].dimension.name != "time":
        raise InputError(
            f"{table.source}, column {name!r}: its name has no unit of time, expected "
            f"{name}_ms or {name}_s"
        )
    first = _begins(groups)
    first_of_sweep = first if sweeps is None else _begins(list(zip(groups, sweeps, strict=True)))
    found = np.empty(len(table))
    for row, cell in enumerate(table.columns[name]):
        text = "" if cell is None else str(cell).strip().lower()
        if text in ("", "nan", "none", "<na>"):
            if not first_of_sweep[row]:
                raise table.refuse(row, name, "the time since the stimulus before (inf is rest)")
            value = math.inf
        else:
            try:
                value = math.inf if text in ("inf", "+inf", "infinity") else float(text)
            except ValueError:
                raise table.refuse(row, name, "a number above 0") from None
            if not value > 0:
                if not (first[row] and value == 0):
                    raise table.refuse(row, name, "a number above 0")
                value = math.inf
        found[row] = math.inf if first[row] else value
    return scale(found, unit, "ms") if unit != "ms" else found


def _from_times(
    table: Table,
    name: str,
    groups: list[tuple[str, ...]],
    sweeps: list[str] | None,
    notes: list[str],
) -> Array:
    times = table.times(name, "ms")
    keys = groups if sweeps is None else list(zip(groups, sweeps, strict=True))
    found = np.full(len(table), math.inf)
    last: dict[Any, int] = {}
    restarts = 0
    for row, key in enumerate(keys):
        if key in last:
            step = times[row] - times[last[key]]
            if step == 0:
                raise table.refuse(row, name, "a time after that of the row before, not the same")
            if step < 0 and sweeps is not None:
                raise table.refuse(row, name, "a time after that of the row before in its sweep")
            restarts += step < 0
            found[row] = step if step > 0 else math.inf
        last[key] = row
    if restarts:
        notes.append(
            f"column {name!r} goes back {restarts} time(s): taken for the beginning of a new "
            "sweep, from rest"
        )
    return found

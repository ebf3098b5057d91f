"""Sweeps in a CSV file: a column of times, and a column of samples for each sweep.

    t_ms,sweep1_pA,sweep2_pA,stim_V
    0.0,-3.1,1.4,0.0
    0.1,-2.7,0.9,0.0

The time column is called t, time or sample_time and ends in its unit. Of the others those in one
unit are the sweeps, in their order; a column named as the stimulus belongs to every sweep. Sweeps
may end early (empty cells below), not have holes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.component.units import UNITS
from synsim.extract.recording import Recording, Sweep, Trace
from synsim.tables import Table, read_table, scale, split_unit

Array = NDArray[np.float64]

_TIMES = ("t", "time", "sample_time")
CHANNEL = "sweeps"
"""What the channel of the sweeps is called."""


def read(path: Path, digest: str, stimulus: str | None = None) -> Recording:
    """Read a CSV file; `stimulus` is the column that shows the stimuli of all sweeps.

    Raises
    ------
    InputError
        one line: no time column, times that do not increase evenly, columns in several units, a
        cell that is no number, a sweep with a hole.
    """
    table = read_table(path)
    name = _time_column(table)
    times = table.times(name, "s")
    dt = _step(table, name, times)
    names = [c for c in table.names if c not in (name, stimulus)]
    unit = _unit(table, names)
    sweeps = []
    commands = {}
    if stimulus is not None and stimulus in table.columns:
        found = split_unit(stimulus)[1]
        commands[stimulus] = Trace(table.numbers(stimulus), found, dt, float(times[0]))
    for number, column in enumerate(names, start=1):
        own = split_unit(column)[1]
        values = _samples(table, column)
        if own is not None and unit is not None and own != unit:
            values = scale(values, own, unit)
        trace = Trace(values, unit, dt, float(times[0]))
        # Each sweep has a clock of its own, and the file does not say what lies between them.
        sweeps.append(Sweep(number, float("nan"), {CHANNEL: trace}, commands))
    if not sweeps:
        raise InputError(f"{path}: no column beside {name!r}, expected a column for each sweep")
    return Recording(str(path), digest, "CSV", tuple(sweeps), "columns")


def _time_column(table: Table) -> str:
    found = [
        n
        for n in table.names
        if split_unit(n)[0].lower() in _TIMES
        and (unit := split_unit(n)[1]) is not None
        and UNITS[unit].dimension.name == "time"
    ]
    if len(found) == 1:
        return found[0]
    have = f"more than one may be ({', '.join(found)})" if found else "there is none"
    raise InputError(
        f"{table.source}: which column is the time of the samples? {have}; expected t_ms or t_s "
        f"(there are {', '.join(table.names)})"
    )


def _step(table: Table, name: str, times: Array) -> float:
    """The sampling interval, s; refuses times that do not increase evenly."""
    if times.size < 2:
        raise InputError(f"{table.source}: one row of samples, expected a sweep of many")
    steps = np.diff(times)
    wrong = np.flatnonzero(steps <= 0)
    if wrong.size:
        raise table.refuse(int(wrong[0]) + 1, name, "a time after that of the row before")
    dt = float((times[-1] - times[0]) / (times.size - 1))
    # Times are often rounded to a few digits: no sample may be off by a quarter of a step.
    off = np.abs(times - times[0] - dt * np.arange(times.size))
    if off.max() > 0.25 * dt:
        row = int(np.argmax(np.abs(steps - np.median(steps)))) + 1
        raise table.refuse(
            row, name, f"even steps of {np.median(steps) * 1e3:.6g} ms from row to row"
        )
    return dt


def _unit(table: Table, names: list[str]) -> str | None:
    """The one unit of the sweeps, None where no name has one."""
    units = {n: split_unit(n)[1] for n in names}
    kinds = {None if u is None else UNITS[u].dimension.name for u in units.values()}
    if len(kinds) > 1:
        listed = ", ".join(f"{n} ({u or 'no unit'})" for n, u in units.items())
        raise InputError(
            f"{table.source}: columns in different units ({listed}), expected sweeps in one unit; "
            "name the column of the stimulus with --stimulus-channel, or take others out"
        )
    return next(iter(units.values()), None)


def _samples(table: Table, column: str) -> Array:
    """The samples of a sweep, without the empty cells at its end."""
    cells = table.columns[column]
    length = len(cells)
    while length and not str(cells[length - 1]).strip():
        length -= 1
    values = np.empty(length)
    for row in range(length):
        try:
            values[row] = float(cells[row])
        except ValueError:
            values[row] = np.nan
        if not np.isfinite(values[row]):
            raise table.refuse(row, column, "a number (cells may be empty only at a sweep's end)")
    if not length:
        raise InputError(f"{table.source}, column {column!r}: it is empty, expected a sweep")
    return values

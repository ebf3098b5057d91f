"""What is what in a table of single responses: amplitude, interval, sweep, groups.

    amplitude   the one column whose name ends in a unit of voltage or current: epsc_pA, epsp_mV
    interval    isi_s, isi_ms (since the stimulus before), or t_ms, t_s (time of the stimulus)
    sweep       in each sweep times begin anew
    cell, protocol    one fit for each combination of their values

An interval is used as it is written: 30 s between sweeps is 30 s of recovery. At the first row of
a group, at a first row of a sweep whose cell is empty, at `inf`, and with times at the first row
of each sweep, the synapse is at rest. Rows follow one another as in the file.

Voltages are fitted in mV and currents in pA whatever the column has; a column whose values
cannot be in the unit that its name ends in (EPSCs of 2e-11 pA) is refused rather than rescaled.
Inward currents are negative: responses are fitted as magnitudes, turned so that their mean is
positive. Failures scatter around zero, so single values of the other sign are no error; they
are when they are many (over 5 %) and their 95 % quantile is over half that of the responses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.component.units import UNITS, parse, show
from synsim.fit.intervals import read_intervals
from synsim.tables import Table, dimension_of, scale, split_unit

Array = NDArray[Any]

_WANTED = {"voltage": "mV", "current": "pA", "conductance": "nS", "number": "1"}
#: Largest response that is plausible in mV, pA, nS: the smallest and the largest.
_PLAUSIBLE = {"mV": (1e-2, 150.0), "pA": (0.5, 5e4), "nS": (1e-3, 1e3)}
_RELATIVE = 0.01  # responses that have no unit are hardly smaller


@dataclass(frozen=True)
class Responses:
    """Single responses: magnitude (m,) in `unit`, interval (m,) in ms, infinite at rest.

    `groups` holds one tuple per row of the values of the columns `group_by`, `sweeps` is None
    without such a column, `rows` is where each stands in its source. `intervals` is None where
    the table has none.
    """

    amplitude: Array
    intervals: Array | None
    sweeps: list[str] | None
    unit: str
    group_by: tuple[str, ...]
    groups: list[tuple[str, ...]]
    rows: list[Any]
    row_word: str
    source: str
    sha256: str | None
    taken: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def read_responses(
    table: Table,
    *,
    amplitude_column: str | None = None,
    amplitude_unit: str | None = None,
    interval_column: str | None = None,
    time_column: str | None = None,
    group_by: Sequence[str] | None = None,
) -> Responses:
    """Responses of a table; parameters are those of `synsim.fit.quantal.fit_quantal`.

    Raises
    ------
    InputError
        one line: a column is missing, not certain, or holds something else than it should.
    """
    notes: list[str] = []
    name = _amplitude_column(table, amplitude_column)
    amplitude, unit = amplitudes(table, name, amplitude_unit)
    by = _groups(table, group_by)
    columns = [table.texts(column) for column in by]
    for column, texts in zip(by, columns, strict=True):
        if "" in texts:
            raise table.refuse(texts.index(""), column, "the name of a group")
    groups = [tuple(texts[row] for texts in columns) for row in range(len(table))]
    sweeps = table.texts("sweep") if "sweep" in table.columns and "sweep" not in by else None
    if sweeps is not None and "" in sweeps:
        raise table.refuse(sweeps.index(""), "sweep", "the name or number of a sweep")
    found = read_intervals(table, interval_column, time_column, groups, sweeps)
    notes += found.notes
    isi, times = found.interval, found.time
    used = {name, isi, times, *by, "sweep" if sweeps is not None else None}
    taken: dict[str, Any] = {"amplitude": name, "amplitude_unit": unit, "interval": isi}
    taken |= {"time": times, "sweep": "sweep" if sweeps is not None else None}
    taken |= {"group_by": list(by), "not_used": [c for c in table.names if c not in used]}
    return Responses(
        amplitude, found.since, sweeps, unit, by, groups, list(table.lines), table.row_word,
        table.source, table.sha256, taken, notes,
    )  # fmt: skip


def _amplitude_column(table: Table, given: str | None) -> str:
    if given is not None:
        return table.require(given, "--amplitude-column")
    found = [
        name
        for name in table.names
        if (d := dimension_of(name)) is not None and d.name in ("voltage", "current")
    ]
    if len(found) == 1:
        return found[0]
    have = f"more than one may be ({', '.join(found)})" if found else "no name ends in mV or pA"
    raise InputError(
        f"{table.source}: which column is the amplitude? {have}; name it with "
        f"--amplitude-column (there are {', '.join(table.names)})"
    )


def amplitudes(table: Table, name: str, given: str | None) -> tuple[Array, str]:
    """Values of a column in mV, pA, nS or without a unit, and that unit.

    Raises InputError for what is no unit of a response, and, with the question whether another
    unit is meant, for values that a response in the unit of the name can hardly have.
    """
    if given is not None and given not in UNITS:
        raise InputError(f"--amplitude-unit: found {given!r}, expected mV, V, pA, nA, A or 1")
    unit = given or split_unit(name)[1] or "1"
    dimension = UNITS[unit].dimension.name
    if dimension not in _WANTED:
        raise InputError(
            f"{table.source}, column {name!r}: {unit} is no unit of a response, expected mV or pA"
        )
    wanted = _WANTED[dimension]
    values = table.numbers(name)
    found = scale(values, unit, wanted) if unit != wanted else values
    largest = float(np.quantile(np.abs(found), 0.98))
    low, high = _PLAUSIBLE.get(wanted, (0.0, math.inf))
    if given is None and largest > 0 and not low <= largest <= high:
        others = {"mV": "V", "pA": "A", "nS": "S"}
        likely = others[wanted] if largest < low else f"other than {unit}"
        raise InputError(
            f"{table.source}, column {name!r}: the largest responses are {largest:.3g} {wanted}, "
            f"which is hardly possible; are the values in {likely}? say so with "
            f"--amplitude-unit (or --amplitude-unit {unit} if they are right)"
        )
    if given is None and wanted == "1":
        _ask_for_unit(table, name, found)
    return found, wanted


def _ask_for_unit(table: Table, name: str, amplitude: Array) -> None:
    """Refuse numbers without a unit that are hardly relative responses."""
    largest = float(np.abs(amplitude).max(initial=0))
    if 0 < largest < _RELATIVE:
        raise InputError(
            f"{table.source}, column {name!r}: the largest responses are {largest:.3g}, without a "
            "unit; are the values in V or A? say so with --amplitude-unit (or --amplitude-unit 1 "
            "if they are right)"
        )


def noise_of(s0: float | str | None, unit: str) -> float | None:
    """The recording noise in the unit of the responses: a number, or a text with its unit.

    Raises InputError for a text without a unit, or with one of another dimension.
    """
    if not isinstance(s0, str):
        return s0
    try:
        value, _ = parse(s0, (UNITS[unit].dimension,))
    except InputError as error:
        raise InputError(f"--s0: {error}; the responses are in {unit}") from None
    if not value > 0:
        raise InputError(f"--s0: found {s0!r}, expected a noise above 0")
    return float(show(value, unit).split()[0])


def _groups(table: Table, group_by: Sequence[str] | None) -> tuple[str, ...]:
    if group_by is not None:
        return tuple(dict.fromkeys(table.require(name, "--group-by") for name in group_by))
    return tuple(name for name in ("cell", "protocol") if name in table.columns)


def turn(amplitude: Array) -> tuple[Array, bool]:
    """Magnitudes, and whether they were negative.

    Raises
    ------
    InputError
        when a substantial part has the other sign, and when there is nothing but zeros; the
        text does not say where.
    """
    if not np.any(amplitude):
        raise InputError("every response is 0: nothing was released, or nothing was measured")
    flipped = bool(amplitude.mean() < 0)
    y = -amplitude if flipped else amplitude
    other = -y[y < 0]
    if other.size > 0.05 * y.size:
        far, near = float(np.quantile(other, 0.95)), float(np.quantile(y[y > 0], 0.95))
        if far > 0.5 * near:
            raise InputError(
                f"responses of both signs: {other.size} of {y.size} have the other sign, up to "
                f"{other.max():.3g} against {y.max():.3g}; expected one sign, with failures "
                "around zero (nothing but noise looks like this, too)"
            )
    return y, flipped

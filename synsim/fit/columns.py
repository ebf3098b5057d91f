"""What is what in a table of STDP data: lag, change, errors, groups.

Guesses are made from names and only where they are certain; whatever was taken for what is
written down in `Points.taken`.

    lag      dt, lag, delta_t, spike_timing, timing, followed by its unit: dt_ms, lag_s
    change   a fraction (0 is no change)   dw, dw_rel, dw_fraction, change_fraction, ...
             percent (0 is no change)      dw_percent, change_percent, percent_change, ...
             ratio (1 is no change)        w_ratio, ratio, epsp_ratio, ...
    sem      sem, se, or a name that ends in _sem; in the unit of the change
    sd, n    sd, std, or a name that ends in _sd; n, n_cells: then sem = sd/sqrt(n)

Rows are grouped by `protocol`, and by `cell` where every cell has enough points for a window of
its own (`CELL_POINTS`); otherwise cells are pooled, as a point of an STDP curve usually is one
cell, and `cell` is what a bootstrap draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.tables import Table, split_unit

Array = NDArray[Any]

KINDS = ("fraction", "percent", "ratio")
_KIND_WORDS = "fraction (0 is no change), percent (0 is no change) or ratio (1 is no change)"
_LAG_STEMS = ("dt", "lag", "delta_t", "deltat", "delta", "spike_timing", "timing", "timing_lag")
_STRENGTH_STEMS = ("w", "weight", "strength", "amplitude", "epsp", "epsc", "psp", "psc")
_KIND_ENDINGS = {
    "rel": "fraction",
    "fraction": "fraction",
    "frac": "fraction",
    "percent": "percent",
    "pct": "percent",
    "ratio": "ratio",
}
CELL_POINTS = 7  # exponential: four parameters, the scatter, and two points more


@dataclass(frozen=True)
class Points:
    """Points of STDP curves: lag in ms, change as a fraction, one row per point.

    lag, change, sem have shape (n,); sem is 0 where none was given. `groups` holds one tuple
    per row, of the values of the columns `group_by`; `cells` is None where there is no such
    column. `rows` is where each point stands in its source.
    """

    lag: Array
    change: Array
    sem: Array
    group_by: tuple[str, ...]
    groups: list[tuple[str, ...]]
    cells: list[str] | None
    rows: list[Any]
    source: str
    sha256: str | None
    taken: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def kind_of(name: str) -> str | None:
    """Which kind of change a column holds by its name, None where that is not certain."""
    lowered = name.strip().lower().replace("%", "percent").replace(" ", "_")
    lowered = lowered.replace("(", "").replace(")", "")
    if lowered in ("dw", "fractional_change", "relative_change"):
        return "fraction"
    if lowered in ("percent_change", "pct_change"):
        return "percent"
    if lowered == "ratio":
        return "ratio"
    stem, _, ending = lowered.rpartition("_")
    kind = _KIND_ENDINGS.get(ending)
    if kind == "ratio":
        return kind if stem in _STRENGTH_STEMS else None
    # Of `epsp_percent` or `w_rel` it is not certain whether no change is 0, or 100 and 1.
    return kind if stem == "dw" or stem.endswith("change") else None


def _is_change(name: str) -> bool:
    lowered = name.strip().lower()
    stem, _, ending = lowered.rpartition("_")
    return (
        kind_of(name) is not None
        or lowered in (*_STRENGTH_STEMS, "change")
        or lowered.endswith("_change")
        or (stem in _STRENGTH_STEMS and ending in (*_KIND_ENDINGS, "norm"))
    )


def _only(table: Table, found: list[str], what: str, flag: str) -> str:
    if len(found) == 1:
        return found[0]
    have = f"more than one may be ({', '.join(found)})" if found else "none is recognised"
    raise InputError(
        f"{table.source}: which column is the {what}? {have}; name it with {flag} "
        f"(there are {', '.join(table.names)})"
    )


def _optional(table: Table, given: str | None, names: Sequence[str], ends: str) -> str | None:
    if given is not None:
        return table.require(given)
    found = [n for n in table.names if n.lower() in names or n.lower().endswith(ends)]
    return found[0] if len(found) == 1 else None


def read_points(
    table: Table,
    *,
    dt_column: str | None = None,
    dt_unit: str | None = None,
    dw_column: str | None = None,
    dw_kind: str | None = None,
    sem_column: str | None = None,
    sd_column: str | None = None,
    n_column: str | None = None,
    group_by: Sequence[str] | None = None,
) -> Points:
    """Points of a table, with columns as named or, where certain, guessed.

    Parameters are those of `synsim.fit.fit_stdp`.

    Raises
    ------
    InputError
        one line: a column is missing, not certain, or holds something else than it should.
    """
    lag_name = (
        table.require(dt_column, "--dt-column")
        if dt_column is not None
        else _only(
            table,
            [n for n in table.names if split_unit(n)[0].lower() in _LAG_STEMS],
            "lag t_post - t_pre",
            "--dt-column",
        )
    )
    dw_name = (
        table.require(dw_column, "--dw-column")
        if dw_column is not None
        else _only(
            table, [n for n in table.names if _is_change(n)], "change of strength", "--dw-column"
        )
    )
    kind = dw_kind or kind_of(dw_name)
    if kind is None:
        raise InputError(
            f"{table.source}, column {dw_name!r}: what is it? say --dw-kind {_KIND_WORDS}"
        )
    if kind not in KINDS:
        raise InputError(f"--dw-kind: found {kind!r}, expected {_KIND_WORDS}")
    lag_unit = split_unit(lag_name)[1] or dt_unit
    if lag_unit is None:
        raise InputError(
            f"{table.source}, column {lag_name!r}: its name has no unit, expected "
            f"{lag_name}_ms or {lag_name}_s, or --dt-unit ms or s"
        )
    lag = table.times(lag_name, "ms", dt_unit)
    notes: list[str] = []
    change = _change(table, dw_name, kind, guessed=dw_kind is None, notes=notes)
    sem, errors = _errors(table, kind, sem_column, sd_column, n_column, notes)
    cells = table.texts("cell") if "cell" in table.columns else None
    by = _group_columns(table, group_by, cells, notes)
    columns = [table.texts(name) for name in by]
    for name, column in zip(by, columns, strict=True):
        if "" in column:
            raise table.refuse(column.index(""), name, "the name of a group")
    groups: list[tuple[str, ...]] = [
        tuple(column[row] for column in columns) for row in range(len(table))
    ]
    taken: dict[str, Any] = {"lag": lag_name, "lag_unit": lag_unit, "change": dw_name}
    taken |= {"dw_kind": kind, **errors, "group_by": list(by)}
    taken["cell"] = "cell" if cells is not None else None
    used = {lag_name, dw_name, *by, *(v for v in errors.values() if v)} | {"cell"}
    taken["not_used"] = [n for n in table.names if n not in used]
    if group_by is None:
        notes += _hints(table, taken["not_used"])
    return Points(
        lag, change, sem, by, groups, cells, list(table.lines), table.source, table.sha256,
        taken, notes,
    )  # fmt: skip


def _change(table: Table, name: str, kind: str, guessed: bool, notes: list[str]) -> Array:
    """The change as a fraction; refuses what the kind cannot be."""
    raw = table.numbers(name)
    change = {"fraction": raw, "percent": raw / 100, "ratio": raw - 1}[kind]
    impossible = np.flatnonzero(change < -1)
    large = np.flatnonzero(change > 10)
    for rows, why in ((impossible, "a loss of more than 100 %"), (large, "a gain of over 1000 %")):
        if rows.size and guessed:
            raise table.refuse(
                int(rows[0]), name, f"a {kind}: this would be {why}; say --dw-kind {_KIND_WORDS}"
            )
        if rows.size:
            where = ", ".join(str(table.lines[r]) for r in rows[:5])
            notes.append(f"column {name!r} read as a {kind}: {table.row_word} {where} is {why}")
    middle = float(np.median(raw))
    expected = {"fraction": (0.5, 2.0, "1"), "percent": (50.0, 200.0, "100")}.get(kind)
    if expected and raw.min() > 0 and expected[0] < middle < expected[1]:
        notes.append(
            f"column {name!r} read as a {kind}, where 0 is no change, but every value is above 0 "
            f"and the median is {middle:.3g}: if {expected[2]} is no change it is a ratio "
            f"{'(times 100) ' if kind == 'percent' else ''}(--dw-kind ratio)"
        )
    return np.asarray(change, dtype=float)


def _errors(
    table: Table,
    kind: str,
    sem_column: str | None,
    sd_column: str | None,
    n_column: str | None,
    notes: list[str],
) -> tuple[Array, dict[str, str | None]]:
    """Standard errors as fractions (0 where there are none), and the columns they are from."""
    if sem_column is not None and sd_column is not None:
        raise InputError("--sem-column and --sd-column: give one of them")
    sd = None if sem_column is not None else _optional(table, sd_column, ("sd", "std"), "_sd")
    sem = None if sd_column is not None else _optional(table, sem_column, ("sem", "se"), "_sem")
    n = _optional(table, n_column, ("n", "n_cells"), "/")
    divisor = 100.0 if kind == "percent" else 1.0
    if sem is not None:
        if n_column is not None:
            notes.append(f"column {n!r} not used: {sem!r} holds standard errors already")
        return _not_negative(table, sem) / divisor, {"sem": sem, "sd": None, "n": None}
    if sd is not None and n is not None:
        count = table.numbers(n)
        for row in np.flatnonzero((count < 1) | (count != np.floor(count))):
            raise table.refuse(int(row), n, "a whole number of cells, at least 1")
        found = _not_negative(table, sd) / np.sqrt(count) / divisor
        return found, {"sem": None, "sd": sd, "n": n}
    if sd_column is not None:
        raise InputError(
            f"{table.source}: --sd-column {sd_column} needs the number of cells of each point, "
            "sem = sd/sqrt(n): name it with --n-column"
        )
    if sd is not None:
        notes.append(f"column {sd!r} not used: a standard error needs the number of cells, too")
    if n_column is not None:
        notes.append(f"column {n!r} not used: there is no standard deviation to go with it")
    return np.zeros(len(table)), {"sem": None, "sd": None, "n": None}


def _not_negative(table: Table, name: str) -> Array:
    values = table.numbers(name)
    for row in np.flatnonzero(values < 0):
        raise table.refuse(int(row), name, "a number not below 0")
    return values


def _group_columns(
    table: Table, group_by: Sequence[str] | None, cells: list[str] | None, notes: list[str]
) -> tuple[str, ...]:
    if group_by is not None:
        return tuple(dict.fromkeys(table.require(name, "--group-by") for name in group_by))
    by = ["protocol"] if "protocol" in table.columns else []
    if cells is not None:
        sizes = np.unique(np.array(cells), return_counts=True)[1]
        if sizes.min() >= CELL_POINTS and len(sizes) > 1:
            by.append("cell")
        elif len(sizes) > 1:
            notes.append(
                f"cells pooled: column 'cell' has {len(sizes)} cells of {sizes.min()} to "
                f"{sizes.max()} points, and a window of its own needs {CELL_POINTS} "
                "(--group-by cell fits each)"
            )
    return tuple(by)


def _hints(table: Table, unused: list[str]) -> list[str]:
    """Columns that look as if they held groups: few different words, each several times."""
    hints = []
    for name in unused:
        texts = table.texts(name)
        different = len(set(texts))
        words = all(t and not _is_number(t) for t in texts)
        if words and 1 < different <= max(2, math.isqrt(len(texts))):
            hints.append(
                f"rows pooled over column {name!r} ({different} values): fit each with "
                f"--group-by {name}"
            )
    return hints


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

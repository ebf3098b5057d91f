"""What is what in a table of responses before and after induction.

    epoch       before or after: the column epoch or period, else --epoch-column
    amplitude, interval or time, sweep, cell, protocol    as in `quantal_data`

Each cell (and protocol) has both epochs. An epoch begins at rest. Rows of other epochs, as during
induction, are left out and counted once --before and --after say which are which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.fit.quantal_data import Responses, read_responses, turn
from synsim.tables import Table

Array = NDArray[Any]

EPOCHS = ("before", "after")
_COLUMNS = ("epoch", "period")


@dataclass(frozen=True)
class Cell:
    """Responses of one cell: its name, rows, magnitudes and intervals (ms) of both epochs."""

    group: dict[str, str]
    rows: tuple[Array, Array]
    amplitude: tuple[Array, Array]
    intervals: tuple[Array | None, Array | None]
    flipped: bool

    @property
    def label(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.group.items())


@dataclass(frozen=True)
class Epochs:
    """The responses of a table and which rows are of which epoch; `group_by` without the epoch."""

    responses: Responses
    group_by: tuple[str, ...]
    column: str
    words: tuple[str, str]
    notes: list[str]

    def groups(self) -> list[tuple[str, ...]]:
        """Cells and protocols in the order of the file."""
        return list(dict.fromkeys(g[:-1] for g in self.responses.groups))

    def cell(self, group: tuple[str, ...]) -> Cell:
        """Both epochs of a group; InputError, which does not say where, when one is missing."""
        r = self.responses
        rows = []
        for word, epoch in zip(self.words, EPOCHS, strict=True):
            found = [i for i, g in enumerate(r.groups) if g == (*group, word)]
            if not found:
                raise InputError(f"no responses {epoch} (column {self.column!r}, value {word!r})")
            if r.sweeps is not None:
                order = {s: i for i, s in enumerate(dict.fromkeys(r.sweeps[k] for k in found))}
                found.sort(key=lambda k: order[r.sweeps[k]])  # type: ignore[index]
            rows.append(np.array(found))
        y, flipped = turn(r.amplitude[np.concatenate(rows)])
        size = rows[0].size
        h = [None if r.intervals is None else r.intervals[at] for at in rows]
        named = dict(zip(self.group_by, group, strict=True))
        return Cell(named, (rows[0], rows[1]), (y[:size], y[size:]), (h[0], h[1]), flipped)


def read_epochs(
    table: Table,
    *,
    epoch_column: str | None = None,
    before: str | None = None,
    after: str | None = None,
    group_by: Sequence[str] | None = None,
    **columns: Any,
) -> Epochs:
    """Responses of both epochs; parameters are those of `synsim.fit.locus.fit_locus`.

    Raises
    ------
    InputError
        one line: a column is missing, not certain, or holds something else than it should.
    """
    column = _epoch_column(table, epoch_column)
    texts = table.texts(column)
    words = (
        before or _word(table, column, texts, "before"),
        after or _word(table, column, texts, "after"),
    )
    if words[0] == words[1]:
        raise InputError(f"--before and --after: found {words[0]!r} for both, expected two values")
    for flag, word in zip(("--before", "--after"), words, strict=True):
        if word not in texts:
            raise InputError(
                f"{table.source}, column {column!r}: no row has {word!r} ({flag}), "
                f"there are {', '.join(dict.fromkeys(texts))}"
            )
    others = list(dict.fromkeys(t for t in texts if t not in words))
    notes = []
    if others:
        if before is None or after is None:
            row = next(i for i, t in enumerate(texts) if t not in words)
            raise table.refuse(
                row, column, f"{words[0]} or {words[1]} (--before and --after name the two to take)"
            )
        left = sum(t in others for t in texts)
        notes.append(f"{left} rows of other epochs are left out ({', '.join(others)})")
    chosen = [i for i, t in enumerate(texts) if t in words]
    part = Table(
        table.source,
        {name: [values[i] for i in chosen] for name, values in table.columns.items()},
        [table.lines[i] for i in chosen],
        table.row_word,
        table.path,
        table.sha256,
    )
    by = [c for c in ("cell", "protocol") if c in table.columns] if group_by is None else group_by
    if column in by:
        raise InputError(f"--group-by: found {column!r}, which holds the epochs")
    responses = read_responses(part, group_by=(*by, column), **columns)
    grouped = responses.group_by[:-1]
    return Epochs(responses, grouped, column, words, notes + responses.notes)


def _epoch_column(table: Table, given: str | None) -> str:
    if given is not None:
        return table.require(given, "--epoch-column")
    found = [name for name in table.names if name.lower() in _COLUMNS]
    if len(found) == 1:
        return found[0]
    have = (
        f"more than one may be ({', '.join(found)})" if found else "none is named epoch or period"
    )
    raise InputError(
        f"{table.source}: which column says before and after? {have}; name it with "
        f"--epoch-column (there are {', '.join(table.names)})"
    )


def _word(table: Table, column: str, texts: list[str], epoch: str) -> str:
    found = [t for t in dict.fromkeys(texts) if t.lower() == epoch]
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"{table.source}, column {column!r}: no row says {epoch}, there are "
        f"{', '.join(repr(t) for t in list(dict.fromkeys(texts))[:6])}; name one with --{epoch}"
    )

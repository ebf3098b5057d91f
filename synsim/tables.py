"""Tables of recordings: CSV files and data frames, with every error on one line.

A CSV file has a header line; lines that begin with ``#`` are comments, empty lines are passed
over. Columns are separated by commas, or by the semicolons or tabs that the header line has
instead; numbers have a decimal point. A column's unit is the end of its name: ``t_ms``,
``dt_s``, ``epsc_pA``. Numbers are read only from the columns that are asked for; a cell that is
no finite number is an error that names file, line and column.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.component.units import UNITS, Dimension

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_TIMES = {name: u for name, u in UNITS.items() if u.dimension.name == "time"}


def split_unit(name: str) -> tuple[str, str | None]:
    """A column name without its unit, and the unit: ``dt_ms`` is ``dt`` in ``ms``.

    ``dt (ms)`` and ``dt [ms]`` are understood too. The unit is None where the name ends in
    none that synsim knows.
    """
    text = name.strip()
    for opening, closing in (("(", ")"), ("[", "]")):
        if text.endswith(closing) and opening in text:
            stem, unit = text[:-1].rsplit(opening, 1)
            return (stem.strip(" _"), unit.strip()) if unit.strip() in UNITS else (text, None)
    stem, found, unit = text.rpartition("_")
    if found and stem and unit in UNITS and unit != "1":
        return stem, unit
    return text, None


def scale(values: NDArray[np.float64], unit: str, wanted: str) -> NDArray[np.float64]:
    """Values of one unit in another of the same dimension; powers of ten are exact."""
    shift = UNITS[unit].exponent - UNITS[wanted].exponent
    return values * 10.0**shift if shift >= 0 else values / 10.0**-shift


@dataclass(frozen=True)
class Table:
    """Columns of equal length, as they were written, and where each row stands.

    `source` is what an error calls the table, `lines` the line of each row in the file (or the
    row of the frame) and `row_word` what that is called. `sha256` is that of the file's bytes.
    """

    source: str
    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[Any]
    row_word: str = "line"
    path: Path | None = None
    sha256: str | None = None

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def require(self, name: str, asked_by: str = "") -> str:
        """The column name itself; InputError with those there are when it is missing.

        `asked_by` is the flag or argument that named the column.
        """
        if name in self.columns:
            return name
        close = difflib.get_close_matches(name, self.names, 1, 0.6)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        by = f" ({asked_by})" if asked_by else ""
        raise InputError(
            f"{self.source}: no column {name!r}{by}, it has {', '.join(self.names)}{hint}"
        )

    def refuse(self, row: int, name: str, expected: str) -> InputError:
        """The error for one cell: where it is, what was found and what is expected."""
        value = self.columns[name][row]
        found = "an empty cell" if _is_empty(value) else f"{_plain(value)!r}"
        if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value):
            expected += " with a decimal point instead of the comma"
        return InputError(
            f"{self.source}, {self.row_word} {self.lines[row]}, column {name!r}: "
            f"found {found}, expected {expected}"
        )

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as finite numbers, shape (rows,); InputError for any other cell."""
        values = np.empty(len(self))
        for row, cell in enumerate(self.columns[self.require(name)]):
            number = _number(cell)
            if number is None or not math.isfinite(number):
                raise self.refuse(row, name, "a finite number")
            values[row] = number
        return values

    def times(self, name: str, wanted: str = "s", unit: str | None = None) -> NDArray[np.float64]:
        """A column of times in the unit wanted, shape (rows,).

        `unit` is the unit of the column where its name does not end in one. InputError when
        neither says it, or when the name's unit is no unit of time.
        """
        named = split_unit(self.require(name))[1] or unit
        if named is None:
            raise InputError(
                f"{self.source}, column {name!r}: its name has no unit of time, expected "
                f"{name}_ms or {name}_s"
            )
        if named not in _TIMES:
            raise InputError(
                f"{self.source}, column {name!r}: {named} is no unit of time, expected ms or s"
            )
        return scale(self.numbers(name), named, wanted)

    def texts(self, name: str) -> list[str]:
        """A column as text; whole numbers of a data frame read as in a file."""
        return [_text(value) for value in self.columns[self.require(name)]]


def dimension_of(name: str) -> Dimension | None:
    """The dimension of the unit that a column's name ends in, None for no unit."""
    unit = split_unit(name)[1]
    return None if unit is None else UNITS[unit].dimension


def _number(cell: Any) -> float | None:
    if isinstance(cell, (bool, np.bool_)):
        return None
    if isinstance(cell, str) and "_" in cell:  # float() would take 1_000
        return None
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _text(value: Any) -> str:
    if _is_empty(value) or (isinstance(value, (float, np.floating)) and math.isnan(value)):
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def from_frame(frame: Any, source: str = "DataFrame") -> Table:
    """A table of a pandas DataFrame; raises InputError when it has no rows."""
    names = [str(name) for name in frame.columns]
    _check_names(names, source)
    if not len(frame):
        raise InputError(f"{source}: it has no rows, expected data")
    columns = {name: frame.iloc[:, i].tolist() for i, name in enumerate(names)}
    return Table(source, columns, frame.index.tolist(), row_word="row")


def read_table(path: str | Path, source: str | None = None) -> Table:
    """Read a CSV file of recordings.

    Parameters
    ----------
    path : a text file in UTF-8; see the module's docstring
    source : what errors call it, if not by its path

    Returns
    -------
    Table with the cells as text.

    Raises
    ------
    InputError
        one line: the file is missing, a directory, unreadable or not UTF-8; it is empty, has
        no header or no rows; a name is missing or there twice; a row is too short or too long.
    """
    path = Path(path)
    source = str(path) if source is None else source
    raw = _read_bytes(path, source)
    rows = list(_rows(raw, source))
    if not rows:
        raise InputError(f"{source}: no header line, expected column names and data below")
    header_line, header = rows[0]
    names = [name.strip() for name in header]
    _check_names(names, f"{source}, line {header_line}")
    if all(_number(name) is not None for name in names):
        raise InputError(
            f"{source}, line {header_line}: found only numbers, expected a header with column names"
        )
    if len(rows) == 1:
        raise InputError(f"{source}: no data below the header in line {header_line}")
    for line, cells in rows[1:]:
        if len(cells) != len(names):
            raise InputError(
                f"{source}, line {line}: found {len(cells)} cells, expected {len(names)} as in "
                f"the header ({', '.join(names)})"
                + ("; decimal commas?" if len(cells) == 2 * len(names) else "")
            )
    columns = {name: [cells[i].strip() for _, cells in rows[1:]] for i, name in enumerate(names)}
    lines = [line for line, _ in rows[1:]]
    digest = hashlib.sha256(raw).hexdigest()
    return Table(source, columns, lines, path=path, sha256=digest)


def _delimiter(lines: Iterable[str]) -> str:
    """What separates the columns, by the header line: the comma where it has one."""
    header = next(iter(lines), "")
    return next((mark for mark in ",;\t" if mark in header), ",")


def _check_names(names: list[str], source: str) -> None:
    for i, name in enumerate(names):
        if not name:
            raise InputError(f"{source}: column {i + 1} has no name")
        if name in names[:i]:
            raise InputError(f"{source}: column {name!r} is there twice, expected it once")


def _read_bytes(path: Path, source: str) -> bytes:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{source}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{source}: found a directory, expected a CSV file") from None
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror or error}") from None
    if not raw.strip():
        raise InputError(f"{source}: the file is empty, expected a header line and data")
    return raw


def _rows(raw: bytes, source: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row, comments and empty lines left out."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{source}, line {line}: found byte 0x{raw[error.start]:02x}, expected text in UTF-8"
        ) from None
    at = 0

    def lines() -> Iterable[str]:
        nonlocal at
        for at, line in enumerate(io.StringIO(text, newline=None), start=1):  # noqa: B007
            if line.strip() and not line.lstrip().startswith("#"):
                yield line

    try:
        for cells in csv.reader(
            lines(), strict=True, skipinitialspace=True, delimiter=_delimiter(lines())
        ):
            if any(cell.strip() for cell in cells):
                yield at, cells
    except csv.Error as error:
        raise InputError(f"{source}, line {at}: no valid CSV: {error}") from None

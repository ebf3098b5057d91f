"""What every protocol returns: a table, its figure, and all that is needed to run it again."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synsim import catalogue, results
from synsim.component import InputError, Parameters
from synsim.settings import from_texts, to_texts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Column = NDArray[Any] | list[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """The outcome of a protocol.

    columns : name (with its unit) -> values, all of one length; what ``data.csv`` holds
    results : numbers for ``summary.json``
    conventions : the switches that were used, in words
    tables : name -> further columns of one length, each saved as ``name.csv``
    """

    protocol: ClassVar[str]
    settings_type: ClassVar[type[Parameters]]
    packages: ClassVar[tuple[str, ...]] = ("numpy", "brian2")
    further: ClassVar[tuple[str, ...]] = ()  # names that `tables` may have

    settings: Any
    columns: Mapping[str, Column]
    results: Mapping[str, Any]
    conventions: Mapping[str, str]
    citations: tuple[str, ...]
    seed: int
    backend: str
    threads: int
    warnings: tuple[str, ...] = field(default=())
    tables: Mapping[str, Mapping[str, Column]] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """The table as a tidy `pandas.DataFrame`, one row per observation."""
        import pandas as pd

        return pd.DataFrame(dict(self.columns))

    def __repr__(self) -> str:
        rows = len(next(iter(self.columns.values()), ()))
        return f"{self.protocol}: {rows} rows of {', '.join(self.columns)} (seed {self.seed})"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the result; returns the axes, new ones where none are given."""
        raise NotImplementedError

    def figure(self) -> Figure:
        """The figure that is saved with the result."""
        return self.plot().figure  # type: ignore[return-value]

    def _repr_png_(self) -> bytes:
        """The figure, where a notebook shows the result."""
        from synsim import style

        return style.png(self.figure())

    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` holds."""
        return results.summary_document(
            command=f"run {self.protocol}",
            settings=to_texts(self.settings),
            conventions=self.conventions,
            results=self.results,
            seed=self.seed,
            backend=self.backend,
            threads=self.threads,
            citations=self.citations,
            warnings=self.warnings,
            packages=self.packages,
        )

    def save(self, directory: Path | str, *, force: bool = False, plot: bool = True) -> Path:
        """Write ``data.csv``, ``summary.json`` and the figure into a new directory.

        So are further tables, each under its name. All of it or nothing is written. Raises
        InputError when the directory is in the way.
        """
        contents: dict[str, results.Content] = {
            "data.csv": results.to_csv(self.columns),
            "summary.json": results.to_json(self.summary()),
            **{f"{name}.csv": results.to_csv(columns) for name, columns in self.tables.items()},
        }
        if plot:
            from synsim import style

            made = self.figure()
            contents |= {f"figure.{kind}": style.writer(made, kind) for kind in ("png", "svg")}
        return results.write_directory(directory, contents, force=force)

    @classmethod
    def load(cls, directory: Path | str) -> Self:
        """The result that `save` wrote.

        Raises InputError when the directory holds no result of this protocol.
        """
        summary = read_summary(Path(directory) / "summary.json")
        if summary["command"] != f"run {cls.protocol}":
            raise InputError(
                f"{directory}: found a result of {summary['command']!r}, expected "
                f"'run {cls.protocol}'"
            )
        columns = _read_columns(Path(directory) / "data.csv")
        there = [name for name in cls.further if (Path(directory) / f"{name}.csv").exists()]
        return cls(
            settings=from_texts(cls.settings_type, summary["settings"]),
            columns=columns,
            results=summary["results"],
            conventions=summary["conventions"],
            citations=tuple(summary["citations"]),
            seed=summary["seed"],
            backend=summary["backend"],
            threads=summary["threads"],
            warnings=tuple(summary["warnings"]),
            tables={name: _read_columns(Path(directory) / f"{name}.csv") for name in there},
        )


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """Rows with the same keys, as columns: texts a list, numbers an array."""
    found = {name: [row[name] for row in rows] for name in rows[0]}
    return {k: v if isinstance(v[0], str) else np.array(v) for k, v in found.items()}


def read_summary(path: Path) -> dict[str, Any]:
    """A ``summary.json``; InputError when it is missing or not one of ours."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        known = document["schema"]
        missing = sorted(results.KEYS - document.keys())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{path}: found something else, expected a summary of synsim") from None
    if known != results.SCHEMA:
        raise InputError(f"{path}: found schema {known!r}, expected {results.SCHEMA}")
    if missing:
        raise InputError(f"{path}: found no {missing[0]!r}, expected a whole summary of synsim")
    settings = document["settings"]
    if not isinstance(settings, dict):
        raise InputError(f"{path}: found {settings!r} for 'settings', expected names and texts")
    wrong = [name for name, text in settings.items() if not isinstance(text, str)]
    if wrong and str(document["command"]).startswith("run "):
        raise InputError(
            f"{path}: found {settings[wrong[0]]!r} for the setting {wrong[0]!r}, expected a text"
        )
    return document


def load(directory: Path | str) -> Result:
    """The result in a directory, of whatever protocol it is."""
    command = read_summary(Path(directory) / "summary.json")["command"]
    module = catalogue.protocol(command.removeprefix("run "))
    return module.Outcome.load(directory)


def _read_columns(path: Path) -> dict[str, Column]:
    """A ``data.csv``; InputError when it is missing or torn."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if not rows:
        raise InputError(f"{path}: the file is empty, expected a table")
    for line, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise InputError(
                f"{path}, line {line}: found {len(row)} cells, expected {len(rows[0])}"
            )
    return {name: _column([row[i] for row in rows[1:]]) for i, name in enumerate(rows[0])}


def _column(cells: list[str]) -> Column:
    """Whole numbers, numbers (an empty cell is NaN), or text."""
    for kind in (np.int64, np.float64):
        try:
            return np.array([c if c or kind is np.int64 else "nan" for c in cells], dtype=kind)
        except ValueError:
            continue
    return cells


@dataclass(frozen=True)
class Running:
    """How a protocol is to run: seed, backend, and whom to tell how far it is.

    unfinished : a directory for what is done so far, from which the same run goes on after an
        interruption; of protocols that say ``RESUMABLE = True``
    """

    seed: int = 1
    backend: str | None = None
    progress: Callable[[float], None] | None = None
    building: Callable[[str], None] = lambda stage: None
    unfinished: Path | None = None

    def options(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "backend": self.backend,
            "progress": self.progress,
            "building": self.building,
        }

"""Simulating the experiments of a design, fitting them, and keeping one row per estimate.

The file of a design, `<name>.csv`, grows by whole experiments; those it holds are not run again.
Columns: experiment, method, parameter, truth, value, low, high (empty: no limit), note.
"""

from __future__ import annotations

import csv
import io
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from synsim.component import InputError
from validation.designs import Design

COLUMNS = ("experiment", "method", "parameter", "truth", "value", "low", "high", "note")


def generator(design: Design, experiment: int, seed: int) -> np.random.Generator:
    """The stream of one experiment: the same whatever ran before it."""
    words = [seed, zlib.crc32(design.name.encode()), experiment]
    return np.random.default_rng(np.random.SeedSequence(words))


def experiment(design: Design, number: int, seed: int) -> list[list[Any]]:
    """Simulate and fit one experiment; rows in the order of COLUMNS.

    What cannot be fitted is one row of the method `failed`, with the reason.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = design.make(generator(design, number, seed))
    except InputError as error:
        return [[number, "failed", "", "", "", "", "", str(error)]]
    return [
        [number, method, _name(name), design.truth.get(_name(name), ""), value, low, high, note]
        for method, name, value, low, high, note in found
    ]


def _name(parameter: str) -> str:
    return "U" if parameter == "p" else parameter


def run(
    design: Design,
    folder: Path,
    count: int,
    seed: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Path:
    """Bring the file of a design to `count` experiments, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{design.name}.csv"
    done = _finished(path)
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    for number in range(count):
        if number not in done:
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerows(experiment(design, number, seed))
            writer.writerow([number, "end", "", "", "", "", "", ""])
            with path.open("a") as file:
                file.write(text.getvalue())
        progress(number + 1)
    return path


def _finished(path: Path) -> set[int]:
    """Experiments that the file holds to their end; what was torn off after them is cut away."""
    if not path.exists():
        return set()
    lines = path.read_text().splitlines(keepends=True)
    ends = [
        i for i, line in enumerate(lines) if line.split(",")[1:2] == ["end"] and line.endswith("\n")
    ]
    last = ends[-1] if ends else 0
    path.write_text("".join(lines[: last + 1]))
    return {int(lines[i].split(",")[0]) for i in ends}


def read(path: Path, most: int | None = None) -> list[dict[str, str]]:
    """Rows of a design's file, without the marks between experiments; of the first `most` only."""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] != "end"]
    return [row for row in rows if most is None or int(row["experiment"]) < most]

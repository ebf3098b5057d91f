"""A group of cells: a row for each, and mean and median over them with bootstrap intervals.

Cells, not responses, are drawn with replacement: what is uncertain about a group is which cells
were met, and the error of each cell's estimate is part of their scatter. Percentile intervals
are too narrow with few cells (by sqrt((m-1)/m), and as a normal is narrower than Student's t), so
the tails are cut at Phi(-sqrt(m/(m-1)) t) instead of 2.5 %, t the 97.5 % point of Student's t
with m - 1 degrees of freedom (the expanded percentile interval of Hesterberg 2015). Below about
8 cells that reaches the least and the greatest value drawn and is still too narrow.

Each cell counts once, with the estimate of its best model, however well it is known; a parameter
is taken over the cells whose best model has it.

Sources: Efron & Tibshirani 1993, ch. 13; Hesterberg 2015.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation
from synsim.fit.profile import Interval
from synsim.fit.words import number

HESTERBERG = Citation("Hesterberg 2015, Am Stat 69:371", "10.1080/00031305.2015.1089789")

Array = NDArray[Any]

SAMPLES = 4000
FEWEST = 3  # cells for an interval
FEW = 8  # cells below which it is too narrow


@dataclass(frozen=True)
class Known:
    """One parameter of one cell: value, unit, ends of its interval (None: no limit on that side).

    `interval` is None as a whole for what is computed from other parameters; `fixed` is given.
    """

    value: float
    unit: str
    interval: Interval | None
    fixed: bool = False

    @property
    def open(self) -> bool:
        """Whether its interval has no limit on a side."""
        return self.interval is not None and not self.fixed and None in self.interval


@dataclass(frozen=True)
class Cell:
    """Values of the grouping columns, and the parameters of the best model by name."""

    group: Mapping[str, str]
    known: Mapping[str, Known]


@dataclass(frozen=True)
class Spread:
    """One parameter over cells: how many, mean and median with 95 % intervals, SD, unit.

    `open` counts the cells whose own interval has no limit on a side.
    """

    name: str
    cells: int
    mean: float
    mean_interval: tuple[float, float]
    median: float
    median_interval: tuple[float, float]
    sd: float
    open: int
    unit: str


@dataclass(frozen=True)
class Population:
    """Cells of one kind: values of the other grouping columns, cells, parameters."""

    group: Mapping[str, str]
    cells: tuple[str, ...]
    parameters: tuple[Spread, ...]

    @property
    def label(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.group.items())


def tails(cells: int) -> float:
    """Share cut off on each side for a 95 % interval over that many cells."""
    from scipy.special import ndtr, stdtrit

    t = float(stdtrit(cells - 1, 0.975))
    return float(ndtr(-math.sqrt(cells / (cells - 1)) * t))


def bootstrap_cells(
    values: Array, rng: np.random.Generator, samples: int = SAMPLES
) -> tuple[tuple[float, float], tuple[float, float]]:
    """95 % intervals of mean and median over cells; values (cells,), 3 or more."""
    drawn = values[rng.integers(0, values.size, (samples, values.size))]
    cut = tails(values.size)
    ends = []
    for found in (drawn.mean(axis=1), np.median(drawn, axis=1)):
        low, high = np.quantile(found, [cut, 1 - cut])
        ends.append((float(low), float(high)))
    return ends[0], ends[1]


def populations(
    rows: Sequence[Cell], cell: str, names: Sequence[str], rng: np.random.Generator
) -> tuple[Population, ...]:
    """Cells of equal values in all grouping columns but `cell`; those with 3 cells or more.

    Parameters
    ----------
    cell : the grouping column whose values are cells
    names : parameters, in the order in which they are drawn and shown
    """
    kinds: dict[tuple[tuple[str, str], ...], list[Cell]] = {}
    for row in rows:
        if cell in row.group:
            kind = tuple((k, v) for k, v in row.group.items() if k != cell)
            kinds.setdefault(kind, []).append(row)
    found = []
    for kind, members in kinds.items():
        if len(members) < FEWEST:
            continue
        spreads = []
        for name in names:
            there = [row.known[name] for row in members if name in row.known]
            if len(there) < FEWEST:
                continue
            values = np.array([float(known.value) for known in there])
            mean_interval, median_interval = bootstrap_cells(values, rng)
            spreads.append(
                Spread(
                    name,
                    values.size,
                    float(values.mean()),
                    mean_interval,
                    float(np.median(values)),
                    median_interval,
                    float(values.std(ddof=1)),
                    sum(known.open for known in there),
                    there[0].unit,
                )
            )
        labels = tuple(row.group[cell] for row in members)
        found.append(Population(dict(kind), labels, tuple(spreads)))
    return tuple(found)


def words(found: Sequence[Population]) -> list[str]:
    """What to mind about groups, one line each."""
    said = []
    for group in found:
        lead = f"group of {len(group.cells)} cells" + (f" ({group.label})" if group.label else "")
        if len(group.cells) < FEW:
            said.append(f"{lead}: intervals over fewer than {FEW} cells are too narrow")
        loose = [f"{s.name} in {s.open}" for s in group.parameters if s.open]
        if loose:
            said.append(
                f"{lead}: cells whose own interval has no limit count with their best value "
                f"({', '.join(loose)})"
            )
    return said


def parameter_columns(rows: Sequence[Cell], names: Sequence[str]) -> dict[str, list[Any]]:
    """An entry per cell: each parameter that any of them has, and the ends of its interval."""
    table: dict[str, list[Any]] = {}
    for name in names:
        there = [row.known.get(name) for row in rows]
        first = next((known for known in there if known is not None), None)
        if first is None:
            continue
        unit = "" if first.unit == "1" else f"_{first.unit}"
        table[f"{name}{unit}"] = [None if known is None else known.value for known in there]
        if first.interval is None:
            continue
        for place, word in enumerate(("low", "high")):
            table[f"{name}_{word}{unit}"] = [
                None if known is None or known.interval is None else known.interval[place]
                for known in there
            ]
    return table


def group_columns(found: Sequence[Population]) -> dict[str, list[Any]]:
    """A row per group of cells and parameter."""
    kinds = dict.fromkeys(name for group in found for name in group.group)
    pairs = [(group, s) for group in found for s in group.parameters]
    table: dict[str, list[Any]] = {k: [g.group[k] for g, _ in pairs] for k in kinds}
    table["parameter"] = [s.name for _, s in pairs]
    table["unit"] = [s.unit for _, s in pairs]
    for name in ("cells", "mean"):
        table[name] = [getattr(s, name) for _, s in pairs]
    table["mean_low"] = [s.mean_interval[0] for _, s in pairs]
    table["mean_high"] = [s.mean_interval[1] for _, s in pairs]
    table["median"] = [s.median for _, s in pairs]
    table["median_low"] = [s.median_interval[0] for _, s in pairs]
    table["median_high"] = [s.median_interval[1] for _, s in pairs]
    table["sd"] = [s.sd for _, s in pairs]
    table["cells_without_limit"] = [s.open for _, s in pairs]
    return table


def as_list(found: Sequence[Population]) -> list[dict[str, Any]]:
    """For ``summary.json``."""
    return [
        {
            "group": dict(group.group),
            "cells": list(group.cells),
            "params": {
                s.name: {
                    "cells": s.cells,
                    "mean": s.mean,
                    "mean_ci95": list(s.mean_interval),
                    "median": s.median,
                    "median_ci95": list(s.median_interval),
                    "sd": s.sd,
                    "cells_without_limit": s.open,
                    "unit": s.unit,
                }
                for s in group.parameters
            },
        }
        for group in found
    ]


def files(rows: Mapping[str, list[Any]] | None, found: Sequence[Population]) -> dict[str, str]:
    """``cells.csv`` of a row per cell, where there are rows, and ``group.csv``."""
    from synsim.results import to_csv

    made = {} if rows is None else {"cells.csv": to_csv(rows)}
    return made | ({"group.csv": to_csv(group_columns(found))} if found else {})


def sentence(group: Population, names: Sequence[str]) -> str:
    """Means of some parameters over cells, for a paragraph."""
    text = ", ".join(
        f"{s.name} {number(s.mean)}{_after(s.unit)} [{number(s.mean_interval[0])} to "
        f"{number(s.mean_interval[1])}{_after(s.unit)}]"
        for s in group.parameters
        if s.name in names
    )
    lead = f"{group.label}, " if group.label else ""
    return f"{lead}mean over {len(group.cells)} cells [bootstrap over cells]: {text}"


def _after(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


def lines(found: Sequence[Population]) -> list[str]:
    """For a report."""
    text = []
    for group in found:
        title = f"Over {len(group.cells)} cells" + (f", {group.label}" if group.label else "")
        text += [title, "-" * len(title)]
        text.append(
            f"  {'':<14}{'cells':>6}{'mean':>10}{'95 %':>20}{'median':>10}{'95 %':>20}{'SD':>9}"
        )
        for s in group.parameters:
            ends = [
                f"{number(low)} to {number(high)}"
                for low, high in (s.mean_interval, s.median_interval)
            ]
            name = s.name if s.unit == "1" else f"{s.name} ({s.unit})"
            text.append(
                f"  {name:<20}{s.cells:>2}{number(s.mean):>8}{ends[0]:>20}"
                f"{number(s.median):>10}{ends[1]:>20}{number(s.sd):>9}"
            )
        text += ["  Intervals: bootstrap over cells, each with the estimate of its best model.", ""]
    return text

"""A group of cells: a row for each, and mean and median over them with bootstrap intervals.

Cells, not responses, are drawn with replacement: what is uncertain about a group is which cells
were met, and the error of each cell's estimate is part of their scatter. Percentile intervals
are too narrow with few cells (by sqrt((m-1)/m), and as a normal is narrower than Student's t), so
the tails are cut at Phi(-sqrt(m/(m-1)) t) instead of 2.5 %, t the 97.5 % point of Student's t
with m - 1 degrees of freedom (the expanded percentile interval of Hesterberg 2015). Below about
8 cells that reaches the least and the greatest value drawn and is still too narrow.

Each cell counts once, with the estimate of its best model, however well it is known. `p` is U at
rest where a cell has dynamics; tau_rec and tau_facil are over the cells whose best model has them.

Sources: Efron & Tibshirani 1993, ch. 13; Hesterberg 2015.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import Citation
from synsim.fit.words import number

if TYPE_CHECKING:
    from synsim.fit.quantal_result import GroupFit

HESTERBERG = Citation("Hesterberg 2015, Am Stat 69:371", "10.1080/00031305.2015.1089789")

Array = NDArray[Any]

SAMPLES = 4000
FEWEST = 3  # cells for an interval
FEW = 8  # cells below which it is too narrow
NAMES = ("n", "p", "q", "tau_rec", "tau_facil", "s0", "cv", "mean_at_rest")


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


def estimates(g: GroupFit) -> dict[str, tuple[float, bool, str]]:
    """Of the best model: value, whether its interval is closed or given, unit."""
    fit = g.best
    found = {}
    for e in fit.estimates:
        name = "p" if e.name == "U" else e.name
        found[name] = (float(e.value), e.fixed or None not in e.interval, e.unit)
    mean = fit.n * fit.value("U") * fit.value("q")
    found["mean_at_rest"] = (mean, True, fit.estimate("q").unit)
    return found


def populations(
    fits: Sequence[GroupFit], cell: str, rng: np.random.Generator
) -> tuple[Population, ...]:
    """Cells of equal values in all grouping columns but `cell`; those with 3 cells or more."""
    kinds: dict[tuple[tuple[str, str], ...], list[GroupFit]] = {}
    for g in fits:
        if cell in g.group:
            kind = tuple((k, v) for k, v in g.group.items() if k != cell)
            kinds.setdefault(kind, []).append(g)
    found = []
    for kind, members in kinds.items():
        if len(members) < FEWEST:
            continue
        rows = [estimates(g) for g in members]
        spreads = []
        for name in NAMES:
            there = [row[name] for row in rows if name in row]
            if len(there) < FEWEST:
                continue
            values = np.array([value for value, _, _ in there])
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
                    sum(not closed for _, closed, _ in there),
                    there[0][2],
                )
            )
        names = tuple(g.group[cell] for g in members)
        found.append(Population(dict(kind), names, tuple(spreads)))
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


def cell_columns(fits: Sequence[GroupFit], group_by: Sequence[str]) -> dict[str, list[Any]]:
    """A row per cell: grouping columns, responses, model, each parameter with its interval."""
    units = {e.name: e.unit for g in fits for e in g.best.estimates} | {"p": "1"}
    units["mean_at_rest"] = units["q"]
    table: dict[str, list[Any]] = {name: [g.group[name] for g in fits] for name in group_by}
    table["responses"] = [g.best.size for g in fits]
    table["model"] = [g.best.name for g in fits]
    table["undecided"] = [
        sum(f.bic <= g.best.bic + 2 for f in g.comparison.fits.values()) > 1 for g in fits
    ]
    for name in NAMES:
        rows = [estimates(g).get(name) for g in fits]
        if not any(rows):
            continue
        unit = "" if units[name] == "1" else f"_{units[name]}"
        values = [None if row is None else row[0] for row in rows]
        if name == "n":
            values = [g.best.n for g in fits]
        table[f"{name}{unit}"] = values
        if name == "mean_at_rest":
            continue
        sides = [
            None if row is None else g.best.estimate(name)
            for row, g in zip(rows, fits, strict=True)
        ]
        for place, word in enumerate(("low", "high")):
            table[f"{name}_{word}{unit}"] = [
                None if e is None else e.interval[place] for e in sides
            ]
    trend = [next((c.values for c in g.checks if c.name == "rundown"), None) for g in fits]
    table["trend_over_recording"] = [None if t is None else t["change"] for t in trend]
    table["trend_p_value"] = [None if t is None else t["p_value"] for t in trend]
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

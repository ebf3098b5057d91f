"""Rank correlations and log-log slopes of recorded synapses, and what of them is built in.

Resampling is by group where rows share something (a presynaptic neuron), else by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component.errors import InputError
from synsim.recordings import find_recording
from synsim.tables import Table, read_table

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Changes:
    """Connections before and after induction: p, and w = p q in mV; shape (cells,)."""

    names: list[str]
    p: Array
    w_before: Array
    w_after: Array

    @classmethod
    def read(cls, file: str) -> Changes:
        """From columns pr_before, w_before, w_after, and recording for names.

        Raises
        ------
        InputError
            naming file, line and column, for p not in (0, 1] or w_before not above 0
        """
        table = read_table(find_recording(file))
        p, before = table.numbers("pr_before"), table.numbers("w_before")
        _each(table, "pr_before", (p > 0) & (p <= 1), "a release probability above 0, at most 1")
        _each(table, "w_before", before > 0, "a weight above 0")
        names = (
            table.texts("recording")
            if "recording" in table.names
            else [str(i + 1) for i in range(len(table))]
        )
        found = cls(names, p, before, table.numbers("w_after"))
        _enough(table, p, found.relative)
        return found

    @property
    def absolute(self) -> Array:
        """|w_after - w_before|, mV."""
        return np.abs(self.w_after - self.w_before)

    @property
    def relative(self) -> Array:
        """|w_after - w_before|/w_before."""
        return self.absolute / self.w_before


@dataclass(frozen=True, eq=False)
class Variability:
    """Connections in vivo: mean response and its variance, and presynaptic rate; shape (rows,)."""

    mean: Array
    variance: Array
    rate: Array

    @classmethod
    def read(cls, file: str, rate: str, reading: str) -> Variability:
        """From columns mean, var and the one named for the rate.

        reading : ``variance``, or ``sd`` where the column var holds standard deviations

        Raises
        ------
        InputError
            naming file, line and column, for a value that is not above 0
        """
        table = read_table(find_recording(file))
        read = {
            name: table.numbers(name) for name in ("mean", "var", table.require(rate, "--rate"))
        }
        for name, column in read.items():
            _each(table, name, column > 0, "a value above 0")
        variance = read["var"] if reading == "variance" else read["var"] ** 2
        found = cls(read["mean"], variance, read[rate])
        _enough(table, found.rate, found.normalised)
        return found

    @property
    def normalised(self) -> Array:
        """variance/mean."""
        return self.variance / self.mean


def rates_of(file: str, known: tuple[str, ...]) -> list[str]:
    """Those of the known columns of rates that a file has."""
    names = read_table(find_recording(file)).names
    return [name for name in known if name in names]


def _enough(table: Table, *columns: Array) -> None:
    """Refuse what has no correlation: fewer than four rows, or a column of one value."""
    if len(table) < 4:
        raise InputError(f"{table.source}: found {len(table)} row(s), expected at least 4")
    if any(np.ptp(column) == 0 for column in columns):
        raise InputError(f"{table.source}: found one value in all rows, expected different ones")


def _each(table: Table, name: str, right: Any, wanted: str) -> None:
    if not right.all():
        raise table.refuse(int(np.argmin(right)), name, wanted)


@dataclass(frozen=True)
class Statistic:
    """An estimate with its 95 % bootstrap interval (percentiles)."""

    value: float
    low: float
    high: float


def spearman(x: Array, y: Array) -> float:
    """Rank correlation."""
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).statistic)


def log_log_slope(x: Array, y: Array) -> float:
    """Least-squares slope of ln y on ln x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def bootstrap(
    of: Any, x: Array, y: Array, draws: int, rng: np.random.Generator, group: Any = None
) -> Statistic:
    """A statistic of x and y with its interval, rows or whole groups drawn with replacement."""
    labels = np.arange(len(x)) if group is None else np.unique(group, return_inverse=True)[1]
    members = [np.flatnonzero(labels == k) for k in range(labels.max() + 1)]
    again = []
    for _ in range(draws):
        rows = np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
        if len(np.unique(x[rows])) > 1 and len(np.unique(y[rows])) > 1:
            again.append(of(x[rows], y[rows]))
    low, high = np.quantile(again, (0.025, 0.975)) if again else (float("nan"), float("nan"))
    return Statistic(of(x, y), float(low), float(high))


@dataclass(frozen=True)
class Control:
    """What rank correlation there would be if the change had nothing to do with the synapse.

    median, low, high : of rank correlations of |dw|/w0 with p0, with |dw| shuffled over cells;
        not 0, since w0 = p0 q0 stays where it is
    p_value : of the recorded correlation against these, two-sided
    """

    median: float
    low: float
    high: float
    p_value: float


def shuffled_changes(cells: Changes, draws: int, rng: np.random.Generator) -> Control:
    """The control of one set of recordings."""
    found = spearman(cells.p, cells.relative)
    null = np.array(
        [spearman(cells.p, rng.permutation(cells.absolute) / cells.w_before) for _ in range(draws)]
    )
    below, above = np.mean(null <= found), np.mean(null >= found)
    p_value = min(1.0, 2 * float(min(below, above)) + 1 / draws)
    low, median, high = np.quantile(null, (0.025, 0.5, 0.975))
    return Control(float(median), float(low), float(high), p_value)

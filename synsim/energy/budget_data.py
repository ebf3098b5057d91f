"""Recorded p and q before and after plasticity, and what they say about costs by themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.fit.budget import greatest
from synsim.predict.energy_budget import TERMS, calcium
from synsim.recordings import comments, find_recording
from synsim.tables import read_table

Array = NDArray[np.float64]
STATES = ("before", "after")


@dataclass(frozen=True, eq=False)
class Cells:
    """Point estimates of connections: p and q (mV) of each state, shape (cells,)."""

    dataset: str
    names: list[str]
    p: dict[str, Array]
    q: dict[str, Array]
    source: str  # the first comment of the file

    @classmethod
    def read(cls, file: str) -> Cells:
        """Read columns pr_before, pr_after, q_before_mV, q_after_mV, and recording for names.

        Raises
        ------
        InputError
            naming the file, line and column, for p not between 0 and 1 and q not above 0
        """
        path = find_recording(file)
        table = read_table(path)
        p, q = {}, {}
        for state in STATES:
            p[state] = table.numbers(f"pr_{state}")
            q[state] = table.numbers(f"q_{state}_mV")
            for row in range(len(table)):
                if not 0 < p[state][row] < 1:
                    wanted = (
                        "a release probability above 0 and below 1 (at 0 nothing is released, at 1 "
                        "calcium costs without end)"
                    )
                    raise table.refuse(row, f"pr_{state}", wanted)
                if not q[state][row] > 0:
                    raise table.refuse(row, f"q_{state}_mV", "a quantal size above 0")
        names = (
            table.texts("recording")
            if "recording" in table.names
            else [str(i + 1) for i in range(len(table))]
        )
        said = comments(path)
        return cls(path.stem, names, p, q, said[0] if said else f"{path.name}: no source given")


def shuffled_gain(name: str, p: Array, q: Array, count: int, seed: int) -> tuple[float, Array]:
    """How much better `name` fits than turnover, with q as recorded and with q shuffled.

    Shuffling keeps that p is part of the mean p q, and takes away what q has to do with p.

    Returns
    -------
    difference of log likelihoods as recorded, and of each shuffle, shape (count,)
    """
    rng = np.random.default_rng([seed, 5])
    turnover = greatest("turnover", p, p * q)[0]  # p alone decides it
    found = [greatest(name, p, p * rng.permutation(q))[0] - turnover for _ in range(count)]
    return greatest(name, p, p * q)[0] - turnover, np.array(found)


def precision_energy_slope(p: ArrayLike, weight: float) -> float:
    """Slope of ln(1/CV^2) in ln E with calcium and turnover, of synapses with equal n."""
    A = calcium(p)
    return float(np.polyfit(np.log(A + weight), 4 * np.log(A), 1)[0])


def slopes_of_uniform_p(count: int, trials: int, seed: int) -> Array:
    """The same slope when p is uniform noise between 0.05 and 0.95, each with its own fit."""
    rng = np.random.default_rng([seed, 6])
    found = []
    for _ in range(trials):
        p = rng.uniform(0.05, 0.95, count)
        found.append(precision_energy_slope(p, greatest("turnover", p, p)[1]))
    return np.array(found)


def mean_with_interval(values: Array, seed: int, draws: int = 2000) -> tuple[float, float, float]:
    """Mean over cells with its 95 % bootstrap interval (cells drawn with replacement)."""
    rng = np.random.default_rng([seed, 7])
    means = values[rng.integers(0, len(values), (draws, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


def log_changes(cells: Cells) -> dict[str, Array]:
    """ln(cost after/cost before) of each cell, for every mechanism; n taken as unchanged."""
    found = {"calcium": np.log(calcium(cells.p["after"]) / calcium(cells.p["before"]))}
    for name, term in TERMS.items():
        if name != "turnover":  # n alone: unchanged by assumption
            after, before = (
                term.cost(1.0, cells.p[s], cells.p[s] * cells.q[s]) for s in ("after", "before")
            )
            found[name] = np.log(after / before)
    return found

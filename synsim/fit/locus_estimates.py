"""Published p and q before and after induction: the change of p against that of q.

A file of point estimates holds neither responses nor n, so nothing can be fitted to it, and n has
to be assumed, before and after. With w = p q (the mean response of one site),

    ln(w_after/w_before) = ln(p_after/p_before) + ln(q_after/q_before)

and where n stays the same the mean response n p q changes as w does, whatever n is. An assumed
change of n multiplies it. The share of p in the change of a connection is ln(p ratio)/ln(w ratio);
of a group, the ratio of the two means, with an interval from a bootstrap over connections.

p and q of one connection come from the same responses: an error that makes p too large makes q
too small, which alone spreads the points along lines of constant w (upper left to lower right).

Source: Efron & Tibshirani 1993, ch. 13 (percentile intervals).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.component import InputError
from synsim.fit import saving
from synsim.fit.bootstrap import EFRON
from synsim.fit.profile import Interval
from synsim.fit.words import number
from synsim.tables import Table, split_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

Array = NDArray[Any]

SAMPLES = 4000
QUANTITIES = ("p", "q", "w")


def _column(table: Table, stems: tuple[str, ...], epoch: str) -> str | None:
    wanted = {f"{stem}_{epoch}" for stem in stems}
    return next((c for c in table.names if split_unit(c)[0].lower() in wanted), None)


def _columns(table: Table) -> dict[str, str | None]:
    stems = {"p": ("pr", "p"), "q": ("q",)}
    return {f"{x}_{e}": _column(table, stems[x], e) for x in stems for e in ("before", "after")}


def holds_estimates(table: Table) -> bool:
    """Whether a table has p (or pr) and q before and after as columns."""
    return all(_columns(table).values())


@dataclass(frozen=True)
class GroupChange:
    """Means over connections of a log ratio, and the share of p, with 95 % intervals.

    `logs` maps p, q, w to (mean, interval); `medians` to median ratios.
    """

    connections: int
    logs: dict[str, tuple[float, Interval]]
    medians: dict[str, float]
    share: tuple[float, Interval]


@dataclass(frozen=True, repr=False)
class LocusEstimates(saving.Shown):
    """Changes of p and q of single connections under an assumed n.

    Attributes
    ----------
    p, q : values before and after, shape (connections, 2)
    n : assumed sites before and after
    names : of the connections, where the file has a column `recording` or `cell`
    unit : of q
    """

    p: Array
    q: Array
    n: tuple[int, int]
    names: list[str]
    unit: str
    source: str
    sha256: str | None
    taken: dict[str, Any]
    settings: dict[str, Any]
    seed: int

    @property
    def log_ratios(self) -> dict[str, Array]:
        """ln(after/before) of p, q and w = p q, shape (connections,) each."""
        p, q = np.log(self.p[:, 1] / self.p[:, 0]), np.log(self.q[:, 1] / self.q[:, 0])
        return {"p": p, "q": q, "w": p + q}

    @property
    def group(self) -> GroupChange:
        """Means and the share of p over connections."""
        logs = self.log_ratios
        rng = np.random.default_rng(self.seed)
        drawn = rng.integers(0, len(self.p), (SAMPLES, len(self.p)))
        means = {x: logs[x][drawn].mean(axis=1) for x in QUANTITIES}
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = means["p"] / means["w"]
        share = float(logs["p"].mean() / logs["w"].mean())
        # A share means nothing where the change itself may be none.
        certain = np.all(np.sign(means["w"]) == np.sign(means["w"][0]))
        return GroupChange(
            len(self.p),
            {x: (float(logs[x].mean()), _percentiles(means[x])) for x in QUANTITIES},
            {x: float(np.exp(np.median(logs[x]))) for x in QUANTITIES},
            (share, _percentiles(shares) if certain else (None, None)),
        )

    @property
    def conventions(self) -> dict[str, str]:
        return {
            "n": f"assumed: {self.n[0]} sites before, {self.n[1]} after; not in the data",
            "w": "p q, the mean response of one site; the mean response is n w",
            "ratio": "after / before",
            "share_of_p": "mean ln(p ratio) / mean ln(w ratio), n left out",
            "ci95": "percentiles of a bootstrap over connections; errors of single p and q are not "
            "in the file and not in the intervals, but for what they add to the scatter",
        }

    @property
    def citations(self) -> list[str]:
        """Sources of the methods; that of the data is in the file's own header."""
        return [str(EFRON)]

    @property
    def warnings(self) -> list[str]:
        """What to mind, one line each."""
        words = [
            f"n = {self.n[0]} before and {self.n[1]} after is assumed: point estimates of p and q "
            "cannot tell a change of n, and p and q themselves rest on the n of whoever made them"
        ]
        r = float(np.corrcoef(self.log_ratios["p"], self.log_ratios["q"])[0, 1])
        if r < -0.3:
            words.append(
                f"changes of p and q go against each other (r = {r:.2f}), as errors of the "
                "estimates do: single points are less certain than they look"
            )
        return words

    @property
    def results(self) -> dict[str, Any]:
        """In the form of ``summary.json``."""
        g = self.group
        params = {
            f"{x}_ratio": {
                "value": float(np.exp(mean)),
                "ci95": [None if end is None else float(np.exp(end)) for end in ci],
                "unit": "1",
                "median": g.medians[x],
            }
            for x, (mean, ci) in g.logs.items()
        }
        share = {"value": g.share[0], "ci95": list(g.share[1]), "unit": "1"}
        model = {"params": params | {"share_of_p": share}}
        fit = {"group": {}, "best": "estimates", "models": {"estimates": model}}
        return {
            "fits": [fit | {"n_points": g.connections, "assumed_n": list(self.n)}],
            "data": {"file": self.source, "sha256": self.sha256, "columns": dict(self.taken)},
        }

    def columns(self) -> dict[str, list[Any]]:
        """One row per connection."""
        unit = "" if self.unit == "1" else f"_{self.unit}"
        logs = self.log_ratios
        table: dict[str, list[Any]] = {"recording": list(self.names)}
        for i, epoch in enumerate(("before", "after")):
            n, p, q = self.n[i], self.p[:, i], self.q[:, i]
            table[f"n_{epoch}_assumed"] = [n] * len(p)
            table[f"p_{epoch}"], table[f"q_{epoch}{unit}"] = p.tolist(), q.tolist()
            table[f"mean_{epoch}{unit}"] = (n * p * q).tolist()
        for x in QUANTITIES:
            table[f"{x}_ratio"] = np.exp(logs[x]).tolist()
        table["mean_ratio"] = (np.exp(logs["w"]) * self.n[1] / self.n[0]).tolist()
        return table

    def to_frame(self) -> DataFrame:
        """A tidy DataFrame, one row per connection: p, q, mean n p q, and their ratios."""
        import pandas as pd

        return pd.DataFrame(self.columns())

    def summary(self) -> str:
        """One paragraph."""
        g = self.group
        parts = [f"{x} x {number(float(np.exp(m)))} [{_ends(ci)}]" for x, (m, ci) in g.logs.items()]
        share, ci = g.share
        low, high = ci
        within = (
            "no limit" if low is None or high is None else f"{100 * low:.0f} to {100 * high:.0f}"
        )
        return (
            f"{g.connections} connections, n = {self.n[0]} before and {self.n[1]} after assumed. "
            f"Geometric means of after/before: {', '.join(parts)} (w = p q). Share of p in the "
            f"change of w: {100 * share:.0f} % [{within}].\n"
            "95 % intervals in brackets, from a bootstrap over connections."
        )

    def report(self) -> str:
        """Summary, each connection, and what to mind."""
        logs = self.log_ratios
        lines = [f"Changes of p and q in {self.source}", "", self.summary(), ""]
        lines.append(f"  {'connection':<36}{'p ratio':>9}{'q ratio':>9}{'w ratio':>9}")
        for i, name in enumerate(self.names):
            ratios = "".join(f"{float(np.exp(logs[x][i])):>9.2f}" for x in QUANTITIES)
            lines.append(f"  {name[:34]:<36}{ratios}")
        return "\n".join([*lines, "", "To mind", *(f"  - {w}" for w in self.warnings)]) + "\n"

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Change of p against change of q, with lines of equal w and the mean of the group."""
        from synsim.fit.locus_plot import draw_plane

        return draw_plane(self, style.axes(ax))

    def figure(self) -> Figure:
        """Change of p against change of q, and their means."""
        from synsim.fit.locus_plot import figure_of_estimates

        return figure_of_estimates(self)

    def save(self, out: str | os.PathLike[str], *, force: bool = False, plot: bool = True) -> Path:
        """As `LocusFit.save`."""
        return saving.save(self, out, command="fit locus", library="numba", force=force, plot=plot)

    def contents(self, *, plot: bool = True) -> dict[str, Any]:
        """File name -> content of a results directory, but for ``summary.json``."""
        return saving.contents(self, plot=plot)


def _percentiles(values: Array) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _ends(ci: Interval) -> str:
    return " to ".join(number(float(np.exp(end))) for end in ci if end is not None)


def show_estimates(
    table: Table, assume_n: tuple[int, int] | int | None, seed: int, file: str | None = None
) -> LocusEstimates:
    """Read the point estimates of a table.

    Raises
    ------
    InputError
        one line: no n is assumed, or a cell is no probability or no size above 0.
    """
    if assume_n is None:
        raise InputError(
            f"{table.source}: holds point estimates of p and q, no responses and no n; say which "
            "number of sites to assume, --assume-n 5 (or --assume-n 5,7 before and after)"
        )
    n = (assume_n, assume_n) if isinstance(assume_n, (int, np.integer)) else tuple(assume_n)
    whole = all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in n)
    if len(n) != 2 or not whole or not all(1 <= v <= 500 for v in n):
        raise InputError(
            f"--assume-n: found {assume_n!r}, expected one or two whole numbers from 1"
        )
    taken = {key: name for key, name in _columns(table).items() if name is not None}
    values = {key: table.numbers(name) for key, name in taken.items()}
    for key, found in values.items():
        top = 1.0 if key.startswith("p") else np.inf
        for row in np.flatnonzero((found <= 0) | (found > top)):
            wanted = "a probability above 0, up to 1" if top == 1 else "a quantal size above 0"
            raise table.refuse(int(row), taken[key], wanted)
    units = {split_unit(taken[f"q_{e}"])[1] or "1" for e in ("before", "after")}
    if len(units) > 1:
        raise InputError(f"{table.source}: q before and after have different units ({units})")
    if len(table) < 3:
        raise InputError(
            f"{table.source}: {len(table)} connections are too few, expected 3 or more"
        )
    label = next((c for c in ("recording", "cell", "connection") if c in table.columns), None)
    names = table.texts(label) if label else [str(line) for line in table.lines]
    return LocusEstimates(
        p=np.column_stack([values["p_before"], values["p_after"]]),
        q=np.column_stack([values["q_before"], values["q_after"]]),
        n=(int(n[0]), int(n[1])),
        names=names,
        unit=units.pop(),
        source=table.source,
        sha256=table.sha256,
        taken={**taken, "name": label},
        settings={"file": file, "assume_n": [int(v) for v in n]},
        seed=seed,
    )

"""What `fit quantal` says of each cell: a row of `cells.csv`, and what is pooled over cells.

`p` is U at rest where a cell has dynamics; `mean_at_rest` is n p q.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synsim.fit.cells import Cell, Known, parameter_columns

if TYPE_CHECKING:
    from synsim.fit.quantal_result import GroupFit

NAMES = ("n", "p", "q", "tau_rec", "tau_facil", "s0", "cv", "mean_at_rest")


def cell_of(g: GroupFit) -> Cell:
    """The best model of a group."""
    fit = g.best
    known = {
        "p" if e.name == "U" else e.name: Known(e.value, e.unit, e.interval, e.fixed)
        for e in fit.estimates
    }
    mean = fit.n * fit.value("U") * fit.value("q")
    known["mean_at_rest"] = Known(mean, fit.estimate("q").unit, None)
    return Cell(g.group, known)


def cell_columns(fits: Sequence[GroupFit], group_by: Sequence[str]) -> dict[str, list[Any]]:
    """A row per cell: grouping columns, responses, model, each parameter with its interval."""
    table: dict[str, list[Any]] = {name: [g.group[name] for g in fits] for name in group_by}
    table["responses"] = [g.best.size for g in fits]
    table["model"] = [g.best.name for g in fits]
    table["undecided"] = [
        sum(f.bic <= g.best.bic + 2 for f in g.comparison.fits.values()) > 1 for g in fits
    ]
    table |= parameter_columns([cell_of(g) for g in fits], NAMES)
    trend = [next((c.values for c in g.checks if c.name == "rundown"), None) for g in fits]
    table["trend_over_recording"] = [None if t is None else t["change"] for t in trend]
    table["trend_p_value"] = [None if t is None else t["p_value"] for t in trend]
    return table

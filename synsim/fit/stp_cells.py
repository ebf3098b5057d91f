"""What `fit stp` says of each cell: a row of `cells.csv`, and what is pooled over cells.

`mean_at_rest` is A U, the first response, which trains tell better than either factor; pairs of
pulses, of which a ratio is taken, say nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synsim.fit.cells import Cell, Known, parameter_columns
from synsim.fit.stp_words import rivals

if TYPE_CHECKING:
    from synsim.fit.stp_result import GroupFit

NAMES = ("A", "U", "tau_rec", "tau_facil", "tau_inact", "mean_at_rest")


def cell_of(g: GroupFit) -> Cell:
    """The best model of a group."""
    known = {e.name: Known(e.value, e.unit, e.interval) for e in g.best.estimates}
    if "A" in known:
        A, U = known["A"], known["U"]
        known["mean_at_rest"] = Known(A.value * U.value, A.unit, None)
    return Cell(g.group, known)


def cell_columns(fits: Sequence[GroupFit], group_by: Sequence[str]) -> dict[str, list[Any]]:
    """A row per cell: grouping columns, pulses, model, each parameter with its interval."""
    table: dict[str, list[Any]] = {name: [g.group[name] for g in fits] for name in group_by}
    table["points"] = [g.best.size for g in fits]
    table["trains"] = [len(g.names) for g in fits]
    table["model"] = [g.best.name for g in fits]
    table["undecided"] = [len(rivals(g.fits)) > 1 for g in fits]
    table |= parameter_columns([cell_of(g) for g in fits], NAMES)
    table["trend_over_recording"] = [None if g.trend is None else g.trend.change for g in fits]
    table["trend_p_value"] = [None if g.trend is None else g.trend.chance for g in fits]
    return table

"""The result of `fit_stdp`: numbers for machines, words, table and figure for people."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit import saving
from synsim.fit.bootstrap import EFRON
from synsim.fit.columns import Points
from synsim.fit.curves import OUTLIER, RIVAL, CurveFit
from synsim.fit.noise import HURVICH_TSAI, LANGE, SCHWARZ
from synsim.fit.panel import chosen
from synsim.fit.profile import BATES_WATTS, VENZON
from synsim.fit.search import LMFIT
from synsim.fit.windows import WindowFit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

CONVENTIONS = {
    "lag": "t_post - t_pre, in ms",
    "change": "fraction of the response before: 0 is no change",
    "amplitudes": "of the whole protocol, not of one pairing; positive magnitudes",
    "lag_zero": "points at lag 0 are left out when a window without a value there is fitted",
    "variance": "sem^2 + scatter^2, scatter fitted and counted as a parameter",
    "criteria": "AICc and BIC from the full likelihood, comparable between residuals",
    "ci95": "null is no limit; 0 is the natural end of an amplitude",
    "r2": "1 - sum of squared residuals / sum of squares about the mean, unweighted",
    "undecided": f"windows within {RIVAL:g} AICc of the best",
    "outlier": f"more than {OUTLIER:g} standard deviations from the best window",
}


@dataclass(frozen=True)
class GroupFit:
    """One curve: the values of the grouping columns, its rows, its windows, its warnings."""

    group: Mapping[str, str]
    rows: NDArray[np.int_]
    curve_fit: CurveFit
    warnings: tuple[str, ...]

    @property
    def label(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.group.items())


@dataclass(frozen=True, repr=False)
class StdpFit(saving.Shown):
    """Windows fitted to one or more STDP curves.

    Attributes
    ----------
    results : dict
        as in the ``results`` of ``summary.json``
    warnings : list of str
        what to mind, one line each
    points, used : the data and which of them were fitted
    fits : tuple of GroupFit, one per curve
    settings, conventions, seed, citations : what a summary states
    """

    points: Points
    used: NDArray[np.bool_]
    fits: tuple[GroupFit, ...]
    warnings: list[str]
    settings: dict[str, Any]
    seed: int

    @property
    def conventions(self) -> dict[str, str]:
        return dict(CONVENTIONS)

    @property
    def citations(self) -> list[str]:
        """Sources of the windows fitted and the methods used."""
        found = []
        for fit in (f for g in self.fits for f in g.curve_fit.fits.values()):
            found += list(fit.window.citations)
        found += [HURVICH_TSAI, SCHWARZ, LMFIT]
        found += [LANGE] if self.settings["residuals"] == "student-t" else []
        profiled = self.settings["intervals"] == "profile"
        found += [VENZON, BATES_WATTS] if profiled else [EFRON]
        return list(dict.fromkeys(str(citation) for citation in found))

    @property
    def results(self) -> dict[str, Any]:
        """Fits and data, in the form of ``summary.json``."""
        columns = dict(self.points.taken)
        source = self.points.source
        return {
            "fits": [_group(g) for g in self.fits],
            "data": {"file": source, "sha256": self.points.sha256, "columns": columns},
        }

    def columns(self) -> dict[str, list[Any]]:
        """One entry per data point, in the order of the data: the tidy table, column by column.

        Points that were not fitted have no fitted value.
        """
        m = self.points.lag.size
        names = [_free(name) for name in self.points.group_by]
        table: dict[str, list[Any]] = {
            name: [group[i] for group in self.points.groups] for i, name in enumerate(names)
        }
        if self.points.cells is not None and "cell" not in names:
            table["cell"] = list(self.points.cells)
        table["delta_t_ms"] = self.points.lag.tolist()
        table["dw_rel"] = self.points.change.tolist()
        given = any(self.points.taken[name] for name in ("sem", "sd"))
        table["sem"] = self.points.sem.tolist() if given else [None] * m
        best: list[Any] = [None] * m
        fitted, residual, standardised = (np.full(m, np.nan) for _ in range(3))
        outlier: list[Any] = [None] * m
        for g in self.fits:
            fitted[g.rows] = g.curve_fit.best.predict(self.points.lag[g.rows])
            standardised[g.rows] = g.curve_fit.standardised
            for row, far in zip(g.rows, g.curve_fit.outliers, strict=True):
                best[row], outlier[row] = g.curve_fit.best.name, bool(far)
        residual = self.points.change - fitted
        table |= {"best": best, "fitted": fitted.tolist(), "residual": residual.tolist()}
        return table | {"residual_sd": standardised.tolist(), "outlier": outlier}

    def to_frame(self) -> DataFrame:
        """A tidy DataFrame, one row per data point.

        Columns: those grouped by, cell, delta_t_ms, dw_rel, sem, best (window), fitted,
        residual (change - fitted), residual_sd (in standard deviations), outlier.
        """
        import pandas as pd

        return pd.DataFrame(self.columns())

    def report(self) -> str:
        """The fits in words and plain tables."""
        from synsim.fit.report import report

        return report(self)

    def summary(self) -> str:
        """One paragraph: data, best window of each curve, its parameters."""
        from synsim.fit.report import paragraph

        return paragraph(self)

    def plot(self, ax: Axes | None = None, *, group: int | None = None) -> Axes:
        """Data and best window with its 95 % band; `group` is the number of the curve.

        Raises
        ------
        InputError
            when there are several curves and `group` does not choose one.
        """
        from synsim.fit.plot import draw_curve

        return draw_curve(chosen(self.fits, group, "group", "curves"), ax)

    def figure(self) -> Figure:
        """Every curve with its best window, band and residuals."""
        from synsim.fit.plot import figure

        return figure(self)

    def contents(self, *, plot: bool = True) -> dict[str, Any]:
        """File name -> content of a results directory, but for ``summary.json``."""
        return saving.contents(self, plot=plot)

    def save(self, out: str | os.PathLike[str], *, force: bool = False, plot: bool = True) -> Path:
        """Write ``data.csv``, ``summary.json``, ``report.txt`` and the figure, all or none.

        Raises
        ------
        InputError
            when `out` is in the way and is no earlier result to be replaced with `force`.
        """
        return saving.save(
            self,
            out,
            command="fit stdp",
            library="lmfit",
            force=force,
            plot=plot,
        )


_OWN = ("cell", "delta_t_ms", "dw_rel", "sem", "best", "fitted", "residual", "outlier")


def _free(name: str) -> str:
    """A grouping column's name, changed where a column of the table has it."""
    return name if name == "cell" or name not in _OWN else f"group_{name}"


def _group(g: GroupFit) -> dict[str, Any]:
    fit = g.curve_fit
    return {
        "group": dict(g.group),
        "best": fit.best.name,
        "undecided": fit.rivals if len(fit.rivals) > 1 else [],
        "models": {name: _window(fit, found) for name, found in fit.fits.items()},
        "skipped": dict(fit.skipped),
        "n_points": len(fit.curve),
        "n_outliers": int(fit.outliers.sum()),
        "residuals": fit.noise.name,
    }


def _window(fit: CurveFit, found: WindowFit) -> dict[str, Any]:
    return {
        "params": {
            e.name: {"value": e.value, "ci95": list(e.interval), "unit": e.unit}
            for e in found.estimates
        },
        "scatter": {"value": found.scatter, "unit": "1"},
        "loglik": found.loglik,
        "k": found.k,
        "aicc": found.aicc,
        "delta_aicc": found.aicc - fit.best.aicc,
        "weight": fit.weights[found.name],
        "bic": found.bic,
        "r2": found.r2 if math.isfinite(found.r2) else None,
    }

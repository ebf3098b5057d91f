"""The result of `fit_locus` for single responses: numbers, table, words, figure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.fit import saving
from synsim.fit.bootstrap import EFRON
from synsim.fit.locus_cv import BEKKERS_STEVENS, BROCK, FABER_KORN, MALINOW_TSIEN, PLACES
from synsim.fit.locus_data import EPOCHS
from synsim.fit.locus_models import ALL, LOCI, RAFTERY
from synsim.fit.noise import SCHWARZ
from synsim.fit.panel import chosen
from synsim.fit.profile import VENZON
from synsim.fit.quantal_models import ASSUMED_CV, LARGEST_CV
from synsim.fit.release_filter import BARRI, BIRD
from synsim.models.quantal_release import KATZ

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from synsim.fit.locus_cv import CVAnalysis, Failures
    from synsim.fit.locus_data import Cell, Epochs
    from synsim.fit.locus_models import LocusComparison, LocusModel

CONVENTIONS = {
    "q": "response to one vesicle; the mean response is n p q",
    "p": "release probability at rest; U where there are dynamics",
    "ratio": "after / before",
    "epochs": "each begins at rest; time constants, cv and (unless noise is separate) s0 are "
    "shared",
    "sign": "magnitudes: both epochs are turned so that their mean is positive",
    "cv": f"estimated; {ASSUMED_CV:g} where it comes out above {LARGEST_CV:g} "
    "or with steps of q in responses to many quanta (--cv auto)",
    "ci95": "profile likelihood over all else, n as well, for the best model and for that in which "
    "all may change; a null side has no limit, a null interval was not computed",
    "criteria": "n, s0 and cv count as parameters; decided with a lead of 2 BIC over models that "
    "contain the best and of 6 over others",
    "support": "sum of the BIC weights of the models in which a parameter changes",
    "cv_analysis": "responses from rest; variance less s0^2 of the best model; percentiles of a "
    "bootstrap",
}


@dataclass(frozen=True)
class CellLocus:
    """One cell: its data, the models, CV analysis and failures (None: too few), warnings."""

    cell: Cell
    comparison: LocusComparison
    analysis: CVAnalysis | None
    failures: Failures | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class LocusFit(saving.Shown):
    """Models of change fitted to one or more cells.

    Attributes
    ----------
    results : dict
        as in the ``results`` of ``summary.json``
    warnings : list of str
        what to mind, one line each
    epochs : the data
    fits : tuple of CellLocus, one per cell
    settings, conventions, seed, citations : what a summary states
    """

    epochs: Epochs
    fits: tuple[CellLocus, ...]
    warnings: list[str]
    settings: dict[str, Any]
    seed: int

    @property
    def conventions(self) -> dict[str, str]:
        return dict(CONVENTIONS)

    @property
    def citations(self) -> list[str]:
        """Sources of the models and the methods."""
        found = [KATZ, BARRI, BIRD, SCHWARZ, RAFTERY, VENZON, EFRON]
        found += [MALINOW_TSIEN, BEKKERS_STEVENS, FABER_KORN, BROCK]
        return [str(citation) for citation in found]

    @property
    def results(self) -> dict[str, Any]:
        """Fits and data, in the form of ``summary.json``."""
        r = self.epochs.responses
        taken = dict(r.taken) | {
            "epoch": self.epochs.column,
            "group_by": list(self.epochs.group_by),
        }
        return {
            "fits": [_cell(f, r.unit) for f in self.fits],
            "data": {"file": r.source, "sha256": r.sha256, "columns": taken},
        }

    def columns(self) -> dict[str, list[Any]]:
        """One row per cell and parameter: p, n, q, after / before, in the best model and in all."""
        rows: dict[str, list[Any]] = {name: [] for name in self.epochs.group_by}
        names = ("parameter", "best_model", "undecided", "support", "model", "before", "after")
        rows |= {name: [] for name in (*names, "ratio", "ratio_low", "ratio_high", "unit")}
        for f in self.fits:
            found = f.comparison
            for model in dict.fromkeys((found.best.name, _widest(found))):
                for x in LOCI:
                    m = found.models[model]
                    for name in self.epochs.group_by:
                        rows[name].append(f.cell.group[name])
                    low, high = m.intervals.get(f"{x}_ratio", (1.0, 1.0))
                    values = (
                        x, found.best.name, len(found.rivals) > 1, found.support[x], model,
                        m.value(x, 0), m.value(x, 1), m.ratio(x), low, high,
                        self.epochs.responses.unit if x == "q" else "1",
                    )  # fmt: skip
                    for name, value in zip(
                        (*names, "ratio", "ratio_low", "ratio_high", "unit"), values, strict=True
                    ):
                        rows[name].append(value)
        return rows

    def to_frame(self) -> DataFrame:
        """A tidy DataFrame, one row per cell, model and parameter.

        Columns: those grouped by, parameter (p, n, q), best_model, undecided, support (summed BIC
        weight of its change), model (the best, and that in which all may change), before, after,
        ratio with its 95 % interval (empty: no limit; 1 to 1 where the model holds it), unit of
        before and after.
        """
        import pandas as pd

        return pd.DataFrame(self.columns())

    def report(self) -> str:
        """The fits in words and plain tables."""
        from synsim.fit.locus_report import report

        return report(self)

    def summary(self) -> str:
        """One paragraph: each cell's verdict and changes."""
        from synsim.fit.locus_report import paragraph

        return paragraph(self)

    @style.styled
    def plot(self, ax: Axes | None = None, *, group: int | None = None) -> Axes:
        """Changes of p, n and q with their 95 % intervals; `group` is the number of the cell.

        Raises
        ------
        InputError
            when there are several cells and `group` does not choose one.
        """
        from synsim.fit.locus_plot import draw_changes

        return draw_changes(chosen(self.fits, group, "group", "cells"), style.axes(ax))

    def figure(self) -> Figure:
        """A row per cell: responses, CV analysis, weights of the models, intervals of changes."""
        from synsim.fit.locus_plot import figure

        return figure(self)

    def save(self, out: str | os.PathLike[str], *, force: bool = False, plot: bool = True) -> Path:
        """Write ``data.csv``, ``summary.json``, ``report.txt`` and the figure, all or none.

        Raises
        ------
        InputError
            when `out` is in the way and is no earlier result to be replaced with `force`.
        """
        return saving.save(self, out, command="fit locus", library="numba", force=force, plot=plot)

    def contents(self, *, plot: bool = True) -> dict[str, Any]:
        """File name -> content of a results directory, but for ``summary.json``."""
        return saving.contents(self, plot=plot)


def _widest(found: LocusComparison) -> str:
    """The model in which most may change: all, or p and q where n is known."""
    return ALL if ALL in found.models else "p+q"


def _cell(f: CellLocus, unit: str) -> dict[str, Any]:
    found = f.comparison
    weights = found.weights
    return {
        "group": dict(f.cell.group),
        "best": found.best.name,
        "undecided": len(found.rivals) > 1,
        "rivals": list(found.rivals),
        "support": found.support,
        "dynamics": found.dynamics,
        "models": {
            name: _model(m, unit) | {"delta_bic": m.bic - found.best.bic, "weight": weights[name]}
            for name, m in found.models.items()
        },
        "n_points": found.best.pair.size,
        "responses": {e: y.size for e, y in zip(EPOCHS, f.cell.amplitude, strict=True)},
        "sign": "negative" if f.cell.flipped else "positive",
        "cv_analysis": None if f.analysis is None else _analysis(f.analysis),
        "failures": None if f.failures is None else _failures(f.failures),
    }


def _model(m: LocusModel, unit: str) -> dict[str, Any]:
    units = {"q": unit, "s0": unit, "tau_rec": "ms", "tau_facil": "ms"}
    params: dict[str, Any] = {}
    for name in ("p", "n", "q", *(x for x in m.pair.free if x not in ("U", "q"))):
        for epoch, word in enumerate(EPOCHS):
            key = f"{name}_{word}"
            ci = m.intervals.get(key)
            params[key] = {
                "value": m.value(name, epoch),
                "ci95": None if ci is None else list(ci),
                "unit": units.get(name, "1"),
            }
    for x in m.loci:
        ci = m.intervals.get(f"{x}_ratio")
        params[f"{x}_ratio"] = {
            "value": m.ratio(x), "ci95": None if ci is None else list(ci), "unit": "1"
        }  # fmt: skip
    total, rest = 0.0, 0.0
    for r, n, theta in zip(m.pair.releases, m.best.sites, m.pair.theta(m.best.z), strict=True):
        total += float(np.sum((r.data.y - _grand_mean(m)) ** 2))
        rest += float(np.sum((r.data.y - r.data.predict(n, theta).mean) ** 2))
    return {
        "params": params, "loglik": m.loglik, "k": m.k, "aicc": m.aicc, "bic": m.bic,
        "r2": 1 - rest / total,
    }  # fmt: skip


def _grand_mean(m: LocusModel) -> float:
    return float(np.concatenate([r.data.y for r in m.pair.releases]).mean())


def _analysis(a: CVAnalysis) -> dict[str, Any]:
    return {
        "responses": list(a.responses),
        "s0": list(a.s0),
        "mean_ratio": a.mean_ratio,
        "mean_ratio_ci95": list(a.mean_interval),
        "inverse_cv2_ratio": a.ratio,
        "inverse_cv2_ratio_ci95": list(a.interval),
        "share_above_diagonal": a.above,
        "place": a.place,
        "says": PLACES[a.place],
    }


def _failures(f: Failures) -> dict[str, Any]:
    numbers: Mapping[str, Any] = {
        "threshold": f.threshold,
        "before": {"failures": f.counts[0], "of": f.totals[0], "rate": f.rates[0]},
        "after": {"failures": f.counts[1], "of": f.totals[1], "rate": f.rates[1]},
        "rate_before_ci95": list(f.intervals[0]),
        "rate_after_ci95": list(f.intervals[1]),
        "p_value": f.p_value,
    }
    return dict(numbers)

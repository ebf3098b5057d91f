"""The result of `fit_quantal`: numbers for machines, words, table and figure for people."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.fit import cells, quantal_cells, saving
from synsim.fit.bootstrap import EFRON
from synsim.fit.calibration import Calibration, as_dict
from synsim.fit.noise import HURVICH_TSAI, SCHWARZ
from synsim.fit.panel import chosen
from synsim.fit.profile import VENZON
from synsim.fit.quantal_classical import Check, pulses
from synsim.fit.quantal_data import Responses
from synsim.fit.quantal_draws import Posterior, draw_columns
from synsim.fit.quantal_draws import as_dict as posterior_dict
from synsim.fit.quantal_models import ASSUMED_CV, LARGEST_CV, Comparison, ModelFit
from synsim.fit.quantal_posterior import FOREMAN_MACKEY, PRIORS, VEHTARI
from synsim.fit.release_filter import BARRI, BIRD, RABINER
from synsim.models.quantal_release import KATZ
from synsim.models.quantal_variability import CLEMENTS_SILVER, SILVER
from synsim.models.release_sites import FUHRMANN
from synsim.models.tsodyks_markram import MAASS_MARKRAM

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

CONVENTIONS = {
    "q": "response to one vesicle; the mean response is n p q, or n u x q",
    "p_and_U": "one quantity: p where it is constant, U at rest where it is not",
    "order": "sites refill over the interval, u facilitates, then release uses that u",
    "rest": "the first response of a group starts from rest, and with times that of each sweep; "
    "an interval that is given is used as it is",
    "sign": "magnitudes: responses are turned so that their mean is positive",
    "emission": "Normal(k q, s0^2 + k (cv q)^2)",
    "cv": f"estimated; {ASSUMED_CV:g} where it comes out above {LARGEST_CV:g} "
    "or with steps of q in responses to many quanta (--cv auto)",
    "ci95": "profile likelihood over all else, n as well; null is no limit; 0 is the natural end "
    "of s0, cv and tau_facil",
    "criteria": "n, s0 and cv count as parameters; best is the least BIC",
    "r2": "of the means n q u x, without the responses before",
}


@dataclass(frozen=True)
class GroupFit:
    """One cell and protocol: values of the grouping columns, its rows, models, checks, warnings."""

    group: Mapping[str, str]
    rows: NDArray[np.int_]
    comparison: Comparison
    checks: tuple[Check, ...]
    flipped: bool
    warnings: tuple[str, ...]
    calibration: Calibration | None = None
    posterior: Posterior | None = None

    @property
    def label(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.group.items())

    @property
    def best(self) -> ModelFit:
        """The model of least BIC."""
        return self.comparison.best


@dataclass(frozen=True, repr=False)
class QuantalFit(saving.Shown):
    """Models of release fitted to one or more groups of responses.

    Attributes
    ----------
    results : dict
        as in the ``results`` of ``summary.json``
    warnings : list of str
        what to mind, one line each
    responses : the data
    fits : tuple of GroupFit, one per group
    populations : mean and median over the cells of each kind, where there are three or more
    settings, conventions, seed, citations : what a summary states
    """

    responses: Responses
    fits: tuple[GroupFit, ...]
    warnings: list[str]
    settings: dict[str, Any]
    seed: int
    populations: tuple[cells.Population, ...] = ()

    @property
    def conventions(self) -> dict[str, str]:
        if not any(g.posterior for g in self.fits):
            return dict(CONVENTIONS)
        return CONVENTIONS | {f"prior of {name}": words for name, words in PRIORS.items()}

    @property
    def citations(self) -> list[str]:
        """Sources of the models and the methods."""
        found = [KATZ, FUHRMANN, MAASS_MARKRAM, BARRI, BIRD, RABINER, SCHWARZ, HURVICH_TSAI]
        found += [VENZON, CLEMENTS_SILVER, SILVER, EFRON]
        if self.populations:
            found.append(cells.HESTERBERG)
        if any(g.posterior for g in self.fits):
            found += [FOREMAN_MACKEY, VEHTARI]
        return list(dict.fromkeys(str(citation) for citation in found))

    @property
    def results(self) -> dict[str, Any]:
        """Fits and data, in the form of ``summary.json``."""
        r = self.responses
        return {
            "fits": [_group(g) for g in self.fits],
            **({"cells": cells.as_list(self.populations)} if self.populations else {}),
            "data": {"file": r.source, "sha256": r.sha256, "columns": dict(r.taken)},
        }

    def columns(self) -> dict[str, list[Any]]:
        """One entry per response that was fitted, in the order of the fits, column by column."""
        unit = "" if self.responses.unit == "1" else f"_{self.responses.unit}"
        table: dict[str, list[Any]] = {
            name: [g.group[name] for g in self.fits for _ in g.rows]
            for name in self.responses.group_by
        }

        def add(name: str, parts: list[Any]) -> None:
            table[name if name not in table else f"fit_{name}"] = np.concatenate(parts).tolist()

        best = [g.best for g in self.fits]
        if self.responses.intervals is not None:
            h = self.responses.intervals
            table["isi_ms"] = [
                None if np.isinf(v) else float(v) for g in self.fits for v in h[g.rows]
            ]
        add("pulse", [pulses(f) for f in best])
        add(f"amplitude{unit}", [f.release.data.y for f in best])
        table["model"] = [f.name for f in best for _ in range(f.size)]
        add("release_probability", [f.prediction.released for f in best])
        add(f"mean{unit}", [f.prediction.mean for f in best])
        add(f"sd{unit}", [np.sqrt(f.prediction.variance) for f in best])
        z = [
            (f.release.data.y - f.prediction.mean_past) / np.sqrt(f.prediction.variance_past)
            for f in best
        ]
        add("residual_sd", z)
        return table

    def to_frame(self) -> DataFrame:
        """A tidy DataFrame, one row per response.

        Columns: those grouped by, isi_ms (empty at rest), pulse (since rest), amplitude
        (magnitude), model, release_probability (u x), mean and sd (of the model, without the
        responses before), residual_sd (from what is expected with them, in standard deviations).
        """
        import pandas as pd

        return pd.DataFrame(self.columns())

    def report(self) -> str:
        """The fits in words and plain tables."""
        from synsim.fit.quantal_report import report

        return report(self)

    def summary(self) -> str:
        """One paragraph: each group's best model and its parameters."""
        from synsim.fit.quantal_report import paragraph

        return paragraph(self)

    @style.styled
    def plot(self, ax: Axes | None = None, *, group: int | None = None) -> Axes:
        """Histogram of all amplitudes and the fitted mixture; `group` is the number of the group.

        Raises
        ------
        InputError
            when there are several groups and `group` does not choose one.
        """
        from synsim.fit.quantal_plot import draw_amplitudes

        g = chosen(self.fits, group, "group", "groups")
        return draw_amplitudes(g, self.responses.unit, style.axes(ax))

    def figure(self) -> Figure:
        """A row per group: amplitudes with the fitted mixture, likelihood of n, mean per pulse."""
        from synsim.fit.quantal_plot import figure

        return figure(self)

    def contents(self, *, plot: bool = True) -> dict[str, Any]:
        """File name -> content of a results directory, but for ``summary.json``."""
        from synsim.results import to_csv

        by = self.responses.group_by
        rows = quantal_cells.cell_columns(self.fits, by) if by else None
        files = saving.contents(self, plot=plot) | cells.files(rows, self.populations)
        sampled = [(g.group, g.posterior) for g in self.fits if g.posterior is not None]
        if sampled:
            files["posterior.csv"] = to_csv(draw_columns(sampled, self.responses.group_by))
        return files

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
            command="fit quantal",
            library="numba",
            force=force,
            plot=plot,
        )


def _group(g: GroupFit) -> dict[str, Any]:
    found = g.comparison
    return {
        "group": dict(g.group),
        "best": found.best.name,
        "models": {name: _model(fit, found.best.bic) for name, fit in found.fits.items()},
        "skipped": dict(found.skipped),
        "n_points": found.best.size,
        "sign": "negative" if g.flipped else "positive",
        "classical": {
            c.name: {**c.values, "assumes": c.assumes, "agrees": c.contradiction is None}
            for c in g.checks
        },
        **({"calibration": as_dict(g.calibration)} if g.calibration is not None else {}),
        **({} if g.posterior is None else {"posterior": posterior_dict(g.posterior)}),
    }


def _model(fit: ModelFit, least: float) -> dict[str, Any]:
    top = fit.loglik
    return {
        "params": {
            e.name: {"value": e.value, "ci95": list(e.interval), "unit": e.unit}
            | ({"fixed": True} if e.fixed else {})
            for e in fit.estimates
        },
        "loglik": top,
        "k": fit.k,
        "aicc": fit.aicc,
        "bic": fit.bic,
        "delta_bic": fit.bic - least,
        "r2": fit.r2,
        "intervals": "profile" if fit.profiled else "curvature",
        "n_profile": {
            "n": list(fit.maxima),
            "loglik": [f.loglik for f in fit.maxima.values()],
        },
    }

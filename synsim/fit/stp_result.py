"""The result of `fit_stp`: numbers for machines, words, table and figure for people."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.fit import cells, saving
from synsim.fit.bootstrap import EFRON
from synsim.fit.calibration import Calibration, as_dict, table
from synsim.fit.noise import HURVICH_TSAI, SCHWARZ
from synsim.fit.panel import chosen
from synsim.fit.profile import BATES_WATTS, VENZON
from synsim.fit.quantal_words import amount
from synsim.fit.search import LMFIT
from synsim.fit.stp_cells import NAMES, cell_columns
from synsim.fit.stp_curve import Trains
from synsim.fit.stp_data import Pulses
from synsim.fit.stp_models import ModelFit
from synsim.fit.stp_trend import Trend
from synsim.fit.stp_trend import line as trend_line
from synsim.fit.stp_words import COSTA, RIVAL, interval, rivals, standardised, verdict
from synsim.fit.words import number
from synsim.models.tsodyks_markram import MAASS_MARKRAM, TSODYKS_MARKRAM, TSODYKS_PAWELZIK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

CONVENTIONS = {
    "A": "response if every site released: the mean response is A u x (A = n q)",
    "tau_inact": "the shorter of two time constants that may be exchanged, at most tau_rec",
    "pairs": "of pairs of pulses the ratio u_2 x_2/(u_1 x_1), without A",
    "order": "u and x recover over the interval, u facilitates, release uses that u and x",
    "rest": "every train begins at rest: u = U, x = 1",
    "sign": "magnitudes: responses are turned so that their mean is positive",
    "variance": "sem^2 + scatter^2, scatter fitted and counted as a parameter",
    "ci95": "profile likelihood; null is no limit",
    "best": "the model of least BIC; the scatter counts as a parameter",
    "undecided": f"models within {RIVAL:g} BIC of the best",
}
_WIDTH = 92


@dataclass(frozen=True)
class GroupFit:
    """One group: values of the grouping columns, its rows (train after train), its models."""

    group: Mapping[str, str]
    rows: NDArray[np.int_]
    names: tuple[str, ...]
    trains: Trains
    fits: Mapping[str, ModelFit]
    skipped: Mapping[str, str]
    flipped: bool
    warnings: tuple[str, ...]
    trend: Trend | None = None
    calibration: Calibration | None = None

    @property
    def label(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.group.items())

    @property
    def best(self) -> ModelFit:
        """The model of least BIC."""
        return next(iter(self.fits.values()))


@dataclass(frozen=True, repr=False)
class StpFit(saving.Shown):
    """Tsodyks-Markram models fitted to averaged trains.

    Attributes
    ----------
    results : dict
        as in the ``results`` of ``summary.json``
    warnings : list of str
        what to mind, one line each
    pulses : the data
    fits : tuple of GroupFit
    populations : mean and median over the cells of each kind, where there are three or more
    settings, conventions, seed, citations : what a summary states
    """

    pulses: Pulses
    fits: tuple[GroupFit, ...]
    warnings: list[str]
    settings: dict[str, Any]
    seed: int
    populations: tuple[cells.Population, ...] = ()

    @property
    def conventions(self) -> dict[str, str]:
        return dict(CONVENTIONS)

    @property
    def citations(self) -> list[str]:
        """Sources of the models and the methods."""
        found = [
            TSODYKS_MARKRAM,
            MAASS_MARKRAM,
            TSODYKS_PAWELZIK,
            COSTA,
            HURVICH_TSAI,
            SCHWARZ,
            LMFIT,
        ]
        found += [VENZON, BATES_WATTS]
        if self.populations or any(g.calibration for g in self.fits):
            found.append(EFRON)
        if self.populations:
            found.append(cells.HESTERBERG)
        return [str(citation) for citation in found]

    @property
    def results(self) -> dict[str, Any]:
        """Fits and data, in the form of ``summary.json``."""
        p = self.pulses
        return {
            "fits": [_group(g) for g in self.fits],
            **({"cells": cells.as_list(self.populations)} if self.populations else {}),
            "data": {"file": p.source, "sha256": p.sha256, "columns": dict(p.taken)},
        }

    def columns(self) -> dict[str, list[Any]]:
        """One entry per pulse that was fitted, train after train, column by column."""
        p = self.pulses
        unit = "" if p.unit == "1" else f"_{p.unit}"
        rows = np.concatenate([g.rows for g in self.fits])
        table: dict[str, list[Any]] = {
            name: [g.group[name] for g in self.fits for _ in g.rows] for name in p.group_by
        }
        table["train"] = [p.trains[i] for i in rows]
        table["pulse"] = [int(v) + 1 for g in self.fits for v in g.trains.pulse]
        table["interval_ms" if p.pairs else "t_ms"] = p.time[rows].tolist()
        best = [g.best for g in self.fits]
        table["ratio" if p.pairs else f"amplitude{unit}"] = np.concatenate(
            [f.problem.y for f in best]
        ).tolist()
        given = p.taken["sem"] or p.taken["sd"]
        table[f"sem{unit}"] = p.sem[rows].tolist() if given else [None] * rows.size
        table["model"] = [f.name for f in best for _ in range(f.size)]
        table[f"fitted{unit}"] = np.concatenate([f.fitted for f in best]).tolist()
        for side, place in (("low", 0), ("high", 1)):
            table[f"fitted_{side}{unit}"] = np.concatenate([f.band[place] for f in best]).tolist()
        table["residual_sd"] = np.concatenate([standardised(f) for f in best]).tolist()
        return table

    def to_frame(self) -> DataFrame:
        """A tidy DataFrame, one row per pulse.

        Columns: those grouped by, train, pulse, t_ms, amplitude (magnitude), sem, model, fitted,
        fitted_low and fitted_high (95 % band), residual_sd.
        """
        import pandas as pd

        return pd.DataFrame(self.columns())

    def summary(self) -> str:
        """One paragraph: each group's best model and its parameters."""
        lines = []
        for g in self.fits:
            lead = f"{g.label}: " if g.label else ""
            parts = ", ".join(
                f"{e.name} {amount(e.value, e.unit)} [{interval(e)}]" for e in g.best.estimates
            )
            lines.append(f"{lead}{_count(g)}; {verdict(g.fits)}. {g.best.name}: {parts}")
        lines += [cells.sentence(group, NAMES) for group in self.populations]
        return "\n".join([*lines, "95 % intervals in brackets, from the profile likelihood."])

    def report(self) -> str:
        """The fits in words and plain tables."""
        taken = self.pulses.taken
        if self.pulses.pairs:
            text = f"Interval: column {taken['interval']}. Ratio: column {taken['amplitude']}"
        else:
            text = f"Time: column {taken['time']}. Amplitude: column {taken['amplitude']}"
        text += ", turned (it is negative)" if any(g.flipped for g in self.fits) else ""
        if taken["sem"]:
            text += f". Standard error: column {taken['sem']}"
        elif taken["sd"]:
            text += f". Standard error: {taken['sd']} / sqrt({taken['n']})"
        else:
            text += ". No standard errors"
        if taken["train"]:
            text += f". A train for each {' and '.join(taken['train'])}"
        if taken["not_used"]:
            text += f". Not used: {', '.join(taken['not_used'])}"
        parts = ["Short-term plasticity fitted to " + self.pulses.source, ""]
        parts += [textwrap.fill(text + ".", _WIDTH), ""]
        parts += [_report_group(g) for g in self.fits]
        parts += cells.lines(self.populations)
        general = [*self.pulses.notes, *cells.words(self.populations)]
        if general:
            parts += ["To mind", *(_wrap(w) for w in general), ""]
        return "\n".join([*parts, textwrap.fill(_METHOD, _WIDTH)]) + "\n"

    @style.styled
    def plot(
        self, ax: Axes | None = None, *, group: int | None = None, train: int | None = None
    ) -> Axes:
        """One train, or all pairs of pulses, with the best model and its 95 % band.

        Parameters
        ----------
        ax : axes to draw on, new ones when None
        group, train : number of the group, and of the train in it, where there are several

        Raises
        ------
        InputError
            when there are several and none is chosen.
        """
        from synsim.fit.stp_plot import draw_pairs, draw_train

        g = chosen(self.fits, group, "group", "groups")
        if self.pulses.pairs:
            return draw_pairs(g, style.axes(ax))
        number = chosen(range(len(g.names)), train, "train", "trains")
        return draw_train(g, number, self.pulses.unit, style.axes(ax))

    def figure(self) -> Figure:
        """Every train with the best model and its 95 % band."""
        from synsim.fit.stp_plot import figure

        return figure(self)

    def contents(self, *, plot: bool = True) -> dict[str, Any]:
        """File name -> content of a results directory, but for ``summary.json``."""
        return saving.contents(self, plot=plot) | cells.files(
            cell_columns(self.fits, self.pulses.group_by) if self.pulses.group_by else None,
            self.populations,
        )

    def save(self, out: str | os.PathLike[str], *, force: bool = False, plot: bool = True) -> Path:
        """Write ``data.csv``, ``summary.json``, ``report.txt`` and the figure, all or none.

        With groups ``cells.csv`` too, a row for each, and with three cells or more ``group.csv``.

        Raises
        ------
        InputError
            when `out` is in the way and is no earlier result to be replaced with `force`.
        """
        return saving.save(
            self,
            out,
            command="fit stp",
            library="lmfit",
            force=force,
            plot=plot,
        )


def _group(g: GroupFit) -> dict[str, Any]:
    close = rivals(g.fits)
    return {
        "group": dict(g.group),
        "best": g.best.name,
        "undecided": close if len(close) > 1 else [],
        "models": {name: _model(fit, g.best) for name, fit in g.fits.items()},
        "skipped": dict(g.skipped),
        "n_points": g.best.size,
        "n_trains": len(g.names),
        "sign": "negative" if g.flipped else "positive",
        "trend": None
        if g.trend is None
        else {"change": g.trend.change, "p_value": g.trend.chance, "trains": g.trend.trains},
        **({} if g.calibration is None else {"calibration": as_dict(g.calibration)}),
    }


def _model(fit: ModelFit, best: ModelFit) -> dict[str, Any]:
    return {
        "params": {
            e.name: {"value": e.value, "ci95": list(e.interval), "unit": e.unit}
            for e in fit.estimates
        },
        "scatter": {"value": fit.scatter, "unit": fit.estimates[0].unit},
        "loglik": fit.loglik,
        "k": fit.k,
        "aicc": fit.aicc,
        "delta_aicc": fit.aicc - best.aicc,
        "bic": fit.bic,
        "delta_bic": fit.bic - best.bic,
        "r2": fit.r2,
    }


def _count(g: GroupFit) -> str:
    if g.trains.relative:
        return f"{g.best.size} pairs of pulses"
    count = len(g.names)
    return f"{g.best.size} pulses in {count} train{'s' * (count > 1)}"


def _report_group(g: GroupFit) -> str:
    title = f"{g.label or 'All trains'}: {_count(g)}"
    lines = [title, "-" * len(title), verdict(g.fits) + ".", ""]
    lines.append(
        f"  {'model':<26}{'k':>3}{'log lik':>10}{'BIC':>10}{'diff':>8}{'AICc':>10}{'diff':>8}"
        f"{'R2':>7}"
    )
    least = min(f.aicc for f in g.fits.values())
    for name, f in g.fits.items():
        lines.append(
            f"  {name:<26}{f.k:>3}{f.loglik:>10.2f}{f.bic:>10.2f}{f.bic - g.best.bic:>8.2f}"
            f"{f.aicc:>10.2f}{f.aicc - least:>8.2f}{f.r2:>7.2f}"
        )
    for f in g.fits.values():
        lines += ["", f"  {f.name:<26}{'value':>14}   95 % interval (profile)"]
        for e in f.estimates:
            lines.append(f"    {e.name:<24}{amount(e.value, e.unit):>14}   {interval(e)}")
        lines.append(f"    {'scatter (SD)':<24}{number(f.scatter):>14}")
    if g.trend is not None:
        lines += ["", _wrap(trend_line(g.trend))]
    if g.calibration is not None:
        lines += ["", *table(g.calibration)]
    if g.warnings:
        lines += ["", "  To mind", *(_wrap(w) for w in g.warnings)]
    return "\n".join([*lines, ""])


def _wrap(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


_METHOD = (
    "Mean response A u x (of pairs: that of the second pulse over that of the first), with u and x "
    "of the Tsodyks-Markram model and every train from rest; "
    "all trains share the parameters. Maximum likelihood with Gaussian residuals; variance of a "
    "mean = sem^2 + scatter^2, the scatter is fitted and counts as a parameter (k). Models are "
    f"compared by BIC: lower is better, and models within {RIVAL:g} of the best are as good as it; "
    "AICc stands beside it."
)

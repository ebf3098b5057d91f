"""`synsim fit locus`: is plasticity a change of p, of n or of q?

Single responses before and after induction, cell by cell. By likelihood: eight models, in which
none, one, two or all of p, n and q change, are fitted to both epochs at once and compared by BIC
(`locus_models`), with profile intervals of what changed (`locus_profile`). By CV analysis and
failures, as electrophysiology has long done it (`locus_cv`). What neither can tell is said as
undecided. A file of point estimates of p and q, without responses, is shown as the change of p
against that of q under an assumed n (`locus_estimates`).

What is done about cv, the variability of a quantum: as in `synsim.fit.quantal`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from synsim.component import InputError
from synsim.fit import locus_words
from synsim.fit.locus_cv import CVAnalysis, count_failures, cv_analysis
from synsim.fit.locus_data import Cell, read_epochs
from synsim.fit.locus_estimates import LocusEstimates, holds_estimates, show_estimates
from synsim.fit.locus_models import LocusComparison, LocusSettings, compare_loci
from synsim.fit.locus_result import CellLocus, LocusFit
from synsim.fit.quantal_climb import MODELS
from synsim.fit.quantal_data import noise_of
from synsim.recordings import find_recording
from synsim.tables import Table, from_frame, read_table

__all__ = ["LocusEstimates", "LocusFit", "fit_locus"]

_BOTH = "--noise separate and --s0: give one of them, --s0 is that of both epochs"
_REST = 10  # responses from rest that CV analysis needs in each epoch


def fit_locus(
    data: Any,
    *,
    epoch_column: str | None = None,
    before: str | None = None,
    after: str | None = None,
    amplitude_column: str | None = None,
    amplitude_unit: str | None = None,
    interval_column: str | None = None,
    time_column: str | None = None,
    group_by: str | Sequence[str] | None = None,
    model: str | None = None,
    n_max: int = 60,
    n: int | None = None,
    s0: float | str | None = None,
    cv: float | str = "auto",
    noise: str = "shared",
    assume_n: tuple[int, int] | int | None = None,
    seed: int = 1,
    progress: Callable[[str], None] | None = None,
) -> LocusFit | LocusEstimates:
    """Say which of p, n and q changed between two epochs.

    Parameters
    ----------
    data : path of a CSV file, name of a recording that ships with synsim, or DataFrame
    epoch_column : column that says before and after; epoch or period when not given
    before, after : its values for the two epochs, "before" and "after" when not given
    amplitude_column, interval_column, time_column : guessed from their names when not given
    amplitude_unit : mV, pA, ..., for a column whose name does not say it, or says it wrongly
    group_by : columns; each combination of their values is a synapse. None takes `cell` and
        `protocol`; () pools everything
    model : of the dynamics, constant, depression or depression_facilitation; by BIC when not given
    n_max : the largest number of sites to try
    n : the number of sites, where it is known and has not changed
    s0 : standard deviation of the recording noise, where it is known: in the unit of the
        responses (mV, pA, nS), or a text with its unit
    cv : of the quantum from release to release: a number, "fit", or "auto"
    noise : "shared" by both epochs, or "separate"
    assume_n : number of sites (before, after) for a file of point estimates, and only for it
    seed : of the bootstrap
    progress : called with the name of each cell before it is fitted

    Returns
    -------
    LocusFit, or LocusEstimates for a file of point estimates

    Raises
    ------
    InputError
        one line, for data or arguments that are missing, wrong or not certain, and when no
        cell can be fitted.
    """
    known = None if isinstance(s0, str) else s0
    settings = _settings(model, n_max, n, known, cv, noise)
    if noise == "separate" and isinstance(s0, str):
        raise InputError(_BOTH)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"--seed: found {seed!r}, expected a whole number, 0 or above")
    table = _table(data)
    if holds_estimates(table):
        return show_estimates(table, assume_n, int(seed), file=_file(data, table))
    if assume_n is not None:
        raise InputError(
            f"--assume-n: {table.source} has no columns pr_before, pr_after, q_before_mV, "
            "q_after_mV of point estimates; n of single responses is fitted, or given by --n"
        )
    by = [name.strip() for name in group_by.split(",")] if isinstance(group_by, str) else group_by
    epochs = read_epochs(
        table,
        epoch_column=epoch_column,
        before=before,
        after=after,
        group_by=by,
        amplitude_column=amplitude_column,
        amplitude_unit=amplitude_unit,
        interval_column=interval_column,
        time_column=time_column,
    )
    settings = dataclasses.replace(settings, s0=noise_of(s0, epochs.responses.unit))
    fits: list[CellLocus] = []
    failed: list[str] = []
    warnings = list(epochs.notes)
    for number, group in enumerate(epochs.groups()):
        label = ", ".join(f"{k} {v}" for k, v in zip(epochs.group_by, group, strict=True))
        if progress is not None:
            progress(label or epochs.responses.source)
        rng = np.random.default_rng(np.random.SeedSequence([int(seed), number]))
        try:
            found = _fit_cell(epochs.cell(group), settings, epochs.responses.unit, rng)
        except InputError as error:
            failed.append(f"{label}: {error}" if label else str(error))
            continue
        warnings += [f"{label}: {text}" if label else text for text in found.warnings]
        fits.append(found)
    if not fits:
        raise InputError(f"{table.source}: {failed[0]}")
    taken = epochs.responses.taken
    return LocusFit(
        epochs=epochs,
        fits=tuple(fits),
        warnings=warnings + [f"not fitted: {text}" for text in failed],
        settings={
            "file": _file(data, table),
            "epoch_column": epochs.column,
            "before": epochs.words[0],
            "after": epochs.words[1],
            "amplitude_column": taken["amplitude"],
            "amplitude_unit": epochs.responses.unit,
            "interval_column": taken["interval"],
            "time_column": taken["time"],
            "group_by": list(epochs.group_by),
            "model": settings.dynamics,
            "n_max": settings.n_max,
            "n": settings.n,
            "s0": settings.s0,
            "cv": cv,
            "noise": settings.noise,
        },
        seed=int(seed),
    )


def _table(data: Any) -> Table:
    if isinstance(data, (str, os.PathLike)):
        return read_table(find_recording(data), source=os.fspath(data))
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        return from_frame(data)
    raise InputError(f"data: found {type(data).__name__}, expected a path, a name or a DataFrame")


def _file(data: Any, table: Table) -> str | None:
    return None if table.path is None else os.fspath(data)


def _fit_cell(
    cell: Cell, settings: LocusSettings, unit: str, rng: np.random.Generator
) -> CellLocus:
    epochs = list(zip(cell.amplitude, cell.intervals, strict=True))
    found = compare_loci(epochs[0], epochs[1], settings)
    first, second = _from_rest(cell, found)
    analysis: CVAnalysis | None = None
    failures = None
    noise = (found.best.value("s0", 0), found.best.value("s0", 1))
    if min(first.size, second.size) >= _REST and min(np.ptp(first), np.ptp(second)) > 0:
        analysis = cv_analysis(first, second, noise, rng)
        failures = count_failures(first, second, max(noise))
    words = locus_words.all_words(cell, found, analysis, settings, unit)
    return CellLocus(cell, found, analysis, failures, tuple(words))


def _from_rest(cell: Cell, found: LocusComparison) -> list[np.ndarray]:
    """Responses of each epoch before which the synapse had recovered but for 1 %."""
    best = found.best
    slow = max(
        [best.value(t, 0) for t in ("tau_rec", "tau_facil") if t in best.pair.free], default=0.0
    )
    rest = []
    for y, h in zip(cell.amplitude, cell.intervals, strict=True):
        if h is None or found.dynamics == "constant":
            rest.append(y)
            continue
        first = np.arange(h.size) == 0
        rest.append(y[first | (h >= -np.log(0.01) * slow)])
    return rest


def _settings(
    model: str | None, n_max: int, n: int | None, s0: float | None, cv: float | str, noise: str
) -> LocusSettings:
    if model is not None and model not in MODELS:
        raise InputError(f"--model: found {model!r}, expected one of {', '.join(MODELS)}")
    for flag, value in (("--n-max", n_max), ("--n", n)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if value is not None and not (whole and 1 <= value <= 200):
            raise InputError(f"{flag}: found {value!r}, expected a whole number from 1 to 200")
    if s0 is not None and not (np.isfinite(s0) and s0 > 0):
        raise InputError(f"--s0: found {s0!r}, expected a number above 0")
    if noise not in ("shared", "separate"):
        raise InputError(f"--noise: found {noise!r}, expected shared or separate")
    if noise == "separate" and s0 is not None:
        raise InputError(_BOTH)
    if isinstance(cv, str):
        if cv not in ("auto", "fit"):
            raise InputError(f"--cv: found {cv!r}, expected a number, fit or auto")
        return LocusSettings(model, n_max, n, s0, None, cv == "auto", noise)
    if not (np.isfinite(cv) and 0 <= cv <= 1):
        raise InputError(f"--cv: found {cv!r}, expected a number from 0 to 1, fit or auto")
    return LocusSettings(model, n_max, n, s0, float(cv), False, noise)

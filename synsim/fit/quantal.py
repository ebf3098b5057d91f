"""`synsim fit quantal`: release sites, probability, quantal size and dynamics from responses.

Three models are compared by BIC: release with constant probability, release from sites that have
to be refilled, and the same with facilitation. The likelihood is exact (`release_filter`); n runs
over whole numbers, and everything else is estimated at each of them (`quantal_search`);
intervals are from the profile likelihood, over n as well (`quantal_profile`), and posteriors are
sampled where they are asked for (`quantal_posterior`). Failures, 1/CV^2 and mean-variance
analysis stand beside it, with a warning where they contradict it, and so does a test for rundown
(`quantal_classical`). Over three cells or more there are means and medians (`cells`).

What is done about cv, the variability of a quantum from release to release: it is estimated, as
leaving it out would make intervals of n and q too narrow. Where no failures and no quantal
peaks are seen, it cannot be told from the noise s0 and from n, and runs to values that no
synapse has, or to a small one with which the likelihood finds steps of q in responses to many
quanta, where no eye sees any (one of many possible spacings suits by chance). Above 0.6, or
with such steps, in the best model it is set to 0.3 in all models, and a warning says so: about
what single sites have. A number given for cv is always used.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.component import InputError
from synsim.fit import cells, quantal_cells, quantal_words
from synsim.fit.calibration import words as calibration_words
from synsim.fit.choice import chosen
from synsim.fit.quantal_classical import checks
from synsim.fit.quantal_climb import MODELS
from synsim.fit.quantal_data import Responses, noise_of, read_responses, turn
from synsim.fit.quantal_models import Settings, compare
from synsim.fit.quantal_result import GroupFit, QuantalFit
from synsim.recordings import find_recording
from synsim.tables import Table, from_frame, read_table

__all__ = ["QuantalFit", "fit_quantal"]


def fit_quantal(
    data: Any = None,
    *,
    amplitudes: ArrayLike | None = None,
    intervals: ArrayLike | None = None,
    sweeps: Sequence[Any] | None = None,
    amplitude_column: str | None = None,
    amplitude_unit: str | None = None,
    interval_column: str | None = None,
    time_column: str | None = None,
    group_by: str | Sequence[str] | None = None,
    models: str | Sequence[str] | None = None,
    n_max: int = 100,
    n: int | None = None,
    s0: float | str | None = None,
    cv: float | str = "auto",
    calibrate: int = 0,
    posterior: bool = False,
    posterior_steps: int = 9600,
    cell_column: str = "cell",
    seed: int = 1,
    progress: Callable[[str], None] | None = None,
) -> QuantalFit:
    """Fit models of quantal release to single responses and compare them.

    Parameters
    ----------
    data : path of a CSV file, name of a recording that ships with synsim, or DataFrame
    amplitudes : array (m,) instead of `data`, in `amplitude_unit` (default: none, "1")
    intervals : ms since the stimulus before, shape (m,); infinite at rest
    sweeps : the sweep of each response, shape (m,); only for the order of rows
    amplitude_column, interval_column, time_column : guessed from their names when not given
    amplitude_unit : mV, pA, ..., for a column whose name does not say it, or says it wrongly
    group_by : columns; each combination of their values is fitted by itself. None groups by
        `cell` and `protocol`; () pools everything
    models : some of constant, depression, depression_facilitation; all when not given
    n_max : the largest number of sites to try
    n : the number of sites, where it is known
    s0 : standard deviation of the recording noise, where it is known: in the unit of the
        responses (mV, pA, nS), or a text with its unit
    cv : of the quantum from release to release: a number, "fit", or "auto" (estimated, and
        0.3 where the data cannot tell it)
    calibrate : how many copies of the design to simulate from the fit and refit
    posterior : sample the posterior of the best model of each group, n included (extra `bayes`)
    posterior_steps : the most steps that each ensemble of walkers takes
    cell_column : the column, among those grouped by, whose values are cells: over 3 or more of
        them, mean and median are given with intervals
    seed : of the bootstraps, of the simulated copies and of the posterior
    progress : called with the name of each group before it is fitted

    Returns
    -------
    QuantalFit

    Raises
    ------
    InputError
        one line, for data or arguments that are missing, wrong or not certain, and when no
        group can be fitted.
    """
    known = None if isinstance(s0, str) else s0
    settings = _settings(models, n_max, n, known, cv)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"--seed: found {seed!r}, expected a whole number, 0 or above")
    if not isinstance(calibrate, (int, np.integer)) or calibrate < 0:
        raise InputError(f"--calibrate: found {calibrate!r}, expected a whole number, 0 or above")
    if posterior:
        _check_posterior(posterior_steps)
    if data is None:
        table = _from_arrays(amplitudes, intervals, sweeps)
        amplitude_column, amplitude_unit = "amplitude", amplitude_unit or "1"
    elif amplitudes is not None or intervals is not None or sweeps is not None:
        raise InputError("give either data or arrays (amplitudes, intervals), not both")
    elif isinstance(data, (str, os.PathLike)):
        table = read_table(find_recording(data), source=os.fspath(data))
    elif hasattr(data, "iloc") and hasattr(data, "columns"):
        table = from_frame(data)
    else:
        raise InputError(
            f"data: found {type(data).__name__}, expected a path, a name or a DataFrame"
        )
    by = [name.strip() for name in group_by.split(",")] if isinstance(group_by, str) else group_by
    responses = read_responses(
        table,
        amplitude_column=amplitude_column,
        amplitude_unit=amplitude_unit,
        interval_column=interval_column,
        time_column=time_column,
        group_by=by,
    )
    settings = dataclasses.replace(settings, s0=noise_of(s0, responses.unit))
    fits: list[GroupFit] = []
    failures: list[str] = []
    warnings = list(responses.notes)
    for number, group in enumerate(dict.fromkeys(responses.groups)):
        named = dict(zip(responses.group_by, group, strict=True))
        label = ", ".join(f"{k} {v}" for k, v in named.items())
        if progress is not None:
            progress(label or responses.source)
        rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
        try:
            found = _fit_group(
                responses, _rows(responses, group), named, settings, rng, calibrate,
                int(posterior_steps) if posterior else 0,
            )  # fmt: skip
        except InputError as error:
            failures.append(f"{label}: {error}" if label else str(error))
            continue
        warnings += [f"{label}: {text}" if label else text for text in found.warnings]
        fits.append(found)
    if not fits:
        raise InputError(f"{responses.source}: {failures[0]}")
    # A stream of its own: the group does not hang on what was sampled for its cells.
    stream = np.random.default_rng(np.random.SeedSequence([seed, 2**31]))
    rows = [quantal_cells.cell_of(g) for g in fits]
    populations = cells.populations(rows, cell_column, quantal_cells.NAMES, stream)
    warnings += cells.words(populations)
    return QuantalFit(
        responses=responses,
        fits=tuple(fits),
        populations=populations,
        warnings=warnings + [f"not fitted: {text}" for text in failures],
        settings={
            "file": None if data is None or table.path is None else os.fspath(data),
            "amplitude_column": responses.taken["amplitude"],
            "amplitude_unit": responses.unit,
            "interval_column": responses.taken["interval"],
            "time_column": responses.taken["time"],
            "group_by": list(responses.group_by),
            "models": list(settings.models),
            "n_max": settings.n_max,
            "n": settings.n,
            "s0": settings.s0,
            "cv": cv,
            "calibrate": int(calibrate),
            "posterior": bool(posterior),
            "posterior_steps": int(posterior_steps),
            "cell_column": cell_column,
        },
        seed=int(seed),
    )


def _rows(responses: Responses, group: tuple[str, ...]) -> np.ndarray:
    """Rows of a group, sweep after sweep."""
    rows = [i for i, g in enumerate(responses.groups) if g == group]
    if responses.sweeps is not None:
        order = {s: i for i, s in enumerate(dict.fromkeys(responses.sweeps[r] for r in rows))}
        rows.sort(key=lambda r: order[responses.sweeps[r]])  # type: ignore[index]
    return np.array(rows)


def _fit_group(
    responses: Responses,
    rows: np.ndarray,
    named: dict[str, str],
    settings: Settings,
    rng: np.random.Generator,
    copies: int,
    steps: int,
) -> GroupFit:
    y, flipped = turn(responses.amplitude[rows])
    h = None if responses.intervals is None else responses.intervals[rows]
    found = compare(y, h, responses.unit, settings)
    classical = tuple(checks(found.best, responses.unit, rng))
    words = quantal_words.all_words(found, classical, settings, responses.unit)
    calibration = None
    if copies:
        from synsim.fit.quantal_calibrate import calibrate

        calibration = calibrate(found, settings, responses.unit, copies, rng)
        words += calibration_words(calibration)
    posterior = None
    if steps:
        from synsim.fit.quantal_posterior import sample

        posterior = sample(found.best, settings.n_max, responses.unit, rng, steps)
        words += quantal_words.of_posterior(found.best, posterior)
    return GroupFit(named, rows, found, classical, flipped, tuple(words), calibration, posterior)


def _check_posterior(steps: int) -> None:
    """Whether it can be sampled at all, asked before any fit is done."""
    from synsim.fit.quantal_posterior import libraries

    whole = isinstance(steps, (int, np.integer)) and not isinstance(steps, bool)
    if not whole or steps < 100:
        raise InputError(
            f"--posterior-steps: found {steps!r}, expected a whole number, 100 or above"
        )
    libraries()


def _settings(
    models: str | Sequence[str] | None,
    n_max: int,
    n: int | None,
    s0: float | None,
    cv: float | str,
) -> Settings:
    names = chosen(models, MODELS)
    for flag, value in (("--n-max", n_max), ("--n", n)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if value is not None and not (whole and 1 <= value <= 500):
            raise InputError(f"{flag}: found {value!r}, expected a whole number from 1 to 500")
    if s0 is not None and not (np.isfinite(s0) and s0 > 0):
        raise InputError(f"--s0: found {s0!r}, expected a number above 0")
    if isinstance(cv, str):
        if cv not in ("auto", "fit"):
            raise InputError(f"--cv: found {cv!r}, expected a number, fit or auto")
        return Settings(names, n_max, n, s0, None, cv == "auto")
    if not (np.isfinite(cv) and 0 <= cv <= 1):
        raise InputError(f"--cv: found {cv!r}, expected a number from 0 to 1, fit or auto")
    return Settings(names, n_max, n, s0, float(cv), False)


def _from_arrays(
    amplitudes: ArrayLike | None, intervals: ArrayLike | None, sweeps: Sequence[Any] | None
) -> Table:
    if amplitudes is None:
        raise InputError("fit_quantal needs data, or an array of amplitudes")
    columns: dict[str, list[Any]] = {}
    for name, value in (("amplitude", amplitudes), ("isi_ms", intervals), ("sweep", sweeps)):
        if value is None:
            continue
        array = np.asarray(value)
        if array.ndim != 1:
            raise InputError(f"{name}: found an array of shape {array.shape}, expected (m,)")
        columns[name] = array.tolist()
        if len(columns[name]) != len(columns["amplitude"]):
            raise InputError(
                f"{name}: found {len(columns[name])} values, expected "
                f"{len(columns['amplitude'])} as in amplitudes"
            )
    if not columns["amplitude"]:
        raise InputError("amplitudes: found an empty array, expected data")
    return Table("arrays", columns, range(len(columns["amplitude"])), row_word="index")

"""`synsim fit stp`: the Tsodyks-Markram model fitted to averaged trains.

Depression alone, with facilitation, with an inactive state, and with both, are fitted by maximum
likelihood to the mean responses of one or more trains at once, with shared parameters; or to the
ratios of pairs of pulses (recovery). Models are compared by BIC. The variance of a mean is
sem^2 + scatter^2 with the scatter fitted; where no standard errors are given this is
least squares. Intervals are from the profile likelihood, because such fits are badly conditioned
on short regular trains (Costa, Sjostrom & van Rossum 2013): several sets of parameters give
almost the same train, which an error bar from the curvature hides.

Each cell is a fit of its own, and over three or more there are means and medians (`cells`);
trains of one stimulus that were repeated are tested for rundown (`stp_trend`); a simulated copy
of the design says what it can tell (`stp_calibrate`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.fit import cells, stp_cells, stp_words
from synsim.fit.calibration import words as calibration_words
from synsim.fit.choice import chosen
from synsim.fit.stp_calibrate import calibrate as simulate_again
from synsim.fit.stp_curve import MODELS, STANDARD, Pairs, Trains
from synsim.fit.stp_data import Pulses, read_pulses
from synsim.fit.stp_models import fit_models
from synsim.fit.stp_result import GroupFit, StpFit
from synsim.fit.stp_trend import trend
from synsim.fit.stp_trend import words as trend_words
from synsim.recordings import find_recording
from synsim.tables import from_frame, read_table

__all__ = ["StpFit", "fit_stp"]

CLEAR = 3.0  # standard errors
OPPOSITE = 0.2  # of the largest response, where no errors are given


def fit_stp(
    data: Any,
    *,
    time_column: str | None = None,
    interval_column: str | None = None,
    amplitude_column: str | None = None,
    amplitude_unit: str | None = None,
    sem_column: str | None = None,
    sd_column: str | None = None,
    n_column: str | None = None,
    train_column: str | Sequence[str] | None = None,
    group_by: str | Sequence[str] | None = None,
    cell_column: str = "cell",
    models: str | Sequence[str] | None = None,
    calibrate: int = 0,
    seed: int = 1,
    progress: Callable[[str], None] | None = None,
) -> StpFit:
    """Fit Tsodyks-Markram models to averaged trains and compare them.

    Parameters
    ----------
    data : path of a CSV file, name of a recording that ships with synsim, or DataFrame; one
        row per pulse of an averaged train, or per interval of pairs of pulses
    time_column, amplitude_column : guessed from their names when not given
    amplitude_unit : where the name of the amplitude's column has none, or a wrong one
    interval_column : the interval between two pulses; the amplitude is then the ratio of the
        second response to the first
    sem_column, sd_column, n_column : standard error of each mean, or standard deviation and
        number of responses; in the unit of the amplitude
    train_column : columns that tell trains apart; guessed (protocol, freq_hz, ...) when None
    group_by : columns; each combination of their values is fitted by itself. None groups by
        `cell_column` where there is one
    cell_column : the column, among those grouped by, whose values are cells: over 3 or more of
        them, mean and median are given with intervals
    models : some of `stp_curve.MODELS`; `stp_curve.STANDARD` when not given
    calibrate : how many copies of the design to simulate from the fit and refit
    seed : of the bootstrap over cells and of the simulated copies
    progress : called with the name of each group before it is fitted

    Returns
    -------
    StpFit

    Raises
    ------
    InputError
        one line, for data or arguments that are missing, wrong or not certain, and when no
        group can be fitted.
    """
    names = chosen(models, MODELS, STANDARD)
    for flag, value in (("--seed", seed), ("--calibrate", calibrate)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise InputError(f"{flag}: found {value!r}, expected a whole number, 0 or above")
    if isinstance(data, (str, os.PathLike)):
        table = read_table(find_recording(data), source=os.fspath(data))
    elif hasattr(data, "iloc") and hasattr(data, "columns"):
        table = from_frame(data)
    else:
        raise InputError(
            f"data: found {type(data).__name__}, expected a path, a name or a DataFrame"
        )
    pulses = read_pulses(
        table,
        time_column=time_column,
        interval_column=interval_column,
        amplitude_column=amplitude_column,
        amplitude_unit=amplitude_unit,
        sem_column=sem_column,
        sd_column=sd_column,
        n_column=n_column,
        train_column=_listed(train_column),
        group_by=_listed(group_by),
        cell_column=cell_column,
    )
    fits: list[GroupFit] = []
    failures: list[str] = []
    warnings = list(pulses.notes)
    for number, group in enumerate(dict.fromkeys(pulses.groups)):
        named = dict(zip(pulses.group_by, group, strict=True))
        label = ", ".join(f"{k} {v}" for k, v in named.items())
        if progress is not None:
            progress(label or pulses.source)
        rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
        try:
            found = _fit_group(pulses, group, named, names, int(calibrate), rng)
        except InputError as error:
            failures.append(f"{label}: {error}" if label else str(error))
            continue
        warnings += [f"{label}: {text}" if label else text for text in found.warnings]
        fits.append(found)
    if not fits:
        raise InputError(f"{pulses.source}: {failures[0]}")
    # A stream of its own: the group does not hang on what was simulated for its cells.
    stream = np.random.default_rng(np.random.SeedSequence([seed, 2**31]))
    rows = [stp_cells.cell_of(g) for g in fits]
    populations = cells.populations(rows, cell_column, stp_cells.NAMES, stream)
    warnings += cells.words(populations)
    return StpFit(
        pulses=pulses,
        fits=tuple(fits),
        populations=populations,
        warnings=warnings + [f"not fitted: {text}" for text in failures],
        settings={
            "file": None if table.path is None else os.fspath(data),
            "time_column": pulses.taken["time"],
            "interval_column": pulses.taken["interval"],
            "amplitude_column": pulses.taken["amplitude"],
            "sem_column": pulses.taken["sem"],
            "sd_column": pulses.taken["sd"],
            "n_column": pulses.taken["n"],
            "train_column": pulses.taken["train"],
            "group_by": list(pulses.group_by),
            "cell_column": cell_column,
            "models": list(names),
            "calibrate": int(calibrate),
        },
        seed=int(seed),
    )


def _listed(given: str | Sequence[str] | None) -> list[str] | None:
    if given is None:
        return None
    names = given.split(",") if isinstance(given, str) else list(given)
    return [name.strip() for name in names if name.strip()]


def _check_signs(pulses: Pulses, rows: NDArray[np.int_]) -> None:
    """Refuse responses of both signs, and means that are nothing but their error."""
    y, sem = pulses.amplitude[rows], pulses.sem[rows]
    if np.all(sem > 0):
        weight = 1 / sem**2
        if abs(np.sum(weight * y)) < CLEAR * np.sqrt(np.sum(weight)):
            raise InputError(
                f"all {y.size} responses together differ from 0 by less than {CLEAR:g} standard "
                "errors: found failures only, expected responses"
            )
    # Means near 0 scatter to both sides of it: a clear response of the other sign does not.
    floor = np.where(sem > 0, CLEAR * sem, OPPOSITE * np.abs(y).max())
    sign = 1.0 if np.sum(y) >= 0 else -1.0
    other = np.flatnonzero(-sign * y > floor)
    if other.size:
        row = rows[other[0]]
        raise InputError(
            f"{pulses.row_word} {pulses.rows[row]}: found {pulses.amplitude[row]:g} among "
            f"responses that are {'positive' if sign > 0 else 'negative'} in all, expected one sign"
        )


def _fit_group(
    pulses: Pulses,
    group: tuple[str, ...],
    named: dict[str, str],
    models: Sequence[str],
    copies: int,
    rng: np.random.Generator,
) -> GroupFit:
    own = [row for row, g in enumerate(pulses.groups) if g == group]
    by_train: dict[str, list[int]] = {}
    if pulses.pairs:
        rows = np.array(sorted(own, key=lambda row: pulses.time[row]))
        trains: Trains = Pairs(pulses.time[rows])
        names = tuple(pulses.trains[row] for row in rows)
    else:
        for row in own:
            by_train.setdefault(pulses.trains[row], []).append(row)
        rows = np.concatenate([np.array(r) for r in by_train.values()])
        trains = Trains([pulses.time[r] for r in by_train.values()])
        names = tuple(by_train)
    y = pulses.amplitude[rows]
    _check_signs(pulses, rows)
    flipped = bool(y.mean() < 0)
    y, sem = -y if flipped else y, pulses.sem[rows]
    fits, skipped = fit_models(trains, y, sem, pulses.unit, models)
    places = [f"{pulses.row_word} {pulses.rows[i]}" for i in rows]
    over = trend(trains, y, sem)
    words = stp_words.all_words(fits, skipped, trains, places) + trend_words(over)
    found = None
    if copies:
        found = simulate_again(fits, trains, pulses.unit, copies, rng)
        words += calibration_words(found)
    return GroupFit(named, rows, names, trains, fits, skipped, flipped, tuple(words), over, found)

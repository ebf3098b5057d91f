"""`synsim fit stdp`: windows fitted to STDP curves, compared, with intervals.

The change of each point is a window of its lag (`synsim.models.stdp_windows`) and a residual
whose variance is sem^2 + scatter^2 (`synsim.fit.noise`); all parameters and the scatter are
those of the greatest likelihood (`synsim.fit.search`), windows are compared by AICc.

Why residuals follow Student's t unless asked otherwise: measured on Bi & Poo 1998, whose LTD
side has two potentiated points within 5 ms of lag 0. tau_minus of the exponential window is

    188 ms   gaussian, all points
     68 ms   student-t with nu = 6, all points
     60 ms   student-t with nu = 4 (the default), all points; 95 % interval from 11 ms
     51 ms   student-t with nu fitted (it goes to its lower bound, 2), all points
     25 ms   gaussian, and 24 ms student-t, without the points at -5 < dt < 0 ms

and tau_plus is 14.7 to 14.9 ms in each of them. Student-t residuals are also 6.3 AICc better
than Gaussian ones there. No treatment of residuals alone gives 25 ms: those points say something
else than the rest, and the report says so, with the value without them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synsim.component import InputError, units
from synsim.fit import words
from synsim.fit.choice import chosen
from synsim.fit.columns import Points, read_points
from synsim.fit.curves import CurveFit, fit_curve
from synsim.fit.noise import noise
from synsim.fit.result import GroupFit, StdpFit
from synsim.fit.windows import Curve
from synsim.models.stdp_windows import WINDOWS
from synsim.recordings import find_recording
from synsim.tables import Table, from_frame, read_table

__all__ = ["StdpFit", "fit_stdp"]

INTERVALS = ("profile", "bootstrap")


def fit_stdp(
    data: Any = None,
    *,
    lag: ArrayLike | None = None,
    change: ArrayLike | None = None,
    sem: ArrayLike | None = None,
    sd: ArrayLike | None = None,
    n: ArrayLike | None = None,
    dt_column: str | None = None,
    dt_unit: str | None = None,
    dw_column: str | None = None,
    dw_kind: str | None = None,
    sem_column: str | None = None,
    sd_column: str | None = None,
    n_column: str | None = None,
    group_by: str | Sequence[str] | None = None,
    models: str | Sequence[str] | None = None,
    residuals: str = "student-t",
    intervals: str = "profile",
    bootstrap_samples: int = 1000,
    exclude: tuple[float, float] | None = None,
    seed: int = 1,
) -> StdpFit:
    """Fit STDP windows to measured changes and compare them.

    Parameters
    ----------
    data : path of a CSV file, name of a recording that ships with synsim, or DataFrame
    lag, change, sem, sd, n : arrays (m,) instead of `data`: t_post - t_pre in ms (or in
        `dt_unit`, or a Brian2 quantity); change, a fraction unless `dw_kind` says otherwise;
        its standard error, or standard deviation and number of cells of each point
    dt_column, dw_column : columns of lag and change; guessed from their names when not given
    dt_unit : ms or s, for a lag whose name does not end in its unit
    dw_kind : fraction (0 is no change), percent (0 is no change), ratio (1 is no change)
    sem_column, sd_column, n_column : columns of the errors, in the unit of the change
    group_by : columns; each combination of their values is a curve of its own. None groups by
        `protocol`, and by `cell` where each has points enough; () pools everything
    models : names of windows, all when not given; see `synsim.models.stdp_windows.WINDOWS`
    residuals : student-t (robust) or gaussian
    intervals : profile (likelihood) or bootstrap (over cells, or points without cells)
    bootstrap_samples : how many samples to draw
    exclude : lags from, to in ms, both included, whose points are left out
    seed : of the bootstrap

    Points at lag 0 are left out when a window is asked for that has no value there
    (`Window.defined_at_zero`), of all windows, so that they stay comparable; a warning counts
    them.

    Returns
    -------
    StdpFit

    Raises
    ------
    InputError
        one line, for data or arguments that are missing, wrong or not certain, and when no
        window can be fitted to any curve.
    """
    names = chosen(models, WINDOWS)
    distribution = noise(residuals)
    _check(intervals, bootstrap_samples, exclude, seed)
    arrays = {"lag": lag, "change": change, "sem": sem, "sd": sd, "n": n}
    if data is None:
        table = _from_arrays(arrays, dt_unit)
        dt_column, dw_column, dw_kind = "lag", "change", dw_kind or "fraction"
        dt_unit = dt_unit or "ms"
    elif any(value is not None for value in arrays.values()):
        raise InputError("give either data or arrays (lag, change), not both")
    elif isinstance(data, (str, os.PathLike)):
        table = read_table(find_recording(data), source=os.fspath(data))
    elif hasattr(data, "iloc") and hasattr(data, "columns"):
        table = from_frame(data)
    else:
        raise InputError(
            f"data: found {type(data).__name__}, expected a path, a name or a DataFrame"
        )
    by = [name.strip() for name in group_by.split(",")] if isinstance(group_by, str) else group_by
    points = read_points(
        table,
        dt_column=dt_column,
        dt_unit=dt_unit,
        dw_column=dw_column,
        dw_kind=dw_kind,
        sem_column=sem_column,
        sd_column=sd_column,
        n_column=n_column,
        group_by=by,
    )
    warnings = list(points.notes)
    used = _used(points, names, exclude, warnings)
    fits: list[GroupFit] = []
    failures: list[str] = []
    for number, group in enumerate(dict.fromkeys(points.groups)):
        rows = np.array([i for i in np.flatnonzero(used) if points.groups[i] == group], int)
        named = dict(zip(points.group_by, group, strict=True))
        label = ", ".join(f"{k} {v}" for k, v in named.items())
        prefix = f"{label}: " if label else ""
        try:
            found = _fit_group(
                points,
                rows,
                names,
                distribution,
                intervals,
                bootstrap_samples,
                np.random.default_rng(np.random.SeedSequence([seed, number])),
            )
        except InputError as error:
            failures.append(f"{prefix}no window fitted: {error}")
            continue
        places = [f"{table.row_word} {points.rows[i]}" for i in rows]
        own = [prefix + text for text in words.all_words(found, places)]
        warnings += own
        fits.append(GroupFit(named, rows, found, tuple(own)))
    if not fits:
        raise InputError(f"{points.source}: {failures[0]}" if failures else points.source)
    return StdpFit(
        points=points,
        used=used,
        fits=tuple(fits),
        warnings=warnings + failures,
        settings={
            "file": None if data is None or table.path is None else os.fspath(data),
            "dt_column": points.taken["lag"],
            "dt_unit": points.taken["lag_unit"],
            "dw_column": points.taken["change"],
            "dw_kind": points.taken["dw_kind"],
            "sem_column": points.taken["sem"],
            "sd_column": points.taken["sd"],
            "n_column": points.taken["n"],
            "group_by": list(points.group_by),
            "models": list(names),
            "residuals": residuals,
            "intervals": intervals,
            "bootstrap_samples": bootstrap_samples if intervals == "bootstrap" else None,
            "exclude_ms": None if exclude is None else [float(e) for e in exclude],
        },
        seed=seed,
    )


def _fit_group(
    points: Points,
    rows: Any,
    models: Sequence[str],
    distribution: Any,
    intervals: str,
    samples: int,
    rng: np.random.Generator,
) -> CurveFit:
    if not rows.size:
        raise InputError("no points left")
    units = np.arange(rows.size)
    if points.cells is not None:
        _, units = np.unique([points.cells[i] for i in rows], return_inverse=True)
    curve = Curve(points.lag[rows], points.change[rows], points.sem[rows], units)
    return fit_curve(
        curve,
        models=models,
        noise=distribution,
        intervals=intervals,
        samples=samples,
        rng=rng,
    )


def _check(intervals: str, samples: int, exclude: tuple[float, float] | None, seed: int) -> None:
    if intervals not in INTERVALS:
        raise InputError(
            f"--intervals: found {intervals!r}, expected one of {', '.join(INTERVALS)}"
        )
    if isinstance(samples, bool) or not isinstance(samples, (int, np.integer)) or samples < 100:
        raise InputError(
            f"--bootstrap-samples: found {samples!r}, expected a whole number of at least 100"
        )
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"--seed: found {seed!r}, expected a whole number, 0 or above")
    if exclude is not None:
        low, high = exclude
        if not (np.isfinite(low) and np.isfinite(high) and low <= high):
            raise InputError(f"--exclude: found {low} to {high} ms, expected low to high")


def _from_arrays(arrays: dict[str, Any], dt_unit: str | None) -> Table:
    if arrays["lag"] is None or arrays["change"] is None:
        raise InputError("fit_stdp needs data, or arrays lag and change")
    quantity = units.from_quantity(arrays["lag"], (units.DIMENSIONS["time"],))
    if quantity is not None:
        # Brian2 keeps seconds; the column is in ms, or in the unit that was asked for.
        factor = 10.0 ** -units.unit(dt_unit or "ms").exponent
        arrays = arrays | {"lag": np.asarray(quantity[0]) * factor}
    columns: dict[str, list[Any]] = {}
    for name, value in arrays.items():
        if value is None:
            continue
        array = np.asarray(value)
        if array.ndim != 1:
            raise InputError(f"{name}: found an array of shape {array.shape}, expected (m,)")
        columns[name] = array.tolist()
        if len(columns[name]) != len(columns["lag"]):
            raise InputError(
                f"{name}: found {len(columns[name])} values, expected {len(columns['lag'])} as "
                "in lag"
            )
    if not columns["lag"]:
        raise InputError("lag: found an empty array, expected data")
    return Table("arrays", columns, range(len(columns["lag"])), row_word="index")


def _used(
    points: Points,
    models: Sequence[str],
    exclude: tuple[float, float] | None,
    warnings: list[str],
) -> Any:
    """Which points are fitted, shape (n,); adds to `warnings` how many are not."""
    used = np.ones(points.lag.size, bool)
    if exclude is not None:
        inside = (points.lag >= exclude[0]) & (points.lag <= exclude[1])
        used &= ~inside
        if not used.any():
            raise InputError(
                f"--exclude: found {exclude[0]:g} to {exclude[1]:g} ms, which leaves no points of "
                f"{points.source}"
            )
        warnings.append(
            f"{int(inside.sum())} point(s) with lags of {exclude[0]:g} to {exclude[1]:g} ms left "
            "out, as asked"
        )
    undefined = [name for name in models if not WINDOWS[name].defined_at_zero]
    zero = used & (points.lag == 0)
    if zero.any() and undefined:
        used &= ~zero
        warnings.append(
            f"{int(zero.sum())} point(s) at lag 0 left out of every fit: {', '.join(undefined)} "
            f"{'has' if len(undefined) == 1 else 'have'} no value there "
            "(--model with none of these uses them)"
        )
    return used

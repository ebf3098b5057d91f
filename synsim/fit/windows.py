"""One window fitted to the points of one curve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.likelihood import Coordinate, Problem
from synsim.fit.noise import Noise, aicc, bic
from synsim.fit.profile import Interval
from synsim.fit.search import Maximum, maximise, starts
from synsim.models.stdp_windows import Window, WindowParameter

Array = NDArray[Any]

EXACT = 1e-5  # scatter, in units of the largest change, below which a fit counts as exact


@dataclass(frozen=True)
class Curve:
    """The points one window is fitted to: lag in ms, change and sem as fractions, shape (n,).

    `units` (n,) numbers what a bootstrap draws: cells, or points.
    """

    lag: Array
    change: Array
    sem: Array
    units: Array

    def __len__(self) -> int:
        return self.lag.size

    def take(self, rows: Array) -> Curve:
        return Curve(self.lag[rows], self.change[rows], self.sem[rows], self.units[rows])


@dataclass(frozen=True)
class Estimate:
    """A fitted parameter: its value and 95 % interval, in ms or as a fraction (unit 1).

    The value is None where the data do not determine it; None as an end of the interval means
    no limit. `at_bound` says that the value is the last one that was tried.
    """

    name: str
    value: float | None
    interval: Interval
    unit: str
    kind: str
    at_bound: bool = False


@dataclass(frozen=True)
class WindowFit:
    """A window with its most likely parameters, and how well it does."""

    window: Window
    problem: Problem
    maximum: Maximum
    estimates: tuple[Estimate, ...]
    scatter: float
    loglik: float
    k: int
    n: int
    r2: float
    inside: Array  # coordinates (m, k) of curves that are not refused, for a band

    @property
    def name(self) -> str:
        return self.window.name

    @property
    def aicc(self) -> float:
        return aicc(self.loglik, self.k, self.n)

    @property
    def bic(self) -> float:
        return bic(self.loglik, self.k, self.n)

    @property
    def exact(self) -> bool:
        """Whether no scatter is left to speak of."""
        low = self.problem.scatter_bounds[0]
        return self.scatter <= 1.01 * low and not self.problem.sem.any()

    def value(self, name: str) -> float | None:
        """The estimate of a parameter."""
        return next(e.value for e in self.estimates if e.name == name)

    def predict(self, lag: Array, u: Array | None = None) -> Array:
        """Fitted change at lags in ms: shape of `lag`, or (rows, len(lag)) for rows of u.

        NaN on a side (lag above or below 0) where there were no points to fit.
        """
        lag = np.asarray(lag, dtype=float)
        values = self.problem.values(self.maximum.u[None] if u is None else u)
        found = np.array(self.problem.predict(values, np.atleast_1d(lag)))
        for side in _missing_sides(self.window, self.problem.x):
            found[:, np.atleast_1d(lag) * side > 0] = np.nan
        return found.reshape(lag.shape) if u is None else found


def _missing_sides(window: Window, lag: Array) -> list[int]:
    """Sides that the window has parameters for and the data no points."""
    return [s for s in (-1, 1) if _of_side(window, s) and not np.any(lag * s > 0)]


def _of_side(window: Window, side: int) -> list[WindowParameter]:
    return [p for p in window.parameters if p.side == side]


def present(window: Window, lag: Array) -> list[WindowParameter]:
    """The parameters that the data can tell anything about."""
    missing = _missing_sides(window, lag)
    return [p for p in window.parameters if not p.side or p.side not in missing]


def points_needed(window: Window, lag: Array) -> int:
    """How many points leave AICc defined: more than the parameters, the scatter, and one."""
    return len(present(window, lag)) + 3


def why_not(window: Window, lag: Array) -> str | None:
    """Why a window cannot be fitted to points at these lags; None when it can."""
    parameters = present(window, lag)
    needed = points_needed(window, lag)
    if lag.size < needed:
        count = "1 point is" if lag.size == 1 else f"{lag.size} points are"
        return f"{count} too few, it needs {needed}"
    if window.name == "symmetric" and (np.all(lag > 0) or np.all(lag < 0)):
        return "with every lag on one side it is a branch of the exponential window"
    if window.name == "constant":
        return None
    for side, where in ((1, "above 0"), (-1, "below 0")):
        needed = len([p for p in _of_side(window, side) if p in parameters])
        distinct = np.unique(lag[lag * side > 0]).size
        if distinct < needed:
            return f"{distinct} different lags {where} do not determine {needed} parameters"
    mirrored = all(p.side == 0 and p.kind in ("amplitude", "tau") for p in parameters)
    distinct = np.unique(np.abs(lag) if mirrored else lag).size
    if distinct < len(parameters):
        return f"{distinct} different lags do not determine {len(parameters)} parameters"
    return None


def make_problem(window: Window, curve: Curve, noise: Noise) -> Problem:
    """The likelihood of a window, its parameters for sides without points left out."""
    parameters = present(window, curve.lag)
    bounds = window.bounds(curve.lag, curve.change)
    coordinates = tuple(
        Coordinate(p.name, *bounds[p.name], log=p.kind in ("tau", "width")) for p in parameters
    )
    top = float(np.abs(curve.change).max()) or 1.0
    scatter_bounds = (EXACT * top, 3 * top)
    if len(parameters) == len(window.parameters):
        function, gradient = window.function, window.gradient
    else:
        places = [i for i, p in enumerate(window.parameters) if p in parameters]

        def fill(values: tuple[Any, ...]) -> list[Any]:
            # An amplitude of 0 and any time constant: the branch without points is not there.
            filled: list[Any] = [0.0 if p.kind == "amplitude" else 1.0 for p in window.parameters]
            for place, value in zip(places, values, strict=True):
                filled[place] = value
            return filled

        def function(lag: Array, *values: Any) -> Array:
            return window.function(lag, *fill(values))

        def gradient(lag: Array, *values: Any) -> tuple[Array, ...]:
            slopes = window.gradient(lag, *fill(values))
            return tuple(slopes[place] for place in places)

    return Problem(
        function, gradient, coordinates, curve.lag, curve.change, curve.sem, noise, scatter_bounds
    )


def best_start(window: Window, curve: Curve, problem: Problem) -> Array:
    """Starting points for the search, shape (rows, k)."""
    kinds = {p.name: p.kind for p in window.parameters}
    return starts(problem, window.guess(curve.lag, curve.change), kinds)


def fit_variant(window: Window, curve: Curve, noise: Noise) -> tuple[Problem, Maximum]:
    """The greatest likelihood of one variant of a window, without intervals."""
    problem = make_problem(window, curve, noise)
    return problem, maximise(problem, best_start(window, curve, problem))


def fit_window(window: Window, curve: Curve, noise: Noise) -> tuple[Window, Problem, Maximum]:
    """The greatest likelihood of a window, the better of its variants."""
    tried = [(v, *fit_variant(v, curve, noise)) for v in window.variants()]
    return max(tried, key=lambda found: found[2].loglik)


def describe(
    window: Window,
    problem: Problem,
    maximum: Maximum,
    intervals: Mapping[str, Interval],
    inside: Array,
) -> WindowFit:
    """Estimates in ms and fractions, with what the data do not determine left open."""
    *values, scatter = (float(v) for v in problem.values(maximum.u))
    # A climb towards 0 may stop a rounding error short of it.
    floor = EXACT * 1e-3 * float(np.abs(problem.y).max())
    found = {
        c.name: 0.0 if c.low == 0 and not c.log and v <= floor else v
        for c, v in zip(problem.coordinates, values, strict=True)
    }
    limits = {c.name: (c.low, c.high) for c in problem.coordinates}
    estimates = []
    for p in window.parameters:
        unit = "ms" if p.is_time else "1"
        amplitude = f"A_{p.name.rpartition('_')[2]}" if p.is_time else None
        if p.name not in found or (amplitude and found.get(amplitude) == 0):
            # No points on its side, or its branch has no height.
            estimates.append(Estimate(p.name, None, (None, None), unit, p.kind))
            continue
        value, (low, high) = found[p.name], limits[p.name]
        natural = p.kind == "amplitude" and value == 0
        near = math.isclose(value, high, rel_tol=1e-6) or math.isclose(value, low, rel_tol=1e-6)
        estimates.append(
            Estimate(p.name, value, intervals[p.name], unit, p.kind, near and not natural)
        )
    residual = problem.y - problem.predict(problem.values(maximum.u[None]))[0]
    total = float(np.sum((problem.y - problem.y.mean()) ** 2))
    r2 = 1 - float(np.sum(residual**2)) / total if total > 0 else math.nan
    return WindowFit(
        window, problem, maximum, tuple(estimates), scatter, maximum.loglik, problem.size,
        problem.y.size, r2, inside,
    )  # fmt: skip

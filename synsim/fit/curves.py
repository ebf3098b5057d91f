"""All windows fitted to the points of one curve, compared, and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.fit.band import on_the_limit
from synsim.fit.bootstrap import bootstrap
from synsim.fit.noise import NOISES, Noise, aicc, akaike_weights
from synsim.fit.profile import Interval, limit, profile
from synsim.fit.search import maximise
from synsim.fit.windows import (
    Curve,
    WindowFit,
    best_start,
    describe,
    fit_window,
    points_needed,
    why_not,
)
from synsim.models.stdp_windows import WINDOWS

Array = NDArray[Any]

RIVAL = 2.0  # AICc differences up to this leave the shape undecided (Burnham & Anderson 2002)
OUTLIER = 3.0  # standard deviations


@dataclass(frozen=True)
class CurveFit:
    """The windows fitted to one curve.

    `fits` holds them in the order of AICc, `skipped` why others were not fitted, `weights` the
    Akaike weights. `standardised` (n,) are the residuals of the best window in standard
    deviations. The band has one row per lag: lag in ms, low, high.
    """

    curve: Curve
    noise: Noise
    fits: Mapping[str, WindowFit]
    skipped: Mapping[str, str]
    weights: Mapping[str, float]
    standardised: Array
    band: Array
    bootstrap_left_out: Mapping[str, int]

    @property
    def best(self) -> WindowFit:
        """The window of lowest AICc."""
        return next(iter(self.fits.values()))

    @property
    def rivals(self) -> list[str]:
        """Windows within RIVAL of the best, the best first."""
        limit = self.best.aicc + RIVAL
        return [name for name, fit in self.fits.items() if fit.aicc <= limit]

    @property
    def outliers(self) -> Array:
        """Whether each point is more than OUTLIER standard deviations off, shape (n,)."""
        return np.abs(self.standardised) > OUTLIER


def fit_curve(
    curve: Curve,
    *,
    models: Sequence[str],
    noise: Noise,
    intervals: str,
    samples: int,
    rng: np.random.Generator,
) -> CurveFit:
    """Fit windows to a curve.

    Raises
    ------
    InputError
        when no window can be fitted; the text says why, without the name of the curve.
    """
    skipped = {name: why for name in models if (why := why_not(WINDOWS[name], curve.lag))}
    if len(skipped) == len(models):
        needed = {name: points_needed(WINDOWS[name], curve.lag) for name in models}
        simplest = min(needed, key=lambda name: needed[name])
        if len(curve) < needed[simplest]:
            raise InputError(
                f"{len(curve)} point{'s are' if len(curve) > 1 else ' is'} too few for any "
                f"window; {simplest} needs "
                f"{needed[simplest]}"
            )
        raise InputError("; ".join(f"{name}: {why}" for name, why in skipped.items()))
    found: dict[str, WindowFit] = {}
    left_out: dict[str, int] = {}
    for name in models:
        if name not in skipped:
            found[name], left_out[name] = _fit(name, curve, noise, intervals, samples, rng)
    order = sorted(found, key=lambda name: found[name].aicc)
    fits = {name: found[name] for name in order}
    best = fits[order[0]]
    weights = akaike_weights([f.aicc for f in fits.values()])
    variance = curve.sem**2 + best.scatter**2
    return CurveFit(
        curve,
        noise,
        fits,
        skipped,
        dict(zip(order, weights, strict=True)),
        (curve.change - best.predict(curve.lag)) / np.sqrt(variance),
        _band(best, intervals),
        {name: left_out[name] for name in order},
    )


def _fit(
    name: str, curve: Curve, noise: Noise, intervals: str, samples: int, rng: np.random.Generator
) -> tuple[WindowFit, int]:
    window, problem, maximum = fit_window(WINDOWS[name], curve, noise)
    if intervals == "bootstrap":
        drawn = bootstrap(window, problem, maximum, curve.units, samples, rng)
        ends = _by_name(problem.coordinates, drawn.intervals)
        return describe(window, problem, maximum, ends, drawn.samples), drawn.left_out
    for _ in range(6):
        profiled = profile(problem, maximum)
        if profiled.better is None:
            ends = _by_name(problem.coordinates, profiled.intervals)
            return describe(window, problem, maximum, ends, profiled.inside), 0
        # The profile came across a greater likelihood: climb on from there.
        again = np.concatenate([profiled.better[None], best_start(window, curve, problem)])
        maximum = maximise(problem, again)
    # It keeps creeping up a ridge: nothing can be said about any one parameter.
    nothing: Interval = (None, None)
    ends = _by_name(problem.coordinates, [nothing] * len(problem.coordinates))
    return describe(window, problem, maximum, ends, maximum.u[None]), 0


def _by_name(coordinates: Sequence[Any], ends: Sequence[Interval]) -> dict[str, Interval]:
    return {c.name: end for c, end in zip(coordinates, ends, strict=True)}


def _band(fit: WindowFit, intervals: str) -> Array:
    """Lag, low and high of the 95 % band of a window, shape (m, 3)."""
    lag = plot_lags(fit.problem.x)
    if intervals == "bootstrap":
        low, high = np.quantile(fit.predict(lag, fit.inside), [0.025, 0.975], axis=0)
    else:
        allowed = limit(fit.n, fit.k - 1)
        around = on_the_limit(fit.problem, fit.maximum, allowed, np.random.default_rng(0))
        curves = fit.predict(lag, np.concatenate([fit.inside, around]))
        low, high = curves.min(axis=0), curves.max(axis=0)
    return np.column_stack([lag, low, high])


def plot_lags(lag: Array) -> Array:
    """Lags to draw a curve at, over the range of the data, dense near 0 and never 0 itself."""
    low, high = float(lag.min()), float(lag.max())
    far = max(abs(low), abs(high)) or 1.0
    out = np.concatenate([np.geomspace(far * 1e-3, far, 120), np.linspace(far / 200, far, 200)])
    both = np.unique(np.concatenate([-out, out, [low, high]]))
    return both[(both >= low) & (both <= high) & (both != 0)]


def other_noise(fit: CurveFit) -> tuple[str, float]:
    """The other distribution of residuals, and the AICc of the best window under it."""
    other = next(n for n in NOISES.values() if n.name != fit.noise.name)
    _, problem, maximum = fit_window(WINDOWS[fit.best.name], fit.curve, other)
    n, k = len(fit.curve), problem.size
    return other.name, aicc(maximum.loglik, k, n)

"""The release models fitted to the responses of one cell, and compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.fit.noise import aicc, bic
from synsim.fit.profile import Interval, limit
from synsim.fit.quantal_climb import MODELS, Fitted, Release
from synsim.fit.quantal_profile import intervals
from synsim.fit.quantal_search import ends_of_n, profile_n
from synsim.fit.release_filter import NAMES, Prediction, ReleaseFilter

Array = NDArray[Any]

FEWEST = 10  # responses: as many as AICc of the largest model needs
FAR_BEHIND = 10.0  # in BIC: intervals of such a model are from the curvature only
MANY = 8.0  # quanta: a cv of 0.2 alone hides the steps from about 6 on
ASSUMED_CV = 0.3  # where the data cannot tell it
LARGEST_CV = 0.6  # single sites of real synapses have 0.2 to 0.4


@dataclass(frozen=True)
class Estimate:
    """A parameter: value, 95 % interval (None: no limit on that side), unit."""

    name: str
    value: float
    interval: Interval
    unit: str
    fixed: bool = False


@dataclass(frozen=True)
class ModelFit:
    """One release model at its greatest likelihood.

    `maxima` holds the greatest likelihood at every n tried; `prediction` has shape (m,).
    """

    name: str
    release: Release
    maxima: Mapping[int, Fitted]
    estimates: tuple[Estimate, ...]
    prediction: Prediction
    r2: float
    n_fixed: bool
    profiled: bool

    @property
    def best(self) -> Fitted:
        return max(self.maxima.values(), key=lambda f: f.loglik)

    @property
    def n(self) -> int:
        return self.best.n

    @property
    def theta(self) -> Array:
        """U, q, tau_rec, tau_facil, s0, cv; times in ms."""
        return self.release.theta(self.best.z)

    @property
    def loglik(self) -> float:
        return self.best.loglik

    @property
    def k(self) -> int:
        """Estimated parameters, n and s0 among them."""
        return self.release.k - self.n_fixed

    @property
    def size(self) -> int:
        return int(self.release.data.y.size)

    @property
    def aicc(self) -> float:
        return aicc(self.loglik, self.k, self.size)

    @property
    def bic(self) -> float:
        return bic(self.loglik, self.k, self.size)

    def value(self, name: str) -> float:
        """A parameter by its name in `release_filter.NAMES`."""
        return float(self.theta[NAMES.index(name)])

    def estimate(self, name: str) -> Estimate:
        """A parameter with its interval; `U` is p where it is constant."""
        wanted = ("U", "p") if name in ("U", "p") else (name,)
        return next(e for e in self.estimates if e.name in wanted)


@dataclass(frozen=True)
class Settings:
    """What to fit: models, the largest n, fixed n, s0 and cv (None: estimated)."""

    models: tuple[str, ...]
    n_max: int
    n: int | None
    s0: float | None
    cv: float | None
    cv_may_be_dropped: bool


@dataclass(frozen=True)
class Comparison:
    """Models in the order of BIC, why others were not fitted, whether cv was given up."""

    fits: Mapping[str, ModelFit]
    skipped: Mapping[str, str]
    cv_dropped: float | None

    @property
    def best(self) -> ModelFit:
        return next(iter(self.fits.values()))


def compare(
    y: Array,
    h: Array | None,
    unit: str,
    settings: Settings,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Fit every model to the responses of one group.

    Parameters
    ----------
    y : magnitudes, shape (m,)
    h : intervals in ms, shape (m,), or None where they are not known

    Raises
    ------
    InputError
        when there are too few responses, or they do not differ; the text does not say where.
    """
    if y.size < FEWEST:
        raise InputError(f"{y.size} responses are too few, expected at least {FEWEST}")
    if np.ptp(y) <= 1e-9 * float(np.abs(y).max()):
        raise InputError(f"every response is {y[0]:g}: quanta and noise cannot be told apart")
    dynamics = h is not None and bool(np.isfinite(h[1:]).any())
    skipped = {}
    if not dynamics:
        why = "every response is from rest" if h is not None else "no intervals are given"
        skipped = {name: why for name in settings.models if name != "constant"}
    names = [name for name in MODELS if name in settings.models and name not in skipped]
    if not names:
        raise InputError("; ".join(f"{name}: {why}" for name, why in skipped.items()))
    data = ReleaseFilter(y, np.full(y.size, math.inf) if h is None else h)
    fixed = {k: v for k, v in (("s0", settings.s0), ("cv", settings.cv)) if v is not None}
    found = _maxima(data, names, settings, fixed)
    dropped = None
    if settings.cv is None and settings.cv_may_be_dropped:
        release, maxima = min(found.values(), key=lambda f: _bic(*f))
        best = max(maxima.values(), key=lambda f: f.loglik)
        cv = float(release.theta(best.z)[NAMES.index("cv")])
        if cv > LARGEST_CV or rests_on_steps(release, best):
            dropped = cv
            found = _maxima(data, names, settings, fixed | {"cv": ASSUMED_CV})
    least = min(_bic(*f) for f in found.values())
    fits = {
        name: _model(name, *found[name], unit, settings, _bic(*found[name]) <= least + FAR_BEHIND)
        for name in found
    }
    order = sorted(fits, key=lambda name: fits[name].bic)
    return Comparison({name: fits[name] for name in order}, skipped, dropped)


def rests_on_steps(release: Release, fitted: Fitted) -> bool:
    """Whether steps of q are resolved in responses to more quanta than an eye could count.

    A likelihood with a small cv finds a spacing q that suits the amplitudes by chance: among
    many quanta there are many spacings to choose from.
    """
    _, q, _, _, s0, cv = release.theta(fitted.z)
    many = float(release.data.y.mean()) / q
    return bool(many > MANY and s0**2 + many * (cv * q) ** 2 < (0.5 * q) ** 2)


def _bic(release: Release, maxima: Mapping[int, Fitted]) -> float:
    top = max(f.loglik for f in maxima.values())
    return bic(top, release.k, release.data.y.size)


def _maxima(
    data: ReleaseFilter, names: Sequence[str], settings: Settings, fixed: dict[str, float]
) -> dict[str, tuple[Release, dict[int, Fitted]]]:
    found: dict[str, tuple[Release, dict[int, Fitted]]] = {}
    simpler: tuple[Release, dict[int, Fitted]] | None = None
    for name in names:
        release = Release(data, name, dict(fixed))
        found[name] = simpler = (
            release, profile_n(release, settings.n_max, settings.n, simpler)
        )  # fmt: skip
    return found


def _model(
    name: str,
    release: Release,
    maxima: dict[int, Fitted],
    unit: str,
    settings: Settings,
    profiled: bool,
) -> ModelFit:
    m = release.data.y.size
    k = release.k - (settings.n is not None)
    ends: Interval
    if settings.n is None:
        low, high = ends_of_n(release, maxima, limit(m, k, together=2), settings.n_max)
        ends = (low, high)
        open_n = high is None
    else:
        ends, open_n = (settings.n, settings.n), False
    maxima = dict(sorted(maxima.items()))
    sides = intervals(release, maxima, k, ends[0] == ends[1], open_n, profiled)
    best = max(maxima.values(), key=lambda f: f.loglik)
    theta = release.theta(best.z)
    prediction = release.data.predict(best.n, theta)
    estimates = [Estimate("n", best.n, ends, "1", settings.n is not None)]
    units = {"q": unit, "s0": unit, "tau_rec": "ms", "tau_facil": "ms"}
    for place, parameter in enumerate(NAMES):
        value = float(theta[place])
        shown = "p" if parameter == "U" and name == "constant" else parameter
        kind = units.get(parameter, "1")
        if parameter in release.free:
            estimates.append(Estimate(shown, value, sides[parameter], kind))
        elif parameter in release.fixed:
            estimates.append(Estimate(shown, value, (value, value), kind, fixed=True))
    y = release.data.y
    total = float(np.sum((y - y.mean()) ** 2))
    r2 = 1 - float(np.sum((y - prediction.mean) ** 2)) / total
    return ModelFit(
        name, release, maxima, tuple(estimates), prediction, r2, settings.n is not None, profiled
    )

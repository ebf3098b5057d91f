"""`fit quantal --calibrate`: the responses simulated from the fit, and fitted again."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.calibration import Calibration, recovery
from synsim.fit.profile import Interval
from synsim.fit.quantal_models import Comparison, ModelFit, Settings, compare

Array = NDArray[Any]


def simulate(fit: ModelFit, rng: np.random.Generator) -> Array:
    """Responses of the model at its estimates to the same stimuli, shape (m,)."""
    U, q, tau_rec, tau_facil, s0, cv = (float(v) for v in fit.theta)
    n, h = fit.n, fit.release.data.h
    full, u = n, 0.0
    y = np.empty(h.size)
    for i, interval in enumerate(h):
        full += rng.binomial(n - full, -math.expm1(-interval / tau_rec))
        fade = math.exp(-interval / tau_facil) if tau_facil > 0 else 0.0
        u = U + u * (1 - U) * fade
        k = rng.binomial(full, u)
        full -= k
        y[i] = k * q + math.sqrt(s0**2 + k * (cv * q) ** 2) * rng.standard_normal()
    return y


def calibrate(
    found: Comparison, settings: Settings, unit: str, count: int, rng: np.random.Generator
) -> Calibration:
    """Simulate and refit the best model `count` times."""
    fit = found.best
    h = fit.release.data.h
    fixed_cv = fit.release.fixed.get("cv", settings.cv)
    again = replace(settings, models=(fit.name,), cv=fixed_cv)
    rows: list[dict[str, tuple[float, Interval]]] = []
    failed = 0
    for _ in range(count):
        try:
            refit = compare(simulate(fit, rng), h, unit, again).best
        except ValueError:  # all failures, or no two responses that differ
            failed += 1
            continue
        rows.append({e.name: (float(e.value), e.interval) for e in refit.estimates})
    truths = {e.name: float(e.value) for e in fit.estimates if not e.fixed}
    return Calibration(count, failed, recovery(truths, rows))

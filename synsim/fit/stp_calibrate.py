"""`fit stp --calibrate`: the trains simulated from the fit, and fitted again.

The responses of a copy are those of the best model, each with a normal error of the variance
that the fit found, sem^2 + scatter^2. All models that were compared are fitted to it: how often
the true one is chosen is part of what the design can tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from synsim.component import InputError
from synsim.fit.calibration import Calibration, recovery
from synsim.fit.profile import Interval
from synsim.fit.stp_curve import Trains
from synsim.fit.stp_models import ModelFit, fit_models


def calibrate(
    fits: Mapping[str, ModelFit], trains: Trains, unit: str, count: int, rng: np.random.Generator
) -> Calibration:
    """Simulate the best model `count` times, and refit all of them."""
    best = next(iter(fits.values()))
    sem = best.problem.sem
    spread = np.sqrt(sem**2 + best.scatter**2)
    rows: list[dict[str, tuple[float, Interval]]] = []
    chosen: Counter[str] = Counter()
    failed = 0
    for _ in range(count):
        y = best.fitted + spread * rng.standard_normal(best.size)
        try:
            again, _ = fit_models(trains, y, sem, unit, list(fits))
        except InputError:
            failed += 1
            continue
        chosen[next(iter(again))] += 1
        rows.append({e.name: (e.value, e.interval) for e in again[best.name].estimates})
    truths = {e.name: e.value for e in best.estimates}
    return Calibration(count, failed, recovery(truths, rows), best.name, dict(chosen))

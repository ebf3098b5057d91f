"""What a design can and cannot tell: the fit simulated, and fitted again.

The responses to the user's own stimuli are drawn from the best model at its estimates, as
often as asked, and the same model is fitted to each. How the estimates scatter around the known
truth, and how often the intervals hold it, says what this design, with these parameters, can
identify; where the model is wrong it says nothing.

Source: parametric bootstrap, Efron & Tibshirani 1993, ch. 6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.quantal_models import Comparison, ModelFit, Settings, compare
from synsim.fit.words import number

Array = NDArray[Any]


@dataclass(frozen=True)
class Recovered:
    """One parameter over all experiments: truth, quartiles and mean of the estimates, coverage.

    `bounded` is the share of experiments with an interval closed on both sides.
    """

    truth: float
    median: float
    low: float
    high: float
    bias: float
    coverage: float
    bounded: float


@dataclass(frozen=True)
class Calibration:
    """How many experiments, how many could not be fitted, and each parameter's recovery."""

    experiments: int
    failed: int
    parameters: Mapping[str, Recovered]


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
    rows: list[dict[str, tuple[float, Any]]] = []
    failed = 0
    for _ in range(count):
        try:
            refit = compare(simulate(fit, rng), h, unit, again).best
        except ValueError:  # all failures, or no two responses that differ
            failed += 1
            continue
        rows.append({e.name: (float(e.value), e.interval) for e in refit.estimates})
    recovered = {}
    for e in fit.estimates:
        if e.fixed or not rows:
            continue
        truth = float(e.value)
        values = np.array([row[e.name][0] for row in rows])
        ends = [row[e.name][1] for row in rows]
        slack = 1e-9 * (1 + abs(truth))
        held = [
            (low is None or low <= truth + slack) and (high is None or truth <= high + slack)
            for low, high in ends
        ]
        low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
        recovered[e.name] = Recovered(
            truth,
            float(median),
            float(low),
            float(high),
            float(values.mean()) - truth,
            float(np.mean(held)),
            float(np.mean([None not in end for end in ends])),
        )
    return Calibration(count, failed, recovered)


def table(calibration: Calibration) -> list[str]:
    """Lines for a report."""
    lines = [
        f"  Calibration: {calibration.experiments} copies of this design, simulated at the "
        "estimates and refitted",
        f"    {'':<12}{'truth':>9}{'median':>9}{'25-75 %':>18}{'held truth':>12}{'bounded':>9}",
    ]
    for name, r in calibration.parameters.items():
        middle = f"{number(r.low)}-{number(r.high)}"
        lines.append(
            f"    {name:<12}{number(r.truth):>9}{number(r.median):>9}{middle:>18}"
            f"{100 * r.coverage:>10.0f} %{100 * r.bounded:>7.0f} %"
        )
    if calibration.failed:
        lines.append(f"    {calibration.failed} copies could not be fitted")
    return lines


def as_dict(calibration: Calibration) -> dict[str, Any]:
    """For ``summary.json``."""
    return {
        "experiments": calibration.experiments,
        "failed": calibration.failed,
        "params": {
            name: {
                "truth": r.truth,
                "median": r.median,
                "quartiles": [r.low, r.high],
                "bias": r.bias,
                "coverage": r.coverage,
                "bounded": r.bounded,
            }
            for name, r in calibration.parameters.items()
        },
    }

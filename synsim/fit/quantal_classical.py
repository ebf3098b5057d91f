"""The classical methods beside the likelihood: failures, 1/CV^2, mean-variance, rundown.

Each looks at one side of the responses, each with its own assumption, and none needs the
whole model. Where they contradict the fit, one of the two is wrong for these data.

    failures       responses below 2.5 s0, against the number that the fit expects. Assumes that
                   a quantum stands out from the noise.
    1/CV^2         mean^2/(variance - s0^2) of one condition is n P/(1 - P + cv^2). Assumes
                   independent sites of equal P and a stable recording.
    mean-variance  over conditions of different P: variance - s0^2 = Q mean - mean^2/n with
                   Q = q (1 + cv^2) (MPFA). Assumes sites of equal P, the same n and q in all
                   conditions.
    rundown        what the model does not explain, over the recording: its trend is 0 in a
                   stable one.

A condition is a history of stimuli since rest: the same pulse of trains with the same
intervals. Rest is where the fitted model has refilled all but 1 % and lost its facilitation.

Sources: del Castillo & Katz 1954 (failures); Clements & Silver 2000, Silver 2003 (mean-variance);
Efron & Tibshirani 1993 (bootstrap). Trend: weighted regression of one-step residuals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.fit.quantal_models import ModelFit
from synsim.fit.words import number

Array = NDArray[Any]

_THRESHOLD = 2.5  # of the noise's standard deviation
_REPEATS = 5  # of a condition, at least, for its variance
_DIFFER = 3.0  # standard errors


@dataclass(frozen=True)
class Check:
    """One classical method: its numbers, what it assumes, whether it contradicts the fit."""

    name: str
    values: Mapping[str, Any]
    assumes: str
    contradiction: str | None = None


@dataclass(frozen=True)
class Condition:
    """Rows with the same history of stimuli, their mean and variance."""

    rows: Array
    pulse: int
    mean: float
    variance: float


def at_rest(fit: ModelFit) -> Array:
    """Whether the synapse was at rest before each response, shape (m,)."""
    h = fit.release.data.h
    slow = 0.0
    for name in ("tau_rec", "tau_facil"):
        if name in fit.release.free:
            slow = max(slow, fit.value(name))
    return np.asarray(h >= -math.log(0.01) * slow)


def conditions(fit: ModelFit) -> list[Condition]:
    """Rows with the same history since rest, in the order of their first response."""
    y, h = fit.release.data.y, fit.release.data.h
    rest = at_rest(fit)
    keys: dict[tuple[float, ...], list[int]] = {}
    history: tuple[float, ...] = ()
    for row in range(y.size):
        history = () if rest[row] else (*history, float(np.round(h[row], 6)))
        keys.setdefault(history, []).append(row)
    found = []
    for past, rows in keys.items():
        values = y[rows]
        spread = float(np.var(values, ddof=1)) if len(rows) > 1 else math.nan
        found.append(Condition(np.array(rows), len(past) + 1, float(values.mean()), spread))
    return found


def pulses(fit: ModelFit) -> Array:
    """The number of each response since rest, shape (m,), from 1."""
    found = np.empty(fit.size, int)
    count = 0
    for row, rest in enumerate(at_rest(fit)):
        count = 1 if rest else count + 1
        found[row] = count
    return found


def checks(fit: ModelFit, unit: str, rng: np.random.Generator) -> list[Check]:
    """All classical methods that the data allow."""
    there = conditions(fit)
    found = [
        failures(fit, unit),
        inverse_cv(fit, there, rng),
        mean_variance(fit, there, unit),
        rundown(fit),
    ]
    return [check for check in found if check is not None]


def failures(fit: ModelFit, unit: str) -> Check | None:
    """Responses that are within the noise, counted and expected."""
    from scipy.special import ndtr

    y, s0 = fit.release.data.y, fit.value("s0")
    threshold = _THRESHOLD * s0
    q, cv, n = fit.value("q"), fit.value("cv"), fit.n
    chance = _binomial(n, fit.prediction.released)
    k = np.arange(n + 1)
    expected = chance @ ndtr((threshold - k * q) / np.sqrt(s0**2 + k * (cv * q) ** 2))
    count, mean = int(np.sum(y < threshold)), float(expected.sum())
    sd = math.sqrt(float(np.sum(expected * (1 - expected)))) + 1e-9
    values = {
        "threshold": threshold,
        "unit": unit,
        "failures": count,
        "rate": count / y.size,
        "expected": mean,
        "quantal_content": -math.log(count / y.size) if 0 < count < y.size else None,
    }
    words = None
    if abs(count - mean) > _DIFFER * max(sd, 1.0):
        words = (
            f"failures: {count} of {y.size} responses are below {number(threshold)} {unit} "
            f"(2.5 s0), the fit expects {mean:.0f} +- {sd:.0f}"
        )
    return Check("failures", values, "one quantum stands out from the noise", words)


def _binomial(n: int, P: Array) -> Array:
    """P(k of n) for every response, shape (m, n + 1)."""
    from scipy.stats import binom

    return np.asarray(binom.pmf(np.arange(n + 1), n, np.clip(P, 0, 1)[:, None]))


def inverse_cv(
    fit: ModelFit, there: list[Condition], rng: np.random.Generator, samples: int = 500
) -> Check | None:
    """1/CV^2 of the condition with most responses, with a bootstrap interval."""
    most = max(there, key=lambda c: c.rows.size)
    if most.rows.size < 2 * _REPEATS:
        return None
    y, s0 = fit.release.data.y[most.rows], fit.value("s0")
    drawn = y[rng.integers(0, y.size, (samples, y.size))]
    clean = np.maximum(drawn.var(axis=1, ddof=1) - s0**2, 1e-12 * s0**2)
    low, high = np.quantile(drawn.mean(axis=1) ** 2 / clean, [0.005, 0.995])
    P, cv = float(fit.prediction.released[most.rows].mean()), fit.value("cv")
    expected = fit.n * P / (1 - P + cv**2)
    clean_variance = most.variance - s0**2
    value = most.mean**2 / clean_variance if clean_variance > 0 else math.inf
    values = {
        "pulse": most.pulse,
        "responses": int(most.rows.size),
        "value": value if math.isfinite(value) else None,
        "interval99": [float(low), float(high)],
        "expected": expected,
    }
    words = None
    if not low <= expected <= high:
        words = (
            f"1/CV^2 of the {most.rows.size} responses to pulse {most.pulse} is {number(value)} "
            f"(99 % interval {number(float(low))} to {number(float(high))}), the fit expects "
            f"{number(expected)}"
        )
    return Check("inverse_cv2", values, "independent sites of equal release probability", words)


def mean_variance(fit: ModelFit, there: list[Condition], unit: str) -> Check | None:
    """MPFA: a parabola through variance against mean."""
    used = [c for c in there if c.rows.size >= _REPEATS]
    if len(used) < 3:
        return None
    mean = np.array([c.mean for c in used])
    clean = np.array([c.variance for c in used]) - fit.value("s0") ** 2
    repeats = np.array([c.rows.size for c in used])
    columns = np.column_stack([mean, -(mean**2)])
    fitted = np.maximum(np.array([c.variance for c in used]), 1e-12)
    beta, covariance = np.zeros(2), np.eye(2)
    for _ in range(4):
        # A sample variance has the relative error sqrt(2/(repeats - 1)).
        weight = (repeats - 1) / (2 * np.maximum(fitted, 0.05 * fitted.max()) ** 2)
        normal = columns.T @ (weight[:, None] * columns)
        covariance = np.linalg.pinv(normal)
        beta = covariance @ (columns.T @ (weight * clean))
        fitted = np.maximum(columns @ beta + fit.value("s0") ** 2, 1e-12)
    error = np.sqrt(np.diag(covariance))
    expected = (fit.value("q") * (1 + fit.value("cv") ** 2), 1 / fit.n)
    n = float(1 / beta[1]) if beta[1] > 0 else None
    values = {
        "conditions": len(used),
        "Q": float(beta[0]),
        "Q_error": float(error[0]),
        "unit": unit,
        "n": n,
        "one_over_n": float(beta[1]),
        "one_over_n_error": float(error[1]),
        "expected_Q": expected[0],
        "expected_n": fit.n,
    }
    far = [abs(beta[i] - expected[i]) > _DIFFER * error[i] for i in (0, 1)]
    words = None
    if any(far):
        sites = f"n = {number(n)}" if n is not None else "no finite n"
        words = (
            f"mean-variance analysis over {len(used)} conditions gives q (1 + cv^2) = "
            f"{number(float(beta[0]))} +- {number(float(error[0]))} {unit} and {sites}, the fit "
            f"{number(expected[0])} {unit} and n = {fit.n}"
        )
    assumes = "sites of equal release probability, the same n and q in all conditions"
    return Check("mean_variance", values, assumes, words)


def rundown(fit: ModelFit) -> Check | None:
    """Trend of the responses over the recording, beyond what the model expects."""
    from scipy.special import ndtr

    y, past = fit.release.data.y, fit.prediction
    sweep = np.cumsum(at_rest(fit))
    by_sweep = sweep[-1] >= 4
    # Whole sweeps against each other are matched whatever the model makes of a train.
    when = sweep.astype(float) if by_sweep else np.arange(y.size, dtype=float)
    centred = when - when.mean()
    if not np.any(centred):
        return None
    z = (y - past.mean_past) / np.sqrt(past.variance_past)
    scale = math.sqrt(max(float(np.var(z)), 1e-12))
    score = float(centred @ z / math.sqrt(centred @ centred)) / scale
    weight = past.mean_past / past.variance_past
    slope = float(centred @ ((y - past.mean) * weight))
    slope /= float(centred**2 @ (past.mean_past * weight))
    change = slope * float(np.ptp(when))
    chance = 2 * float(ndtr(-abs(score)))
    values = {
        "over": "sweeps" if by_sweep else "responses",
        "change": change,
        "p_value": chance,
    }
    words = None
    if chance < 0.01 and abs(change) > 0.02:
        kind = "rundown" if change < 0 else "run-up"
        words = (
            f"{kind} over the recording: responses change by {100 * change:+.0f} % from first to "
            f"last (p = {chance:.1g}); n, p and q are those of a stable recording"
        )
    return Check("rundown", values, "the model's means", words)

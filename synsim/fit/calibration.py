"""What a design can and cannot tell: the fit simulated, and fitted again.

Responses to the user's own stimuli are drawn from the best model at its estimates, as
often as asked, and the same model is fitted to each. How the estimates scatter around the known
truth, and how often the intervals hold it, says what this design, with these parameters, can
identify; where the model is wrong it says nothing.

Source: parametric bootstrap, Efron & Tibshirani 1993, ch. 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synsim.fit.profile import Interval
from synsim.fit.words import number

KNOWN = 0.8  # of the copies: less often bounded, or best, and the design does not tell
WIDE = 1.0  # of the truth: quartiles farther apart, and it does not tell the size


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
    """How many experiments, how many could not be fitted, and each parameter's recovery.

    `chosen` counts the model that was best in each copy, where several were fitted; the copies
    are those of `model`.
    """

    experiments: int
    failed: int
    parameters: Mapping[str, Recovered]
    model: str = ""
    chosen: Mapping[str, int] = field(default_factory=dict)


def recovery(
    truths: Mapping[str, float], rows: Sequence[Mapping[str, tuple[float, Interval]]]
) -> dict[str, Recovered]:
    """How each parameter came back.

    Parameters
    ----------
    truths : name -> what the copies were simulated with
    rows : of each copy that could be fitted, name -> estimate and its interval
    """
    found: dict[str, Recovered] = {}
    for name, truth in truths.items():
        if not rows:
            break
        values = np.array([row[name][0] for row in rows])
        ends = [row[name][1] for row in rows]
        slack = 1e-9 * (1 + abs(truth))
        held = [
            (low is None or low <= truth + slack) and (high is None or truth <= high + slack)
            for low, high in ends
        ]
        low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
        found[name] = Recovered(
            truth,
            float(median),
            float(low),
            float(high),
            float(values.mean()) - truth,
            float(np.mean(held)),
            float(np.mean([None not in end for end in ends])),
        )
    return found


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
    if len(calibration.chosen) > 0:
        counts = sorted(calibration.chosen.items(), key=lambda pair: -pair[1])
        lines.append("    best model: " + ", ".join(f"{name} in {n}" for name, n in counts))
    if calibration.failed:
        lines.append(f"    {calibration.failed} copies could not be fitted")
    return lines


def words(calibration: Calibration) -> list[str]:
    """What the design can tell and what it cannot, one line each."""
    lead = f"calibration ({calibration.experiments} copies of this design)"
    told, untold = [], []
    for name, r in calibration.parameters.items():
        if r.bounded < KNOWN:
            untold.append(f"{name} (interval without limit in {100 * (1 - r.bounded):.0f} %)")
        elif r.truth > 0 and r.high - r.low > WIDE * r.truth:
            untold.append(
                f"{name} (half of the estimates outside {number(r.low)} to {number(r.high)})"
            )
        else:
            told.append(name)
    found = []
    if told or untold:
        can = f"can identify {', '.join(told)}" if told else "can identify no parameter"
        cannot = f"; cannot identify {', '.join(untold)}" if untold else ""
        found.append(f"{lead}: the design {can}{cannot}")
    fitted = calibration.experiments - calibration.failed
    for name, r in calibration.parameters.items():
        missed = round((1 - r.coverage) * fitted)
        if fitted and _tail(missed, fitted) < 0.01:
            found.append(
                f"{lead}: intervals of {name} held the truth in {100 * r.coverage:.0f} % only"
            )
    right = calibration.chosen.get(calibration.model, 0)
    if calibration.chosen and right < KNOWN * fitted:
        found.append(
            f"{lead}: the model they were simulated with ({calibration.model}) was best in "
            f"{right} of {fitted}: the design hardly tells the models apart"
        )
    return found


def _tail(missed: int, fitted: int) -> float:
    """P(as many misses or more) of intervals that hold the truth in 95 %."""
    from scipy.special import bdtrc

    return 1.0 if missed == 0 else float(bdtrc(missed - 1, fitted, 0.05))


def as_dict(calibration: Calibration) -> dict[str, Any]:
    """For ``summary.json``."""
    return {
        "experiments": calibration.experiments,
        "failed": calibration.failed,
        **({"chosen": dict(calibration.chosen)} if calibration.chosen else {}),
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

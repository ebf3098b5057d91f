"""Numbers and words that `energy-budget` makes of its fits."""

from __future__ import annotations

from typing import Any

import numpy as np

from synsim.energy.budget_data import (
    Array,
    precision_energy_slope,
    shuffled_gain,
    slopes_of_uniform_p,
)
from synsim.fit.budget import CostModel, Distances
from synsim.fit.budget_joint import fit_joint


def of_fits(models: dict[str, CostModel], p: Array, size: Array) -> dict[str, Any]:
    """Likelihoods and weights; p and mean per site are those after plasticity, as a test."""
    found: dict[str, Any] = {"n_cells": len(p)}
    for name, model in models.items():
        key = name.replace("-", "_")
        found |= {f"loglik_{key}": model.loglik, f"aicc_{key}": model.aicc}
        if model.weight is None or model.temperature is None:
            continue
        ends = [float("nan") if end is None else end for end in (model.low, model.high)]
        later = Distances.of(name, float(np.log(model.weight)), p, size)
        found |= {
            f"weight_{key}": model.weight,
            f"weight_{key}_low": ends[0],
            f"weight_{key}_high": ends[1],
            f"temperature_{key}": model.temperature,
            f"loglik_after_{key}": float(later.loglik(float(np.log(model.temperature))).sum()),
        }
    return found


def of_joint(p: Array, size: Array) -> dict[str, float]:
    """Turnover and membrane together."""
    both = fit_joint(p, size)
    return {
        "aicc_membrane_and_turnover": both.aicc,
        "weight_turnover_beside_membrane": both.turnover,
        "weight_turnover_beside_membrane_low": both.turnover_low or 0.0,
        "weight_turnover_beside_membrane_high": (
            float("nan") if both.turnover_high is None else both.turnover_high
        ),
        "weight_membrane_beside_turnover": both.membrane,
        "turnover_share_beside_membrane": both.turnover_share,
    }


def of_controls(
    count: int,
    p: Array,
    q: Array,
    models: dict[str, CostModel],
    best: str,
    seed: int,
) -> dict[str, float]:
    """What shuffled q and random p give."""
    other = best if best != "turnover" else "membrane"
    gain, shuffled = shuffled_gain(other, p, q, count, seed)
    random = slopes_of_uniform_p(len(p), count, seed)
    weight = models["turnover"].weight
    assert weight is not None
    return {
        f"loglik_{other}_over_turnover": gain,
        f"loglik_{other}_over_turnover_shuffled_mean": float(shuffled.mean()),
        f"loglik_{other}_over_turnover_shuffled_sd": float(shuffled.std(ddof=1)),
        "shuffled_p_value": float((1 + np.sum(shuffled >= gain)) / (1 + len(shuffled))),
        "precision_energy_slope_turnover": precision_energy_slope(p, weight),
        "precision_energy_slope_of_random_p_mean": float(random.mean()),
        "precision_energy_slope_of_random_p_sd": float(random.std(ddof=1)),
    }


def notes(models: dict[str, CostModel], best: str, results: dict[str, Any]) -> list[str]:
    """What has to be said of the fits."""
    said = [
        "the estimates have no n: with the same n for all, the likelihood is the same for every n, "
        "and no share of turnover and no exponent of precision in energy can be told from them"
    ]
    if models["turnover"].aicc > models["free"].aicc - 2:
        said.append(
            "calcium with turnover describes the release probabilities no better than a normal "
            f"density of logit p (AICc {models['turnover'].aicc:.1f} against "
            f"{models['free'].aicc:.1f})"
        )
    if best != "turnover":
        said.append(
            f"calcium with {best} is preferred (AICc {models[best].aicc:.1f}); of its gain in log "
            f"likelihood over turnover, {results[f'loglik_{best}_over_turnover']:.1f}, "
            f"{results[f'loglik_{best}_over_turnover_shuffled_mean']:.1f} "
            f"+- {results[f'loglik_{best}_over_turnover_shuffled_sd']:.1f} remain when q is "
            "shuffled, because p is part of the mean"
        )
    if "weight_turnover_beside_membrane" in results:
        weight = results["weight_turnover_beside_membrane"]
        said.append(
            "with membrane and turnover together, turnover's weight for one site is "
            f"{weight if weight > 1e-4 else 0:.2g}, 95 % interval "
            f"{results['weight_turnover_beside_membrane_low']:.2g} to "
            f"{results['weight_turnover_beside_membrane_high']:.2g}"
        )
    if models[best].aicc > models["free-by-mean"].aicc:
        said.append(
            f"a straight line of logit p in ln(p q), without energy, describes them better "
            f"(AICc {models['free-by-mean'].aicc:.1f})"
        )
    return said

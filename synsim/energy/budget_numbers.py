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
from synsim.fit.budget_joint import SHARES, fit_joint


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
    """All four costs beside calcium together: the share of each, with its interval."""
    all_four = fit_joint(p, size)
    found = {"joint_loglik": all_four.loglik, "joint_aicc": all_four.aicc}
    found |= {f"joint_weight_{name}": weight for name, weight in all_four.weight.items()}
    for name, share in all_four.share.items():
        found |= {
            f"joint_share_{name}": share,
            f"joint_share_{name}_low": all_four.low[name],
            f"joint_share_{name}_high": all_four.high[name],
        }
    return found


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
        "and no cost of a site and no exponent of precision in energy can be told from them"
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
    if "joint_aicc" in results:
        said.append(_joint_note(models[best], results))
    if models[best].aicc > models["free-by-mean"].aicc:
        said.append(
            f"a straight line of logit p in ln(p q), without energy, describes them better "
            f"(AICc {models['free-by-mean'].aicc:.1f})"
        )
    return said


def _joint_note(best: CostModel, results: dict[str, Any]) -> str:
    """The shares of all costs together, and which of them the data leave open."""
    each = {
        name: [results[f"joint_share_{name}{end}"] for end in ("", "_low", "_high")]
        for name in SHARES
    }
    words = ", ".join(
        f"{k} {v:.2f} ({low:.2f} to {high:.2f})" for k, (v, low, high) in each.items()
    )
    wide = [name for name, (_, low, high) in each.items() if high - low > 0.5]
    said = (
        f"with all costs together the shares of the energy (95 %) are {words}; near the boundary "
        "calcium takes 0.57 to 0.8 by the form of the costs, whatever is recorded"
    )
    if wide:
        said += f"; the data leave open that of {', '.join(wide)}"
    if results["joint_aicc"] > best.aicc:
        said += (
            f"; that is no better than {best.name} alone beside calcium (AICc "
            f"{results['joint_aicc']:.1f} against {best.aicc:.1f})"
        )
    return said

"""The table of `energy-budget`: what each recording costs, and how far it is from the boundary."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synsim.energy.budget_data import STATES, Cells
from synsim.fit.budget import CostModel
from synsim.predict.energy_budget import TERMS, calcium, distance, energy_of, least_variance


class Costed(Protocol):
    """What this takes from the settings."""

    @property
    def n(self) -> NDArray[np.int64]: ...
    @property
    def budget(self) -> float | None: ...
    @property
    def weights(self) -> dict[str, float]: ...


def weights_for(settings: Costed, model: CostModel, n: int) -> dict[str, float]:
    """The weights that were given, else the fitted one for n sites."""
    if settings.weights:
        return settings.weights
    term = TERMS[model.name]
    assert model.weight is not None
    return {model.name: model.weight * float(n) ** -(term.alpha + term.gamma)}


def columns(settings: Costed, recorded: list[Cells], model: CostModel) -> dict[str, Any]:
    """Name -> column, one row per recording, cell, state and assumed n."""
    found: dict[str, list[Any]] = {}
    for n in settings.n:
        weights = weights_for(settings, model, int(n))
        for cells in recorded:
            for state in STATES:
                p, q = cells.p[state], cells.q[state]
                mean = n * p * q
                sd = q * np.sqrt(n * p * (1 - p))
                costs = {name: term.cost(n, p, mean) for name, term in TERMS.items()}
                energy = energy_of(n, p, mean, weights)
                if settings.weights:
                    least = [
                        least_variance(m, e, weights).sd for m, e in zip(mean, energy, strict=True)
                    ]
                    away = 2 * np.log(sd / np.array(least))
                else:
                    away = distance(model.name, calcium(p), energy - calcium(p))
                rows: dict[str, Any] = {
                    "dataset": [cells.dataset] * len(p),
                    "cell": cells.names,
                    "state": [state] * len(p),
                    "n": [int(n)] * len(p),
                    "p": p,
                    "q_mV": q,
                    "mean_mV": mean,
                    "sd_mV": sd,
                    "cv": sd / mean,
                    "calcium": calcium(p),
                    **costs,
                    "energy": energy,
                    "calcium_share": calcium(p) / energy,
                    "distance": away,
                }
                for name, column in rows.items():
                    found.setdefault(name, []).extend(np.asarray(column).tolist())
    return found


def of_budget(settings: Costed, mean: float, model: CostModel) -> dict[str, float]:
    """The least variance that the budget pays for, by name; mean in mV."""
    assert settings.budget is not None
    n = int(settings.n[0])
    made = least_variance(mean, settings.budget, weights_for(settings, model, n))
    return {
        "budget": settings.budget,
        "budget_mean_mV": mean,
        "budget_least_sd_mV": made.sd,
        "budget_n": made.n,
        "budget_p": made.p,
        "budget_q_mV": made.q,
    }

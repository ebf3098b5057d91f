"""What a posterior is, once it is sampled: draws, marginals, tables. How: `quantal_posterior`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from synsim.fit.quantal_words import ESS, RHAT

Array = NDArray[Any]

ENSEMBLES = 4
_KEPT = 4000  # draws in a table


@dataclass(frozen=True)
class Marginal:
    """One parameter: median, mean, standard deviation, equal-tailed 95 %, R-hat, sample size."""

    name: str
    median: float
    mean: float
    sd: float
    interval: tuple[float, float]
    rhat: float
    ess: float
    unit: str


@dataclass(frozen=True)
class Posterior:
    """Draws of all parameters, (draws, parameters), by ensemble, and what they say.

    `sites` maps n to its probability.
    """

    model: str
    names: tuple[str, ...]
    draws: Array
    ensemble: Array
    marginals: tuple[Marginal, ...]
    sites: Mapping[int, float]
    steps: int
    walkers: int
    acceptance: float
    n_max: int

    @property
    def converged(self) -> bool:
        """Whether every parameter meets the limits of R-hat and effective sample size."""
        return all(m.rhat < RHAT and m.ess > ESS for m in self.marginals)

    def marginal(self, name: str) -> Marginal:
        """A parameter by its name; `U` is p where it is constant."""
        wanted = ("U", "p") if name in ("U", "p") else (name,)
        return next(m for m in self.marginals if m.name in wanted)

    def thinned(self) -> tuple[Array, Array]:
        """At most 4000 draws and their ensembles, evenly from all."""
        step = max(1, -(-len(self.draws) // _KEPT))
        return self.draws[::step], self.ensemble[::step]


def as_dict(found: Posterior) -> dict[str, Any]:
    """For ``summary.json``."""
    return {
        "model": found.model,
        "params": {
            m.name: {
                "median": m.median, "mean": m.mean, "sd": m.sd, "ci95": list(m.interval),
                "rhat": m.rhat, "ess": m.ess, "unit": m.unit,
            }
            for m in found.marginals
        },
        "n_probability": {str(n): p for n, p in found.sites.items()},
        "n_max": found.n_max,
        "converged": found.converged,
        "steps": found.steps,
        "walkers": found.walkers,
        "ensembles": ENSEMBLES,
        "acceptance": found.acceptance,
    }  # fmt: skip


def draw_columns(
    sampled: Sequence[tuple[Mapping[str, str], Posterior]], group_by: Sequence[str]
) -> dict[str, list[Any]]:
    """Draws of several groups, at most 4000 each, column by column.

    Columns: those grouped by, ensemble (0 to 3), and the parameters with their units; empty where
    a group's model does not have one.
    """
    names = dict.fromkeys((m.name, m.unit) for _, p in sampled for m in p.marginals)
    table: dict[str, list[Any]] = {name: [] for name in (*group_by, "ensemble")}
    table |= {n if u == "1" else f"{n}_{u}": [] for n, u in names}
    for group, posterior in sampled:
        values, ensemble = posterior.thinned()
        for name in group_by:
            table[name] += [group[name]] * len(values)
        table["ensemble"] += ensemble.tolist()
        for name, unit in names:
            column: list[Any] = [None] * len(values)
            if name in posterior.names:
                column = values[:, posterior.names.index(name)].tolist()
            if name == "n":
                column = [None if v is None else int(v) for v in column]
            table[name if unit == "1" else f"{name}_{unit}"] += column
    return table

"""Energy budgets of recorded synapses, before and after plasticity.

Measured p and q of single connections give each mechanism's cost before and after, and how far
each synapse is from the minimum-energy boundary: the least variance for its mean and energy
(`synsim.predict.energy_budget`). Without weights of your own, the weight of each cost beside
calcium is fitted to the release probabilities before plasticity (`synsim.fit.budget`), the
costs are compared by AICc, and the distances are those of the best.

The estimates have no n. It is assumed (--n), the same for all synapses and both states, and
varied: a row for each. What does not depend on it is changes of cost, and, with fitted weights,
distances and likelihood (the weight takes n up). Two controls say what the data can tell: the fit
with q shuffled between synapses, which keeps that p is part of the mean p q, and the slope of
precision in energy of synapses whose p is noise.

The defaults are the connections of Sjostrom, Turrigiano & Nelson 2001 as distributed with Malkin et
al. 2024. Malkin, O'Donnell & Houghton 2026 report a dominant calcium pump, a smaller turnover of
vesicles and sigma^-2 ~ E^5 for five data sets.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim import style
from synsim.component import Citation, Parameters, option, parameter, switch
from synsim.component.errors import FieldError
from synsim.component.ranges import values
from synsim.energy import budget_numbers as numbers
from synsim.energy import budget_plot as plots
from synsim.energy import budget_table as table
from synsim.energy.budget_data import (
    STATES,
    Cells,
    log_changes,
    mean_with_interval,
)
from synsim.fit.budget import fit_all
from synsim.models.energy import MALKIN_2024
from synsim.models.energy_calcium import MALKIN_2026
from synsim.predict.energy_budget import TERMS
from synsim.protocol import Result, Running
from synsim.settings import file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "energy-budget"
SJOSTROM = Citation(
    "Sjostrom, Turrigiano & Nelson 2001, Neuron 32:1149", "10.1016/S0896-6273(01)00542-6"
)
SHIPPED = ("sjostrom_2001_ltp", "sjostrom_2001_ltd")


def _weight(name: str) -> Any:
    return parameter(
        "1",
        f"weight of {name} beside calcium; none to fit (all four none) or leave it out",
        default=None,
        low=0,
        optional=True,
    )


class Settings(Parameters):
    """The recordings, the assumed number of sites, and the costs."""

    file: str | None = file(
        "recording or CSV with pr_before, pr_after, q_before_mV, q_after_mV; none for the two that "
        "ship: sjostrom_2001_ltp and sjostrom_2001_ltd",
        optional=True,
    )
    n: NDArray[np.int64] = values(
        "1", "assumed numbers of sites, with commas", default="1,5,20", integer=True
    )
    cost: str = option(
        ("best", *TERMS),
        "what is paid beside calcium: the best by AICc, or one of them",
        default="best",
    )
    turnover: float | None = _weight("turnover (n)")
    membrane: float | None = _weight("membrane (n q^(2/3), q in mV)")
    actin: float | None = _weight("actin (n q^(1/3))")
    trafficking: float | None = _weight("trafficking (n p)")
    budget: float | None = parameter(
        "1",
        "energy whose least variance is asked for, in units of calcium at even odds",
        default=None,
        low=0,
        low_open=True,
        optional=True,
    )
    joint: bool = switch(
        "also fit all four together, to see which share of the energy each may have",
        default=True,
    )
    controls: int = parameter(
        "1", "shuffles of q, and sets of random p", default=30, low=2, integer=True
    )

    def read_files(self) -> None:
        """Refuse files that are no recordings of p and q."""
        self.cells()

    def check(self) -> None:
        if np.any(self.n < 1):
            raise self._wrong(
                "n", f"found {self.n.min():g}, expected at least 1: no sites release nothing"
            )
        given = self.weights
        if given and not any(given.values()):
            raise self._wrong(
                next(iter(given)),
                "found 0 for every weight, expected one above 0: endless sites would be free",
            )
        if given and self.cost != "best":
            raise self._wrong(
                "cost", f"found {self.cost!r} beside weights, expected one or the other"
            )

    def _wrong(self, field: str, problem: str) -> FieldError:
        return FieldError(type(self).__name__, field, problem)

    @property
    def weights(self) -> dict[str, float]:
        """The weights that are given."""
        found = {name: getattr(self, name) for name in TERMS}
        return {name: weight for name, weight in found.items() if weight is not None}

    def cells(self) -> list[Cells]:
        """The recordings."""
        return [Cells.read(name) for name in (SHIPPED if self.file is None else (self.file,))]


class Outcome(Result):
    """One row per cell, state and assumed n.

    Columns dataset, cell, state (before, after), n (assumed), p, q_mV, mean_mV, sd_mV, cv; the
    costs calcium, turnover, membrane, actin, trafficking, each with a coefficient of 1 and q in
    mV; energy (weighted, in units of calcium at even odds), calcium_share of it, and distance:
    ln(variance/least variance for this mean and energy).
    """

    protocol = NAME
    settings_type = Settings

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Release probability against mean per site, with the best p of each cost."""
        ax = style.axes(ax, width_mm=100, height_mm=80)
        plots.draw_cells(ax, self)
        return ax

    @style.styled
    def figure(self) -> Figure:
        """Cells and boundaries, distances, changes of cost, and what the likelihood says."""
        return plots.figure(self)


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Cost the recordings and fit the weights.

    Parameters
    ----------
    settings : what is done
    running : seed, of the controls and bootstrap; nothing is simulated

    Returns
    -------
    Outcome with one row per cell, state and assumed n

    Raises
    ------
    InputError
        naming the file, line and column, for recordings that cannot be read
    """
    running = running or Running()
    recorded = settings.cells()
    p, q = (
        {s: np.concatenate([getattr(cells, name)[s] for cells in recorded]) for s in STATES}
        for name in ("p", "q")
    )
    if len(p["before"]) < 5:
        raise FieldError(
            type(settings).__name__,
            "file",
            f"found {len(p['before'])} cells, expected at least 5 for a fit",
        )
    models = fit_all(p["before"], p["before"] * q["before"])
    best = min(TERMS, key=lambda name: models[name].aicc)
    chosen = best if settings.cost == "best" else settings.cost
    columns = table.columns(settings, recorded, models[chosen])
    results = numbers.of_fits(models, p["after"], p["after"] * q["after"])
    if settings.joint:
        results |= numbers.of_joint(p["before"], p["before"] * q["before"])
    results |= numbers.of_controls(
        settings.controls, p["before"], q["before"], models, best, running.seed
    )
    for cells in recorded:
        for name, change in log_changes(cells).items():
            key = f"{cells.dataset}_log_change_{name}"
            three = mean_with_interval(change, running.seed)
            results |= dict(zip((key, f"{key}_low", f"{key}_high"), three, strict=True))
    found = {name: np.asarray(column) for name, column in columns.items()}
    first = found["n"] == settings.n[0]
    for state in STATES:
        rows = first & (found["state"] == state)
        results[f"median_distance_{state}"] = float(np.median(found["distance"][rows]))
        results[f"mean_calcium_share_{state}"] = float(np.mean(found["calcium_share"][rows]))
    if settings.budget is not None:
        mean = float(np.median(found["mean_mV"][first]))
        results |= table.of_budget(settings, mean, models[chosen])
    given = settings.weights
    paid = ", ".join(f"{k} {v:g}" for k, v in given.items()) if given else f"{chosen}, fitted"
    return Outcome(
        settings=settings,
        columns=columns,
        results=results,
        conventions={
            "n": "assumed, the same for every cell and state",
            "paid beside calcium": paid,
            "best by AICc": best,
            "energy": "in units of what calcium costs at even odds of release",
            "distance": "ln(variance/least variance) for the same mean and energy, n continuous",
            "weight": "as given, whatever n is"
            if settings.weights
            else ("for one site and q in mV; for n sites it is that times n^-(alpha + gamma)"),
            "likelihood": "exp(-distance/T) in logit p between -8 and 8, given p q",
        },
        citations=(
            *(cells.source for cells in recorded),
            str(MALKIN_2026),
            str(MALKIN_2024),
            *([str(SJOSTROM)] if settings.file is None else []),
        ),
        seed=running.seed,
        backend="numpy",
        threads=1,
        warnings=tuple(numbers.notes(models, best, results)),
    )


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))

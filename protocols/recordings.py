"""Do recorded synapses show the signs? Plasticity against reliability, variability against rate.

If synapses save energy, or are Bayesian, unreliable ones learn faster, and those that are often
used are less variable (Malkin, O'Donnell, Houghton & Aitchison 2024, Fig. 6). Here are the two
sets of recordings that they used, with what stands against each reading:

plasticity    relative change |dw|/w0 of a connection against its release probability before, which
              stands for reliability (Sjostrom, Turrigiano & Nelson 2001). But w0 = p0 q0, so the
              smaller p0, the larger |dw|/w0 whatever dw is: the control shuffles |dw| over cells
              and keeps p0 and w0, and what correlation is left was built in. |dw| itself is there
              too.

variability   variance/mean of responses in vivo against the presynaptic rate (Ko et al. 2013). The
              source does not say whether its column is a variance or a standard deviation, and
              there are two estimates of the rate (--rate): every reading has its row. Connections
              of one presynaptic neuron share its rate, so whole neurons are resampled.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from synsim import style
from synsim.component import Parameters, option, parameter
from synsim.models.energy import MALKIN_2024
from synsim.networks import recorded
from synsim.networks import recorded_plot as plots
from synsim.protocol import Result, Running, columns
from synsim.settings import file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "recordings"
SJOSTROM = (
    "Sjostrom, Turrigiano & Nelson 2001, Neuron 32:1149 (recordings), "
    "doi:10.1016/S0896-6273(01)00542-6"
)
KO = "Ko et al. 2013, Nature 496:96 (recordings), doi:10.1038/nature12015"
_RATES = ("foopsi_mean", "foopsi_threshold")
_READINGS = ("variance", "sd")
NAN = float("nan")


class Settings(Parameters):
    """The recordings, and how their unclear columns are read."""

    ltp: str | None = file(
        "recording or CSV with pr_before, w_before, w_after; none for sjostrom_2001_ltp",
        optional=True,
    )
    ltd: str | None = file("the same after depression; none for sjostrom_2001_ltd", optional=True)
    variability: str | None = file(
        "recording or CSV with mean, var and the column of --rate; none for ko_2013", optional=True
    )
    rate: str = option(_RATES, "column of the presynaptic rate in the figure", default=_RATES[0])
    reading: str = option(_READINGS, "what the column var is in the figure", default=_READINGS[0])
    draws: int = parameter(
        "1", "of each bootstrap and each control", default=2000, low=100, high=1_000_000,
        integer=True,
    )  # fmt: skip

    def resolved(self) -> dict[str, str]:
        shipped = {"ltp": "sjostrom_2001_ltp", "ltd": "sjostrom_2001_ltd", "variability": "ko_2013"}
        return {k: v for k, v in shipped.items() if getattr(self, k) is None}

    def read_files(self) -> None:
        """Refuse files that are no such recordings."""
        for name in ("ltp", "ltd"):
            self.changes(name)
        self.spread(self.rate, self.reading)

    def changes(self, name: str) -> recorded.Changes:
        """The connections before and after ``ltp`` or ``ltd``."""
        return recorded.Changes.read(getattr(self, name) or self.resolved()[name])

    def spread(self, rate: str, reading: str) -> recorded.Variability:
        """The connections in vivo."""
        return recorded.Variability.read(self._in_vivo, rate, reading)

    def rates(self) -> list[str]:
        """The columns of rates that there are."""
        return recorded.rates_of(self._in_vivo, _RATES)

    @property
    def _in_vivo(self) -> str:
        return self.variability or self.resolved()["variability"]


class Outcome(Result):
    """One row per connection.

    Columns panel (plasticity or variability), group (ltp, ltd, in vivo), cell, release_probability
    (before), relative_change |dw|/w0 and absolute_change_mV |dw|; presynaptic_rate (of --rate, in
    the unit of its column) and normalised_variance (variance/mean of --reading).

    The table ``statistics`` has a row for each reading: what is held against what, connections,
    spearman with spearman_low and spearman_high (95 % bootstrap), slope of the logarithms (of
    connections that changed) with slope_low and slope_high; for relative changes also what is
    built in (see above): control_median, control_low and control_high of the rank correlation, and
    p_value of the recorded one against these.
    """

    protocol = NAME
    settings_type = Settings
    further = ("statistics",)

    @style.styled
    def plot(self, ax: Axes | None = None) -> Axes:
        """Relative change against release probability."""
        ax = style.axes(ax, width_mm=90, height_mm=75)
        plots.draw_changes(ax, self, "relative_change")
        return ax

    @style.styled
    def figure(self) -> Figure:
        """Both panels, the control, and every reading."""
        return plots.figure(self)


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Read the recordings and correlate.

    Parameters
    ----------
    settings : which recordings, and how they are read
    running : seed of bootstraps and controls

    Returns
    -------
    Outcome with one row per connection

    Raises
    ------
    InputError
        for files that are no such recordings: file, line and column
    """
    running = running or Running()
    rng = np.random.default_rng([running.seed, 8])
    changes = {name: settings.changes(name) for name in ("ltp", "ltd")}
    table = columns(_rows(settings, changes))
    statistics = [
        _of_changes(name, what, cells, settings.draws, rng)
        for name, cells in changes.items()
        for what in ("relative_change", "absolute_change_mV")
    ]
    statistics += [
        _of_variability(settings, rate, reading, rng)
        for rate in settings.rates()
        for reading in _READINGS
    ]
    return Outcome(
        settings=settings,
        columns=table,
        tables={"statistics": columns(statistics)},
        results=_results(statistics),
        conventions={
            "plasticity": "|w_after - w_before|/w_before against p before",
            "control": "|dw| shuffled over cells, p and w before kept",
            "variability": f"variance/mean; the column var is read as {settings.reading}",
            "rate": f"the column {settings.rate}; its unit is not given",
            "intervals": "95 %, bootstrap; variability by presynaptic neuron (equal rates)",
        },
        citations=(str(MALKIN_2024), SJOSTROM, KO),
        seed=running.seed,
        backend="numpy",
        threads=1,
    )


def _rows(settings: Settings, changes: dict[str, recorded.Changes]) -> list[dict[str, Any]]:
    spread = settings.spread(settings.rate, settings.reading)
    return [
        {
            "panel": "plasticity", "group": group, "cell": name, "release_probability": p,
            "relative_change": relative, "absolute_change_mV": absolute, "presynaptic_rate": NAN,
            "normalised_variance": NAN,
        }
        for group, cells in changes.items()
        for name, p, relative, absolute in zip(
            cells.names, cells.p, cells.relative, cells.absolute, strict=True
        )
    ] + [
        {
            "panel": "variability", "group": "in vivo", "cell": str(i + 1),
            "release_probability": NAN, "relative_change": NAN, "absolute_change_mV": NAN,
            "presynaptic_rate": rate, "normalised_variance": variance,
        }
        for i, (rate, variance) in enumerate(zip(spread.rate, spread.normalised, strict=True))
    ]  # fmt: skip


def _of_changes(
    group: str, what: str, cells: recorded.Changes, draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    relative = what == "relative_change"
    y = cells.relative if relative else cells.absolute
    rank = recorded.bootstrap(recorded.spearman, cells.p, y, draws, rng)
    row = _row("plasticity", group, what, "release_probability", len(y), rank)
    changed = y > 0  # no change has no logarithm
    pair = cells.p[changed], y[changed]
    slope = recorded.bootstrap(recorded.log_log_slope, *pair, draws, rng.spawn(1)[0])
    row |= {"slope": slope.value, "slope_low": slope.low, "slope_high": slope.high}
    if relative:
        control = recorded.shuffled_changes(cells, draws, rng)
        row |= {
            "control_median": control.median, "control_low": control.low,
            "control_high": control.high, "p_value": control.p_value,
        }  # fmt: skip
    return row


def _of_variability(
    settings: Settings, rate: str, reading: str, rng: np.random.Generator
) -> dict[str, Any]:
    spread = settings.spread(rate, reading)
    pair = spread.rate, spread.normalised
    rank = recorded.bootstrap(recorded.spearman, *pair, settings.draws, rng, group=spread.rate)
    slope = recorded.bootstrap(
        recorded.log_log_slope, *pair, settings.draws, rng, group=spread.rate
    )
    row = _row("variability", "in vivo", f"normalised_variance, var is {reading}", rate,
               len(spread.rate), rank)  # fmt: skip
    return row | {"slope": slope.value, "slope_low": slope.low, "slope_high": slope.high}


def _row(
    panel: str, group: str, what: str, against: str, count: int, rank: recorded.Statistic
) -> dict[str, Any]:
    missing = ("slope", "slope_low", "slope_high", "control_median", "control_low",
               "control_high", "p_value")  # fmt: skip
    return {
        "panel": panel, "group": group, "what": what, "against": against, "connections": count,
        "spearman": rank.value, "spearman_low": rank.low, "spearman_high": rank.high,
    } | dict.fromkeys(missing, NAN)  # fmt: skip


def _results(statistics: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in statistics:
        if row["panel"] == "plasticity":
            what = row["what"].removesuffix("_mV")
            found[f"{row['group']}_spearman_{what}"] = row["spearman"]
            for name in ("slope", "slope_low", "slope_high"):
                found[f"{row['group']}_{name}_{what}"] = row[name]
            if not np.isnan(row["control_median"]):
                found[f"{row['group']}_spearman_built_in"] = row["control_median"]
                found[f"{row['group']}_p_value_against_built_in"] = row["p_value"]
        else:
            reading = row["what"].rsplit(" ", 1)[1]
            for name in ("slope", "slope_low", "slope_high", "spearman"):
                found[f"{row['against']}_{reading}_{name}"] = row[name]
    return found


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))

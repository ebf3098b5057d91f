"""Malkin, O'Donnell, Houghton & Aitchison: what they published, beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from synsim.networks import published
from synsim.networks.spec import GAUSSIAN
from synsim.networks.tradeoff_plot import means
from synsim.studies.study import Part, Row, Study

CITATION = "Malkin, O'Donnell, Houghton & Aitchison 2024, eLife 12:RP92595, doi:10.7554/eLife.92595"
_POINTS = 5  # of each published curve, for the table


def tradeoff_rows(outcome: Any) -> Iterator[Row]:
    """Accuracy at published sigma_rms, where the published one is above 20 %."""
    c = {k: np.asarray(v) for k, v in outcome.columns.items()}
    if outcome.settings.by_preset("data") != "mnist":
        return  # another task: nothing to compare
    for rho in np.unique(c["rho"]):
        for noise in GAUSSIAN:
            there = published.curve(float(rho), noise)
            rows = (c["rho"] == rho) & (c["noise"] == noise)
            if there is None or rows.sum() < 2:
                continue
            mean = means(c, rows)
            ours = published.at_sigma(mean["sigma_rms"], mean["accuracy_percent"], there.sigma_rms)
            able = np.flatnonzero((there.accuracy_percent > 20) & np.isfinite(ours))
            picked = np.unique(np.linspace(0, len(able) - 1, _POINTS).round().astype(int))
            for i in able[picked] if len(able) else ():
                yield Row(
                    f"accuracy, rho = {rho:.2g}, {noise}, sigma_rms = {there.sigma_rms[i]:.3g}",
                    f"{there.accuracy_percent[i]:.1f} %",
                    f"{ours[i]:.1f} %",
                )


def signatures_rows(outcome: Any) -> Iterator[Row]:
    """Slopes of log sigma at c itself: the second layer, and without hidden layers."""
    c = {k: np.asarray(v) for k, v in outcome.tables["slopes"].items()}
    first = c["seed"] == c["seed"].min()
    words = {"fisher": "Fisher information", "input_rate": "input rate",
             "input_rms": "root mean square of the input",
             "learning_rate": "learning rate"}  # fmt: skip
    for i in np.flatnonzero(first & (c["c_factor"] == 1)):
        hidden = c["network"][i] == "hidden"
        if hidden and c["layer"][i] != 2:
            continue
        where = "layer 2" if hidden else "no hidden layer"
        known = c["published_slope"][i] if hidden else c["expected_slope"][i]
        note = "" if hidden else " (closed form)"
        yield Row(
            f"slope against {words[str(c['against'][i])]}, {where}, rho = {c['rho'][i]:.2g}",
            "" if np.isnan(known) else f"{known:.2f}{note}",
            f"{c['slope'][i]:.2f} ({c['slope_low'][i]:.2f} to {c['slope_high'][i]:.2f})",
        )


def bayes_rows(outcome: Any) -> Iterator[Row]:
    """Slopes against the posterior's sigma without hidden layers, and both networks' accuracy."""
    c = {k: np.asarray(v) for k, v in outcome.tables["slopes"].items()}
    shown = (c["seed"] == c["seed"].min()) & (c["c_factor"] == 1)
    for i in np.flatnonzero(shown & (c["network"] == "linear")):
        taken_out = c["against"][i] == "sigma_data"
        what = ", prior taken out" if taken_out else ""
        note = "closed form" if taken_out else "closed form, of a wide prior"
        yield Row(
            f"slope against sigma of the posterior{what}, no hidden layer, rho = {c['rho'][i]:.2g}",
            f"{c['expected_slope'][i]:.2f} ({note})",
            f"{c['slope'][i]:.2f} ({c['slope_low'][i]:.2f} to {c['slope_high'][i]:.2f})",
        )
    yield Row("accuracy of the Bayesian network", "", f"{outcome.results['accuracy_bayes']:.1f} %")


def recordings_rows(outcome: Any) -> Iterator[Row]:
    """Rank correlations of plasticity with what is built in, and slopes of variability."""
    table = outcome.tables["statistics"]
    for i, panel in enumerate(table["panel"]):
        row = {name: column[i] for name, column in table.items()}
        if panel == "plasticity" and row["what"] == "relative_change":
            yield Row(
                f"rank correlation of |dw|/w0 with p0, {row['group'].upper()}, "
                f"{row['connections']} connections",
                "",
                f"{row['spearman']:.2f} ({row['spearman_low']:.2f} to {row['spearman_high']:.2f}); "
                f"built in: {row['control_median']:.2f}",
            )
        elif panel == "variability":
            near = row["against"] == "foopsi_mean" and row["what"].endswith("variance")
            yield Row(
                f"slope of variance/mean against {row['against']}, "
                f"{row['what'].partition(', ')[2]}",
                "about -0.62" if near else "",
                f"{row['slope']:.2f} ({row['slope_low']:.2f} to {row['slope_high']:.2f})",
            )


STUDY = Study(
    name="malkin2023",
    title="Signatures of Bayesian inference emerge from energy-efficient synapses, run again",
    citation=CITATION,
    parts=(
        Part("tradeoff", "Accuracy against what reliability costs (Figs 2 and 3)", tradeoff_rows),
        Part("signatures", "Sigma against what a weight does (Fig. 5)", signatures_rows),
        Part("bayes", "Sigma against that of a posterior (Fig. 7)", bayes_rows),
        Part("recordings", "Signs in recorded synapses (Fig. 6)", recordings_rows, takes=()),
    ),
)

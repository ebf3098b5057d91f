"""Do synapses that save energy look Bayesian? Sigma against what a weight does, layer by layer.

Where reliability has a price, weights that matter more are made more reliable: their sigma is
lower the greater their Fisher information, the more active their input, and the lower their
learning rate (Malkin, O'Donnell, Houghton & Aitchison 2024, Fig. 5). Networks are trained much as
in `tradeoff`, but for longer and with a sigma that never rests, at one scale s of the cost
(c = s^rho/rho) and at multiples of c, with hidden layers and without; ``--rho 0`` pays the limit,
-ln sigma. Then, over
all training images and for each weight,

    Fisher information    mean squared gradient of 20 images' cross-entropy, weights drawn anew
    input rate            mean |x| of its input; in the table also its root mean square
    learning rate         1e-4 / mean |gradient|

log sigma is regressed on the log of each. Without hidden layers sigma = (c rho/H)^(1/(rho + 2))
(their appendix 5), H the curvature, so slopes are known: -1/(rho + 2) against Fisher information,
2/(rho + 2) against the learning rate, and -2/(rho + 2) against the root mean square of the input.
Against the input rate it is the same if mean x^2 goes as the square of mean |x|; over the pixels of
MNIST it goes as a power of 2.4, and that is expected.

--preset paper is MNIST, two hidden layers of 100; quick takes 8 x 8 digits. An interrupted run
goes on from what is done when the same command is given again.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np

from synsim.component import parameter
from synsim.models.energy import MALKIN_2024
from synsim.networks import published, slopes
from synsim.networks import signatures_plot as plots
from synsim.networks.outcome import Learned
from synsim.networks.references import OWEN
from synsim.networks.settings import ScaledSettings
from synsim.protocol import Running, columns

NAME = "signatures"
RESUMABLE = True
DOING = "training"


class Settings(ScaledSettings):
    """Which networks learn, and what they pay."""

    gradient_batch: int = parameter(
        "1", "images whose cross-entropy is summed before a gradient is squared", default=20,
        low=1, integer=True,
    )  # fmt: skip


class Outcome(Learned):
    """One row per weight, of some weights of each layer that count (``--table-weights``).

    Columns rho; c; layer (1: the weights of the inputs); sigma; fisher, input_rate, learning_rate
    and input_rms of the weight; network (hidden, or linear: without hidden layers); c_factor, by
    which c = s^rho/rho is multiplied; seed. The table ``slopes`` is of all weights that count: a
    row per network, layer and what sigma is held against (against): slope of log sigma on its log,
    with slope_low and slope_high, the ends of its 95 % interval; spearman, the rank correlation;
    weights that count; expected_slope, where it is known; published_slope, where there is one;
    accuracy_percent and balance of the network (1 where sigma has settled). The table ``bins`` is
    what the figure draws: in bins of equal counts the median x, and the quartiles of sigma.
    """

    protocol = NAME
    settings_type = Settings
    further = ("slopes", "bins")
    plots = plots


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Train the networks and regress.

    Parameters
    ----------
    settings : what is done
    running : seed, progress, and where an unfinished run is kept

    Returns
    -------
    Outcome with one row per weight; tables of slopes and bins

    Raises
    ------
    InputError, SynsimError, MissingExtraError
        as `synsim.networks.chunks.train`; InputError also for images that are missing or damaged
    """
    from synsim.networks import chunks, signature_numbers

    running = running or Running()
    images = settings.load()
    networks = settings.networks(running.seed)
    measure = functools.partial(
        signature_numbers.signatures,
        batch=settings.gradient_batch,
        weights=settings.table_weights,
    )
    found = chunks.run_kept(networks, images, measure, running, settings)
    exponent = signature_numbers.input_exponent(images)
    table, bins = _tables(settings, running.seed, found, exponent)
    keys = settings.keys(running.seed)
    return Outcome.made(
        settings,
        running,
        images,
        columns=slopes.weights_table(keys, [one["weights"] for one in found]),
        tables={"slopes": table, "bins": bins},
        results={"networks": len(networks), "input_exponent": exponent} | _results(table),
        conventions={
            "objective": "cross-entropy summed over training images + l1 |mu|_1 + c sum sigma^-rho "
            "over weights and biases; l1 = 0.01",
            "gradients": f"of {settings.gradient_batch} images at a time, weights drawn anew",
            "weights that count": "whose gradient is not always 0 and whose pixel is not the same "
            "in every image",
            "intervals": "95 %, inputs and outputs resampled",
        },
        citations=(str(MALKIN_2024), OWEN),
        warnings=slopes.unsettled(table),
    )


def _tables(
    settings: Settings, seed: int, found: list[dict[str, Any]], exponent: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of every network, and their bins."""
    rows: list[dict[str, Any]] = []
    bins: list[dict[str, Any]] = []
    for net, numbers in zip(settings.keys(seed), found, strict=True):
        linear = net["network"] == "linear"
        for layer, each in enumerate(numbers["layers"], start=1):
            for against, of in each.items():
                key = net | {"layer": layer, "against": against}
                known = expected_slope(against, net["rho"], exponent) if linear else float("nan")
                rows.append(
                    key
                    | slopes.row(of["slope"])
                    | {
                        "expected_slope": known,
                        "published_slope": _published(settings, key),
                        "accuracy_percent": numbers["accuracy_percent"],
                        "balance": numbers["balance"],
                    }
                )
                bins += [key | dict(zip(slopes.BINS, one, strict=True)) for one in of["bins"]]
    return columns(rows), columns(bins)


def expected_slope(against: str, rho: float, exponent: float = 2.0) -> float:
    """Of log sigma without hidden layers, sigma = (c rho/H)^(1/(rho + 2)).

    exponent : with which H goes with the input rate
    """
    times = {"fisher": -1.0, "input_rate": -exponent, "input_rms": -2.0, "learning_rate": 2.0}
    return times[against] / (rho + 2)


def _published(settings: Settings, key: dict[str, Any]) -> float:
    alike = settings.by_preset("data") == "mnist" and settings.widths == (100, 100)
    if not alike or settings.scale != 1e-3:
        return float("nan")
    if (key["network"], key["layer"], key["c_factor"]) != ("hidden", 2, 1.0):
        return float("nan")
    known = published.SLOPES.get(key["against"], {}).items()
    return next((slope for rho, slope in known if published.same(rho, key["rho"])), float("nan"))


def _results(table: dict[str, Any]) -> dict[str, Any]:
    """Rank correlations of the second layer at c itself, and how far slopes are from known ones."""
    c = {name: np.asarray(column) for name, column in table.items()}
    found: dict[str, Any] = {}
    layer = min(2, int(c["layer"].max()))
    shown = (c["network"] == "hidden") & (c["layer"] == layer)
    shown &= c["c_factor"] == plots.nearest_factor(c["c_factor"])
    for rho in np.unique(c["rho"]):
        for against in dict.fromkeys(table["against"]):
            rows = shown & (c["rho"] == rho) & (c["against"] == against)
            mean = float(np.mean(c["spearman"][rows]))
            found[f"layer_{layer}_spearman_{against}_rho_{published.word(rho, c['rho'])}"] = mean
    for against in dict.fromkeys(table["against"]):
        rows = (c["network"] == "linear") & (c["against"] == against)
        error = c["slope"][rows] / c["expected_slope"][rows] - 1
        found[f"linear_largest_relative_error_{against}"] = float(np.max(np.abs(error)))
    return found


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))

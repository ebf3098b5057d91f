"""Is noise that saves energy a posterior? Sigma beside that of a Bayesian network.

Two kinds of networks learn the same images from the same initial weights. One pays for
reliability, c sigma^-rho, as in `tradeoff`; the other is Bayesian: each weight has a posterior
Normal(mu, sigma_post^2) under a prior Normal(0, prior^2), by Bayes by backprop (Blundell et al.
2015), which is to minimise

    cross-entropy + sum mu^2/(2 prior^2) + sum (sigma^2/(2 prior^2) - ln sigma)

Where the curvature of the data is H, sigma = (c rho/H)^(1/(rho + 2)) and 1/sigma_post^2 = H +
1/prior^2. So log sigma has the slope 2/(rho + 2) against log sigma_post as far as the prior is
wide, and against sigma_data = (1/sigma_post^2 - 1/prior^2)^(-1/2) whatever it is; towards
rho -> 0 the two become the same (``--rho 0``: the cost is -ln sigma; Malkin, O'Donnell, Houghton &
Aitchison 2024, Fig. 7). Without hidden layers this is exact near the optimum; with them two
networks trained apart also differ in what their units do.

Further: what both predict for test images (their appendix 4), and the bound that makes the cost of
reliability a part of the evidence: -H[q] <= ((s/sigma)^rho - 1)/rho - ln s - ln(2 pi e)/2, so that
with H[q] replaced the evidence lower bound, ELBO, of both kinds of networks has a bound itself.

--preset paper is MNIST, two hidden layers of 100; quick takes 8 x 8 digits. An interrupted run
goes on from what is done when the same command is given again.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from synsim.component import parameter
from synsim.models.energy import MALKIN_2024
from synsim.networks import bayes_plot as plots
from synsim.networks import slopes
from synsim.networks.costs import gaussian_prior
from synsim.networks.outcome import Learned
from synsim.networks.references import BLUNDELL, OWEN
from synsim.networks.settings import ScaledSettings
from synsim.networks.spec import Network, Training
from synsim.protocol import Running, columns

NAME = "bayes"
RESUMABLE = True
DOING = "training"


class Settings(ScaledSettings):
    """Which networks learn, what they pay, and the priors of the Bayesian ones."""

    # Too wide a prior costs accuracy, and with few images too narrow a one leaves the network
    # nothing but the prior: these are near the best for their presets.
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        name: {**ScaledSettings.presets[name], "prior": prior}
        for name, prior in (("paper", 0.1), ("quick", 0.3))
    }

    prior: float | None = parameter(
        "1", "SD of the prior of each weight, with hidden layers", default=None, low=0,
        low_open=True, high=1e3, optional=True,
    )  # fmt: skip
    linear_prior: float = parameter(
        "1", "the same without hidden layers", default=1.0, low=0, low_open=True, high=1e3
    )
    images: int = parameter(
        "1", "test images whose predictive distributions are compared", default=200, low=1,
        high=10_000, integer=True,
    )  # fmt: skip
    samples: int = parameter(
        "1", "draws of the weights for a predictive distribution", default=200, low=2, high=100_000,
        integer=True,
    )  # fmt: skip

    @property
    def priors(self) -> dict[tuple[int, ...], float]:
        """Hidden layers -> SD of the prior."""
        return {self.widths: self.by_preset("prior"), (): self.linear_prior}

    def bayesian(self, prior: float) -> Training:
        """How networks with this prior are trained."""
        return replace(self.how(), l1=0.0, l2=1 / (2 * prior**2))


class Outcome(Learned):
    """One row per weight, of some weights of each layer that count (``--table-weights``).

    Columns rho; c; layer (1: the weights of the inputs); sigma; sigma_post, and sigma_data, from
    which the prior is taken out; network (hidden, or linear: without hidden layers); c_factor, by
    which c = s^rho/rho is multiplied; seed. The table ``slopes`` is of all weights that count,
    those whose posterior is narrower than the prior by 2 % at least: a row per network, layer and
    what sigma is held against (sigma_post or sigma_data): slope of log sigma on its log, with
    slope_low and slope_high, the ends of its 95 % interval; spearman, the rank correlation;
    weights, how many count; expected_slope, 2/(rho + 2) without hidden layers (against sigma_post:
    of a wide prior); minus_entropy, the mean of -H[q] over the weights in nats, entropy_bound, its
    bound by the cost, and least_slack, by which the bound of any weight is higher;
    accuracy_percent, nll and balance of the network, and accuracy_bayes, nll_bayes and
    balance_bayes; divergence, the mean Kullback-Leibler divergence of its predictive distributions
    from the Bayesian ones, in nats; elbo and elbo_bayes, the evidence lower bounds of both under
    the prior of the Bayesian one, in nats for each training image, and elbo_bound, what elbo is
    above by the cost. The table ``bins`` is what the figure draws of sigma; ``predictive`` has
    label, entropy, entropy_bayes and divergence (nats) of the predictive distributions for each
    test image.
    """

    protocol = NAME
    settings_type = Settings
    further = ("slopes", "bins", "predictive")
    plots = plots


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Train both kinds of networks and compare them.

    Parameters
    ----------
    settings : what is done
    running : seed, progress, and where an unfinished run is kept

    Returns
    -------
    Outcome with one row per weight; tables of slopes, bins and predictive distributions

    Raises
    ------
    InputError, SynsimError, MissingExtraError
        as `synsim.networks.chunks.train`; InputError also for images that are missing or damaged
    """
    from synsim.networks import bayes_numbers, chunks

    running = running or Running()
    images = settings.load()
    networks = settings.networks(running.seed)
    chunks.check_memory(networks, images, settings.how(), settings.at_once)
    seeds = range(running.seed, running.seed + settings.seeds)
    shown = min(settings.images, len(images.y_test))
    whole = len(networks) + 2 * len(seeds)
    posteriors: dict[tuple[int, tuple[int, ...]], dict[str, Any]] = {}
    for hidden, prior in settings.priors.items():
        bayesian = [
            Network(
                cost=gaussian_prior(prior), seed=seed, hidden=hidden,
                name=f"Bayesian network, hidden layers {hidden}, seed {seed}",
            )
            for seed in seeds
        ]  # fmt: skip
        found = chunks.run_kept(
            bayesian,
            images,
            functools.partial(
                bayes_numbers.posterior, prior=prior, images=shown, samples=settings.samples
            ),
            _share(running, len(posteriors) / whole, len(seeds) / whole),
            settings,
            training=settings.bayesian(prior),
            part="bayes-hidden" if hidden else "bayes-linear",
        )
        posteriors |= {
            (net.seed, net.hidden): one for net, one in zip(bayesian, found, strict=True)
        }
    compared = chunks.run_kept(
        networks,
        images,
        functools.partial(
            bayes_numbers.beside,
            posteriors=posteriors,
            priors=settings.priors,
            images=shown,
            samples=settings.samples,
            weights=settings.table_weights,
        ),
        _share(running, len(posteriors) / whole, len(networks) / whole),
        settings,
    )
    table, bins, predictive = _tables(settings.keys(running.seed), compared, images.y_test)
    return Outcome.made(
        settings,
        running,
        images,
        columns=slopes.weights_table(
            settings.keys(running.seed), [one["weights"] for one in compared]
        ),
        tables={"slopes": table, "bins": bins, "predictive": predictive},
        results={"networks": whole} | _results(table),
        conventions={
            "objective": "cross-entropy summed over training images + l1 |mu|_1 + c sum sigma^-rho "
            "over weights and biases, l1 = 0.01; Bayesian: + sum of the divergence from the prior",
            "weights that count": "whose posterior is narrower than the prior by 2 % at least, and "
            "whose pixel is not the same in every image",
            "pairs": "trained apart from the same initial weights",
            "intervals": "95 %, inputs and outputs resampled",
        },
        citations=(str(MALKIN_2024), BLUNDELL, OWEN),
        warnings=[*slopes.unsettled(table), *_notes(table)],
    )


def _share(running: Running, start: float, part: float) -> Running:
    """The same running, whose progress goes from start on, by its part."""
    if running.progress is None:
        return running
    tell = running.progress
    return replace(running, progress=lambda fraction: tell(start + part * fraction))


def _tables(
    keys: list[dict[str, Any]], found: list[dict[str, Any]], labels: Any
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    bins: list[dict[str, Any]] = []
    predictive: list[dict[str, Any]] = []
    for net, numbers in zip(keys, found, strict=True):
        linear = net["network"] == "linear"
        divergence = np.array(numbers["divergence"])
        for number, layer in enumerate(numbers["layers"], start=1):
            for against, of in layer["against"].items():
                key = net | {"layer": number, "against": against}
                rows.append(
                    key
                    | slopes.row(of["slope"])
                    | {
                        "expected_slope": 2 / (net["rho"] + 2) if linear else float("nan"),
                        "minus_entropy": layer["minus_entropy"],
                        "entropy_bound": layer["bound"],
                        "least_slack": layer["least_slack"],
                    }
                    | {k: numbers[k] for k in ("accuracy_percent", "nll", "balance")}
                    | {
                        "accuracy_bayes": numbers["bayes"]["accuracy_percent"],
                        "nll_bayes": numbers["bayes"]["nll"],
                        "balance_bayes": numbers["bayes"]["balance"],
                        "divergence": float(divergence.mean()),
                        "elbo": numbers["elbo"],
                        "elbo_bound": numbers["elbo_bound"],
                        "elbo_bayes": numbers["bayes"]["elbo"],
                    }
                )
                bins += [key | dict(zip(slopes.BINS, one, strict=True)) for one in of["bins"]]
        predictive += [
            net
            | {
                "image": i,
                "label": int(labels[i]),
                "entropy": e,
                "entropy_bayes": b,
                "divergence": d,
            }
            for i, (e, b, d) in enumerate(
                zip(numbers["entropy"], numbers["entropy_bayes"], divergence, strict=True)
            )
        ]
    return columns(rows), columns(bins), columns(predictive)


def _results(table: dict[str, Any]) -> dict[str, Any]:
    """Slopes without hidden layers against what they should be, and the bound's least slack."""
    c = {name: np.asarray(column) for name, column in table.items()}
    found: dict[str, Any] = {
        "least_slack_of_the_bound": float(c["least_slack"].min()),
        "least_elbo_above_its_bound": float(np.min(c["elbo"] - c["elbo_bound"])),
    }
    for network in ("linear", "hidden"):
        for against in plots.AGAINST:
            rows = (c["network"] == network) & (c["against"] == against)
            found[f"{network}_median_spearman_{against}"] = float(np.median(c["spearman"][rows]))
    for against in plots.AGAINST:
        rows = (c["network"] == "linear") & (c["against"] == against)
        error = c["slope"][rows] / c["expected_slope"][rows] - 1
        found[f"linear_largest_relative_error_{against}"] = float(np.max(np.abs(error)))
    for column in ("accuracy_bayes", "nll_bayes"):
        found[column] = float(np.mean(c[column][c["network"] == "hidden"]))
    return found


def _notes(table: dict[str, Any]) -> list[str]:
    kinds = zip(table["network"], table["layer"], table["weights"], strict=True)
    empty = sorted({(network, int(layer)) for network, layer, count in kinds if count < 3})
    return [
        f"{network} networks, layer {layer}: the posterior of next to no weight is narrower than "
        "the prior, so there is nothing to hold sigma against: try another prior"
        for network, layer in empty
    ]


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))

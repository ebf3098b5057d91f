"""How reliable should synapses be? Accuracy against what reliability costs, in trained networks.

Networks of ReLU units learn digits while each weight's noise sigma is learned too, under

    cross-entropy + l1 |mu|_1 + c sum sigma^-rho          summed over the training images

with a sigma for each weight (heterogeneous) or one for all (homogeneous). rho says what is paid
for reliability: 1/2 calcium efflux, 2/3 vesicle membrane, 4/3 actin, 2 trafficking. Each c is a
network; together they trace how accuracy is traded for cost (Malkin, O'Donnell, Houghton &
Aitchison 2024, Figs 2 and 3, whose points are drawn in for rho = 2/3 and 2).

--cost takes other costs than a power law: its limit for rho -> 0 (entropic), sums, and your own
function of sigma, from a Python file.

--preset paper is their setting: MNIST, two hidden layers of 100, 4 rho x 30 c x 2 = 240 networks.
--preset quick takes 8 x 8 digits, which ship, and few small networks: a minute.

--training fast (local reparameterisation, minibatches of 400, rates that fall, sigma started small
and let go once the means have learned) settles in 12 epochs; --training published is what gives
the published points (weights drawn for each minibatch of 20, 50 epochs, rate 1e-4), where
heterogeneous sigma has not settled. Whether a network has is said in each row (balance, converged).

An interrupted run goes on from what is done when the same command is given again.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import option, parameter
from synsim.component.ranges import values
from synsim.models.energy import MALKIN_2024
from synsim.networks import cost_words, published
from synsim.networks import tradeoff_plot as plots
from synsim.networks.outcome import Learned
from synsim.networks.settings import LearningSettings
from synsim.networks.spec import GAUSSIAN, PUBLISHED, Network, Training
from synsim.protocol import Running, columns
from synsim.settings import text

NAME = "tradeoff"
RESUMABLE = True
DOING = "training"

_RHO = np.array([1 / 2, 2 / 3, 4 / 3, 2])
_PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "data": "mnist",
        "hidden": np.array([100, 100]),
        "c": np.array([float(f"{c:.12g}") for c in 10 ** np.linspace(-4, 3.25, 30)]),
        "epochs": 12,
        "batch": 400,
    },
    "quick": {
        "data": "digits",
        "hidden": np.array([30, 30]),
        "c": np.array([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]),
        "epochs": 40,
        "batch": 50,
    },
}
#: Column -> what is measured.
_COLUMNS = {
    "accuracy_percent": "accuracy_percent",
    "sigma_rms": "sigma_rms",
    "reliability_cost": "cost",
    "nll": "nll",
    "sigma_rms_active": "sigma_rms_active",
    "balance": "balance",
}


_COSTS = {"power": "sigma^-rho", "entropic": "-ln sigma"}


class Settings(LearningSettings):
    """What is learned, by which networks, at which costs."""

    presets = _PRESETS

    rho: NDArray[np.float64] = values(
        "1", "exponents of the cost, with commas", default=tuple(_RHO.tolist()), low=0
    )
    c: NDArray[np.float64] | None = values(
        "1", "weights of the cost, with commas", default=None, low=0, low_open=True, optional=True
    )
    cost: str = text(
        "what a synapse pays, times c: sigma^-rho; -ln sigma, its limit for rho -> 0; or your own",
        cost_words.checked, default="power", words=cost_words.ALLOWED, metavar="COST",
    )  # fmt: skip
    noise: str = option(("both", *GAUSSIAN), "whose sigma is learned", default="both")
    training: str = option(
        ("fast", "published"), "fast, or as the published points were trained", default="fast"
    )
    samples: int = parameter(
        "1", "times the test images are seen, with fresh noise", default=4, low=1, integer=True
    )

    def check(self) -> None:
        if self.cost == "power":
            self._refuse_rho_0(self.rho, "--cost entropic")
        elif not np.array_equal(self.rho, _RHO):
            raise self._wrong(
                "rho", f"found it beside the cost {self.cost}, expected it beside power"
            )
        self._refuse_twice("rho", "c")
        for c in () if self.c is None else self.c:
            if not 1e-30 <= c <= 1e30:  # beyond the numbers of 32 bits in which networks learn
                raise self._wrong("c", f"found {c:g}, expected values from 1e-30 to 1e30")

    def by_preset(self, name: str) -> Any:
        if self.training == "published" and name in ("epochs", "batch"):
            given = getattr(self, name)
            return given if given is not None else getattr(PUBLISHED, name)
        return super().by_preset(name)

    def base(self) -> Training:
        return PUBLISHED if self.training == "published" else Training()

    def outside(self) -> dict[str, str]:
        own = cost_words.source(self.cost)
        return {} if own is None else {"cost_file": own.digest}

    def keys(self, seed: int) -> list[dict[str, Any]]:
        """What tells the rows apart: rho (0: entropic, NaN: a cost of your own), c, noise, seed."""
        noises = GAUSSIAN if self.noise == "both" else (self.noise,)
        power = [float(rho) for rho in self.rho]
        rhos = {"power": power, "entropic": [0.0]}.get(self.cost, [float("nan")])
        return [
            {"rho": rho, "c": c, "noise": noise, "seed": seed + number}
            for rho in rhos
            for c in (float(c) for c in self.by_preset("c"))
            for noise in noises
            for number in range(self.seeds)
        ]

    def networks(self, seed: int) -> list[Network]:
        """Every network of the run, in the order of the table."""

        def of(rho: float) -> str:
            return f"rho {rho:.4g}" if self.cost == "power" else f"of cost {self.cost}"

        return [
            Network(
                noise=key["noise"],
                cost=cost_words.cost(self.cost, key["rho"], key["c"]),
                seed=key["seed"],
                hidden=self.widths,
                name=f"network {of(key['rho'])}, c {key['c']:.4g}, {key['noise']}, "
                f"seed {key['seed']}",
            )
            for key in self.keys(seed)
        ]


class Outcome(Learned):
    """One row per network.

    Columns rho (0: -ln sigma; NaN: a cost of your own), c, noise, seed, accuracy_percent (test
    images, noise drawn for each), sigma_rms over the weights, reliability_cost: the sum over the
    weights of sigma^-rho/rho (of -ln sigma, or of your cost), nll (mean cross-entropy of test
    images); sigma_rms_active over weights whose input is ever active; balance: 1 where sigma has
    settled, below 1 where it would grow (see `synsim.networks.measures`); converged: whether sigma
    is within 10 % of where it would go, by the balance (a cost of your own is judged as -ln sigma
    is, the strictest).
    """

    protocol = NAME
    settings_type = Settings
    plots = plots


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Train and measure the networks.

    Parameters
    ----------
    settings : what is done
    running : seed, progress, and where an unfinished run is kept

    Returns
    -------
    Outcome with one row per network

    Raises
    ------
    InputError, SynsimError, MissingExtraError
        as `synsim.networks.chunks.train`; InputError also for images that are missing or damaged
    """
    from synsim.networks import chunks, measures

    running = running or Running()
    images = settings.load()
    networks = settings.networks(running.seed)

    measure = functools.partial(
        measures.numbers, names=tuple(_COLUMNS.values()), samples=settings.samples
    )
    rows = np.array(chunks.run_kept(networks, images, measure, running, settings))
    table: dict[str, Any] = columns(settings.keys(running.seed)) | {
        column: rows[:, i] for i, column in enumerate(_COLUMNS)
    }
    rhos = np.nan_to_num(table["rho"])
    table["reliability_cost"] /= table["c"] * np.where(rhos > 0, rhos, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.maximum(table["balance"], 0) ** (-1 / (rhos + 2)) - 1
    table["converged"] = (np.abs(growth) < 0.1).astype(int)
    return Outcome.made(
        settings,
        running,
        images,
        columns=table,
        results={"weights": networks[0].weights(images.inputs, images.classes)}
        | _results(table, compared=plots.compares_settings(settings)),
        conventions={
            "objective": "cross-entropy summed over training images + l1 |mu|_1 + c times the "
            "cost summed over weights and biases; l1 = 0.01",
            "cost": _COSTS.get(settings.cost, settings.cost),
            **settings.outside(),
            "weights": "mu + sigma xi, sigma = softplus(phi)",
            "published": "points of rho = 2/3 and 2 from the figures' files; their c is inferred "
            "(synsim/data/malkin2023), sigma and accuracy are as published",
            "accuracy": f"of test images, {settings.samples} times with noise drawn for each image",
            "reliability_cost": "sum over the weights, without biases, of "
            + ("sigma^-rho/rho" if settings.cost == "power" else "the cost, without c"),
        },
        citations=(str(MALKIN_2024),),
        warnings=_notes(table),
    )


def _results(table: dict[str, Any], *, compared: bool) -> dict[str, Any]:
    noise = np.array(table["noise"])
    settled = np.asarray(table["converged"])
    found: dict[str, Any] = {
        "networks": len(noise),
        "converged_networks": int(settled.sum()),
        "median_balance": float(np.median(table["balance"])),
    }
    for rho in np.unique(table["rho"]):
        name = f"rho_{published.word(rho, table['rho'])}" if np.isfinite(rho) else "own_cost"
        for kind in GAUSSIAN:
            rows = plots.of_rho(table["rho"], rho) & (noise == kind)
            means = plots.means(table, rows)
            below = published.shortfall(rho, kind, means["sigma_rms"], means["accuracy_percent"])
            if compared and below is not None:
                found[f"most_points_below_published_{name}_{kind}"] = below[0]
                found[f"published_points_not_reached_{name}_{kind}"] = below[1]
        pair = [plots.of_rho(table["rho"], rho) & (noise == kind) for kind in GAUSSIAN]
        if min(p.sum() for p in pair) > 1:
            both = [plots.means(table, p) for p in pair]
            sigma, accuracy = (
                [m[name] for m in both] for name in ("sigma_rms", "accuracy_percent")
            )
            # at the sigma of either kind, where the other kind's curve reaches it
            gap = np.append(
                accuracy[0] - published.at_sigma(sigma[1], accuracy[1], sigma[0]),
                published.at_sigma(sigma[0], accuracy[0], sigma[1]) - accuracy[1],
            )
            if not np.all(np.isnan(gap)):
                found[f"least_gain_of_heterogeneity_{name}"] = float(np.nanmin(gap))
                found[f"most_gain_of_heterogeneity_{name}"] = float(np.nanmax(gap))
    return found


def _notes(table: dict[str, Any]) -> list[str]:
    settled = np.asarray(table["converged"])
    if settled.all():
        return []
    return [
        f"{len(settled) - settled.sum()} of {len(settled)} networks have not settled: by their "
        "balance sigma is more than 10 % from where it would go (see the column converged)"
    ]


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))

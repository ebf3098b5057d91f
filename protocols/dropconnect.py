"""One release site or many? Test error with DropConnect, dropout and vesicles, against width.

A DropConnect weight (Wan et al. 2013) is a synapse with one release site: it transmits with
probability p, or not at all. Networks of two hidden layers of equal width learn digits with

    none           weights as they are
    dropout        each hidden unit kept with probability p
    dropconnect    each weight w k/p, k ~ Binomial(1, p)

and, at one width, with n release sites, w k/(n p), k ~ Binomial(n, p), from n = 1 (DropConnect)
upward: the variance w^2 (1 - p)/(n p) goes from that of DropConnect to none. In training the
pre-activations are drawn from the Normal of the same mean and variance (moment matching, as
DropConnect infers); predictions are averaged over such draws. The error at the mean weights is
beside it.

--preset paper is MNIST, widths of 50 to 800; the published errors at 800 (1.62, 1.28, 1.20 %,
without augmentation) are drawn in. Training is by momentum, without a penalty on the means: under
Adam, with rates that fall to 0, networks without noise hardly overfit. quick takes 8 x 8 digits. An
interrupted run goes on from what is done when the same command is given again.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from synsim.component import option, parameter
from synsim.component.ranges import values
from synsim.networks import dropconnect_plot as plots
from synsim.networks.outcome import Learned
from synsim.networks.references import SRIVASTAVA, WAN
from synsim.networks.settings import ImageSettings
from synsim.networks.spec import MOMENTUM, OPTIMISERS, Network, Training
from synsim.protocol import Running, columns

NAME = "dropconnect"
RESUMABLE = True
DOING = "training"
KINDS = ("none", "dropout", "dropconnect")
INFINITE = float("inf")


class Settings(ImageSettings):
    """Widths, release sites, and how long they learn."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {
            "data": "mnist", "width": np.array([50, 100, 200, 400, 800]), "site_width": 200,
            "epochs": 60, "batch": 128,
        },
        "quick": {
            "data": "digits", "width": np.array([10, 30, 100]), "site_width": 30, "epochs": 60,
            "batch": 50,
        },
    }  # fmt: skip

    width: NDArray[np.int64] | None = values(
        "1", "units of each of the two hidden layers, with commas", default=None, low=1,
        high=100_000, integer=True, optional=True,
    )  # fmt: skip
    p: float = parameter(
        "1", "probability that a unit or weight is kept, or a site releases", default=0.5, low=0,
        low_open=True, high=1, high_open=True,
    )  # fmt: skip
    sites: NDArray[np.int64] = values(
        "1", "release sites of each weight that are tried, with commas", default=(1, 2, 4, 8, 16),
        low=1, high=1_000_000, integer=True,
    )  # fmt: skip
    site_width: int | None = parameter(
        "1", "width at which they are", default=None, low=1, high=100_000, integer=True,
        optional=True,
    )  # fmt: skip
    seeds: int = parameter("1", "networks of each kind, with seeds of their own", default=3, low=1,
                           high=1000, integer=True)  # fmt: skip
    optimiser: str = option(
        OPTIMISERS, "SGD with momentum, which fits training images closely, or adam",
        default="momentum",
    )  # fmt: skip
    samples: int = parameter(
        "1", "draws that a prediction is averaged over", default=20, low=1, high=100_000,
        integer=True,
    )  # fmt: skip

    def check(self) -> None:
        self._refuse_twice("width", "sites")

    def base(self) -> Training:
        return MOMENTUM if self.optimiser == "momentum" else Training()

    def keys(self, seed: int) -> list[dict[str, Any]]:
        """What tells the rows apart: width, regulariser, seed and sites (n); none twice."""
        made = [
            (kind, int(width), {"none": INFINITE, "dropout": INFINITE, "dropconnect": 1.0}[kind])
            for kind in KINDS
            for width in self.by_preset("width")
        ]
        at = int(self.by_preset("site_width"))
        made += [("none", at, INFINITE)]
        made += [("dropconnect" if n == 1 else "sites", at, float(n)) for n in self.sites]
        return [
            {"hidden_units": width, "regulariser": kind, "seed": seed + number, "n": n}
            for kind, width, n in dict.fromkeys(made)
            for number in range(self.seeds)
        ]

    def networks(self, seed: int) -> list[Network]:
        """Every network of the run."""
        return [
            Network(
                noise=key["regulariser"]
                if key["regulariser"] in ("none", "dropout")
                else "binomial",
                seed=key["seed"],
                hidden=(key["hidden_units"], key["hidden_units"]),
                n=key["n"] if np.isfinite(key["n"]) else 1,
                p=self.p,
                name=f"network {key['regulariser']}, width {key['hidden_units']}, n {key['n']:g}, "
                f"seed {key['seed']}",
            )
            for key in self.keys(seed)
        ]


class Outcome(Learned):
    """One row per network.

    Columns hidden_units (of each hidden layer), regulariser (none, dropout, dropconnect, or sites),
    seed, test_error_percent and nll of test images, predictions averaged over draws; n (release
    sites of a weight; inf without noise of weights); error_at_mean_percent, with the mean weights;
    train_nll, the mean cross-entropy of the last epoch's images under the noise.
    """

    protocol = NAME
    settings_type = Settings
    plots = plots


def run(settings: Settings, running: Running | None = None) -> Outcome:
    """Train and test the networks.

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
    from synsim.networks import chunks, dropconnect_numbers

    running = running or Running()
    images = settings.load()
    measure = functools.partial(dropconnect_numbers.errors, samples=settings.samples)
    found = chunks.run_kept(settings.networks(running.seed), images, measure, running, settings)
    rows = [key | one for key, one in zip(settings.keys(running.seed), found, strict=True)]
    table = columns(rows)
    return Outcome.made(
        settings,
        running,
        images,
        columns=table,
        results={"networks": len(rows)} | _results(table, settings.by_preset("width")),
        conventions={
            "weights": "w k/(n p), k ~ Binomial(n, p), drawn as the Normal of the same moments for "
            "each image; DropConnect is n = 1; biases are certain",
            "dropout": "of hidden units",
            "test_error_percent": f"predictions averaged over {settings.samples} draws",
        },
        citations=(WAN, SRIVASTAVA),
    )


def _results(table: dict[str, Any], widths: NDArray[np.int64]) -> dict[str, Any]:
    """Mean error and its SE at the largest width, and slopes of the error in doublings of it."""
    c = {name: np.asarray(column) for name, column in table.items()}
    found: dict[str, Any] = {}
    most = int(widths.max())
    for kind in KINDS:
        rows = (c["regulariser"] == kind) & np.isin(c["hidden_units"], widths)
        at = c["test_error_percent"][rows & (c["hidden_units"] == most)]
        found[f"error_{kind}_width_{most}_percent"] = float(at.mean())
        if at.size > 1:
            found[f"error_{kind}_width_{most}_se"] = float(at.std(ddof=1) / np.sqrt(at.size))
        if len(np.unique(c["hidden_units"][rows])) > 1:
            slope, error = plots.slope(
                np.log2(c["hidden_units"][rows]), c["test_error_percent"][rows]
            )
            found[f"error_per_doubling_{kind}"] = slope
            found[f"error_per_doubling_{kind}_se"] = error
    return found


if __name__ == "__main__":
    from synsim.cli import main

    raise SystemExit(main(["run", NAME, *sys.argv[1:]]))

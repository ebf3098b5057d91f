"""What is trained, how, and what comes out: plain data, without JAX."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.networks.costs import Cost

Array = NDArray[np.float32]
NOISES = ("heterogeneous", "homogeneous", "binomial", "dropout", "none")
SCHEDULES = ("constant", "cosine", "steps")
OPTIMISERS = ("adam", "momentum")
ESTIMATORS = ("local", "sampled")
GAUSSIAN = ("heterogeneous", "homogeneous")


@dataclass(frozen=True)
class Network:
    """A network of ReLU units with a linear output, and the noise of its weights.

    noise : heterogeneous, a sigma for each weight and bias; homogeneous, one sigma for all;
        binomial, a weight is w k/(n p) with k ~ Binomial(n, p) (n = 1 is DropConnect);
        dropout, hidden units are kept with probability p; none
    cost : what a sigma costs, of Gaussian noise
    seed : of its initial weights, its noise and the order of its images
    hidden : units of the hidden layers; none for a network without hidden layers
    n, p : of binomial weights; p also of dropout
    name : what it is called in errors
    """

    noise: str = "heterogeneous"
    cost: Cost = field(default_factory=Cost)
    seed: int = 1
    hidden: tuple[int, ...] = (100, 100)
    n: float = 1
    p: float = 0.5
    name: str = "network"

    def __post_init__(self) -> None:
        if self.noise not in NOISES:
            raise InputError(f"found noise {self.noise!r}, expected one of {', '.join(NOISES)}")
        if not 0 < self.p <= 1:
            raise InputError(f"found p = {self.p:g}, expected a value above 0 and at most 1")
        if not (1 <= self.n < np.inf and self.n == int(self.n)):
            raise InputError(f"found n = {self.n:g}, expected a whole number of at least 1")
        if any(units != int(units) or units < 1 for units in self.hidden):
            raise InputError(
                f"found hidden layers of {self.hidden} units, expected whole numbers of at least 1"
            )
        if self.noise in GAUSSIAN and self.cost == Cost():
            raise InputError(
                f"found no cost of {self.noise} noise, expected one, or sigma goes to 0"
            )

    def sizes(self, inputs: int, classes: int) -> tuple[int, ...]:
        """Units of every layer, inputs and outputs among them."""
        return inputs, *self.hidden, classes

    def weights(self, inputs: int, classes: int) -> int:
        """Weights, without biases."""
        return sum(i * o for i, o in itertools.pairwise(self.sizes(inputs, classes)))

    @property
    def kind(self) -> tuple[Any, ...]:
        """Networks of one kind can be trained at once."""
        return self.noise, self.hidden, self.cost.own, self.cost.entropic > 0


@dataclass(frozen=True)
class Training:
    """How networks are trained, with Adam or with momentum.

    The objective is cross-entropy summed over the images + l1 |mu|_1 + l2 |mu|^2 + cost.

    epochs, batch : times all images are seen, images at a step
    rate_mean, rate_sigma : learning rates of mu, and of phi (sigma = softplus(phi))
    memory_sigma : Adam's second decay (b2) for phi; the slope of a power law falls steeply as sigma
        grows, and with a long memory of it sigma would stop short
    rest_sigma : part of the steps, of a cosine schedule only, in which sigma rests while the
        means learn
    schedule : constant; cosine (a twentieth of the steps to rise, then a half-cosine to 0); or
        steps (for the last 420 of 1,020 parts a half of the rate, for the last 20 a tenth)
    optimiser : adam, or momentum: stochastic gradient descent with a momentum of `momentum`
    estimator : local, the pre-activations are drawn for each image (Kingma, Salimans & Welling
        2015); sampled, weights are drawn once for each step
    initial_sigma : where sigma starts; None for its optimum at a curvature of
        `curvature` per image, at most `most_sigma`
    """

    epochs: int = 12
    batch: int = 400
    rate_mean: float = 3e-3
    rate_sigma: float = 5e-2
    memory_sigma: float = 0.985
    rest_sigma: float = 0.3
    schedule: str = "cosine"
    optimiser: str = "adam"
    momentum: float = 0.9
    estimator: str = "local"
    l1: float = 0.01
    l2: float = 0.0
    initial_mean: float = 0.1
    initial_sigma: float | None = None
    curvature: float = 20 / 60_000
    most_sigma: float = 0.05

    def __post_init__(self) -> None:
        for name, words in (
            ("schedule", SCHEDULES),
            ("optimiser", OPTIMISERS),
            ("estimator", ESTIMATORS),
        ):
            if getattr(self, name) not in words:
                raise InputError(
                    f"found {name} {getattr(self, name)!r}, expected one of {', '.join(words)}"
                )
        for name in ("epochs", "batch"):
            value = getattr(self, name)
            if value != int(value) or value < 1:
                raise InputError(f"found {name} = {value}, expected a whole number of at least 1")
        for name in ("l1", "l2"):
            if not 0 <= getattr(self, name) < np.inf:
                raise InputError(f"found {name} = {getattr(self, name):g}, expected at least 0")
        positive = ("rate_mean", "rate_sigma", "curvature", "most_sigma")
        for name in positive + ("initial_sigma",) * (self.initial_sigma is not None):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(f"found {name} = {getattr(self, name):g}, expected above 0")
        for name in ("memory_sigma", "rest_sigma", "momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"found {name} = {getattr(self, name):g}, expected at least 0 and below 1"
                )

    def words(self) -> str:
        """What a summary says of it."""
        rests = self.rest_sigma and self.schedule == "cosine"
        rest = f", phi from {100 * self.rest_sigma:.0f} % on" if rests else ""
        how = "Adam" if self.optimiser == "adam" else f"SGD with momentum {self.momentum:g}"
        return (
            f"{how}, {self.epochs} epochs, minibatch {self.batch}, {self.estimator} noise, rates "
            f"{self.rate_mean:g} of mu and {self.rate_sigma:g} of phi, {self.schedule}{rest}"
        )

    def start(self, cost: Cost, images: int) -> float:
        """The sigma that training starts from."""
        if self.initial_sigma is not None:
            return self.initial_sigma
        best = cost.optimum(self.curvature * images)
        return self.most_sigma if np.isnan(best) else float(np.clip(best, 1e-5, self.most_sigma))


#: What gives the published points of Malkin et al. 2024, found by retraining: their scripts differ
#: from their paper and their arrays. Heterogeneous sigma has not converged.
PUBLISHED = Training(
    epochs=50,
    batch=20,
    rate_mean=1e-4,
    rate_sigma=1e-4,
    memory_sigma=0.999,
    rest_sigma=0.0,
    schedule="constant",
    estimator="sampled",
    initial_sigma=1e-4,
)

#: Fits the training images of MNIST far closer than Adam with rates that fall to 0: for
#: `dropconnect`, where what noise does to overfitting is asked (docs/learning.md).
MOMENTUM = Training(rate_mean=0.02, schedule="steps", optimiser="momentum", l1=0.0)


@dataclass(frozen=True, eq=False)
class Trained:
    """A network after training.

    means, sigmas : of the weights of each layer, shape (inputs, outputs); sigma of homogeneous
        noise is the same everywhere, of other noise that of its weights (0 for none and dropout)
    mean_biases, sigma_biases : of each layer, shape (outputs,)
    loss : mean cross-entropy of each epoch's images
    """

    network: Network
    means: tuple[Array, ...]
    sigmas: tuple[Array, ...]
    mean_biases: tuple[Array, ...]
    sigma_biases: tuple[Array, ...]
    loss: NDArray[np.float64]

    @property
    def sigma_rms(self) -> float:
        """Root mean square of sigma over the weights, without biases."""
        squares = sum(float(np.sum(s.astype(float) ** 2)) for s in self.sigmas)
        return float(np.sqrt(squares / sum(s.size for s in self.sigmas)))


Progress = Callable[[float], None]

"""Sigma that saves energy beside the posterior of the same network: numbers of a pair of networks.

The posterior of a weight is Normal(mu, sigma_post^2), by Bayes by backprop (Blundell et al. 2015)
under a prior Normal(0, prior^2). Where the data's curvature is H,

    1/sigma_post^2 = H + 1/prior^2            sigma = (c rho/H)^(1/(rho + 2))   (appendix 5)

so with 1/sigma_data^2 = 1/sigma_post^2 - 1/prior^2, log sigma has the slope 2/(rho + 2) against
log sigma_data, and against log sigma_post as far as the prior is wide.

The bound. With s = (c rho)^(1/rho) the cost of a weight is (s/sigma)^rho/rho, and

    -H[q] <= ((s/sigma)^rho - 1)/rho - ln s - ln(2 pi e)/2

since ln z <= (z^rho - 1)/rho: equal where sigma = s, and everywhere for rho -> 0. So the cost is
part of a bound from below on the ELBO, the evidence lower bound

    ELBO = E_q[ln p(images|w)] + E_q[ln p(w)] + H[q]        of all weights and biases w
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synsim.networks import need
from synsim.networks.data import Dataset
from synsim.networks.measures import evaluate, likelihood, mean_probability, parameters
from synsim.networks.slopes import binned, listed, log_slope
from synsim.networks.spec import Trained

Array = NDArray[np.float64]
_NARROWED = 0.98  # sigma_post/prior above which the data said next to nothing


def posterior(
    trained: Trained, data: Dataset, *, prior: float, images: int, samples: int
) -> dict[str, Any]:
    """Sigma of each layer and the predictive distribution, as texts; accuracy, nll, balance, and
    ELBO in nats per training image."""
    found = evaluate(trained, data)
    fits = likelihood(trained, data) + prior_expected(trained, prior)
    return {
        "sigmas": [_pack(s) for s in trained.sigmas],
        "predictive": _pack(predictive(trained, data, images=images, samples=samples)),
        "accuracy_percent": found.accuracy_percent,
        "nll": found.nll,
        "balance": found.balance,
        "elbo": (fits - over_all(trained, minus_entropy)) / len(data.y_train),
    }


def beside(
    trained: Trained,
    data: Dataset,
    *,
    posteriors: dict[tuple[int, tuple[int, ...]], dict[str, Any]],
    priors: dict[tuple[int, ...], float],
    images: int,
    samples: int,
    weights: int = 200,
) -> dict[str, Any]:
    """A network that saves energy, held against the posterior of its seed and widths."""
    net = trained.network
    bayes, prior = posteriors[net.seed, net.hidden], priors[net.hidden]
    rho = net.cost.exponents[0] if net.cost.exponents else 0.0
    s = (net.cost.weights[0] * rho) ** (1 / rho) if rho else 1.0
    layers, some = [], []
    for number, own in enumerate(trained.sigmas):
        sigma = own.astype(float)
        post = _unpack(bayes["sigmas"][number], sigma.shape)
        told = post < _NARROWED * prior
        if number == 0:
            told &= np.any(data.x_train != data.x_train[0], axis=0)[:, None]
        of_data = np.where(told, post, 0.5 * prior)  # any, where it does not count
        of_data = (of_data**-2 - prior**-2) ** -0.5
        each = {
            name: {
                "slope": vars(log_slope(x, sigma, told)),
                "bins": binned(x, sigma, told).tolist(),
            }
            for name, x in (("sigma_post", post), ("sigma_data", of_data))
        }
        here = listed(told, weights, net.seed)
        columns = {"sigma": sigma, "sigma_post": post, "sigma_data": of_data}
        some.append({name: values.ravel()[here].tolist() for name, values in columns.items()})
        term, bound = minus_entropy(sigma), entropy_bound(sigma, rho, s)
        layers.append(
            {
                "against": each,
                "minus_entropy": float(term.mean()),
                "bound": float(bound.mean()),
                "least_slack": float((bound - term).min()),
            }
        )
    ours = predictive(trained, data, images=images, samples=samples)
    theirs = _unpack(bayes["predictive"], ours.shape)
    found = evaluate(trained, data)
    fits, count = likelihood(trained, data) + prior_expected(trained, prior), len(data.y_train)
    paid = over_all(trained, functools.partial(entropy_bound, rho=rho, s=s))
    return {
        "layers": layers,
        "weights": some,
        "elbo": (fits - over_all(trained, minus_entropy)) / count,
        "elbo_bound": (fits - paid) / count,
        "accuracy_percent": found.accuracy_percent,
        "nll": found.nll,
        "balance": found.balance,
        "bayes": {k: bayes[k] for k in ("accuracy_percent", "nll", "balance", "elbo")},
        "entropy": entropy(ours).tolist(),
        "entropy_bayes": entropy(theirs).tolist(),
        "divergence": divergence(theirs, ours).tolist(),
    }


def predictive(trained: Trained, data: Dataset, *, images: int, samples: int) -> Array:
    """Mean probability of each class over draws of the weights, for the first test images; shape
    (images, classes)."""
    jax = need.jax()
    x, _ = data.test(0, images)
    key = jax.random.fold_in(jax.random.key(trained.network.seed), 3_000_000)
    run = mean_probability(noisy=True)
    return np.asarray(run(parameters(trained), x, jax.random.split(key, samples)), dtype=float)


def entropy(p: ArrayLike) -> Array:
    """Of distributions along the last axis, in nats."""
    p = np.asarray(p, dtype=float)
    return np.asarray(-np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1.0)), 0.0), axis=-1))


def divergence(p: ArrayLike, q: ArrayLike) -> Array:
    """Kullback-Leibler divergence of q from p along the last axis, in nats."""
    p, q = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
    ratio = np.log(np.where(p > 0, p, 1.0)) - np.log(np.maximum(q, 1e-300))
    return np.asarray(np.sum(np.where(p > 0, p * ratio, 0.0), axis=-1))


def minus_entropy(sigma: ArrayLike) -> Array:
    """-H of Normal(mu, sigma^2), in nats."""
    return np.asarray(-0.5 * (1 + np.log(2 * np.pi)) - np.log(np.asarray(sigma, dtype=float)))


def entropy_bound(sigma: ArrayLike, rho: float, s: float) -> Array:
    """What reliability costs, as a bound from above on -H (Malkin et al. 2024); rho = 0: -H."""
    if rho == 0:
        return minus_entropy(sigma)
    power = np.expm1(rho * np.log(s / np.asarray(sigma, dtype=float))) / rho
    return np.asarray(power - np.log(s) - 0.5 * (1 + np.log(2 * np.pi)))


def prior_expected(trained: Trained, prior: float) -> float:
    """E_q[ln p(w)] of all weights and biases under independent priors Normal(0, prior^2)."""
    means, sigmas = _all(trained)
    squares = (means**2 + sigmas**2) / (2 * prior**2)
    return float(-np.sum(squares + np.log(prior) + 0.5 * np.log(2 * np.pi)))


def over_all(trained: Trained, of_sigma: Callable[[Array], Array]) -> float:
    """The sum of a function of sigma over all weights and biases."""
    return float(np.sum(of_sigma(_all(trained)[1])))


def _all(trained: Trained) -> tuple[Array, Array]:
    """Mean and sigma of every weight and bias."""
    means, sigmas = (
        np.concatenate([np.ravel(a).astype(float) for a in arrays])
        for arrays in (
            (*trained.means, *trained.mean_biases),
            (*trained.sigmas, *trained.sigma_biases),
        )
    )
    return means, sigmas


def _pack(array: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype=np.float32).tobytes()).decode()


def _unpack(text: str, shape: tuple[int, ...]) -> Array:
    return np.frombuffer(base64.b64decode(text), np.float32).reshape(shape).astype(float)

"""What a trained network does: accuracy, what it pays, whether it has settled, its gradients.

Whether it has settled. At the optimum no common factor of all sigma lowers the objective:

    images * sum sigma dCE/dsigma = - sum sigma dcost/dsigma        (each 1/s d/ds of s sigma)

The balance is left over right: 1 when settled, below 1 where sigma would still grow. With one
power law sigma is about balance^(-1/(rho + 2)) times too small.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.networks import need
from synsim.networks.data import Dataset
from synsim.networks.spec import GAUSSIAN, Network, Trained

if TYPE_CHECKING:
    import jax

Array = NDArray[np.float64]
_BLOCK = 1000  # images at a time


@dataclass(frozen=True)
class Measured:
    """accuracy_percent and nll (of test images, noise drawn anew for each); sigma_rms over the
    weights, and over those whose input is active: a pixel that is not the same in all training
    images, a unit that is above 0 for any test image; cost: sum of the network's
    cost over its weights; balance (see the module), NaN without a cost."""

    accuracy_percent: float
    nll: float
    sigma_rms: float
    sigma_rms_active: float
    cost: float
    balance: float


@dataclass(frozen=True)
class Gradients:
    """Of a layer's weights, each of shape (inputs, outputs) but of the inputs, of shape (inputs,).

    fisher : mean squared gradient of the summed cross-entropy of `batch` images
    mean_abs : mean of its absolute value
    input_rate : mean |input|
    input_rms : root of the mean squared input
    """

    fisher: Array
    mean_abs: Array
    input_rate: Array
    input_rms: Array


def evaluate(
    trained: Trained, data: Dataset, *, samples: int = 1, seed: int = 1, train_images: int = 10_000
) -> Measured:
    """Measure a trained network.

    Parameters
    ----------
    samples : times the test images are seen, with fresh noise; dropout and no noise are seen once
    train_images : of the training set, for the balance
    """
    jax = need.jax()
    net = trained.network
    params = parameters(trained)
    key = jax.random.fold_in(jax.random.key(net.seed), 1_000_000 + seed)
    noisy = net.noise not in ("dropout", "none")
    run = _blocks(noisy)
    samples = samples if noisy else 1
    right, entropy, count = 0.0, 0.0, 0
    active = [np.zeros(len(m), dtype=bool) for m in trained.means]
    for number in range(samples):
        for first in range(0, len(data.y_test), _BLOCK):
            x, y = data.test(first, first + _BLOCK)
            k = jax.random.fold_in(jax.random.fold_in(key, number), first)
            hits, loss, seen = run(params, x, y, k)
            right, entropy, count = right + float(hits), entropy + float(loss), count + len(y)
            for mask, more in zip(active[1:], seen[1:], strict=True):
                mask |= np.asarray(more)
    # an input is active where its pixel is not what it is in every image
    active[0] = np.any(data.x_train != data.x_train[0], axis=0)
    squares = [s.astype(float)[a] ** 2 for s, a in zip(trained.sigmas, active, strict=True)]
    used = sum(s.size for s in squares)
    return Measured(
        accuracy_percent=100 * right / count,
        nll=entropy / count,
        sigma_rms=trained.sigma_rms,
        sigma_rms_active=float(np.sqrt(sum(s.sum() for s in squares) / max(used, 1))),
        cost=weights_cost(trained),
        balance=_balance(trained, params, data, train_images, key),
    )


def likelihood(trained: Trained, data: Dataset) -> float:
    """ln p(training images|w) in nats, its expectation over the noise: noise is drawn for each
    image, once."""
    jax = need.jax()
    params, total = parameters(trained), 0.0
    run = _blocks(trained.network.noise not in ("dropout", "none"))
    key = jax.random.fold_in(jax.random.key(trained.network.seed), 5_000_000)
    for first in range(0, len(data.y_train), _BLOCK):
        x, y = data.train(first, first + _BLOCK)
        total -= float(run(params, x, y, jax.random.fold_in(key, first))[1])
    return total


def accuracy_of_draws(
    trained: Trained, data: Dataset, *, images: int, draws: int = 20, seed: int = 1
) -> Array:
    """Accuracies (per cent) on all test images when `images` of them share a draw of the weights.

    `evaluate` draws noise for each image. The mean is the same; how far one measurement is from it
    is not: a draw that is bad is bad for all that share it. Shape (draws,).

    Parameters
    ----------
    trained : a network with Gaussian noise
    images : that share a draw
    draws : accuracies to measure, each over all test images

    Raises
    ------
    InputError
        for other noise, whose draws are not these, and where images or draws are below 1.
    """
    if trained.network.noise not in GAUSSIAN:
        raise InputError(f"found noise {trained.network.noise!r}, expected {' or '.join(GAUSSIAN)}")
    for name, value in (("images", images), ("draws", draws)):
        if value < 1:
            raise InputError(f"found {name} = {value}, expected at least 1")
    rng = np.random.default_rng([trained.network.seed, seed])
    x, y = data.test(0, len(data.y_test))
    layers = list(
        zip(trained.means, trained.sigmas, trained.mean_biases, trained.sigma_biases, strict=True)
    )
    found = []
    for _ in range(draws):
        right = 0
        for first in range(0, len(y), images):
            h = x[first : first + images]
            for number, (w, sw, b, sb) in enumerate(layers):
                drawn = w + sw * rng.standard_normal(w.shape, dtype=np.float32)
                h = h @ drawn + b + sb * rng.standard_normal(b.shape, dtype=np.float32)
                h = h if number == len(layers) - 1 else np.maximum(h, 0)
            right += int(np.sum(h.argmax(axis=1) == y[first : first + images]))
        found.append(100 * right / len(y))
    return np.array(found)


def averaged(trained: Trained, data: Dataset, *, samples: int) -> tuple[float, float]:
    """Error (per cent) and nll of test images, predictions averaged over draws of the weights.

    Pre-activations are drawn from the Normal of their mean and variance, and the probabilities of
    `samples` draws are averaged: for Binomial(1, p) weights this is how DropConnect infers (Wan et
    al. 2013, algorithm 2). Dropout and no noise have nothing to draw.
    """
    jax = need.jax()
    noisy = trained.network.noise not in ("dropout", "none")
    params, run = parameters(trained), mean_probability(noisy)
    key = jax.random.fold_in(jax.random.key(trained.network.seed), 4_000_000)
    wrong, entropy = 0, 0.0
    for first in range(0, len(data.y_test), _BLOCK):
        x, y = data.test(first, first + _BLOCK)
        keys = jax.random.split(jax.random.fold_in(key, first), samples if noisy else 1)
        p = np.asarray(run(params, x, keys), dtype=float)
        wrong += int(np.sum(p.argmax(axis=1) != y))
        entropy -= float(np.sum(np.log(np.maximum(p[np.arange(len(y)), y], 1e-30))))
    return 100 * wrong / len(data.y_test), entropy / len(data.y_test)


def without_noise(trained: Trained) -> Trained:
    """The same network at its mean weights."""
    return replace(trained, network=replace(trained.network, noise="none"))


@functools.cache
def mean_probability(noisy: bool) -> Any:
    """The compiled mean of class probabilities over keys: (parameters, images, keys) -> array."""
    import jax

    def run(params: Any, x: Any, keys: Any) -> Any:
        one = functools.partial(logits, params, x, noisy=noisy)
        return jax.lax.map(lambda key: jax.nn.softmax(one(key)[0]), keys).mean(axis=0)

    return jax.jit(run)


def numbers(
    trained: Trained, data: Dataset, *, names: Sequence[str], samples: int = 1
) -> list[float]:
    """Those of `evaluate` that are named, in a list."""
    found = evaluate(trained, data, samples=samples)
    return [float(getattr(found, name)) for name in names]


def weights_cost(trained: Trained) -> float:
    """The network's cost, summed over its weights (its biases pay too, but are not counted)."""
    net = trained.network
    if net.noise not in GAUSSIAN:
        return float("nan")
    return float(sum(np.sum(_cost(net, sigma)) for sigma in trained.sigmas))


def _cost(net: Network, sigma: Any) -> Array:
    """The cost of each sigma; homogeneous ones are all alike, and costed once."""
    sigma = np.asarray(sigma, dtype=float)
    if net.noise == "homogeneous":
        return np.broadcast_to(_cost_of(net, sigma.ravel()[:1]), sigma.size)
    return _cost_of(net, sigma)


def _cost_of(net: Network, sigma: Array) -> Array:
    if net.cost.own is None:
        return np.asarray(net.cost(sigma))
    jnp = need.jax().numpy
    return np.asarray(net.cost(jnp.asarray(sigma, dtype=jnp.float32)), dtype=float)


def parameters(trained: Trained) -> Any:
    """Means and sigmas as the functions of this module take them, on the device."""
    jnp = need.jax().numpy
    layers = zip(
        trained.means, trained.mean_biases, trained.sigmas, trained.sigma_biases, strict=True
    )
    return [
        {"w": jnp.asarray(w), "b": jnp.asarray(b), "sw": jnp.asarray(sw), "sb": jnp.asarray(sb)}
        for w, b, sw, sb in layers
    ]


def logits(params: Any, x: Any, key: Any, noisy: bool = True) -> tuple[Any, list[Any]]:
    """Of each image with weights of its own: pre-activations are drawn, layer by layer."""
    import jax
    import jax.numpy as jnp

    from synsim.networks.model import draw

    h, inputs = x, []
    size = (x.shape[1], *(layer["b"].shape[0] for layer in params))
    eps = draw(key, "heterogeneous" if noisy else "none", True, x.shape[0], size)
    for i, layer in enumerate(params):
        inputs.append(h)
        z = h @ layer["w"] + layer["b"]
        if noisy:
            variance = (h * h) @ (layer["sw"] ** 2) + layer["sb"] ** 2
            z = z + jnp.sqrt(jnp.maximum(variance, 1e-30)) * eps[i]
        h = z if i == len(params) - 1 else jax.nn.relu(z)
    return h, inputs


@functools.cache
def _blocks(noisy: bool) -> Any:
    import jax
    import jax.numpy as jnp

    from synsim.networks.model import cross_entropy

    def block(params: Any, x: Any, y: Any, key: Any) -> Any:
        z, inputs = logits(params, x, key, noisy)
        hits = jnp.sum(jnp.argmax(z, axis=1) == y)
        return hits, jnp.sum(cross_entropy(z, y)), [jnp.any(h > 0, axis=0) for h in inputs]

    return jax.jit(block)


@functools.cache
def _slopes() -> Any:
    """d/ds of the summed cross-entropy with every sigma times s, at s = 1."""
    import jax
    import jax.numpy as jnp

    from synsim.networks.model import cross_entropy

    def entropy(s: Any, params: Any, x: Any, y: Any, key: Any) -> Any:
        scaled = [layer | {"sw": s * layer["sw"], "sb": s * layer["sb"]} for layer in params]
        return jnp.sum(cross_entropy(logits(scaled, x, key)[0], y))

    return jax.jit(jax.grad(entropy))


def _balance(trained: Trained, params: Any, data: Dataset, most: int, key: Any) -> float:
    net = trained.network
    if net.noise not in GAUSSIAN:
        return float("nan")
    jax = need.jax()
    run, total = _slopes(), 0.0
    images = min(most, len(data.y_train)) // min(_BLOCK, len(data.y_train))
    block = min(_BLOCK, len(data.y_train))
    for first in range(0, images * block, block):
        x, y = data.train(first, first + block)
        total += float(run(1.0, params, x, y, jax.random.fold_in(key, 10_000_000 + first)))
    pulled = total * len(data.y_train) / (images * block)
    step, pushed = 1e-3, 0.0
    for sigma in (*trained.sigmas, *trained.sigma_biases):
        up, down = (float(np.sum(_cost(net, sigma * np.exp(d)))) for d in (step, -step))
        pushed -= (up - down) / (2 * step)
    return pulled / pushed if pushed else float("nan")  # a cost that is flat pushes nothing


def gradients(
    trained: Trained,
    data: Dataset,
    *,
    batch: int = 20,
    batches: int | None = None,
    seed: int = 1,
    mean_weights: bool = False,
) -> list[Gradients]:
    """Squared and absolute gradients of each layer's weights over the training images.

    Parameters
    ----------
    batch : images whose cross-entropy is summed under one draw of the weights; 1 for the Fisher
        information of single images
    batches : how many, of consecutive images; None for all
    mean_weights : at the mean weights instead of drawn ones
    """
    jax = need.jax()
    params = parameters(trained)
    run = _squares(mean_weights)
    whole = len(data.y_train) // batch
    many = whole if batches is None else min(batches, whole)
    key = jax.random.fold_in(jax.random.key(trained.network.seed), 2_000_000 + seed)
    rows = max(1, 2000 // batch)  # batches at a time
    sums: Any = None
    for first in range(0, many, rows):
        count = min(rows, many - first)
        x, y = data.train(first * batch, (first + count) * batch)
        part = run(
            params,
            x.reshape(count, batch, -1),
            y.reshape(count, batch),
            jax.random.split(jax.random.fold_in(key, first), count),
        )
        found = jax.tree.map(lambda a: np.asarray(a, dtype=float), part)
        sums = found if sums is None else jax.tree.map(np.add, sums, found)
    return [
        Gradients(
            fisher / many, absolute / many, rate / (many * batch), np.sqrt(square / (many * batch))
        )
        for fisher, absolute, rate, square in sums
    ]


@functools.lru_cache(maxsize=2)
def _squares(mean_weights: bool) -> Any:
    import jax
    import jax.numpy as jnp

    from synsim.networks.model import cross_entropy, weight_noise

    def drawn(params: Any, key: jax.Array) -> Any:
        if mean_weights:
            return [(layer["w"], layer["b"]) for layer in params]
        size = (params[0]["w"].shape[0], *(layer["b"].shape[0] for layer in params))
        return [
            (layer["w"] + layer["sw"] * w, layer["b"] + layer["sb"] * b)
            for layer, (w, b) in zip(params, weight_noise(key, size), strict=True)
        ]

    def entropy(weights: Any, x: Any, y: Any) -> Any:
        h, inputs = x, []
        for i, (w, b) in enumerate(weights):
            inputs.append((jnp.sum(jnp.abs(h), axis=0), jnp.sum(h * h, axis=0)))
            z = h @ w + b
            h = z if i == len(weights) - 1 else jax.nn.relu(z)
        return jnp.sum(cross_entropy(h, y)), inputs

    def step(sums: Any, at: Any) -> Any:
        params, x, y, key = at
        slope, inputs = jax.grad(entropy, has_aux=True)(drawn(params, key), x, y)
        return [
            (f + g[0] ** 2, a + jnp.abs(g[0]), r + rate, s + square)
            for (f, a, r, s), g, (rate, square) in zip(sums, slope, inputs, strict=True)
        ]

    def run(params: Any, x: Any, y: Any, keys: Any) -> Any:
        zero = [
            tuple(jnp.zeros(shape) for shape in (p["w"].shape,) * 2 + (p["w"].shape[:1],) * 2)
            for p in params
        ]
        return jax.lax.scan(lambda s, at: (step(s, (params, *at)), None), zero, (x, y, keys))[0]

    return jax.jit(run)

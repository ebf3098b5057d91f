"""One network, as functions of its parameters; `jax.vmap` makes many of it. Imports JAX.

layer      z = h W + b, with W_ij ~ mu_ij + sigma_ij xi, xi standard normal
local      z ~ Normal(h mu + b, h^2 sigma^2 + sigma_b^2) for each image: the same law for one
           image, without drawing a weight (Kingma, Salimans & Welling 2015, section 2.3)
binomial   W_ij = w_ij k/(n p), k ~ Binomial(n, p): mean w, variance w^2 (1 - p)/(n p); local,
           it is a Normal of these moments, as DropConnect infers (Wan et al. 2013, section 4.2)
"""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from synsim.networks.spec import Network

Params = dict[str, Any]


@jax.custom_jvp
def softplus(x: jax.Array) -> jax.Array:
    """ln(1 + e^x), to float32's precision also where it is small; twice as fast as JAX's own."""
    e = jnp.exp(-jnp.abs(x))
    u = 1 + e
    # ln(1 + e) = e ln(u)/(u - 1): the rounding of u cancels (Kahan)
    return jnp.maximum(x, 0) + jnp.where(u == 1, e, jnp.log(u) * (e / jnp.where(u == 1, 1, u - 1)))


@softplus.defjvp
def _softplus_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    return softplus(x), jax.nn.sigmoid(x) * dx


def inverse_softplus(sigma: Any) -> Any:
    """The phi of a sigma, numpy float64."""
    return sigma + np.log(-np.expm1(-np.asarray(sigma, dtype=float)))


def initial(network: Network, size: tuple[int, ...], sigma: float, width: float) -> Params:
    """Parameters to start from, numpy: mu ~ U(-width, width), biases 0."""
    rng = np.random.default_rng([network.seed, 0])
    pairs = list(itertools.pairwise(size))
    params: Params = {
        "mean": [
            {
                "w": rng.uniform(-width, width, (i, o)).astype(np.float32),
                "b": np.zeros(o, np.float32),
            }
            for i, o in pairs
        ]
    }
    phi = np.float32(inverse_softplus(sigma)) if sigma > 0 else np.float32(0)
    if network.noise == "heterogeneous":
        params["phi"] = [
            {"w": np.full((i, o), phi, np.float32), "b": np.full(o, phi, np.float32)}
            for i, o in pairs
        ]
    elif network.noise == "homogeneous":
        params["phi"] = np.asarray(phi)
    return params


def draw(key: jax.Array, noise: str, local: bool, batch: int, size: tuple[int, ...]) -> list[Any]:
    """The random numbers of a step, a list over the layers; networks of one seed share them."""
    if noise == "none":
        return [() for _ in size[1:]]
    if noise == "dropout":  # a uniform number for each unit of the layer before
        return _columns(jax.random.uniform(key, (batch, sum(size[:-1]))), size[:-1])
    if local:
        return _columns(jax.random.normal(key, (batch, sum(size[1:]))), size[1:])
    if noise == "binomial":
        return list(jax.random.split(key, len(size) - 1))
    return weight_noise(key, size)


def weight_noise(key: jax.Array, size: tuple[int, ...]) -> list[Any]:
    """A standard normal number for each weight and bias: (weights, biases) of each layer.

    They are drawn at once, here as in `draw`: each place where numbers are drawn takes the
    compiler seconds.
    """
    counts = [n for i, o in itertools.pairwise(size) for n in (i * o, o)]
    parts = jnp.split(jax.random.normal(key, (sum(counts),)), np.cumsum(counts)[:-1])
    return [
        (w.reshape(i, o), b)
        for w, b, (i, o) in zip(parts[::2], parts[1::2], itertools.pairwise(size), strict=True)
    ]


def _columns(numbers: jax.Array, widths: tuple[int, ...]) -> list[Any]:
    return jnp.split(numbers, np.cumsum(widths)[:-1], axis=1)


def sampled_weights(params: Params, noise: str, i: int, eps: Any, n: Any, p: Any) -> Any:
    """Weights and biases of a layer, drawn."""
    mean = params["mean"][i]
    if noise == "binomial":
        k = jax.random.binomial(eps, n, p, shape=mean["w"].shape)
        return mean["w"] * k / (n * p), mean["b"]
    sigma = layer_sigma(params, noise, i)
    return mean["w"] + sigma["w"] * eps[0], mean["b"] + sigma["b"] * eps[1]


def layer_sigma(params: Params, noise: str, i: int) -> Any:
    """sigma of a layer's weights and biases; scalars where noise is homogeneous."""
    if noise == "heterogeneous":
        return jax.tree.map(softplus, params["phi"][i])
    sigma = softplus(params["phi"])
    return {"w": sigma, "b": sigma}


def layer(
    params: Params, noise: str, local: bool, i: int, h: jax.Array, eps: Any, n: Any, p: Any
) -> jax.Array:
    """Pre-activations of layer i for inputs h, shape (images, outputs)."""
    mean = params["mean"][i]
    if noise == "dropout":
        kept = h if i == 0 else h * (eps < p) / p
        return kept @ mean["w"] + mean["b"]
    if noise == "none":
        return h @ mean["w"] + mean["b"]
    if not local:
        w, b = sampled_weights(params, noise, i, eps, n, p)
        return h @ w + b
    if noise == "binomial":
        variance = (h * h) @ (mean["w"] ** 2) * ((1 - p) / (n * p))
    elif noise == "heterogeneous":
        sigma = layer_sigma(params, noise, i)
        variance = (h * h) @ (sigma["w"] ** 2) + sigma["b"] ** 2
    else:  # one sigma: the norm of each image is all that is needed
        variance = softplus(params["phi"]) ** 2 * (1 + jnp.sum(h * h, axis=1, keepdims=True))
    # the root has no slope at 0: a blank image through weights without noise
    root = jnp.sqrt(jnp.maximum(variance, 1e-30))
    return h @ mean["w"] + mean["b"] + root * eps


def forward(
    params: Params, noise: str, local: bool, x: jax.Array, eps: list[Any], n: Any, p: Any
) -> tuple[jax.Array, list[jax.Array]]:
    """Logits, shape (images, classes), and the inputs of every layer."""
    h, inputs = x, []
    for i in range(len(eps)):
        inputs.append(h)
        h = layer(params, noise, local, i, h, eps[i], n, p)
        if i < len(eps) - 1:
            h = jax.nn.relu(h)
    return h, inputs


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Of each image."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)[:, 0]

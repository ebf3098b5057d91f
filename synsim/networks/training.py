"""Training of many networks of one kind at once, an epoch at a time. Imports JAX.

Arrays of parameters begin with two axes: seeds, and networks that share a seed (and so images,
their order and the random numbers of every step; what differs is what they pay, and their sigma).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from synsim.component import InputError, SynsimError
from synsim.networks import costs, model
from synsim.networks.data import Dataset
from synsim.networks.spec import GAUSSIAN, Network, Progress, Trained, Training

Grid = Sequence[Sequence[Network]]  # a row for each seed


@dataclass(frozen=True)
class _Images:
    """Images on the device, as they were stored; they become numbers a batch at a time."""

    x: jax.Array
    y: jax.Array

    @staticmethod
    def of(x: NDArray[Any], y: NDArray[Any]) -> _Images:
        return _Images(jnp.asarray(x), jnp.asarray(y, dtype=jnp.int32))


def normalised(x: jax.Array, centre: Any, spread: Any) -> jax.Array:
    return (x.astype(jnp.float32) - centre) / spread


def objective(
    params: Any, noise: str, local: bool, x: Any, y: Any, eps: Any, priced: Any, own: Any,
    l1: float, l2: float = 0.0,
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:  # fmt: skip
    """Of one network: cross-entropy + (l1 |mu|_1 + l2 |mu|^2 + cost)/images, and cross-entropy
    and cost.

    priced : exponents, weights, entropic and quadratic weight, own weight, n, p, number of images
    """
    exponents, weights, entropic, quadratic, own_weight, n, p, images = priced
    logits, _ = model.forward(params, noise, local, x, eps, n, p)
    entropy = jnp.mean(model.cross_entropy(logits, y))
    size = l1 * sum(jnp.sum(jnp.abs(layer["w"])) for layer in params["mean"])
    if l2 > 0:
        size += l2 * sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(params["mean"]))
    paid = jnp.zeros(())
    if noise in GAUSSIAN:
        written = None if own is None else (own, own_weight)
        paid = total_cost(params, noise, exponents, weights, entropic, quadratic, written)
    return entropy + (size + paid) / images, (entropy, paid)


def total_cost(params: Any, noise: str, *cost: Any) -> jax.Array:
    """The sum over weights and biases."""
    if noise == "heterogeneous":
        parts = [leaf for i in range(len(params["mean"])) for leaf in
                 jax.tree.leaves(model.layer_sigma(params, noise, i))]  # fmt: skip
        return sum((jnp.sum(costs.evaluate(s, *cost)) for s in parts), jnp.zeros(()))
    count = sum(leaf.size for leaf in jax.tree.leaves(params["mean"]))
    return count * costs.evaluate(model.softplus(params["phi"]), *cost)


def optimiser(training: Training, steps: int) -> optax.GradientTransformation:
    """Adam or momentum, with a rate of its own for sigma."""

    def rate(peak: float, rest: float = 0.0) -> Any:
        if training.schedule == "constant":
            return peak
        if training.schedule == "steps":
            half = round(600 / 1020 * steps)
            return optax.piecewise_constant_schedule(
                peak, {half: 0.5, max(half + 1, round(1000 / 1020 * steps)): 0.2}
            )
        first, rise = round(rest * steps), max(1, steps // 20)
        return optax.join_schedules(
            [
                optax.constant_schedule(0.0),
                optax.linear_schedule(peak / rise, peak, rise),
                optax.cosine_decay_schedule(peak, max(1, steps - first - rise)),
            ],
            [first, first + rise],
        )

    def descent(rate: Any, memory: float = 0.999) -> optax.GradientTransformation:
        if training.optimiser == "momentum":
            return optax.sgd(rate, momentum=training.momentum)
        return optax.adam(rate, b2=memory)

    return optax.multi_transform(
        {
            "mean": descent(rate(training.rate_mean)),
            "phi": descent(rate(training.rate_sigma, training.rest_sigma), training.memory_sigma),
        },
        lambda params: {key: key for key in params},
    )


@functools.lru_cache(maxsize=16)
def _epoch(
    kind: tuple[Any, ...], training: Training, size: tuple[int, ...], steps: int, batch: int
) -> Any:
    """The compiled epoch of a kind of networks."""
    noise, own = kind[0], kind[2]
    local = training.estimator == "local"
    adam = optimiser(training, steps * training.epochs)

    def one(params: Any, priced: Any, x: Any, y: Any, eps: Any) -> Any:
        return jax.value_and_grad(objective, has_aux=True)(
            params, noise, local, x, y, eps, priced, own, training.l1, training.l2
        )

    def of_seed(params: Any, priced: Any, x: Any, y: Any, key: Any) -> Any:
        eps = model.draw(key, noise, local, batch, size)
        return jax.vmap(one, in_axes=(0, 0, None, None, None))(params, priced, x, y, eps)

    def epoch(params: Any, state: Any, priced: Any, images: Any, order: Any, keys: Any) -> Any:
        x_all, y_all, centre, spread = images

        def step(carry: Any, at: Any) -> Any:
            params, state = carry
            number, rows = at
            x = normalised(x_all[rows], centre, spread)
            now = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number)
            (_, seen), slope = jax.vmap(of_seed)(params, priced, x, y_all[rows], now)
            change, state = adam.update(slope, state, params)
            return (optax.apply_updates(params, change), state), seen

        (params, state), seen = jax.lax.scan(step, (params, state), (jnp.arange(steps), order))
        return params, state, seen

    return jax.jit(epoch, donate_argnums=(0, 1)), adam


def train_grid(
    grid: Grid, data: Dataset, training: Training, progress: Progress | None = None
) -> list[list[Trained]]:
    """Train networks of one kind: a row for each seed, rows of equal length.

    Raises
    ------
    SynsimError
        when a network's loss is no longer a number: which network, which step; InputError where
        that is its cost
    """
    first = grid[0][0]
    images = len(data.y_train)
    batch = min(training.batch, images)
    steps = images // batch
    size = first.sizes(data.inputs, data.classes)
    run, adam = _epoch(first.kind, training, size, steps, batch)
    params = _stacked(
        [
            [
                model.initial(net, size, training.start(net.cost, images), training.initial_mean)
                if net.noise in GAUSSIAN
                else model.initial(net, size, 0.0, training.initial_mean)
                for net in row
            ]
            for row in grid
        ]
    )
    state = adam.init(params)
    priced = _priced(grid, images)
    there = _Images.of(data.x_train, data.y_train)
    held = (there.x, there.y, jnp.float32(data.centre), jnp.float32(data.spread))
    seeds = [row[0].seed for row in grid]
    losses = []
    for number in range(training.epochs):
        order = np.stack(
            [
                np.random.default_rng([seed, 1, number]).permutation(images)[: steps * batch]
                for seed in seeds
            ]
        ).reshape(len(seeds), steps, batch)
        keys = jnp.stack([jax.random.fold_in(jax.random.key(seed), number) for seed in seeds])
        rows = jnp.asarray(order.transpose(1, 0, 2), dtype=jnp.int32)
        params, state, seen = run(params, state, priced, held, rows, keys)
        entropy, paid = (np.asarray(s) for s in seen)
        _refuse_nan(grid, entropy, paid, number, steps)
        losses.append(entropy.mean(axis=0))
        if progress is not None:
            progress((number + 1) / training.epochs)
    found = jax.tree.map(np.asarray, params)
    _refuse_nan_parameters(grid, found, training.epochs * steps)
    loss = np.array(losses, dtype=float)
    return [
        [_trained(net, jax.tree.map(lambda a, r=r, k=k: a[r, k], found), loss[:, r, k])
         for k, net in enumerate(row)]
        for r, row in enumerate(grid)
    ]  # fmt: skip


def _stacked(rows: Sequence[Sequence[Any]]) -> Any:
    def stack(*trees: Any) -> Any:
        return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)

    return jax.tree.map(jnp.asarray, stack(*[stack(*row) for row in rows]))


def _priced(grid: Grid, images: int) -> Any:
    """What differs between networks, each an array over seeds and networks."""
    terms = max(len(net.cost.exponents) for row in grid for net in row)

    def array(pick: Any) -> jax.Array:
        return jnp.asarray([[pick(net) for net in row] for row in grid], dtype=jnp.float32)

    def term(values: tuple[float, ...], i: int) -> float:
        return values[i] if i < len(values) else 0.0  # no weight, no cost

    return (
        tuple(array(lambda net, i=i: term(net.cost.exponents, i)) for i in range(terms)),
        tuple(array(lambda net, i=i: term(net.cost.weights, i)) for i in range(terms)),
        array(lambda net: net.cost.entropic),
        array(lambda net: net.cost.quadratic),
        array(lambda net: net.cost.own_weight),
        array(lambda net: net.n),
        array(lambda net: net.p),
        array(lambda net: images),
    )


def _refuse_nan(
    grid: Grid, entropy: NDArray[Any], paid: NDArray[Any], epoch: int, steps: int
) -> None:
    bad = ~(np.isfinite(entropy) & np.isfinite(paid))
    if not bad.any():
        return
    step, r, k = (int(i) for i in np.argwhere(bad)[0])
    net, paid_is = grid[r][k], np.isfinite(paid[step, r, k])
    what, value = ("loss", entropy) if paid_is else ("cost", paid)
    raise (SynsimError if paid_is else InputError)(
        f"{net.name}: its {what} is {value[step, r, k]:g} at step "
        f"{epoch * steps + step + 1} (epoch {epoch + 1}), expected a finite number"
    )


def _refuse_nan_parameters(grid: Grid, params: Any, step: int) -> None:
    """After the last step, whose own update no loss and no cost has seen."""
    for leaf in jax.tree.leaves(params):
        rows = np.isfinite(leaf).reshape(*leaf.shape[:2], -1).all(axis=2)
        if not rows.all():
            r, k = (int(i) for i in np.argwhere(~rows)[0])
            net = grid[r][k]
            raise (SynsimError if net.cost.own is None else InputError)(
                f"{net.name}: its weights or sigmas are no numbers after step {step}, the last, "
                "expected a loss and a cost with finite slopes"
            )


def _trained(net: Network, params: Any, loss: NDArray[np.float64]) -> Trained:
    means = [layer["w"] for layer in params["mean"]]
    biases = [layer["b"] for layer in params["mean"]]
    if net.noise in GAUSSIAN:
        both = [model.layer_sigma(params, net.noise, i) for i in range(len(means))]
        sigmas = [
            np.broadcast_to(np.asarray(s["w"]), m.shape) for s, m in zip(both, means, strict=True)
        ]
        bias = [
            np.broadcast_to(np.asarray(s["b"]), b.shape) for s, b in zip(both, biases, strict=True)
        ]
    else:
        factor = np.sqrt((1 - net.p) / (net.n * net.p)) if net.noise == "binomial" else 0.0
        sigmas = [np.abs(m) * np.float32(factor) for m in means]
        bias = [np.zeros_like(b) for b in biases]
    return Trained(net, tuple(means), tuple(sigmas), tuple(biases), tuple(bias), loss)

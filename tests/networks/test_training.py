"""Training: gradients, laws of the noise, seeds, resuming, and what can be wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synsim.component import InputError, SynsimError
from synsim.networks import (
    Cost,
    Dataset,
    Network,
    Trained,
    Training,
    chunks,
    entropic,
    evaluate,
    gradients,
    measures,
    model,
    power_law,
    train,
    training,
    written,
)
from synsim.networks.store import Store

SIZE = (5, 4, 3)
KINDS = [
    ("heterogeneous", True),
    ("heterogeneous", False),
    ("homogeneous", True),
    ("homogeneous", False),
    ("binomial", True),
    ("binomial", False),
    ("dropout", True),
    ("none", True),
]


def prepared(noise: str, local: bool) -> tuple[Any, Any, Any, Any]:
    """Parameters, images, classes and noise of a small network, float64."""
    rng = np.random.default_rng(8)
    params = model.initial(Network(noise, power_law(1), hidden=(4,)), SIZE, 0.3, 0.8)
    params = jax.tree.map(lambda a: jnp.asarray(a + 0.2 * rng.normal(size=a.shape)), params)
    eps = model.draw(jax.random.key(4), noise, local, 6, SIZE)
    x, y = jnp.asarray(rng.normal(size=(6, 5))), jnp.asarray(rng.integers(0, 3, 6))
    return params, x, y, eps


@pytest.mark.parametrize(("noise", "local"), KINDS)
def test_gradients_against_finite_differences(noise: str, local: bool) -> None:
    with jax.enable_x64(True):
        params, x, y, eps = prepared(noise, local)
        priced = ((2.0, 0.5), (0.3, 0.1), 0.2, 0.4, 0.7, 2.0, 0.4, 6.0)

        @jax.jit
        def both(p: Any) -> Any:
            return jax.value_and_grad(
                lambda p: training.objective(
                    p, noise, local, x, y, eps, priced, jnp.cosh, 0.05, 0.3
                )[0]
            )(p)

        slope = both(params)[1]
        leaves, tree = jax.tree.flatten(params)
        for i, leaf in enumerate(leaves):
            flat = np.asarray(leaf, dtype=float).ravel()
            for j in range(0, flat.size, 3):
                ends = []
                for sign in (1, -1):
                    moved = flat.copy()
                    moved[j] += sign * 1e-6
                    other = list(leaves)
                    other[i] = jnp.asarray(moved.reshape(leaf.shape))
                    ends.append(float(both(jax.tree.unflatten(tree, other))[0]))
                exact = float(np.ravel(jax.tree.leaves(slope)[i])[j])
                assert exact == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-8)


def test_softplus() -> None:
    x = np.array([-80, -20, -9.2, -1, 0, 0.5, 30], dtype=np.float32)
    exact = np.logaddexp(0, x.astype(float))
    np.testing.assert_allclose(np.asarray(model.softplus(jnp.asarray(x))), exact, rtol=1e-6)
    np.testing.assert_allclose(model.inverse_softplus(exact[1:]), x[1:], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("noise", ["heterogeneous", "homogeneous", "binomial"])
def test_local_noise_has_the_law_of_sampled_weights(noise: str) -> None:
    """Mean and variance of pre-activations of one image, in standard errors of 20,000 draws."""
    params, x, _, _ = prepared(noise, True)
    params = jax.tree.map(lambda a: a.astype(jnp.float32), params)
    draws = 20_000

    def of(local: bool) -> np.ndarray:
        def one(key: Any) -> Any:
            eps = model.draw(key, noise, local, 1, SIZE)
            return model.layer(
                params, noise, local, 0, x[:1].astype(jnp.float32), eps[0], 3.0, 0.4
            )[0]

        return np.asarray(jax.vmap(one)(jax.random.split(jax.random.key(2), draws)), dtype=float)

    local, sampled = of(True), of(False)
    error = np.sqrt((local.var(axis=0) + sampled.var(axis=0)) / draws)
    assert np.all(np.abs(local.mean(axis=0) - sampled.mean(axis=0)) < 4 * error)
    # of a variance: sqrt((kurtosis - 1)/draws) relative, each; binomial sums are near Gaussian
    ratio = local.var(axis=0) / sampled.var(axis=0)
    assert np.all(np.abs(np.log(ratio)) < 4 * np.sqrt(4 / draws) * 1.2)


QUICK = Training(epochs=2, batch=100)


def small(noise: str, c: float, seed: int = 1) -> Network:
    return Network(noise, power_law(2, c), seed=seed, hidden=(6,), name=f"{noise} {c:g} {seed}")


NETWORKS = [
    small(noise, c, seed)
    for noise in ("heterogeneous", "homogeneous")
    for c in (1e-3, 1e-2, 1e-1)
    for seed in (1, 2)
]


def same(a: Trained, b: Trained, rtol: float = 0) -> None:
    for name in ("means", "sigmas", "mean_biases", "sigma_biases"):
        for one, other in zip(getattr(a, name), getattr(b, name), strict=True):
            np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(a.loss, b.loss, rtol=rtol)


def test_seeds_and_companions(digits: Dataset) -> None:
    """The same seed gives the same bytes; who else is in the chunk changes rounding alone."""
    together = train(NETWORKS, digits, QUICK)
    for a, b in zip(train(NETWORKS, digits, QUICK), together, strict=True):
        same(a, b)
    for a, b in zip(train(NETWORKS[:1], digits, QUICK), together[:1], strict=True):
        same(a, b, rtol=1e-4)
    assert [t.network for t in together] == NETWORKS
    first, second = together[0], together[1]
    assert np.abs(first.means[0] - second.means[0]).mean() > 0.01
    assert first.loss[-1] < first.loss[0]


def test_plan_takes_every_network_once() -> None:
    ragged = [*NETWORKS, small("heterogeneous", 3, 7), small("heterogeneous", 4, 7)]
    for at_once in (1, 3, 4, 100):
        made = chunks.plan(ragged, at_once)
        numbers = [i for chunk in made for row in chunk for i in row]
        assert sorted(numbers) == list(range(len(ragged)))
        for chunk in made:
            assert sum(len(row) for row in chunk) <= at_once
            assert len({len(row) for row in chunk}) == 1
            assert len({ragged[i].kind for row in chunk for i in row}) == 1
            for row in chunk:
                assert len({ragged[i].seed for i in row}) == 1


def test_an_interrupted_run_goes_on(digits: Dataset, tmp_path: Path) -> None:
    nets, trained = NETWORKS[:6:2], []

    def measure(t: Trained, data: Dataset) -> list[float]:
        trained.append(t.network.name)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return [t.sigma_rms, float(t.loss[-1])]

    def run(at: str) -> list[list[float]]:
        store = Store(tmp_path / at, {"seed": "1"})
        try:
            return chunks.each(nets, digits, QUICK, measure, at_once=1, store=store, jobs=1)
        finally:
            store.close()

    with pytest.raises(KeyboardInterrupt):
        run("a")
    found = run("a")
    assert trained == [n.name for n in (nets[0], nets[1], nets[1], nets[2])]
    assert run("b") == found  # not interrupted
    with pytest.raises(InputError, match="other settings"):
        Store(tmp_path / "a", {"seed": "2"})
    held = Store(tmp_path / "a", {"seed": "1"})
    with pytest.raises(InputError, match="another process"):
        Store(tmp_path / "a", {"seed": "1"})
    held.close()


def test_two_processes_find_what_one_does(digits: Dataset) -> None:
    """And tell how far they are before a chunk is done."""
    told: list[float] = []
    longer = replace(QUICK, epochs=400)
    found = [
        chunks.each(NETWORKS, digits, longer, measures.evaluate, told.append, at_once=4, jobs=jobs)
        for jobs in (2, 1)
    ]
    assert found[0] == found[1]
    first = told[: told.index(1.0) + 1]
    assert first == sorted(first) and len(set(first)) > 4
    assert told[-1] == 1 and len(set(told[len(first) :])) > 100


def test_processes_where_they_are_worth_it(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "cores", lambda: 3)
    monkeypatch.setattr(chunks, "available", lambda: 1e12)
    much = Training(epochs=10**6, batch=100)
    assert chunks.workers(NETWORKS, digits, QUICK, 4, chunks=5) == 1
    assert chunks.workers(NETWORKS, digits, much, 4, chunks=5) == 3
    assert chunks.workers(NETWORKS, digits, much, 4, chunks=2) == 2
    monkeypatch.setattr(
        chunks, "available", lambda: 2.5 * chunks.memory(NETWORKS[0], digits, much, 4)
    )
    assert chunks.workers(NETWORKS, digits, much, 4, chunks=5) == 2


def test_killed_at_any_time_it_goes_on(tmp_path: Path) -> None:
    """The command is killed three times, then let be: the table of a run that was left alone."""
    words = [
        "run", "tradeoff", "--preset", "quick", "--rho", "2", "--epochs", "200",
        "--noise", "homogeneous", "--at-once", "1", "--no-plot", "--out",
    ]  # fmt: skip

    def start(out: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "synsim", *words, out], cwd=tmp_path, stderr=subprocess.DEVNULL
        )

    def kept() -> int:
        return len(list((tmp_path / "o.unfinished").glob("chunk-*.json")))

    rng = np.random.default_rng(6)
    for _ in range(3):
        before, running = kept(), start("o")
        while kept() == before and running.poll() is None:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.4))
        running.kill()
        running.wait()
    assert kept() >= 3 and not (tmp_path / "o").exists()
    assert start("o").wait() == 0 and start("alone").wait() == 0
    assert not list(tmp_path.glob("*.unfinished"))
    one, other = ((tmp_path / name / "data.csv").read_bytes() for name in ("o", "alone"))
    assert one == other


@pytest.mark.parametrize("later", [0.0, 2.0])
def test_interrupted_in_the_middle_of_a_computation(tmp_path: Path, later: float) -> None:
    """Ctrl-C: one line and 130, although JAX is at work on threads of its own; then it goes on."""
    command = [sys.executable, "-m", "synsim", "run", "tradeoff", "--preset", "quick", "--out", "o",
               "--rho", "2", "--c", "1e-3,1e-2", "--at-once", "2", "--epochs", "400"]  # fmt: skip
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
        while not (tmp_path / "o.unfinished").exists():
            time.sleep(0.05)
        time.sleep(later)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert said.startswith("synsim: interrupted") and said.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_nan_names_network_and_step(digits: Dataset) -> None:
    """A cost that is no number once sigma has grown past a bound."""

    def bad(sigma: Any) -> Any:
        return jnp.sqrt(0.1002 - sigma)

    nets = [
        Network("homogeneous", written(bad, c), hidden=(4,), name=f"network c {c:g}")
        for c in (1e-9, 1e3)
    ]
    with pytest.raises(
        InputError, match=r"^network c 1000: its cost is nan at step \d+ \(epoch 1\)"
    ):
        train(nets, digits, Training(epochs=1, batch=50, initial_sigma=0.1))


def test_nan_of_the_last_update_is_found(digits: Dataset) -> None:
    """The cost is finite and its slope is not: sqrt at 0, whose derivative JAX takes as 0 x inf."""

    def bad(sigma: Any) -> Any:
        return jnp.sqrt(jnp.maximum(sigma - 1e3, 0)) + 1 / sigma

    net = Network("heterogeneous", written(bad, 1e-3), hidden=(4,), name="mine")
    with pytest.raises(InputError, match=r"^mine: its weights or sigmas are no numbers after step"):
        train([net], digits, Training(epochs=1, batch=1437))


def test_a_loss_that_is_no_number_is_not_the_input(digits: Dataset) -> None:
    """Training has diverged: exit code 1, where a cost of the user's own exits with 2."""
    with pytest.raises(SynsimError, match=r"^network: its loss is nan at step \d+") as raised:
        train([Network("none", hidden=(4,))], digits, Training(epochs=1, rate_mean=1e30))
    assert not isinstance(raised.value, InputError)


def test_accuracy_of_shared_draws(digits: Dataset) -> None:
    """The mean is that of noise drawn for each image, within 4 SE; draws that are shared by all
    images scatter by more than images alone would."""
    net = Network("homogeneous", power_law(2, 0.3), hidden=(20,))
    (trained,) = train([net], digits, Training(epochs=40, batch=50))
    shared = measures.accuracy_of_draws(trained, digits, images=len(digits.y_test), draws=400)
    each = measures.evaluate(trained, digits, samples=400).accuracy_percent
    error = shared.std(ddof=1) / 20
    assert shared.mean() == pytest.approx(each, abs=4 * np.hypot(error, 100 / (2 * 20 * 19)))
    of_images = 100 * np.sqrt(each / 100 * (1 - each / 100) / len(digits.y_test))
    assert 20 < each < 98 and shared.std(ddof=1) > 1.5 * of_images
    with pytest.raises(InputError, match="found images = 0, expected at least 1"):
        measures.accuracy_of_draws(trained, digits, images=0)
    dropout = replace(trained, network=Network("dropout", hidden=(20,)))
    with pytest.raises(InputError, match="found noise 'dropout'"):
        measures.accuracy_of_draws(dropout, digits, images=10)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Network("wild", power_law(2)), "found noise 'wild'"),
        (lambda: Network("heterogeneous", Cost()), "found no cost"),
        (lambda: Network("binomial", p=0), "found p = 0"),
        (lambda: Network("binomial", n=0), "found n = 0"),
        (lambda: Network("binomial", n=2.5), "found n = 2.5, expected a whole number"),
        (lambda: Network("none", hidden=(5, 0)), r"found hidden layers of \(5, 0\) units"),
        (lambda: chunks.each([], None, QUICK, None, at_once=0), "found 0 networks at once"),
    ],
)
def test_wrong_network(make: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


def curvature(net: Trained, data: Dataset, draws: int = 20) -> np.ndarray:
    """Diagonal of the Hessian of the summed cross-entropy of a softmax regression, mean over its
    noise, in numpy: sum over images of x_i^2 p_j (1 - p_j)."""
    x, _ = data.train(0, len(data.y_train))
    mean, sigma = net.means[0].astype(float), net.sigmas[0].astype(float)
    rng, total = np.random.default_rng(1), np.zeros(mean.shape)
    for _ in range(draws):
        z = x @ (mean + sigma * rng.normal(size=mean.shape))
        z += net.mean_biases[0] + net.sigma_biases[0] * rng.normal(size=z.shape[1])
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        total += (x.astype(float) ** 2).T @ (p * (1 - p))
    return total / draws


@pytest.mark.parametrize("number", [0, 1])
def test_sigma_of_a_linear_network(digits: Dataset, linear: list[Trained], number: int) -> None:
    """Without hidden layers sigma = (c rho/H)^(1/(rho + 2)), appendix 5."""
    net = linear[number]
    rho, c = net.network.cost.exponents[0], net.network.cost.weights[0]
    h, sigma = curvature(net, digits), net.sigmas[0]
    slope = np.polyfit(np.log(h.ravel()), np.log(sigma.ravel()), 1)[0]
    assert slope == pytest.approx(-1 / (rho + 2), rel=0.05)
    ratio = sigma / (c * rho / h) ** (1 / (rho + 2))
    assert np.quantile(ratio, [0.05, 0.5, 0.95]) == pytest.approx(1, abs=0.1)
    assert evaluate(net, digits).balance == pytest.approx(1, abs=0.05)


def test_gradients_of_a_linear_network(digits: Dataset, linear: list[Trained]) -> None:
    """At the mean weights, x (p - y) of each image and of sums of images, in numpy."""
    net = linear[1]
    x, y = (a.astype(float) for a in digits.train(0, 1400))
    z = x @ net.means[0] + net.mean_biases[0]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    each = x[:, :, None] * (p - np.eye(10)[y.astype(int)])[:, None, :]
    for batch in (1, 20):
        found = gradients(net, digits, batch=batch, batches=1400 // batch, mean_weights=True)[0]
        exact = each.reshape(-1, batch, *each.shape[1:]).sum(axis=1)
        scale = np.abs(exact).max()
        np.testing.assert_allclose(found.mean_abs, np.abs(exact).mean(axis=0), atol=1e-5 * scale)
        np.testing.assert_allclose(found.fisher, (exact**2).mean(axis=0), atol=1e-5 * scale**2)
        np.testing.assert_allclose(found.input_rate, np.abs(x).mean(axis=0), rtol=1e-4)


def test_other_noise_learns(digits: Dataset) -> None:
    """DropConnect, dropout and none; the error of 10 epochs is far below chance."""
    nets = [Network(noise, hidden=(30,), name=noise) for noise in ("binomial", "dropout", "none")]
    for t in train(nets, digits, Training(epochs=10, batch=50, rate_mean=5e-3)):
        assert evaluate(t, digits).accuracy_percent > 70, t.network.noise
    assert entropic(1) == Cost(entropic=1.0)


def test_momentum_by_hand(digits: Dataset) -> None:
    """A network without hidden layers or noise: softmax regression, descended in numpy with the
    rate of each step: whole, from step 600 of 1,020 on a half, from 1,000 of 1,020 on a tenth."""
    training = Training(
        epochs=6, batch=300, rate_mean=0.05, l1=0.0, schedule="steps", optimiser="momentum"
    )
    (found,) = train([Network("none", hidden=(), seed=4, name="r")], digits, training)
    images = len(digits.y_train)
    steps = images // 300
    total = 6 * steps
    start = model.initial(Network("none", hidden=(), seed=4), (64, 10), 0.0, 0.1)["mean"][0]
    w, b = start["w"].astype(float), start["b"].astype(float)
    x_all = (digits.x_train.astype(float) - digits.centre) / digits.spread
    speed_w, speed_b, number = np.zeros_like(w), np.zeros_like(b), 0
    for epoch in range(6):
        order = np.random.default_rng([4, 1, epoch]).permutation(images)
        for step in range(steps):
            rows = order[step * 300 : (step + 1) * 300]
            z = x_all[rows] @ w + b
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            p[np.arange(300), digits.y_train[rows]] -= 1
            rate = 0.05 * (
                1 if number < round(600 / 1020 * total)
                else 0.5 if number < round(1000 / 1020 * total) else 0.1
            )  # fmt: skip
            speed_w = 0.9 * speed_w + x_all[rows].T @ p / 300
            speed_b = 0.9 * speed_b + p.mean(axis=0)
            w, b, number = w - rate * speed_w, b - rate * speed_b, number + 1
    np.testing.assert_allclose(found.means[0], w, atol=2e-4)
    np.testing.assert_allclose(found.mean_biases[0], b, atol=2e-4)
    assert "SGD with momentum 0.9" in training.words()
    assert training.words().endswith("steps")  # sigma does not rest in this schedule

"""The protocol `bayes`: what every protocol owes, posteriors and bounds against closed forms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from synsim.component import InputError
from synsim.networks import (
    Dataset,
    Network,
    Trained,
    Training,
    entropic,
    gaussian_prior,
    train,
)
from synsim.networks import bayes_numbers as numbers
from synsim.protocol import Running
from synsim.protocols import bayes
from tests.networks.conftest import SETTLE
from tests.networks.test_training import curvature
from tests.protocols.base import ProtocolTests

COLUMNS = (
    "rho", "c", "layer", "sigma", "sigma_post", "sigma_data", "network", "c_factor", "seed",
)  # fmt: skip
SLOPES = (
    "rho", "c", "c_factor", "network", "seed", "layer", "against", "slope", "slope_low",
    "slope_high", "spearman", "weights", "expected_slope", "minus_entropy", "entropy_bound",
    "least_slack", "accuracy_percent", "nll", "balance", "accuracy_bayes", "nll_bayes",
    "balance_bayes", "divergence", "elbo", "elbo_bound", "elbo_bayes",
)  # fmt: skip


class TestBayes(ProtocolTests):
    module = bayes
    small = "preset=quick rho=0,0.5,2 factors=1 epochs=3 hidden=5 samples=5 images=20 prior=1"
    columns = COLUMNS
    deterministic = False

    def test_slopes_have_a_table_of_their_own(self, outcome: Any) -> None:
        assert tuple(outcome.tables["slopes"]) == SLOPES

    def test_numpy_target_agrees(self, settings: Any, outcome: Any) -> None:
        """There is none: learning runs in JAX whatever backend is asked for."""
        assert outcome.backend == "jax"


PRIOR = 0.5


@pytest.fixture(scope="module")
def bayesian(digits: Dataset) -> Trained:
    how = Training(
        epochs=150, batch=100, rate_sigma=2e-2, rest_sigma=0.0, l1=0.0, l2=1 / (2 * PRIOR**2)
    )
    return train([Network(cost=gaussian_prior(PRIOR), hidden=(), name="b")], digits, how)[0]


def test_posterior_is_that_of_the_curvature(digits: Dataset, bayesian: Trained) -> None:
    """1/sigma^2 = H + 1/prior^2, H in numpy; pixels that never change have their H too."""
    exact = (curvature(bayesian, digits) + PRIOR**-2) ** -0.5
    ratio = bayesian.sigmas[0] / exact
    assert np.quantile(ratio, [0.05, 0.5, 0.95]) == pytest.approx(1, abs=0.1)


def test_means_are_at_the_maximum_of_the_evidence(digits: Dataset, bayesian: Trained) -> None:
    """The slope of the cross-entropy in mu is -mu/prior^2, over the noise of the weights."""
    x, y = digits.train(0, len(digits.y_train))
    mean, sigma = bayesian.means[0].astype(float), bayesian.sigmas[0].astype(float)
    rng, slopes = np.random.default_rng(1), []
    for _ in range(200):
        z = x @ (mean + sigma * rng.normal(size=mean.shape))
        z += bayesian.mean_biases[0] + bayesian.sigma_biases[0] * rng.normal(size=z.shape[1])
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        slopes.append(x.astype(float).T @ (p - np.eye(10)[y]))
    slope = np.mean(slopes, axis=0)
    # how far the maximum is, in widths of the posterior; half of it is noise of 200 draws
    away = (slope + mean / PRIOR**2) * sigma
    error = np.std(slopes, axis=0, ddof=1) / np.sqrt(len(slopes)) * sigma
    assert np.mean(away**2) < 0.2**2 + 4 * np.mean(error**2)


def test_sigma_beside_the_posterior(
    digits: Dataset, linear: list[Trained], bayesian: Trained
) -> None:
    shown = {"images": 30, "samples": 50}
    kept = {(1, ()): numbers.posterior(bayesian, digits, prior=PRIOR, **shown)}
    for net in linear:
        rho = net.network.cost.exponents[0]
        found = numbers.beside(net, digits, posteriors=kept, priors={(): PRIOR}, **shown)
        slopes = {k: v["slope"] for k, v in found["layers"][0]["against"].items()}
        assert slopes["sigma_data"]["slope"] == pytest.approx(2 / (rho + 2), rel=0.2)
        assert slopes["sigma_post"]["slope"] > slopes["sigma_data"]["slope"]
        assert slopes["sigma_data"]["spearman"] > 0.9
        assert found["bayes"]["accuracy_percent"] > 85
        assert min(found["divergence"]) >= 0
        # the posterior is what makes the ELBO largest, and the cost bounds it from below
        assert found["bayes"]["elbo"] > found["elbo"] > found["elbo_bound"]


def test_elbo_by_drawing_all_weights(digits: Dataset, bayesian: Trained) -> None:
    """Mean of ln p(images|w) + ln p(w) - ln q(w) over draws of w, in numpy, within 4 SE."""
    x, y = digits.train(0, len(digits.y_train))
    rng, drawn = np.random.default_rng(6), []
    arrays = (bayesian.means, bayesian.sigmas, bayesian.mean_biases, bayesian.sigma_biases)
    (mean,), (sigma,), (mean_bias,), (sigma_bias,) = arrays
    q, q_bias = stats.norm(mean, sigma), stats.norm(mean_bias, sigma_bias)
    prior, each = stats.norm(0, PRIOR), []
    for _ in range(400):
        w, b = q.rvs(random_state=rng), q_bias.rvs(random_state=rng)
        z = x @ w + b
        z -= z.max(axis=1, keepdims=True)
        each.append(z[np.arange(len(y)), y] - np.log(np.exp(z).sum(axis=1)))
        of_prior = prior.logpdf(w).sum() + prior.logpdf(b).sum()
        drawn.append(each[-1].sum() + of_prior - q.logpdf(w).sum() - q_bias.logpdf(b).sum())
    # the other draws noise once for each image, independently
    of_images = np.sum(np.var(each, axis=0, ddof=1))
    error = np.sqrt(np.var(drawn, ddof=1) / len(drawn) + of_images)
    found = numbers.posterior(bayesian, digits, prior=PRIOR, images=3, samples=2)["elbo"]
    assert found * len(y) == pytest.approx(np.mean(drawn), abs=4 * error)
    assert error < 0.03 * abs(np.mean(drawn))


def test_predictive_distributions(digits: Dataset, bayesian: Trained) -> None:
    """Mean softmax over draws of all weights, in numpy, within 4 SE."""
    draws = 3000
    found = numbers.predictive(bayesian, digits, images=5, samples=draws)
    x, _ = digits.test(0, 5)
    rng, parts = np.random.default_rng(4), []
    for _ in range(draws):
        w = bayesian.means[0] + bayesian.sigmas[0] * rng.normal(size=bayesian.means[0].shape)
        b = bayesian.mean_biases[0] + bayesian.sigma_biases[0] * rng.normal(size=10)
        z = x @ w + b
        e = np.exp(z - z.max(axis=1, keepdims=True))
        parts.append(e / e.sum(axis=1, keepdims=True))
    error = np.std(parts, axis=0) * np.sqrt(2 / draws)
    likely = found > 0.01  # what is rarer comes of few draws, whose SE is not known
    assert likely.sum() > 8
    assert np.all(np.abs(found - np.mean(parts, axis=0))[likely] < 4 * error[likely])
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_without_an_exponent_sigma_is_that_of_the_posterior(
    digits: Dataset, bayesian: Trained
) -> None:
    """-ln sigma is what a flat prior pays: sigma^-2 = H, that of sigma_data; slope 1."""
    how = replace(SETTLE, l1=0.0, l2=1 / (2 * PRIOR**2))
    (net,) = train([Network(cost=entropic(), hidden=(), name="e")], digits, how)
    kept = {(1, ()): numbers.posterior(bayesian, digits, prior=PRIOR, images=3, samples=2)}
    found = numbers.beside(
        net, digits, posteriors=kept, priors={(): PRIOR}, images=3, samples=2, weights=10_000
    )
    (some,) = found["weights"]
    ratio = np.array(some["sigma"]) / np.array(some["sigma_data"])
    assert np.median(ratio) == pytest.approx(1, abs=0.15)
    assert found["layers"][0]["against"]["sigma_data"]["slope"]["slope"] == pytest.approx(
        1, abs=0.2
    )
    assert found["elbo_bound"] == pytest.approx(found["elbo"])


def test_entropies() -> None:
    p = np.array([[0.2, 0.8, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    q = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    np.testing.assert_allclose(numbers.entropy(p), stats.entropy(p, axis=1))
    np.testing.assert_allclose(numbers.divergence(p, q), stats.entropy(p, q, axis=1))
    sigma = np.array([1e-3, 0.2, 4.0])
    exact = [-stats.norm(scale=s).entropy() for s in sigma]
    np.testing.assert_allclose(numbers.minus_entropy(sigma), exact)


@pytest.mark.parametrize("rho", [1e-4, 0.5, 2 / 3, 4 / 3, 2])
def test_the_cost_bounds_the_entropy(rho: float) -> None:
    sigma, s = np.geomspace(1e-4, 10, 301), 0.03
    term, bound = numbers.minus_entropy(sigma), numbers.entropy_bound(sigma, rho, s)
    assert np.all(bound >= term - 1e-9)
    at_s = numbers.entropy_bound([s], rho, s) - numbers.minus_entropy([s])
    assert at_s == pytest.approx(0, abs=1e-12)
    # the cost itself: c sigma^-rho with c = s^rho/rho, up to what does not depend on sigma
    cost = s**rho / rho * sigma**-rho
    np.testing.assert_allclose(np.diff(cost), np.diff(bound), rtol=1e-6, atol=1e-9)
    if rho < 1e-3:
        np.testing.assert_allclose(bound, term, atol=0.01)


def test_a_network_of_another_prior_has_other_settings(tmp_path: Path) -> None:
    """What is kept of one run is not taken for another's."""
    few = {"preset": "quick", "rho": "2", "factors": "1", "epochs": 1, "hidden": "3", "images": 3}
    place = tmp_path / "kept"
    running = Running(unfinished=place)
    first = bayes.run(bayes.Settings(**few, samples=2), running)
    again = bayes.run(bayes.Settings(**few, samples=2), running)
    assert first.columns["sigma"] == pytest.approx(again.columns["sigma"], nan_ok=True, abs=0)
    with pytest.raises(InputError, match="other settings"):
        bayes.run(bayes.Settings(**few, samples=2, prior=2), running)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"prior": "0"}, "found 0, expected a value above 0"),
        ({"samples": "1"}, "expected a value at least 2"),
        ({"rho": "-1"}, "expected a value at least 0"),
    ],
)
def test_wrong_input(values: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        bayes.run(bayes.Settings(preset="quick", **values))

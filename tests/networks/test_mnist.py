"""What MNIST has to show, where it is (`SYNSIM_DATA`): minutes, so few networks and few epochs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from synsim.networks import Dataset, Network, evaluate, load, power_law, published, train
from synsim.networks.costs import gaussian_prior
from synsim.networks.signature_numbers import AGAINST, input_exponent, signatures
from synsim.networks.slopes import log_slope
from synsim.protocols import bayes, tradeoff
from synsim.protocols import signatures as protocol

HERE = Path(os.environ.get("SYNSIM_DATA", "/nowhere")) / "mnist"
pytestmark = pytest.mark.skipif(not HERE.is_dir(), reason="MNIST is not here (SYNSIM_DATA)")
RHOS = (0.5, 2 / 3, 4 / 3, 2.0)


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return load("mnist")


def networks(hidden: tuple[int, ...]) -> list[Network]:
    """As `signatures --preset paper` trains them at c itself."""
    s = protocol.Settings().scale
    return [Network(cost=power_law(rho, s**rho / rho), hidden=hidden) for rho in RHOS]


def test_slopes_without_hidden_layers(mnist: Dataset) -> None:
    """Within 10 % of the closed form, at every rho."""
    exponent = input_exponent(mnist)
    for net in train(networks(()), mnist, protocol.Settings().how()):
        rho = net.network.cost.exponents[0]
        (layer,) = signatures(net, mnist)["layers"]
        for against in AGAINST:
            expected = protocol.expected_slope(against, rho, exponent)
            assert layer[against]["slope"]["slope"] == pytest.approx(expected, rel=0.1), against


def test_second_layer(mnist: Dataset) -> None:
    """Rank correlations below -0.7, below -0.5 and above 0.7, at every rho."""
    for net in train(networks((100, 100)), mnist, protocol.Settings().how()):
        second = signatures(net, mnist)["layers"][1]
        rank = {name: second[name]["slope"]["spearman"] for name in AGAINST}
        assert rank["fisher"] < -0.7, net.network.cost
        assert rank["input_rate"] < -0.5, net.network.cost
        assert rank["learning_rate"] > 0.7, net.network.cost


def test_sigma_against_the_posterior_without_hidden_layers(mnist: Dataset) -> None:
    """Slopes within 10 % of 2/(rho + 2), at every rho."""
    settings = bayes.Settings()
    prior = Network(cost=gaussian_prior(settings.linear_prior), hidden=())
    (posterior,) = train([prior], mnist, settings.bayesian(settings.linear_prior))
    post = posterior.sigmas[0].astype(float)
    told = post < 0.98 * settings.linear_prior
    told &= np.any(mnist.x_train != mnist.x_train[0], axis=0)[:, None]
    for net in train(networks(()), mnist, settings.how()):
        rho = net.network.cost.exponents[0]
        found = log_slope(post, net.sigmas[0], told)
        assert found.slope == pytest.approx(2 / (rho + 2), rel=0.1)
        assert found.spearman > 0.95


@pytest.mark.parametrize(("rho", "c"), [(2, "0.01,0.03,0.1,0.3,1"), (2 / 3, "0.1,0.3,1,3,10")])
def test_tradeoff_against_the_published(mnist: Dataset, rho: float, c: str) -> None:
    """At the same sigma_rms nowhere more than a point below the published accuracy where that is
    above 20 %, and heterogeneous noise above homogeneous off the ceiling."""
    settings = tradeoff.Settings(rho=rho, c=c)
    nets = train(settings.networks(1), mnist, settings.how())
    found = {noise: np.empty((0, 2)) for noise in ("heterogeneous", "homogeneous")}
    for net in nets:
        now = evaluate(net, mnist, samples=2)
        noise = net.network.noise
        found[noise] = np.vstack([found[noise], (now.sigma_rms, now.accuracy_percent)])
    for noise, points in found.items():
        there = published.curve(rho, noise)
        assert there is not None
        theirs = published.at_sigma(there.sigma_rms, there.accuracy_percent, points[:, 0])
        compared = theirs > 20
        assert compared.sum() >= 3
        assert np.max((theirs - points[:, 1])[compared]) < 1
    single = published.at_sigma(*found["homogeneous"].T, found["heterogeneous"][:, 0])
    gain = (found["heterogeneous"][:, 1] - single)[~np.isnan(single)]
    assert gain.min() > 0 and gain.max() > 30

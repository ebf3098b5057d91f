"""What MNIST has to show, where it is (`SYNSIM_DATA`): minutes, so few networks and few epochs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synsim.networks import Dataset, Network, load, power_law, train
from synsim.networks.signature_numbers import AGAINST, input_exponent, signatures
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

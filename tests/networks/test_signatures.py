"""The protocol `signatures`: what every protocol owes, slopes and their intervals, known slopes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synsim.component import InputError
from synsim.networks import Dataset, Trained, load
from synsim.networks import signature_numbers as numbers
from synsim.networks.slopes import BINS, binned, listed, log_slope
from synsim.protocols import signatures
from tests.networks.test_training import curvature
from tests.protocols.base import ProtocolTests

COLUMNS = (
    "rho", "c", "layer", "sigma", "fisher", "input_rate", "learning_rate", "input_rms", "network",
    "c_factor", "seed",
)  # fmt: skip
SLOPES = (
    "rho", "c", "c_factor", "network", "seed", "layer", "against", "slope", "slope_low",
    "slope_high", "spearman", "weights", "expected_slope", "published_slope", "accuracy_percent",
    "balance",
)  # fmt: skip


class TestSignatures(ProtocolTests):
    module = signatures
    small = "preset=quick rho=0,0.5,2 factors=1 epochs=2 hidden=5 table_weights=30"
    columns = COLUMNS
    deterministic = False

    def test_slopes_have_a_table_of_their_own(self, outcome: Any) -> None:
        assert tuple(outcome.tables["slopes"]) == SLOPES
        frame = outcome.to_frame()
        known = [1e-3**rho / rho if rho else 1.0 for rho in frame["rho"]]
        np.testing.assert_allclose(frame["c"], known)
        sizes = frame.groupby(["rho", "network", "layer"]).size()
        assert len(sizes) == 3 * (2 + 1) and sizes.max() == 30

    def test_numpy_target_agrees(self, settings: Any, outcome: Any) -> None:
        """There is none: learning runs in JAX whatever backend is asked for."""
        assert outcome.backend == "jax"


def test_a_slope_that_is_known() -> None:
    rng = np.random.default_rng(3)
    x = np.exp(rng.normal(size=(40, 30)))
    used = rng.random((40, 30)) < 0.8
    exact = log_slope(x, 3 * x**-0.4, used)
    assert exact.slope == pytest.approx(-0.4, abs=1e-12)
    assert (exact.low, exact.high) == pytest.approx((-0.4, -0.4), abs=1e-9)
    assert exact.spearman == pytest.approx(-1)
    assert exact.weights == used.sum()


def test_intervals_hold_the_slope() -> None:
    """Weights that share inputs and outputs have errors that do too: 200 layers, 4 SE of 95 %."""
    rng, held = np.random.default_rng(5), 0
    for number in range(200):
        x = np.exp(rng.normal(size=(25, 1)) + rng.normal(size=(1, 20)))
        shared = rng.normal(size=(25, 1)) + rng.normal(size=(1, 20))
        y = 0.3 * np.log(x) + 0.3 * shared + 0.3 * rng.normal(size=x.shape)
        found = log_slope(x, np.exp(y), draws=200, seed=number)
        held += found.low < 0.3 < found.high
    assert held / 200 > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 200)
    assert held < 200  # and it is not endless


def test_listed_weights_are_some_of_those_that_count() -> None:
    used = np.random.default_rng(3).random((20, 30)) < 0.5
    found = listed(used, 50)
    assert len(found) == len(set(found)) == 50 and used.ravel()[found].all()
    assert np.array_equal(listed(used, 1000), np.flatnonzero(used))
    assert not np.array_equal(found, listed(used, 50, seed=2))


def test_slopes_of_next_to_nothing() -> None:
    one = np.ones((3, 3))
    assert np.isnan(log_slope(one, one).slope)
    assert log_slope(one, one, used=False).weights == 0


def test_bins_hold_every_weight() -> None:
    rng = np.random.default_rng(1)
    x, sigma = rng.random((9, 1)), rng.random((9, 7))
    used = rng.random((9, 7)) < 0.7
    found = binned(x, sigma, used, bins=5)
    assert found.shape == (5, len(BINS))
    assert found[:, -1].sum() == used.sum()
    assert np.all(np.diff(found[:, 0]) >= 0)
    assert np.all(np.diff(found[:, 1:4], axis=1) >= 0)
    assert binned(x, sigma, used=False).shape == (0, 5)


@pytest.mark.parametrize("number", [0, 1])
def test_slopes_without_hidden_layers(digits: Dataset, linear: list[Trained], number: int) -> None:
    """Against the Hessian, computed in numpy, the slope is the exact one. Squared gradients at the
    classes of 1,437 digits are not quite the Hessian, and slopes on them are flatter."""
    net = linear[number]
    rho = net.network.cost.exponents[0]
    h = curvature(net, digits)
    used = np.any(digits.x_train != digits.x_train[0], axis=0)[:, None] & (h > 0)
    exact = log_slope(h, net.sigmas[0], used)
    assert exact.slope == pytest.approx(-1 / (rho + 2), rel=0.05)
    found = numbers.signatures(net, digits, weights=10_000)
    (layer,), (weights,) = found["layers"], found["weights"]
    again = np.polyfit(np.log(weights["fisher"]), np.log(weights["sigma"]), 1)[0]
    assert again == pytest.approx(layer["fisher"]["slope"]["slope"])  # all of them are listed
    assert -1 / (rho + 2) < layer["fisher"]["slope"]["slope"] < -0.6 / (rho + 2)
    assert layer["input_rate"]["slope"]["slope"] == pytest.approx(
        signatures.expected_slope("input_rate", rho, numbers.input_exponent(digits)), rel=0.12
    )
    assert layer["input_rms"]["slope"]["slope"] == pytest.approx(-2 / (rho + 2), rel=0.12)
    assert layer["fisher"]["slope"]["spearman"] < -0.8
    assert layer["learning_rate"]["slope"]["spearman"] > 0.8


def test_input_exponent() -> None:
    """Pixels that are 0 or one value: mean x^2 is that value times mean |x|."""
    rng = np.random.default_rng(2)
    x = (rng.random((4000, 12)) < np.linspace(0.1, 0.9, 12)).astype(np.float32)
    data = Dataset("x", x, np.zeros(4000, int), x, np.zeros(4000, int), 0.0, 1.0, 2, "none")
    assert numbers.input_exponent(data) == pytest.approx(1, abs=1e-6)
    assert 2.1 < numbers.input_exponent(load("digits")) < 2.3


def test_expected_slopes() -> None:
    assert signatures.expected_slope("fisher", 2) == -1 / 4
    assert signatures.expected_slope("learning_rate", 0.5) == 2 / 2.5
    assert signatures.expected_slope("input_rate", 2) == -2 / 4
    assert signatures.expected_slope("input_rate", 2, 2.4) == -2.4 / 4
    assert signatures.expected_slope("input_rms", 2, 2.4) == -2 / 4


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rho": "-1"}, "expected a value at least 0"),
        ({"factors": "1,1"}, "found 1 twice"),
        ({"scale": "0"}, "expected a value above 0"),
        ({"gradient_batch": "0"}, "expected a value at least 1"),
        ({"data": "mist"}, "expected mnist, digits or a file"),
    ],
)
def test_wrong_input(values: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        signatures.run(signatures.Settings(preset="quick", **values))

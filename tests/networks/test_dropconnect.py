"""The protocol `dropconnect`: what every protocol owes, inference, and what sites do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from synsim.component import InputError
from synsim.networks import Dataset, Network, Trained, Training, train
from synsim.networks.dropconnect_plot import slope
from synsim.networks.measures import averaged, evaluate, without_noise
from synsim.protocol import Running
from synsim.protocols import dropconnect
from tests.protocols.base import ProtocolTests

COLUMNS = (
    "hidden_units", "regulariser", "seed", "n", "test_error_percent", "nll",
    "error_at_mean_percent", "train_nll",
)  # fmt: skip


class TestDropconnect(ProtocolTests):
    module = dropconnect
    small = "preset=quick width=4,6 sites=1,3 site_width=4 seeds=2 epochs=2 samples=3"
    columns = COLUMNS
    deterministic = False

    def test_numpy_target_agrees(self, settings: Any, outcome: Any) -> None:
        """There is none: learning runs in JAX whatever backend is asked for."""
        assert outcome.backend == "jax"


def test_no_network_is_trained_twice() -> None:
    settings = dropconnect.Settings(preset="quick", width="10,30", sites="1,2", seeds=2)
    keys = settings.keys(5)
    assert len(keys) == len({tuple(k.values()) for k in keys}) == 2 * (3 * 2 + 1)
    assert [n.n for n in settings.networks(5) if n.noise == "binomial"] == [1, 1, 1, 1, 2, 2]
    assert len(dropconnect.Settings().networks(1)) == 3 * (3 * 5 + 4)


def test_optimisers() -> None:
    """Momentum is what fits most closely; Adam is there to see that the training decides."""
    how = dropconnect.Settings().how()
    assert (how.optimiser, how.epochs, how.batch) == ("momentum", 60, 128)
    assert (how.rate_mean, how.l1) == (0.02, 0)
    assert dropconnect.Settings(optimiser="adam", epochs=7).how() == Training(epochs=7, batch=128)


@pytest.fixture(scope="module")
def dropped(digits: Dataset) -> Trained:
    """One layer, so that the Normal of the moments is the law of large sums."""
    return train([Network("binomial", hidden=(20,), n=1, p=0.5, name="d")], digits,
                 Training(epochs=20, batch=50))[0]  # fmt: skip


def test_inference_by_drawing_real_weights(digits: Dataset, dropped: Trained) -> None:
    """Predictions averaged over draws of the weights themselves, 0 or w/p, agree with those over
    draws of the moments: nll within 5 %, and the classes of nearly all images."""
    error, nll = averaged(dropped, digits, samples=400)
    x, y = digits.test(0, len(digits.y_test))
    rng, total = np.random.default_rng(6), np.zeros((len(y), 10))
    for _ in range(1500):
        h = x
        for layer, (w, b) in enumerate(zip(dropped.means, dropped.mean_biases, strict=True)):
            h = h @ (w * (rng.random(w.shape) < 0.5) / 0.5) + b
            h = np.maximum(h, 0) if layer == 0 else h
        e = np.exp(h - h.max(axis=1, keepdims=True))
        total += e / e.sum(axis=1, keepdims=True)
    p = total / 1500
    exact_nll = -np.log(p[np.arange(len(y)), y]).mean()
    exact_error = 100 * np.mean(p.argmax(axis=1) != y)
    assert nll == pytest.approx(exact_nll, rel=0.05)
    assert abs(error - exact_error) < 2


def test_averaging_helps_and_mean_weights_are_certain(digits: Dataset, dropped: Trained) -> None:
    one = evaluate(dropped, digits, samples=20)
    error, nll = averaged(dropped, digits, samples=200)
    assert nll < one.nll and error < 100 - one.accuracy_percent  # Jensen's inequality of -ln
    plain = without_noise(dropped)
    assert averaged(plain, digits, samples=1) == averaged(plain, digits, samples=7)
    h = digits.test(0, len(digits.y_test))[0]
    h = np.maximum(h @ dropped.means[0] + dropped.mean_biases[0], 0)
    z = h @ dropped.means[1] + dropped.mean_biases[1]
    wrong = 100 * np.mean(z.argmax(axis=1) != digits.y_test)
    assert averaged(plain, digits, samples=1)[0] == pytest.approx(wrong)


def test_sites_go_from_dropconnect_to_no_noise() -> None:
    """The training loss falls as sites are added, towards that of a network without noise."""
    settings = dropconnect.Settings(
        preset="quick", width=30, site_width=30, sites="1,4,64", seeds=2, epochs=25
    )
    table = dropconnect.run(settings, Running(seed=2)).to_frame()
    loss = table[table.regulariser.ne("dropout")].groupby("n").train_nll.mean()
    assert list(loss.index) == [1, 4, 64, np.inf]
    assert np.all(np.diff(loss) < 0)
    assert loss[64] - loss[np.inf] < 0.3 * (loss[1] - loss[np.inf])


def test_results_are_of_the_widths_asked_for() -> None:
    """Release sites are tried at a width of their own."""
    settings = dropconnect.Settings(
        preset="quick", width="4,6", site_width=10, sites=1, epochs=1, seeds=2
    )
    found = dropconnect.run(settings)
    table = found.to_frame().query("hidden_units == 6")
    for kind in dropconnect.KINDS:
        mean = table[table.regulariser == kind].test_error_percent.mean()
        assert found.results[f"error_{kind}_width_6_percent"] == pytest.approx(mean)


def test_slope() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.random(12), rng.random(12)
    known = stats.linregress(x, y)
    assert slope(x, y) == pytest.approx((known.slope, known.stderr))
    assert np.isnan(slope([0, 1], [2, 3])[1])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"p": "0"}, "expected a value above 0"),
        ({"p": "1"}, "expected a value above 0 and below 1"),
        ({"width": "0"}, "at least 1"),
        ({"sites": "0"}, "at least 1"),
        ({"sites": "1.5"}, "a whole number"),
        ({"sites": "2,2"}, "found 2 twice"),
        ({"width": "8,8"}, "found 8 twice"),
        ({"optimiser": "sgd"}, "expected one of adam, momentum"),
    ],
)
def test_wrong_input(values: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        dropconnect.run(dropconnect.Settings(preset="quick", **values))

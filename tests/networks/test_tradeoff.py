"""The protocol `tradeoff`: what every protocol owes, the finding in small, wrong input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synsim.component import InputError
from synsim.networks import published
from synsim.protocol import Running
from synsim.protocols import tradeoff
from tests.protocols.base import ProtocolTests

COLUMNS = (
    "rho", "c", "noise", "seed", "accuracy_percent", "sigma_rms", "reliability_cost", "nll",
    "sigma_rms_active", "balance", "converged",
)  # fmt: skip


class TestTradeoff(ProtocolTests):
    module = tradeoff
    small = "preset=quick rho=2 c=0.001,0.1 epochs=2 hidden=5 samples=1"
    columns = COLUMNS
    deterministic = False

    def test_numpy_target_agrees(self, settings: Any, outcome: Any) -> None:
        """There is none: learning runs in JAX whatever backend is asked for."""
        assert (outcome.backend, outcome.threads) == ("jax", outcome.threads)


@pytest.fixture(scope="module")
def learned() -> tradeoff.Outcome:
    settings = tradeoff.Settings(preset="quick", rho=2, c="1e-4,1e-3,1e-2", epochs=30)
    return tradeoff.run(settings, Running(seed=3))


def test_heterogeneous_noise_is_better(learned: tradeoff.Outcome) -> None:
    assert learned.results["most_gain_of_heterogeneity_rho_2.00"] > 2
    table = learned.to_frame()
    assert table.accuracy_percent.max() > 90
    for _, rows in table.groupby("noise"):
        assert np.all(np.diff(rows.sigma_rms) > 0)  # the dearer, the noisier
        assert np.all(np.diff(rows.reliability_cost) < 0)


def test_cost_is_that_of_sigma(learned: tradeoff.Outcome) -> None:
    rows = learned.to_frame().query("noise == 'homogeneous'")
    weights = 64 * 30 + 30 * 30 + 30 * 10
    assert learned.results["weights"] == weights
    np.testing.assert_allclose(rows.reliability_cost, weights * rows.sigma_rms**-2.0 / 2, rtol=1e-5)


def test_entropic_cost() -> None:
    settings = tradeoff.Settings(
        preset="quick", cost="entropic", c="1e-3", epochs=1, hidden=4, noise="homogeneous"
    )
    found = tradeoff.run(settings).to_frame().iloc[0]
    assert found.rho == 0
    weights = 64 * 4 + 4 * 10
    assert found.reliability_cost == pytest.approx(-weights * np.log(found.sigma_rms), rel=1e-5)


def test_paper_is_240_networks() -> None:
    nets = tradeoff.Settings().networks(1)
    assert len(nets) == 240 and len({n.name for n in nets}) == 240
    assert tradeoff.Settings().resolved()["data"] == "mnist"


def test_published_points() -> None:
    there = published.curve(2.0, "homogeneous")
    assert there is not None and len(there.c) == 30
    row = np.argmin(np.abs(there.c - 0.1))
    assert (there.sigma_rms[row], there.accuracy_percent[row]) == (0.31949, 63.35)
    # all weights alike: the shipped cost is theirs, of 89,400 weights without biases
    np.testing.assert_allclose(
        there.reliability_cost, 89_400 * there.sigma_rms**-2.0 / 2, rtol=2e-4
    )
    assert published.curve(0.5, "homogeneous") is None
    low = published.shortfall(2.0, "homogeneous", there.sigma_rms, there.accuracy_percent - 1.5)
    assert low == (pytest.approx(1.5), 0)
    above = there.accuracy_percent > 20
    half = there.sigma_rms <= np.median(there.sigma_rms[above])
    low = published.shortfall(
        2.0, "homogeneous", there.sigma_rms[half], there.accuracy_percent[half]
    )
    beyond = np.count_nonzero(above & ~half)
    assert low == (pytest.approx(0), beyond) and beyond > 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rho": "0,2"}, "--cost entropic"),
        ({"c": "0"}, "expected a value above 0"),
        ({"c": "-1"}, "expected a value above 0"),
        ({"c": "1,1"}, "found 1 twice"),
        ({"hidden": "0"}, "at least 1"),
        ({"cost": "entropic", "rho": "2"}, "found it beside the cost entropic"),
        ({"cost": "sigma^-2", "rho": "0"}, "found it beside the cost sigma"),
        ({"cost": "sigma"}, "found 'sigma', expected power, entropic, a sum"),
        ({"cost": "sigma^-2 + x"}, r"found 'x' in 'sigma\^-2 \+ x'"),
        ({"cost": "sigma^-1/0"}, "found an exponent of '1/0'"),
        ({"cost": "nowhere.py:mine"}, "nowhere.py: cannot be read: No such file"),
        ({"data": "mist"}, None),
    ],
)
def test_wrong_input(values: dict[str, str], words: str | None) -> None:
    with pytest.raises(InputError, match=words or "expected mnist, digits or a file"):
        tradeoff.run(tradeoff.Settings(preset="quick", **values))


def test_without_the_extra(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['jax'] = None\nfrom synsim.cli import main\n"
        "sys.exit(main(['run', 'tradeoff', '--preset', 'quick', '--out', 'o']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "synsim: learning needs jax, which is not installed: pip install 'synsim[networks]'\n"
    )
    assert list(tmp_path.iterdir()) == []

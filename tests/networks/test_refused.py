"""What cannot be trained is refused in one line, and nothing of it stays behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synsim import InputError
from tests.cli.conftest import Synsim, place, synsim

pytest.importorskip("jax", reason="JAX is not installed: the extra networks")
from synsim.networks.spec import Network, Training

__all__ = ["place", "synsim"]

QUICK = ("--preset", "quick", "--epochs", "2", "--rho", "2", "--out", "o")
COMMANDS = {
    "tradeoff": ("--c", "0.1,0.01"),
    "signatures": ("--factors", "1"),
    "bayes": ("--factors", "1"),
}


@pytest.mark.parametrize("protocol", COMMANDS)
def test_too_large_then_smaller(protocol: str, synsim: Synsim, place: Path) -> None:
    """Networks that memory does not hold; the same command with smaller ones then runs."""
    words = ("run", protocol, *QUICK, *COMMANDS[protocol], "--no-plot")
    refused = synsim(*words, "--hidden", "100000,100000")
    assert refused.code == 2
    assert "GB of memory left" in refused.err and len(refused.err.splitlines()) == 1
    assert not list(place.iterdir())
    assert synsim(*words, "--hidden", "4").code == 0


def test_a_cost_that_is_no_number_leaves_nothing(synsim: Synsim, place: Path) -> None:
    words = ("run", "tradeoff", "--preset", "quick", "--epochs", "1", "--c", "1", "--out", "o")
    failed = synsim(*words, "--rho", "60", "--hidden", "4")
    assert failed.code == 2 and "step" in failed.err.splitlines()[-1]
    assert "RuntimeWarning" not in failed.err
    assert not list(place.iterdir())


def test_rho_of_0_is_offered_its_limit(synsim: Synsim) -> None:
    """By `tradeoff`, in whose table it is another cost; `signatures` and `bayes` take it."""
    done = synsim("run", "tradeoff", "--rho", "0,2", "--out", "o")
    assert done.code == 2
    assert "--rho" in done.err and "--cost entropic" in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"estimator": "locl"}, "found estimator 'locl', expected one of local, sampled"),
        ({"schedule": "cosin"}, "found schedule 'cosin', expected one of constant, cosine, steps"),
        ({"optimiser": "sgd"}, "found optimiser 'sgd', expected one of adam, momentum"),
        ({"momentum": 1}, "found momentum = 1, expected at least 0 and below 1"),
        ({"epochs": 0}, "found epochs = 0"),
        ({"batch": 0}, "found batch = 0"),
        ({"batch": 2.5}, "found batch = 2.5"),
        ({"rate_mean": 0.0}, "found rate_mean = 0"),
        ({"initial_sigma": 0.0}, "found initial_sigma = 0, expected above 0"),
        ({"l1": -1.0}, "found l1 = -1, expected at least 0"),
        ({"memory_sigma": 1.0}, "found memory_sigma = 1"),
    ],
)
def test_training(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Training(**changes)


def test_release_sites_that_are_no_number() -> None:
    with pytest.raises(InputError, match="found n = nan"):
        Network("binomial", n=float("nan"))

"""Shared by the tests of networks: few, tiny ones, each trained once."""

from __future__ import annotations

import pytest

from synsim.networks import Dataset, Network, Trained, Training, load, need, power_law, train

need.jax()  # before a test imports JAX itself: on one thread, as commands have it
SETTLE = Training(epochs=150, batch=100, rate_sigma=2e-2, rest_sigma=0.0)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load("digits")


@pytest.fixture(scope="session")
def linear(digits: Dataset) -> list[Trained]:
    """No hidden layer; rho 2 and 1/2; heterogeneous."""
    networks = [
        Network(cost=power_law(rho, c), hidden=(), name=f"linear {rho}")
        for rho, c in ((2, 1e-3), (0.5, 1e-2))
    ]
    return train(networks, digits, SETTLE)

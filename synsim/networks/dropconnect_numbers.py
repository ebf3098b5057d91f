"""Errors of one network that drops weights, units, or neither."""

from __future__ import annotations

from synsim.networks.data import Dataset
from synsim.networks.measures import averaged, without_noise
from synsim.networks.spec import Trained


def errors(trained: Trained, data: Dataset, *, samples: int) -> dict[str, float]:
    """Test error and nll of averaged predictions, the error at the mean weights, and the training
    loss of the last epoch."""
    error, nll = averaged(trained, data, samples=samples)
    return {
        "test_error_percent": error,
        "nll": nll,
        "error_at_mean_percent": averaged(without_noise(trained), data, samples=1)[0],
        "train_nll": float(trained.loss[-1]),
    }

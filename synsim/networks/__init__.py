"""Networks of unreliable synapses that learn: trained many at once in JAX.

Needs the extra `networks` (jax, optax), which is imported when something is trained, not before.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synsim.networks.chunks import train
    from synsim.networks.costs import Cost, entropic, gaussian_prior, power_law, written
    from synsim.networks.data import Dataset, load
    from synsim.networks.measures import Measured, accuracy_of_draws, evaluate, gradients
    from synsim.networks.spec import Network, Trained, Training

_HOMES = {
    "Cost": "synsim.networks.costs",
    "Dataset": "synsim.networks.data",
    "Measured": "synsim.networks.measures",
    "Network": "synsim.networks.spec",
    "Trained": "synsim.networks.spec",
    "Training": "synsim.networks.spec",
    "accuracy_of_draws": "synsim.networks.measures",
    "entropic": "synsim.networks.costs",
    "evaluate": "synsim.networks.measures",
    "gaussian_prior": "synsim.networks.costs",
    "gradients": "synsim.networks.measures",
    "load": "synsim.networks.data",
    "power_law": "synsim.networks.costs",
    "train": "synsim.networks.chunks",
    "written": "synsim.networks.costs",
}

__all__ = [
    "Cost",
    "Dataset",
    "Measured",
    "Network",
    "Trained",
    "Training",
    "accuracy_of_draws",
    "entropic",
    "evaluate",
    "gaussian_prior",
    "gradients",
    "load",
    "power_law",
    "train",
    "written",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'synsim.networks' has no attribute {name!r}")

"""Fits of the models to recordings; each is loaded when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synsim.fit.locus import LocusFit, fit_locus
    from synsim.fit.quantal import QuantalFit, fit_quantal
    from synsim.fit.stdp import StdpFit, fit_stdp
    from synsim.fit.stp import StpFit, fit_stp

_HOMES = {
    "LocusFit": "synsim.fit.locus",
    "QuantalFit": "synsim.fit.quantal",
    "StdpFit": "synsim.fit.stdp",
    "StpFit": "synsim.fit.stp",
    "fit_locus": "synsim.fit.locus",
    "fit_quantal": "synsim.fit.quantal",
    "fit_stdp": "synsim.fit.stdp",
    "fit_stp": "synsim.fit.stp",
}

__all__ = [
    "LocusFit",
    "QuantalFit",
    "StdpFit",
    "StpFit",
    "fit_locus",
    "fit_quantal",
    "fit_stdp",
    "fit_stp",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'synsim.fit' has no attribute {name!r}")

"""Fits of the models to recordings. `fit_stdp` is loaded when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synsim.fit.stdp import StdpFit, fit_stdp

__all__ = ["StdpFit", "fit_stdp"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from synsim.fit import stdp

        return getattr(stdp, name)
    raise AttributeError(f"module 'synsim.fit' has no attribute {name!r}")

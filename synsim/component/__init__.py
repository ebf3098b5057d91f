"""Base types that models are made of. Imports nothing else of synsim, and no Brian2."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from synsim.component.errors import InputError, SynsimError, SynsimWarning

if TYPE_CHECKING:
    from synsim.component.citations import Citation, Preset
    from synsim.component.mechanism import Mechanism
    from synsim.component.parameters import Parameters, option, parameter, switch

# Loaded when first asked for: the errors are needed by `synsim --help`, numpy is not.
_HOMES = {
    "Citation": "synsim.component.citations",
    "Mechanism": "synsim.component.mechanism",
    "Parameters": "synsim.component.parameters",
    "Preset": "synsim.component.citations",
    "option": "synsim.component.parameters",
    "parameter": "synsim.component.parameters",
    "switch": "synsim.component.parameters",
}

__all__ = [
    "Citation",
    "InputError",
    "Mechanism",
    "Parameters",
    "Preset",
    "SynsimError",
    "SynsimWarning",
    "option",
    "parameter",
    "switch",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'synsim.component' has no attribute {name!r}")

"""Base types that models are made of. Imports nothing else of synsim, and no Brian2."""

from synsim.component.citations import Citation, Preset
from synsim.component.errors import InputError, SynsimError, SynsimWarning
from synsim.component.mechanism import Mechanism
from synsim.component.parameters import Parameters, option, parameter, switch

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

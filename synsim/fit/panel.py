"""Which part of a fit a single panel shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from synsim.component import InputError

T = TypeVar("T")


def chosen(parts: Sequence[T], number: int | None, name: str, what: str) -> T:
    """Part `number` of the fit, which a caller names where there are several.

    Raises InputError, in terms of plot's argument `name`, where it is open or out of range.
    """
    if number is None and len(parts) > 1:
        raise InputError(
            f"there are {len(parts)} {what}: say plot({name}=0), or figure() for all of them"
        )
    if not 0 <= (number or 0) < len(parts):
        raise InputError(f"plot: found {name}={number}, expected 0 to {len(parts) - 1}")
    return parts[number or 0]

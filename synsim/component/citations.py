"""Where a number or an equation comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Citation:
    """A published source."""

    text: str  # "Tsodyks & Markram 1997, PNAS 94:719"
    doi: str = ""
    where: str = ""  # table, figure or equation numbers

    def __str__(self) -> str:
        parts = [self.text]
        if self.where:
            parts.append(self.where)
        if self.doi:
            parts.append(f"doi:{self.doi}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Preset:
    """Published parameter values of one mechanism.

    `values` are given as text with units, as a reader finds them in the paper; `note` says
    what differs from it or is in doubt.
    """

    values: Mapping[str, Any]
    citation: Citation
    note: str = field(default="")

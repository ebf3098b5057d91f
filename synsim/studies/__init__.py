"""Published studies run again: `synsim reproduce NAME`. One module a study."""

from __future__ import annotations

import importlib

from synsim.component.errors import InputError
from synsim.studies.study import Part, Row, Study, reproduce

NAMES = ("malkin2023",)

__all__ = ["NAMES", "Part", "Row", "Study", "find", "reproduce"]


def find(name: str) -> Study:
    """A study by its name; InputError where there is none."""
    if name not in NAMES:
        raise InputError(f"reproduce: found {name!r}, expected one of {', '.join(NAMES)}")
    found: Study = importlib.import_module(f"synsim.studies.{name}").STUDY
    return found

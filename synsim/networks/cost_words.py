"""A cost as it is written on a command line: a name, a sum of power laws, or a function in a file.

power                              sigma^-rho, for each rho of the run
entropic                           -ln sigma, its limit for rho -> 0
sigma^-2 + 0.1*sigma^-1/2          a sum; a term may be a number times entropic, too
costs.py:mine                      mine(sigma) of the file costs.py, for an array of JAX

A network pays c times that, summed over its weights.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from synsim.component import InputError
from synsim.networks.costs import Cost, entropic, power_law, written

NAMES = ("power", "entropic")
ALLOWED = "power, entropic, a sum like sigma^-2 + 0.1*sigma^-1/2, or FILE.py:FUNCTION"
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TERM = re.compile(
    rf"(?:(?P<weight>{_NUMBER})\s*\*?\s*)?"
    rf"(?:sigma\s*(?:\^|\*\*)\s*\(?\s*-\s*(?P<rho>{_NUMBER}(?:\s*/\s*{_NUMBER})?)\s*\)?|(?P<log>entropic))"
)
_PLUS = re.compile(r"(?<!\d[eE])(?<!\.[eE])\+")


@dataclass(frozen=True)
class FromFile:
    """A function of a Python file, by its name; a process that is given one loads it anew.

    digest : SHA-256 of the file; a file that has changed is another cost
    """

    path: str
    function: str
    digest: str

    @staticmethod
    def of(path: str, function: str) -> FromFile:
        """The function as the file has it now. Raises InputError where it cannot be read."""
        try:
            digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        return FromFile(path, function, digest)

    @property
    def __name__(self) -> str:
        return f"{self.path}:{self.function}"

    def load(self) -> Callable[[Any], Any]:
        """The function. Raises InputError where there is none."""
        return _load(self.path, self.function, self.digest)

    def __call__(self, sigma: Any) -> Any:
        return self.load()(sigma)


def checked(text: str) -> str:
    """The text, where it can be understood; a file is looked into by `cost`, when it is needed.

    Raises InputError for anything else.
    """
    text = str(text).strip()
    if text not in NAMES and _named(text) is None:
        _terms(text)
    return text


def cost(text: str, rho: float, c: float) -> Cost:
    """c times the cost that the text says; rho counts for ``power`` alone.

    Raises
    ------
    InputError
        for a text that cannot be understood, or a file or function that is not there or no cost
    """
    if text == "power":
        return power_law(rho, c)
    if text == "entropic":
        return entropic(c)
    own = source(text)
    if own is not None:
        own.load()  # what is wrong with the file is said without `written` around it
        return written(own, c)
    return c * _terms(text)


def source(text: str) -> FromFile | None:
    """The file that a cost comes from, if it does."""
    named = None if text in NAMES else _named(text)
    return None if named is None else FromFile.of(*named)


def _named(text: str) -> tuple[str, str] | None:
    """The file and the function that a text names."""
    path, colon, function = text.rpartition(":")
    return (os.path.abspath(path), function) if colon and path.endswith(".py") else None


def _terms(text: str) -> Cost:
    """The sum of the terms of a text."""
    found = [_term(part.strip(), text) for part in _PLUS.split(text)]
    return functools.reduce(lambda a, b: a + b, found)


def _term(part: str, whole: str) -> Cost:
    match = _TERM.fullmatch(part)
    if match is None:
        where = "" if part == whole else f" in {whole!r}"
        raise InputError(f"found {part!r}{where}, expected {ALLOWED}")
    made = entropic() if match["log"] else power_law(_number(match["rho"]))
    return made if match["weight"] is None else float(match["weight"]) * made


def _number(text: str) -> float:
    over, _, under = text.partition("/")
    if under and float(under) == 0:
        raise InputError(f"found an exponent of {text!r}, expected a finite number")
    return float(Fraction(over.strip()) / Fraction(under.strip() or "1"))


@functools.cache
def _load(path: str, function: str, digest: str) -> Callable[[Any], Any]:
    module = types.ModuleType(f"synsim_cost_{digest[:8]}")
    module.__file__ = path
    try:
        # Not by an import: that takes what was compiled before, where a file of the same length was
        # written within the same second.
        exec(compile(Path(path).read_bytes(), path, "exec"), vars(module))
    except Exception as error:  # whatever the file does
        told = str(error).splitlines()[0] if str(error) else ""
        raise InputError(
            f"{path}: cannot be loaded: {type(error).__name__}{told and f': {told}'}"
        ) from None
    found = getattr(module, function, None)
    if not callable(found):
        there = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise InputError(
            f"{path}: found no function {function!r}, expected one of "
            + (", ".join(there) or "its functions, and there is none")
        )
    made: Callable[[Any], Any] = found
    return made

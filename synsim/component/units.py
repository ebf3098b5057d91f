"""Units without a unit library: text with a unit to SI floats and back, exactly.

Parsing and formatting shift decimal points (``Decimal``), so ``format(parse(text))`` loses
nothing, and a setting written to ``summary.json`` comes back as the same float. Brian2
quantities are accepted wherever text is, recognised by their dimensions, so that nothing
here needs Brian2 to be imported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from synsim.component.errors import InputError


@dataclass(frozen=True)
class Dimension:
    """A physical dimension: its name, its Brian2 SI unit and exponents, an example value."""

    name: str
    brian_unit: str
    exponents: tuple[int, ...]  # metre, kilogram, second, ampere, as Brian2 orders them
    example: str


DIMENSIONS = {
    d.name: d
    for d in (
        Dimension("number", "1", (0, 0, 0, 0), "0.5"),
        Dimension("time", "second", (0, 0, 1, 0), "20ms"),
        Dimension("frequency", "hertz", (0, 0, -1, 0), "10Hz"),
        Dimension("voltage", "volt", (2, 1, -3, -1), "0.2mV"),
        Dimension("current", "amp", (0, 0, 0, 1), "50pA"),
        Dimension("conductance", "siemens", (-2, -1, 3, 2), "1nS"),
        Dimension("capacitance", "farad", (-2, -1, 4, 2), "200pF"),
        Dimension("resistance", "ohm", (2, 1, -3, -2), "100Mohm"),
        Dimension("charge", "coulomb", (0, 0, 1, 1), "1pC"),
    )
}


@dataclass(frozen=True)
class Unit:
    """A unit: ``value * 10**exponent`` is SI."""

    name: str
    exponent: int
    dimension: Dimension

    @property
    def factor(self) -> float:
        return float(Decimal(1).scaleb(self.exponent))


_PREFIXES = {"": 0, "k": 3, "M": 6, "G": 9, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12}
_SYMBOLS = {
    "s": "time",
    "Hz": "frequency",
    "V": "voltage",
    "A": "current",
    "S": "conductance",
    "F": "capacitance",
    "ohm": "resistance",
    "C": "charge",
}
UNITS = {"1": Unit("1", 0, DIMENSIONS["number"])} | {
    prefix + symbol: Unit(prefix + symbol, exponent, DIMENSIONS[dimension])
    for symbol, dimension in _SYMBOLS.items()
    for prefix, exponent in _PREFIXES.items()
}

_QUANTITY = re.compile(
    r"^\s*(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?P<unit>[A-Za-zµμ]+)?\s*$"
)


def unit(name: str) -> Unit:
    """The unit called `name`; raises InputError for an unknown one."""
    try:
        return UNITS[name]
    except KeyError:
        raise InputError(f"unknown unit {name!r}") from None


def expected(dimensions: tuple[Dimension, ...]) -> str:
    """Words for what is expected: 'a time with its unit, such as 20ms'."""
    words = [
        "a plain number" if d.name == "number" else f"a {d.name} with its unit, such as {d.example}"
        for d in dimensions
    ]
    return " or ".join(words)


def parse(text: str, dimensions: tuple[Dimension, ...]) -> tuple[float, Dimension]:
    """Read a number with its unit.

    Parameters
    ----------
    text : such as ``"16.8ms"``, ``"20 Hz"``, ``"0.5"``
    dimensions : the dimensions that are allowed

    Returns
    -------
    The value in SI units and the dimension it has.

    Raises
    ------
    InputError
        when the text is no number, its unit is unknown, missing or of another dimension.
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise InputError(f"found {text!r}, expected {expected(dimensions)}")
    name = match["unit"] or "1"
    if name not in UNITS:
        raise InputError(f"found {text!r} with an unknown unit, expected {expected(dimensions)}")
    found = UNITS[name]
    if found.dimension not in dimensions:
        what = "without a unit" if name == "1" else f"which is a {found.dimension.name}"
        raise InputError(f"found {text!r} {what}, expected {expected(dimensions)}")
    try:
        value = float(Decimal(match["number"]).scaleb(found.exponent))
    except ArithmeticError:  # an exponent beyond what Decimal holds
        raise InputError(f"found {text!r}, expected a number of ordinary size") from None
    return value, found.dimension


def show(value: float, unit_name: str, separator: str = " ") -> str:
    """Text of an SI float in a unit, such that `parse` gives back the very same float."""
    shifted = Decimal(repr(float(value))).scaleb(-unit(unit_name).exponent)
    if not shifted.is_finite():
        number = str(float(value))
    else:
        plain = not shifted or 1e-6 < abs(shifted) < 1e10
        number = f"{shifted.normalize():{'f' if plain else 'e'}}"
    return number if unit_name == "1" else f"{number}{separator}{unit_name}"


def from_quantity(value: Any, dimensions: tuple[Dimension, ...]) -> tuple[Any, Dimension] | None:
    """SI numbers of a Brian2 quantity (or array of them); None when `value` is none.

    Raises InputError when its dimension is not an allowed one.
    """
    exponents = getattr(getattr(value, "dim", None), "_dims", None)
    if exponents is None:
        return None
    exponents = tuple(float(e) for e in exponents)
    for dimension in dimensions:
        if exponents == tuple(map(float, dimension.exponents)) + (0.0,) * (len(exponents) - 4):
            return np.asarray(value, dtype=float), dimension
    raise InputError(f"found {value!s}, expected {expected(dimensions)}")

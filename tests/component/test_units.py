"""Text with a unit to SI and back, exactly; and what is refused, in which words."""

from __future__ import annotations

import struct
from decimal import Decimal

import brian2 as b2
import numpy as np
import pytest

from synsim.component import InputError
from synsim.component import units as u

TIME = (u.DIMENSIONS["time"],)
NUMBER = (u.DIMENSIONS["number"],)
EVERY = tuple(u.DIMENSIONS.values())


def random_floats(count: int, seed: int) -> list[float]:
    """Finite doubles of random bits, so of every magnitude, and some that people write."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2**64, size=count, dtype=np.uint64)
    wild = bits.view(np.float64)
    tame = np.concatenate(
        [
            np.round(rng.normal(scale=100, size=count // 4), 3),
            rng.random(count // 4),
            10.0 ** rng.integers(-12, 12, size=count // 4),
        ]
    )
    found = [float(v) for v in np.concatenate([wild, tame]) if np.isfinite(v)]
    return [*found, 0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1 / 3]


def same_bits(a: float, b: float) -> bool:
    return struct.pack("d", a) == struct.pack("d", b)


@pytest.mark.parametrize("name", u.UNITS)
def test_every_float_survives_its_text(name: str) -> None:
    """700 numbers in each of the units: the very same bits come back, sign of zero included."""
    dimension = u.UNITS[name].dimension
    for value in random_floats(400, seed=sum(name.encode())):
        for separator in (" ", ""):
            text = u.show(value, name, separator)
            back, found = u.parse(text, (dimension,))
            assert same_bits(back, value), (value, text, back)
            assert found is dimension


def test_text_is_short_and_readable() -> None:
    assert u.show(0.0168, "ms") == "16.8 ms"
    assert u.show(0.0168, "ms", "") == "16.8ms"
    assert u.show(-0.1, "ms") == "-100 ms"
    assert u.show(20.0, "Hz") == "20 Hz"
    assert u.show(0.5, "1") == "0.5"
    assert u.show(0.0, "mV") == "0 mV"
    assert u.show(1 / 3, "1") == "0.3333333333333333"
    assert u.show(123456.0, "1") == "123456"


@pytest.mark.parametrize(
    ("text", "value", "dimension"),
    [
        ("16.8ms", 0.0168, "time"),
        ("20 Hz", 20.0, "frequency"),
        (" 5e-3 s ", 0.005, "time"),
        ("+.5mV", 0.0005, "voltage"),
        ("-7.pA", -7e-12, "current"),
        ("1E3us", 0.001, "time"),
        ("3µs", 3e-6, "time"),  # micro sign
        ("3μs", 3e-6, "time"),  # Greek mu
        ("100Mohm", 1e8, "resistance"),
        ("200pF", 200e-12, "capacitance"),
        ("1.5nS", 1.5e-9, "conductance"),
        ("2kHz", 2000.0, "frequency"),
        ("4pC", 4e-12, "charge"),
        ("0.5", 0.5, "number"),
        ("1e3", 1000.0, "number"),
    ],
)
def test_reads(text: str, value: float, dimension: str) -> None:
    found = u.parse(text, EVERY)
    assert same_bits(found[0], value)
    assert found[1].name == dimension


def test_a_product_with_the_factor_would_not_be_exact() -> None:
    """Why decimal points are shifted: 16.8 * 1e-3 is another float than 0.0168."""
    tenths = range(1, 1000)
    exact = [u.parse(f"{k / 10}ms", TIME)[0] for k in tenths]
    assert exact == [float(Decimal(k) / 10000) for k in tenths]
    products = [k / 10 * 1e-3 for k in tenths]
    assert sum(a != b for a, b in zip(exact, products, strict=True)) > 50


@pytest.mark.parametrize(
    ("text", "allowed", "line"),
    [
        ("20", TIME, "found '20' without a unit, expected a time with its unit, such as 20ms"),
        ("20mV", TIME, "found '20mV' which is a voltage, expected a time with its unit, such as "
         "20ms"),
        ("20xs", TIME, "found '20xs' with an unknown unit, expected a time with its unit, such as "
         "20ms"),
        ("20MS", TIME, "found '20MS' which is a conductance, expected a time with its unit, such "
         "as 20ms"),
        ("5ms", NUMBER, "found '5ms' which is a time, expected a plain number"),
        ("", TIME, "found '', expected a time with its unit, such as 20ms"),
        ("ms", TIME, "found 'ms', expected a time with its unit, such as 20ms"),
        ("1,5ms", TIME, "found '1,5ms', expected a time with its unit, such as 20ms"),
        ("1 m s", TIME, "found '1 m s', expected a time with its unit, such as 20ms"),
        ("nan", NUMBER, "found 'nan', expected a plain number"),
        ("inf", NUMBER, "found 'inf', expected a plain number"),
        ("nanms", TIME, "found 'nanms', expected a time with its unit, such as 20ms"),
        ("many", NUMBER, "found 'many', expected a plain number"),
        ("0x10", NUMBER, "found '0x10', expected a plain number"),
        ("1", (u.DIMENSIONS["voltage"], u.DIMENSIONS["current"]),
         "found '1' without a unit, expected a voltage with its unit, such as 0.2mV or a current "
         "with its unit, such as 50pA"),
    ],
)  # fmt: skip
def test_refuses(text: str, allowed: tuple[u.Dimension, ...], line: str) -> None:
    with pytest.raises(InputError) as error:
        u.parse(text, allowed)
    assert str(error.value) == line


@pytest.mark.parametrize("text", ["1e9999999999999999999ms", "1e99999999ms"])
def test_refuses_exponents_beyond_decimals(text: str) -> None:
    with pytest.raises(InputError) as error:
        u.parse(text, TIME)
    assert str(error.value) == f"found {text!r}, expected a number of ordinary size"


def test_unknown_unit_name() -> None:
    with pytest.raises(InputError, match="unknown unit 'parsec'"):
        u.unit("parsec")


@pytest.mark.parametrize("dimension", EVERY, ids=lambda d: d.name)
def test_dimensions_are_those_of_brian2(dimension: u.Dimension) -> None:
    """The table of exponents, against the library it stands in for."""
    unit = 1 if dimension.brian_unit == "1" else getattr(b2, dimension.brian_unit)
    quantity = b2.Quantity(3.0, dim=b2.get_dimensions(unit))
    if dimension.name != "number":
        assert u.from_quantity(quantity, EVERY) == (3.0, dimension)
    assert b2.get_dimensions(unit)._dims[:4] == dimension.exponents
    assert u.parse(dimension.example, EVERY)[1] is dimension


@pytest.mark.parametrize("name", [n for n in u.UNITS if n != "1" and n.isascii()])
def test_units_are_those_of_brian2(name: str) -> None:
    named = {"S": "siemens", "V": "volt", "A": "amp", "F": "farad", "s": "second", "C": "coulomb"}
    symbol = next(s for s in ("ohm", "Hz", *named) if name.endswith(s))
    prefix = name.removesuffix(symbol)
    full = {"Hz": "hertz", "ohm": "ohm"} | named
    quantity = 7 * b2.Unit.create_scaled_unit(getattr(b2, full[symbol]), prefix)
    found = u.from_quantity(quantity, EVERY)
    assert found is not None
    assert found[0] == pytest.approx(7 * u.unit(name).factor, rel=1e-15)
    assert found[1] is u.unit(name).dimension


def test_quantities_of_another_dimension_are_refused() -> None:
    with pytest.raises(InputError, match=r"found 20\. mV, expected a time with its unit"):
        u.from_quantity(20 * b2.mV, TIME)
    assert u.from_quantity(0.5, TIME) is None
    assert u.from_quantity("20ms", TIME) is None
    values, _ = u.from_quantity([1, 2] * b2.ms, TIME)  # type: ignore[misc]
    np.testing.assert_array_equal(values, [0.001, 0.002])

"""Lists of values: ``start:stop:step`` with both ends, or values with commas."""

from __future__ import annotations

from fractions import Fraction

import brian2 as b2
import numpy as np
import pytest

from synsim.component import InputError, Parameters
from synsim.component.ranges import Values, values


class Lags(Parameters):
    lag: np.ndarray = values("ms", "lags", default="0ms")
    level: np.ndarray = values("1", "levels", default=0.5, low=0, high=1)


SPEC = Lags.specs()["lag"]
assert isinstance(SPEC, Values)


def milliseconds(text: str) -> list[float]:
    return [float(v) for v in Lags(lag=text).lag]


def exactly(*milliseconds: str) -> list[float]:
    """The floats nearest to these decimals."""
    return [float(Fraction(m) / 1000) for m in milliseconds]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-10ms:10ms:5ms", exactly("-10", "-5", "0", "5", "10")),
        ("0ms:10ms:3ms", exactly("0", "3", "6", "9")),
        ("-0.3ms:0.3ms:0.1ms", exactly("-0.3", "-0.2", "-0.1", "0", "0.1", "0.2", "0.3")),
        ("10ms:-10ms:-10ms", exactly("10", "0", "-10")),
        ("1ms:1ms:5ms", exactly("1")),
        ("5ms:5ms:-1ms", exactly("5")),
        ("-1ms : 1ms : 1000us", exactly("-1", "0", "1")),
        ("0s:0.002s:1ms", exactly("0", "1", "2")),
        ("7ms", exactly("7")),
        ("3ms, -1ms ,0.01s", exactly("3", "-1", "10")),
        ("2ms,2ms", exactly("2", "2")),
    ],
)
def test_reads(text: str, expected: list[float]) -> None:
    assert milliseconds(text) == expected


def test_no_rounding_builds_up() -> None:
    """100,000 steps: every value is the float nearest to its decimal, and both ends are there."""
    found = Lags(lag="-500ms:500ms:0.01ms").lag
    assert len(found) == 100_001
    expected = [float(Fraction(k, 100_000)) for k in range(-50_000, 50_001)]
    np.testing.assert_array_equal(found, expected)
    summed = -0.5 + np.arange(100_001) * 1e-5
    assert np.count_nonzero(summed != found) > 1000  # plain arithmetic would not do


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "found an empty list, expected at least one value"),
        (" , ", "found an empty list, expected at least one value"),
        ("1ms,,2ms", "found '1ms,,2ms' with an empty value, expected one at each comma"),
        ("1ms,", "found '1ms,' with an empty value, expected one at each comma"),
        ("0ms:10ms:0ms", "found '0ms:10ms:0ms' with a step of 0, expected another one"),
        ("0ms:10ms:-1ms", "found '0ms:10ms:-1ms', which is an empty list: the step leads away "
         "from the stop"),
        ("10ms:0ms:1ms", "found '10ms:0ms:1ms', which is an empty list: the step leads away from "
         "the stop"),
        ("0ms:10ms", "found '0ms:10ms', expected start:stop:step or values with commas"),
        ("0ms:9ms:1ms:2ms", "found '0ms:9ms:1ms:2ms', expected start:stop:step or values with "
         "commas"),
        ("0:10:1", "found '0' without a unit, expected a time with its unit, such as 20ms"),
        ("0ms:10ms:1", "found '1' without a unit, expected a time with its unit, such as 20ms"),
        ("0ms:10mV:1ms", "found '10mV' which is a voltage, expected a time with its unit, such "
         "as 20ms"),
        ("1ms,2", "found '2' without a unit, expected a time with its unit, such as 20ms"),
        ("1ms;2ms", "found '1ms;2ms', expected a time with its unit, such as 20ms"),
        ("a:b:c", "found 'a', expected a time with its unit, such as 20ms"),
        ("0s:1000s:1us", "found '0s:1000s:1us', expected at most 1000000 values"),
        ("1e999ms", "found inf ms at index 0, expected a finite number"),
        ("1e999ms:1e999ms:1ms", "found '1e999ms:1e999ms:1ms', expected finite numbers"),
        ("0ms:1e999ms:1ms", "found '0ms:1e999ms:1ms', expected finite numbers"),
    ],
)  # fmt: skip
def test_refuses(text: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        Lags(lag=text)
    assert str(error.value) == f"Lags.lag: {problem}"


@pytest.mark.parametrize("nothing", [[], (), np.empty(0)], ids=["list", "tuple", "array"])
def test_an_empty_list_in_python_is_called_empty(nothing: object) -> None:
    with pytest.raises(InputError, match="found an empty list, expected at least one value"):
        Lags(lag=nothing)


def test_values_from_python() -> None:
    np.testing.assert_array_equal(Lags(lag=[-1, 2] * b2.ms).lag, [-0.001, 0.002])
    np.testing.assert_array_equal(Lags(lag=["-1ms", "2ms"]).lag, [-0.001, 0.002])
    np.testing.assert_array_equal(Lags(lag=5 * b2.ms).lag, [0.005])
    np.testing.assert_array_equal(Lags(level=[0.25, 1]).level, [0.25, 1.0])
    with pytest.raises(InputError, match="without a unit"):
        Lags(lag=[1.0, 2.0])
    with pytest.raises(InputError, match="at index 1, expected a value at least 0 and at most 1"):
        Lags(level="0.5,1.5")
    with pytest.raises(ValueError, match="read-only"):
        Lags(lag="1ms,2ms").lag[0] = 0


def test_text_is_a_range_where_it_can_be() -> None:
    assert Lags(lag="-100ms:100ms:2ms").text("lag") == "-100ms:100ms:2ms"
    assert Lags(lag=np.arange(-3, 4) * b2.ms).text("lag") == "-3ms:3ms:1ms"
    assert Lags(lag="0ms:10ms:3ms").text("lag") == "0ms:9ms:3ms"
    assert Lags(lag="1ms,2ms").text("lag") == "1ms,2ms"
    assert Lags(lag="1ms,2ms,4ms").text("lag") == "1ms,2ms,4ms"
    assert Lags(lag="5ms,5ms,5ms").text("lag") == "5ms,5ms,5ms"


def test_text_round_trip_is_exact() -> None:
    """Ranges with decimal steps, ranges of binary fractions, and values all over the place."""
    rng = np.random.default_rng(5)
    lists = [rng.normal(size=rng.integers(1, 9)) * 10.0 ** rng.integers(-9, 9) for _ in range(400)]
    for _ in range(400):
        start, step = rng.integers(-(10**6), 10**6), rng.integers(1, 10**5)
        digits = int(rng.integers(0, 9))
        count = rng.integers(1, 40)
        decimals = [Fraction(int(start + k * step), 10**digits) for k in range(count)]
        lists.append(np.array([float(d) for d in decimals]))
        lists.append(rng.normal() + rng.normal() * np.arange(count))
    for found in lists:
        made = Lags(lag=found * b2.second)
        np.testing.assert_array_equal(made.lag, found)
        again = Lags(lag=made.text("lag"))
        np.testing.assert_array_equal(again.lag, made.lag)
        assert again.text("lag") == made.text("lag")
        np.testing.assert_array_equal(made.replace(level=0.25).lag, made.lag)

"""Checked parameter sets: units, bounds, arrays, names, and the words of every refusal."""

from __future__ import annotations

import dataclasses
from typing import Any

import brian2 as b2
import numpy as np
import pytest

from synsim.component import InputError, Parameters, option, parameter, switch
from synsim.component.errors import FieldError
from tests.component.test_units import random_floats


class Sample(Parameters):
    """A field of every kind."""

    tau: float = parameter("ms", "time constant", low=0, low_open=True)
    gain: float = parameter("1", "gain", default=1.0, low=0, high=1, array=True)
    count: int = parameter("1", "count", default=3, low=0, integer=True, array=True)
    q: float = parameter(("mV", "pA", "1"), "size", default="0.2mV", array=True)
    extra: float | None = parameter("Hz", "rate", default=None, optional=True, low=0)
    inside: float = parameter(
        "1", "open interval", default=0.5, low=0, high=1, low_open=True, high_open=True
    )
    pairing: str = option(("all-to-all", "nearest"), "scheme", default="nearest")
    noisy: bool = switch("whether noisy", default=False)


def refusal(**values: Any) -> FieldError:
    with pytest.raises(FieldError) as error:
        Sample(**({"tau": "20ms"} | values))
    return error.value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tau": "20ms"}, 0.02),
        ({"tau": "0.02 s"}, 0.02),
        ({"tau": 20 * b2.ms}, 0.02),
        ({"tau": b2.Quantity(20, dim=b2.second.dim)}, 20.0),
        ({"tau": "1e-300s"}, 1e-300),
    ],
)
def test_values_are_si(given: dict[str, Any], expected: float) -> None:
    made = Sample(**given)
    assert made.tau == expected
    assert type(made.tau) is float


def test_defaults_are_converted_too() -> None:
    made = Sample(tau="20ms")
    assert made.q == 0.0002
    assert made.dimension("q").name == "voltage"
    assert made.extra is None
    assert made.count == 3 and type(made.count) is int


def test_one_field_may_have_several_dimensions() -> None:
    for given, name, unit in (("50pA", "current", "pA"), (2.5, "number", "1"), ("1V", "voltage",
                                                                                "mV")):  # fmt: skip
        made = Sample(tau="20ms", q=given)
        assert made.dimension("q").name == name
        assert made.unit_of("q") == unit
    assert Sample(tau="1s", q=2 * b2.mV).text("q") == "2 mV"


@pytest.mark.parametrize(
    ("values", "field", "problem"),
    [
        ({"tau": 20}, "tau", "found 20 without a unit, expected a time with its unit, such as "
         "20ms"),
        ({"tau": "20"}, "tau", "found '20' without a unit, expected a time with its unit, such as "
         "20ms"),
        ({"tau": "20mV"}, "tau", "found '20mV' which is a voltage, expected a time with its unit, "
         "such as 20ms"),
        ({"tau": 20 * b2.mV}, "tau", "found 20. mV, expected a time with its unit, such as 20ms"),
        ({"tau": "0ms"}, "tau", "found 0 ms, expected a value above 0 ms"),
        ({"tau": 0}, "tau", "found 0 ms, expected a value above 0 ms"),
        ({"tau": "-5ms"}, "tau", "found -5 ms, expected a value above 0 ms"),
        ({"tau": "1e999ms"}, "tau", "found inf ms, expected a finite number"),
        ({"tau": float("nan") * b2.ms}, "tau", "found nan ms, expected a finite number"),
        ({"tau": None}, "tau", "found None, expected a time with its unit, such as 20ms"),
        ({"tau": ["1ms", "2ms"]}, "tau", "found an array of shape (2,), expected one number"),
        ({"gain": 1.01}, "gain", "found 1.01, expected a value at least 0 and at most 1"),
        ({"gain": -1e-9}, "gain", "found -1e-9, expected a value at least 0 and at most 1"),
        ({"gain": float("nan")}, "gain", "found nan, expected a finite number"),
        ({"gain": [0.5, 2.0, 3.0]}, "gain", "found 2 at index 1, expected a value at least 0 and "
         "at most 1"),
        ({"gain": [[0.5]]}, "gain", "found an array of shape (1, 1), expected one number"),
        ({"gain": "half"}, "gain", "found 'half', expected a plain number"),
        ({"gain": True}, "gain", "found True, expected a plain number"),
        ({"gain": 1j}, "gain", "found 1j, expected a plain number"),
        ({"count": 2.5}, "count", "found 2.5, expected a whole number"),
        ({"count": "2.5"}, "count", "found 2.5, expected a whole number"),
        ({"count": -1}, "count", "found -1, expected a value at least 0"),
        ({"count": [1, 2.5]}, "count", "found 2.5 at index 1, expected a whole number"),
        ({"extra": "-1Hz"}, "extra", "found -1 Hz, expected a value at least 0 Hz"),
        ({"inside": 0}, "inside", "found 0, expected a value above 0 and below 1"),
        ({"inside": 1}, "inside", "found 1, expected a value above 0 and below 1"),
        ({"q": "1s"}, "q", "found '1s' which is a time, expected a voltage with its unit, such as "
         "0.2mV or a current with its unit, such as 50pA or a plain number"),
        ({"pairing": "nearst"}, "pairing", "found 'nearst', expected one of all-to-all, nearest "
         "(did you mean 'nearest'?)"),
        ({"noisy": 1}, "noisy", "found 1, expected true or false"),
        ({"noisy": "yes"}, "noisy", "found 'yes', expected true or false"),
    ],
)  # fmt: skip
def test_what_is_refused(values: dict[str, Any], field: str, problem: str) -> None:
    error = refusal(**values)
    assert (error.field, error.problem) == (field, problem)
    assert str(error) == f"Sample.{field}: {problem}"
    assert error.exit_code == 2
    assert "\n" not in str(error)


def test_bounds_that_belong_are_allowed() -> None:
    made = Sample(tau="1ms", gain=[0.0, 1.0], count=0, extra="0Hz")
    np.testing.assert_array_equal(made.gain, [0.0, 1.0])
    assert (made.count, made.extra) == (0, 0.0)


def test_arrays() -> None:
    source = np.array([0.1, 0.9])
    made = Sample(tau="1ms", gain=source, count=[1, 2, 3], q=["1mV", "2mV"])
    assert made.gain is not source
    source[0] = 0.7
    assert made.gain[0] == 0.1
    assert made.count.dtype == np.int64
    np.testing.assert_array_equal(made.q, [0.001, 0.002])
    with pytest.raises(ValueError, match="read-only"):
        made.gain[0] = 0.3
    np.testing.assert_array_equal(Sample(tau="1ms", q=[1, 2] * b2.pA).q, [1e-12, 2e-12])
    assert Sample(tau="1ms", q=[1, 2] * b2.pA).dimension("q").name == "current"
    assert made.text("gain") == "2 values, 0.1 to 0.9"


def test_names() -> None:
    with pytest.raises(InputError) as error:
        Sample(tau="1ms", gian=0.5)
    assert str(error.value) == (
        "Sample has no parameter 'gian', it has tau, gain, count, q, extra, inside, pairing, "
        "noisy; did you mean 'gain'?"
    )
    with pytest.raises(InputError, match=r"has no parameter 'xyzzy', it has tau, .*, noisy$"):
        Sample(tau="1ms", xyzzy=1)
    with pytest.raises(InputError, match=r"^Sample needs a value for tau$"):
        Sample()
    with pytest.raises(InputError, match=r"^Sample: give parameters by name: tau, gain, "):
        Sample("20ms")


def test_frozen() -> None:
    made = Sample(tau="1ms")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.tau = 0.5  # type: ignore[misc]


def test_text_round_trip() -> None:
    """Whatever is in it, `as_text` makes the same again, to the last bit."""
    floats = [v for v in random_floats(600, seed=7) if v > 0]
    for number, value in enumerate(floats):
        unit = ("mV", "pA", "1")[number % 3]
        made = Sample(
            tau=value * b2.second,
            q=f"{value!r}{unit}" if unit != "1" else value,
            gain=value % 1.0,
            count=number,
            extra=None if number % 2 else f"{value!r}Hz",
            pairing=("all-to-all", "nearest")[number % 2],
        )
        texts = made.as_text()
        texts = {k: v for k, v in texts.items() if v != "none" and k != "noisy"}
        again = Sample(**texts)
        assert again.as_text() == made.as_text()
        for name in ("tau", "q", "gain", "count", "extra"):
            assert getattr(again, name) == getattr(made, name)
        assert again.dimension("q") == made.dimension("q")


def test_replace_keeps_the_rest() -> None:
    made = Sample(tau="12.3ms", q="50pA", gain=[0.25, 1 / 3], extra="7Hz", noisy=True)
    other = made.replace(tau="9ms")
    assert other.tau == 0.009
    assert made.tau == 0.0123
    assert other.text("q") == "50 pA"
    assert other.noisy is True and other.extra == 7.0
    np.testing.assert_array_equal(other.gain, [0.25, 1 / 3])
    assert made.replace(extra=None).extra is None
    with pytest.raises(FieldError, match=r"^Sample\.gain: found 3"):
        made.replace(gain=3.0)
    with pytest.raises(InputError, match=r"no parameter 'tua'.*did you mean 'tau'"):
        made.replace(tua="1ms")


def test_replace_keeps_arrays_with_a_unit_to_the_last_bit() -> None:
    sizes = np.random.default_rng(3).random(200) * 1e-3
    made = Sample(tau="1ms", q=sizes * b2.volt)
    np.testing.assert_array_equal(made.q, sizes)
    np.testing.assert_array_equal(made.replace(tau="2ms").q, sizes)


def test_arrays_of_several_dimensions_are_refused() -> None:
    error = refusal(q=["1mV", "2pA"])
    assert error.problem == "found ['1mV', '2pA'], expected values of one dimension"


def test_repr_reads_as_a_call() -> None:
    assert repr(Sample(tau="20ms", extra="5Hz")) == (
        "Sample(tau=20 ms, gain=1, count=3, q=0.2 mV, extra=5 Hz, inside=0.5, pairing=nearest, "
        "noisy=False)"
    )


def test_subclasses_check_combinations() -> None:
    class Ordered(Sample):
        def check(self) -> None:
            if self.gain > self.inside:
                raise FieldError("Ordered", "gain", "found it above inside")

    assert Ordered(tau="1ms", gain=0.2).gain == 0.2
    with pytest.raises(FieldError, match=r"^Ordered\.gain: found it above inside$"):
        Ordered(tau="1ms", gain=0.7)
    with pytest.raises(FieldError):
        Ordered(tau="1ms", gain=0.2).replace(inside=0.1)

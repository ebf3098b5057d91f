"""Frozen sets of parameters whose units and bounds are checked.

Subclass `Parameters`, declare each field with `parameter`, `option` or `switch`:

    class Decay(Parameters):
        tau: float = parameter("ms", "decay time constant", low=0, low_open=True)

    Decay(tau="20ms").tau      # 0.02, always SI
    Decay(tau=20*brian2.ms)    # the same
    Decay(tau=20)              # refused: which unit?

A value may be an array, one entry per synapse, where the field allows it.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, ClassVar, Self, dataclass_transform

import numpy as np

from synsim.component import units
from synsim.component.errors import FieldError, InputError
from synsim.component.units import Dimension

_KEY = "synsim"


@dataclasses.dataclass(frozen=True)
class Spec:
    """What a field may hold, and how it is shown."""

    doc: str

    def convert(self, value: Any) -> Any:
        raise NotImplementedError

    def show(self, value: Any) -> str:
        return str(value)

    @property
    def allowed(self) -> str:
        """Words for the range of values."""
        return ""


@dataclasses.dataclass(frozen=True)
class Quantity(Spec):
    """A number with a unit and bounds; `units[0]` is the one it is shown in."""

    units: tuple[str, ...] = ("1",)
    low: float | None = None  # in SI
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    integer: bool = False
    array: bool = False
    optional: bool = False

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(units.unit(u).dimension for u in self.units)

    def convert(self, value: Any) -> Any:
        return self.convert_with_dimension(value)[0]

    def convert_with_dimension(self, value: Any) -> tuple[Any, Dimension]:
        """SI value (float, int or 1-d array) and its dimension; raises InputError."""
        if value is None and self.optional:
            return None, self.dimensions[0]
        number, dimension = self._read(value)
        array = np.asarray(number)
        if array.ndim > (1 if self.array else 0):
            raise InputError(f"found an array of shape {array.shape}, expected one number")
        self._check(array)
        if array.ndim:
            result = array.astype(np.int64 if self.integer else float)
            result.setflags(write=False)
            return result, dimension
        return (int(array) if self.integer else float(array)), dimension

    def _read(self, value: Any) -> tuple[Any, Dimension]:
        if isinstance(value, str):
            return units.parse(value, self.dimensions)
        found = units.from_quantity(value, self.dimensions)
        if found is not None:
            return found
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
            read = [self._read(v) for v in value]
            if any(dimension is not read[0][1] for _, dimension in read):
                raise InputError(f"found {list(value)!r}, expected values of one dimension")
            return [v for v, _ in read], read[0][1]
        try:
            numbers = np.asarray(value)
            if numbers.dtype.kind not in "iuf":
                raise TypeError
        except (TypeError, ValueError):
            raise InputError(
                f"found {value!r}, expected {units.expected(self.dimensions)}"
            ) from None
        number = units.DIMENSIONS["number"]
        if number in self.dimensions:
            return value, number
        if numbers.ndim == 0 and numbers == 0:  # zero needs no unit
            return value, self.dimensions[0]
        raise InputError(
            f"found {value!r} without a unit, expected {units.expected(self.dimensions)}"
        )

    def _check(self, array: np.ndarray) -> None:
        def refuse(bad: np.ndarray, wanted: str) -> None:
            if np.any(bad):
                index = int(np.argmax(np.ravel(bad)))
                where = f" at index {index}" if array.ndim else ""
                shown = units.show(float(np.ravel(array)[index]), self.units[0])
                raise InputError(f"found {shown}{where}, expected {wanted}")

        refuse(~np.isfinite(array), "a finite number")
        if self.integer:
            refuse(array != np.floor(array), "a whole number")
        if self.low is not None:
            bad = array <= self.low if self.low_open else array < self.low
            refuse(bad, f"a value {self.allowed}")
        if self.high is not None:
            bad = array >= self.high if self.high_open else array > self.high
            refuse(bad, f"a value {self.allowed}")

    def show(self, value: Any, unit_name: str | None = None) -> str:
        if value is None:
            return "none"
        name = unit_name or self.units[0]
        if np.ndim(value):
            low, high = float(np.min(value)), float(np.max(value))
            return f"{len(value)} values, {units.show(low, name)} to {units.show(high, name)}"
        return str(value) if self.integer else units.show(value, name)

    @property
    def allowed(self) -> str:
        parts = []
        if self.low is not None:
            word = "above" if self.low_open else "at least"
            parts.append(f"{word} {units.show(self.low, self.units[0])}")
        if self.high is not None:
            word = "below" if self.high_open else "at most"
            parts.append(f"{word} {units.show(self.high, self.units[0])}")
        return " and ".join(parts)


@dataclasses.dataclass(frozen=True)
class Choice(Spec):
    """One of several words."""

    choices: tuple[str, ...] = ()

    def convert(self, value: Any) -> str:
        if value not in self.choices:
            close = difflib.get_close_matches(str(value), self.choices, 1, 0.4)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise InputError(f"found {value!r}, expected one of {', '.join(self.choices)}{hint}")
        return value

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(self.choices)


@dataclasses.dataclass(frozen=True)
class Switch(Spec):
    """True or false."""

    def convert(self, value: Any) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise InputError(f"found {value!r}, expected true or false")
        return bool(value)


def _field(spec: Spec, default: Any) -> Any:
    return dataclasses.field(default=default, metadata={_KEY: spec}, kw_only=True)


def parameter(
    unit: str | tuple[str, ...],
    doc: str,
    *,
    default: Any = dataclasses.MISSING,
    low: float | None = None,
    high: float | None = None,
    low_open: bool = False,
    high_open: bool = False,
    integer: bool = False,
    array: bool = False,
    optional: bool = False,
) -> Any:
    """Declare a number with a unit. Bounds are in SI; `array` allows one value per synapse."""
    names = (unit,) if isinstance(unit, str) else tuple(unit)
    return _field(
        Quantity(doc, names, low, high, low_open, high_open, integer, array, optional), default
    )


def option(choices: tuple[str, ...], doc: str, *, default: Any = dataclasses.MISSING) -> Any:
    """Declare a choice between words."""
    return _field(Choice(doc, tuple(choices)), default)


def switch(doc: str, *, default: Any = dataclasses.MISSING) -> Any:
    """Declare a yes or no."""
    return _field(Switch(doc), default)


def custom(spec: Spec, *, default: Any = dataclasses.MISSING) -> Any:
    """Declare a field with a Spec of your own (ranges, files, mechanisms)."""
    return _field(spec, default)


@dataclass_transform(
    frozen_default=True,
    kw_only_default=True,
    field_specifiers=(parameter, option, switch, custom),
)
class Parameters:
    """Base of every parameter set and every protocol's settings; see the module's docstring.

    Subclasses become frozen, keyword-only dataclasses by themselves. Values compare by
    identity (arrays have no truth value); compare `as_text()` instead.
    """

    _dimensions: ClassVar[Mapping[str, Dimension]]
    #: Presets that the values of settings started from, set by `synsim.settings.from_texts`.
    from_presets: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)(cls)
        made = cls.__init__

        def __init__(self: Any, *args: Any, **values: Any) -> None:
            self._refuse_unknown(args, values)
            made(self, **values)

        __init__.__wrapped__ = made  # type: ignore[attr-defined]
        cls.__init__ = __init__  # type: ignore[method-assign]

    @classmethod
    def _refuse_unknown(cls, args: tuple[Any, ...], values: Mapping[str, Any]) -> None:
        names = list(cls.specs())
        if args:
            raise InputError(f"{cls.__name__}: give parameters by name: {', '.join(names)}")
        for name in values:
            if name not in names:
                close = difflib.get_close_matches(name, names, 1, 0.4)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise InputError(
                    f"{cls.__name__} has no parameter {name!r}, it has {', '.join(names)}{hint}"
                )
        missing = [
            f.name
            for f in dataclasses.fields(cls)  # type: ignore[arg-type]
            if f.name not in values
            and f.default is dataclasses.MISSING
            and f.default_factory is dataclasses.MISSING
        ]
        if missing:
            raise FieldError(
                cls.__name__,
                missing[0],
                f"found nothing, expected {cls.specs()[missing[0]].doc}",
                f"{cls.__name__} needs a value for {', '.join(missing)}",
            )

    def __post_init__(self) -> None:
        dimensions = {}
        for name, spec in self.specs().items():
            value = getattr(self, name)
            try:
                if isinstance(spec, Quantity):
                    value, dimensions[name] = spec.convert_with_dimension(value)
                else:
                    value = spec.convert(value)
            except InputError as error:
                raise FieldError(type(self).__name__, name, str(error)) from None
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_dimensions", dimensions)
        self.check()

    def check(self) -> None:
        """Refuse combinations of values; subclasses raise InputError here."""

    @classmethod
    def specs(cls) -> dict[str, Spec]:
        """Field name -> what it may hold."""
        return {f.name: f.metadata[_KEY] for f in dataclasses.fields(cls)}  # type: ignore[arg-type]

    def dimension(self, name: str) -> Dimension:
        """The dimension of a quantity's present value."""
        return self._dimensions[name]

    def unit_of(self, name: str) -> str:
        """The unit a quantity's present value is shown in."""
        spec = self.specs()[name]
        assert isinstance(spec, Quantity)
        dimension = self.dimension(name)
        return next(u for u in spec.units if units.unit(u).dimension == dimension)

    def text(self, name: str) -> str:
        """A field's value with its unit."""
        spec, value = self.specs()[name], getattr(self, name)
        if isinstance(spec, Quantity):
            return spec.show(value, self.unit_of(name))
        return spec.show(value)

    def as_text(self) -> dict[str, str]:
        """Every field as text with its unit, exact to the last bit."""
        return {name: self.text(name) for name in self.specs()}

    def replace(self, **changes: Any) -> Self:
        """A copy with other values."""
        made = type(self)(**{name: self.given(name) for name in self.specs()} | changes)
        object.__setattr__(made, "from_presets", self.from_presets)
        return made

    def resolved(self) -> dict[str, str]:
        """Texts of fields that are None and stand for a value, with that value."""
        return {}

    def given(self, name: str) -> Any:
        """A field's value in a form that the constructor takes."""
        value = getattr(self, name)
        spec = self.specs()[name]
        if value is None or not isinstance(spec, Quantity):
            return value
        if self.dimension(name).name == "number":
            return value
        if np.ndim(value):
            return [units.show(v, self.unit_of(name)) for v in value]
        return self.text(name)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={text}" for name, text in self.as_text().items())
        return f"{type(self).__name__}({inside})"

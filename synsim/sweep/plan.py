"""Which settings a sweep goes through: a grid, a random plan or a Latin hypercube.

Points are texts of settings, as on the command line and in ``summary.json``, so that a point of
a sweep is run again by hand with the very same numbers.

A Latin hypercube of N points has exactly one point in each of N equal slices of every variable
(McKay, Beckman & Conover 1979, Technometrics 21:239).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synsim import catalogue
from synsim.component import Mechanism, units
from synsim.component.errors import FieldError, InputError
from synsim.component.parameters import Quantity, Spec
from synsim.component.ranges import Values
from synsim.settings import FileField, from_texts

PLANS = ("grid", "random", "latin")
_UNIT = re.compile(r"([A-Za-zµμ]+)\s*$")


@dataclass(frozen=True)
class Point:
    """One run of a sweep."""

    number: int  # from 1
    varied: Mapping[str, str]
    seed: int


@dataclass(frozen=True)
class Plan:
    """All points of a sweep.

    protocol, fixed : what is run, and the settings that are the same at every point
    varied : setting -> what was asked for
    columns : setting -> name of its column, with its unit
    """

    protocol: str
    fixed: Mapping[str, str]
    varied: Mapping[str, str]
    columns: Mapping[str, str]
    kind: str
    points: tuple[Point, ...]
    seed: int
    backend: str | None

    @property
    def digest(self) -> str:
        """Equal for plans that are the same run."""
        parts = [self.protocol, dict(self.fixed), self.kind, self.seed, self.backend]
        parts += [[p.number, dict(p.varied), p.seed] for p in self.points]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def value(self, point: Point, name: str) -> float | str:
        """A varied setting as it stands in its column."""
        text, column = point.varied[name], self.columns[name]
        try:
            number, dimension = units.parse(text, tuple(units.DIMENSIONS.values()))
        except InputError:
            return text
        if dimension.name == "number":
            return number
        return float(units.show(number, column.rpartition("_")[2]).split()[0])


def make(
    protocol: str,
    vary: Mapping[str, str],
    fixed: Mapping[str, str] | None = None,
    *,
    kind: str = "grid",
    count: int | None = None,
    seed: int = 1,
    backend: str | None = None,
) -> Plan:
    """Lay out a sweep, and check every point of it before anything runs.

    Parameters
    ----------
    protocol : its name, as in `synsim run`
    vary : setting -> values. Of a grid ``start:stop:step`` or values with commas; of the other
        plans ``low:high``, ``low:high:log`` or values with commas to choose from
    fixed : settings that are the same everywhere, as texts
    kind : ``"grid"`` (every combination), ``"random"`` or ``"latin"``
    count : number of points of a random or Latin plan
    seed : each point has a seed of its own, independent of the others (`numpy.random.SeedSequence`)

    Raises
    ------
    FieldError
        naming the setting that is wrong
    InputError
        for anything else, in one line
    """
    module = catalogue.protocol(protocol)
    fixed = dict(fixed or {})
    if kind not in PLANS:
        raise InputError(f"--plan: found {kind!r}, expected one of {', '.join(PLANS)}")
    if not vary:
        raise InputError("--vary is missing, expected NAME=VALUES, such as tau_plus=10ms:40ms:5ms")
    twice = sorted(vary.keys() & fixed.keys())
    if twice:
        raise InputError(f"--vary {twice[0]}: the setting is also given a value of its own")
    if (kind == "grid") != (count is None):
        raise InputError(
            f"--points: found {'none' if count is None else count}, expected "
            + ("none: a grid has every combination" if kind == "grid" else "a number of points")
        )
    if count is not None and count < 1:
        raise InputError(f"--points: found {count}, expected at least 1")
    # a file has no default: where files are varied, the first stands for it
    files = {
        name: vary[name].split(",")[0].strip()
        for name, spec in module.Settings.specs().items()
        if isinstance(spec, FileField) and name in vary
    }
    specs = _specs(module.Settings, from_texts(module.Settings, fixed | files))
    unknown = next((name for name in vary if name not in specs), None)
    if unknown is not None:
        raise InputError(f"--vary: {catalogue.unknown('setting', unknown, list(specs))}")
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    axes = {name: _axis(name, specs[name], text, kind) for name, text in vary.items()}
    if kind == "grid":
        rows = [dict(zip(axes, row, strict=True)) for row in itertools.product(*axes.values())]
    else:
        assert count is not None
        places = _places(len(axes), count, kind, rng)
        rows = [
            {
                name: _at(specs[name], axis, u)
                for (name, axis), u in zip(axes.items(), row, strict=True)
            }
            for row in places
        ]
    points = tuple(
        Point(number, row, own)
        for number, (row, own) in enumerate(zip(rows, _seeds(seed, len(rows)), strict=True), 1)
    )
    for point in points:
        try:
            settings = from_texts(module.Settings, fixed | dict(point.varied))
            if hasattr(settings, "read_files"):
                settings.read_files()
        except FieldError as error:
            if error.field not in point.varied:
                raise
            raise InputError(f"--vary {error.field}: {error.problem}") from None
    columns = {name: _column(name, specs[name], points[0].varied[name]) for name in vary}
    return Plan(protocol, fixed, dict(vary), columns, kind, points, seed, backend)


def _specs(kind: Any, settings: Any) -> dict[str, Spec]:
    """Every setting of a protocol, with those of the mechanisms it is given."""
    specs = dict(kind.specs())
    for name in list(specs):
        value = getattr(settings, name)
        if isinstance(value, Mechanism):
            specs |= value.specs()
    return specs


def _seeds(seed: int, count: int) -> list[int]:
    """Independent seeds, no two the same."""
    found: dict[int, None] = {}
    child = 0
    while len(found) < count:
        child += 1
        sequence = np.random.SeedSequence(seed, spawn_key=(1, child))
        found[int(sequence.generate_state(1)[0])] = None
    return list(found)


def _axis(name: str, spec: Spec, text: str, kind: str) -> Any:
    """Of a grid: the texts. Of other plans: a list of texts, or (low, high, logarithmic, unit)."""
    parts = text.split(":") if isinstance(spec, Quantity) else [text]
    try:
        if len(parts) == 1:
            texts = [part.strip() for part in text.split(",") if part.strip()]
            if not texts:
                raise InputError("found an empty list, expected at least one value")
            doubled = next((t for i, t in enumerate(texts) if t in texts[:i]), None)
            if doubled is not None:
                raise InputError(f"found {doubled!r} twice, expected different values")
            return texts
        assert isinstance(spec, Quantity)
        unit = _unit(parts[0])
        if kind == "grid":
            listed = Values("", (unit,), array=True)
            return [units.show(v, unit, "") for v in listed.convert(text)]
        logarithmic = len(parts) == 3 and parts[2].strip() == "log"
        if len(parts) != 2 and not logarithmic:
            raise InputError(
                f"found {text!r}, expected low:high, low:high:log or values with commas"
            )
        low, high = (units.parse(part, (units.unit(unit).dimension,))[0] for part in parts[:2])
        if not low < high:
            raise InputError(f"found {text!r}, expected the lower end first")
        if logarithmic and low <= 0:
            raise InputError(f"found {text!r}, expected ends above 0 for a logarithmic range")
        return low, high, logarithmic, unit
    except InputError as error:
        raise InputError(f"--vary {name}: {error}") from None


def _unit(text: str) -> str:
    match = _UNIT.search(text)
    return match[1] if match else "1"


def _places(axes: int, count: int, kind: str, rng: np.random.Generator) -> Any:
    """Places of the points in the unit cube, shape (count, axes)."""
    if kind == "random":
        return rng.random((count, axes))
    slices = np.stack([rng.permutation(count) for _ in range(axes)], axis=1)
    return (slices + rng.random((count, axes))) / count


def _at(spec: Spec, axis: Any, u: float) -> str:
    """The text of a setting at a place between 0 and 1 of its axis."""
    if isinstance(axis, list):
        return str(axis[min(int(u * len(axis)), len(axis) - 1)])
    low, high, logarithmic, unit = axis
    if isinstance(spec, Quantity) and spec.integer:
        # every whole number of the range equally often
        return str(int(min(np.floor(low + u * (high - low + 1)), high)))
    value = low * (high / low) ** u if logarithmic else low + u * (high - low)
    # enough digits to tell points apart, few enough to be typed again
    return units.show(float(f"{value:.9g}"), unit, "")


def _column(name: str, spec: Spec, text: str) -> str:
    """A setting's column: its name, and its unit where it has one."""
    if not isinstance(spec, Quantity):
        return name
    try:
        _, dimension = units.parse(text, spec.dimensions)
    except InputError:  # a setting that may be `none`
        return name
    unit = next(u for u in spec.units if units.unit(u).dimension is dimension)
    return name if unit == "1" else f"{name}_{unit}"


def names(vary: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUES`` words as a mapping; dashes in names are taken for underscores."""
    found: dict[str, str] = {}
    for word in vary:
        name, equals, text = word.partition("=")
        name = name.strip().removeprefix("--").replace("-", "_")
        if not equals or not name:
            raise InputError(f"--vary: found {word!r}, expected NAME=VALUES, such as n=1,2,5")
        if name in found:
            raise InputError(f"--vary {name}: found twice, expected each setting once")
        found[name] = text
    return found

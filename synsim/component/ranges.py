"""Lists of values with a unit: ``start:stop:step`` with both ends, or values with commas."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import units
from synsim.component.errors import InputError
from synsim.component.parameters import Quantity, custom

_MOST = 1_000_000


@dataclass(frozen=True)
class Values(Quantity):
    """One or more numbers of one dimension, kept as a 1-d array in SI."""

    def convert_with_dimension(self, value: Any) -> tuple[Any, units.Dimension]:
        if value is None and self.optional:
            return None, self.dimensions[0]
        if isinstance(value, str):
            found = self._from_text(value)
            if found.size == 0:
                raise InputError("found an empty list, expected at least one value")
            self._check(found)
            dimension = self.dimensions[0]
        else:
            if np.size(value) == 0:
                raise InputError("found an empty list, expected at least one value")
            found, dimension = super().convert_with_dimension(value)
            found = np.atleast_1d(found)
        found.setflags(write=False)
        return found, dimension

    def _from_text(self, text: str) -> NDArray[np.float64]:
        if ":" in text:
            return self._from_range(text)
        parts = [part for part in text.split(",") if part.strip()]
        if 0 < len(parts) < text.count(",") + 1:
            raise InputError(f"found {text!r} with an empty value, expected one at each comma")
        return np.array([units.parse(part, self.dimensions)[0] for part in parts])

    def _from_range(self, text: str) -> NDArray[np.float64]:
        parts = text.split(":")
        if len(parts) != 3:
            raise InputError(f"found {text!r}, expected start:stop:step or values with commas")
        # Decimal steps, so that -100ms:100ms:5ms meets 0 and both ends exactly
        start, stop, step = (Decimal(repr(units.parse(part, self.dimensions)[0])) for part in parts)
        if not all(part.is_finite() for part in (start, stop, step)):
            raise InputError(f"found {text!r}, expected finite numbers")
        if step == 0:
            raise InputError(f"found {text!r} with a step of 0, expected another one")
        steps = (stop - start) / step
        if steps < 0:
            raise InputError(
                f"found {text!r}, which is an empty list: the step leads away from the stop"
            )
        if steps >= _MOST:
            raise InputError(f"found {text!r}, expected at most {_MOST} values")
        return np.array([float(start + i * step) for i in range(int(steps) + 1)])

    def show(self, value: Any, unit_name: str | None = None) -> str:
        if value is None:
            return "none"
        name = unit_name or self.units[0]
        exact = [Decimal(repr(float(v))) for v in value]
        if len(exact) > 2:
            step = exact[1] - exact[0]
            if step != 0 and all(exact[0] + i * step == v for i, v in enumerate(exact)):
                return ":".join(units.show(float(v), name, "") for v in (value[0], value[-1], step))
        return ",".join(units.show(v, name, "") for v in value)


def values(unit: str, doc: str, *, default: Any, **bounds: Any) -> Any:
    """Declare a list of numbers with a unit."""
    return custom(Values(doc, (unit,), array=True, **bounds), default=default)

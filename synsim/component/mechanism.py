"""What every model file offers: a mechanism with a role, its sources and its presets."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from synsim.component.citations import Citation, Preset
from synsim.component.errors import InputError
from synsim.component.parameters import Parameters


class Mechanism(Parameters):
    """One mechanism of a neuron or synapse, with cited parameter values.

    A model file defines a subclass per mechanism. `name` is what users type, `role` says
    where in a synapse or network it fits; an empty name marks a base class, which
    the catalogue passes over.
    """

    name: ClassVar[str] = ""
    role: ClassVar[str] = ""
    citations: ClassVar[tuple[Citation, ...]] = ()
    presets: ClassVar[Mapping[str, Preset]] = {}
    #: The preset whose values an instance started from, "" for none.
    started_from: ClassVar[str] = ""

    @property
    def idle(self) -> tuple[str, ...]:
        """Parameters that play no part at their present value: the code leaves them out."""
        return ()

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Published parameter values by name, some of them changed.

        Raises InputError for an unknown preset, and whatever the parameters' bounds refuse.
        """
        if name not in cls.presets:
            known = ", ".join(cls.presets) or "none"
            raise InputError(f"{cls.name} has no preset {name!r}, it has: {known}")
        return cls(**{**cls.presets[name].values, **changes}).starting_from(name)

    def starting_from(self, preset: str) -> Self:
        """Remember, for the citations, that values come from a preset; returns the instance."""
        object.__setattr__(self, "started_from", preset)
        return self

    def replace(self, **changes: Any) -> Self:
        """A copy with other values; it started from the same preset."""
        return super().replace(**changes).starting_from(self.started_from)

    @property
    def sources(self) -> tuple[Citation, ...]:
        """Where the equations come from, and the values where they started from a preset."""
        cited = self.presets.get(self.started_from)
        return self.citations if cited is None else (*self.citations, cited.citation)

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(cls) or "").split("\n", 1)[0].rstrip(".")

    @classmethod
    def equations(cls) -> str:
        """The model file's docstring: equations, symbols, citation, deviations."""
        return inspect.getdoc(inspect.getmodule(cls)) or ""

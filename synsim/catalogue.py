"""What there is: mechanisms and protocols, found by looking through their folders.

A new rule is a new file in ``models/``, a new protocol a new file in ``protocols/``; nothing
registers itself anywhere.
"""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import pkgutil
from functools import cache
from types import ModuleType

from synsim.component import InputError, Mechanism


def _modules(package: str) -> tuple[ModuleType, ...]:
    found = importlib.import_module(package)
    names = sorted(info.name for info in pkgutil.iter_modules(found.__path__))
    return tuple(importlib.import_module(f"{package}.{name}") for name in names)


@cache
def mechanisms() -> tuple[type[Mechanism], ...]:
    """Every named mechanism of the model files, in the order of files and lines."""
    return tuple(
        value
        for module in _modules("synsim.models")
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Mechanism)
        and value.name
        and value.__module__ == module.__name__
    )


def find(role: str, name: str) -> type[Mechanism]:
    """The mechanism of a role by its name; InputError for an unknown one."""
    known = {m.name: m for m in mechanisms() if m.role == role}
    if name not in known:
        raise unknown(role, name, list(known))
    return known[name]


def presets() -> dict[str, type[Mechanism]]:
    """Preset name -> the mechanism it belongs to."""
    return {preset: mechanism for mechanism in mechanisms() for preset in mechanism.presets}


@cache
def protocols() -> dict[str, ModuleType]:
    """Protocol name, as on the command line -> its module."""
    return {module.NAME: module for module in _modules("synsim.protocols")}


def protocol(name: str) -> ModuleType:
    """The protocol of that name; InputError for an unknown one."""
    # Most lie in a file of their name: then the others need not be loaded.
    place = f"synsim.protocols.{name.replace('-', '_')}"
    if name.replace("-", "").isalnum() and importlib.util.find_spec(place) is not None:
        module = importlib.import_module(place)
        if getattr(module, "NAME", None) == name:
            return module
    known = protocols()
    if name not in known:
        raise unknown("protocol", name, list(known))
    return known[name]


def unknown(what: str, name: str, known: list[str], *, listed: str = "") -> InputError:
    """The error for a name that is not there, with the nearest one that is.

    listed : a command that lists the names, where there are too many for a line
    """
    close = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    expected = f"one of the {len(known)} of `{listed}`" if listed else f"one of {', '.join(known)}"
    return InputError(f"unknown {what} {name!r}, expected {expected}{hint}")

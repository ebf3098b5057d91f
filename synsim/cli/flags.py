"""Flags of a command that come from a protocol's settings."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeVar

from synsim.cli.parser import Parser, figure_flags
from synsim.cli.terminal import warn
from synsim.component.errors import FieldError, InputError, SynsimWarning

T = TypeVar("T")
BACKENDS = ("cpp_standalone", "cython", "numpy")


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Our warnings as one line each; those of the libraries go the way they went before."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", SynsimWarning)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, SynsimWarning):
                warn([str(message)])
            else:
                others(message, category, *place, **more)

        warnings.showwarning = show
        yield


def flagged(make: Callable[[], T]) -> T:
    """What `make` makes; an error in a setting is said with the setting's flag."""
    try:
        return make()
    except FieldError as error:
        raise InputError(f"--{flag(error.field)}: {error.problem}") from None


def seed_of(text: str | None) -> int:
    if text is None:
        return 1
    try:
        seed = int(text)
        if not 0 <= seed < 2**32:
            raise ValueError
    except ValueError:
        raise InputError(
            f"--seed: found {text!r}, expected a whole number, 0 to 2^32 - 1"
        ) from None
    return seed


def flag(name: str) -> str:
    """A setting's flag, without the dashes."""
    return name.replace("_", "-")


def settings_parser(
    command: str, module: ModuleType, earlier: dict[str, str], add_own: Callable[[Parser], None]
) -> Parser:
    """The flags of `synsim COMMAND PROTOCOL`: its settings, and those of their mechanisms.

    `earlier` are texts of settings that are known already, such as the rule; `add_own` adds the
    command's own flags.
    """
    from synsim import catalogue
    from synsim.settings import MechanismField

    kind = module.Settings
    parser = Parser(
        prog=f"synsim {command} {module.NAME}",
        description=(module.__doc__ or "").strip(),
        epilog="Quantities are written with their unit, such as 16.8ms or 20Hz.",
    )
    parser.add_argument("--out", metavar="DIR", help="new directory for the results")
    parser.add_argument("--seed", metavar="N", help="seed of all randomness (default 1)")
    parser.add_argument(
        "--backend", choices=BACKENDS, help="default: C++, or numpy without a compiler"
    )
    figure_flags(parser)
    parser.add_argument("--force", action="store_true", help="replace earlier results in DIR")
    add_own(parser)
    settings = parser.add_argument_group("settings")
    settings.add_argument(
        "--synapse", metavar="PRESET[,PRESET]", help="cited values to start from, see `synsim list`"
    )
    defaults = {f.name: f.default for f in dataclasses.fields(kind)}
    for name, spec in kind.specs().items():
        _add(settings, name, spec, defaults[name])
        if isinstance(spec, MechanismField):
            default = defaults[name]
            for preset in filter(None, earlier.get("synapse", "").split(",")):
                home = catalogue.presets().get(preset.strip())
                if home is not None and home.role == spec.role:
                    default = home.preset(preset.strip())
            chosen = spec.named(earlier.get(name, spec.show(default)), default)
            if chosen is not None:
                group = parser.add_argument_group(f"parameters of the {chosen.name} rule")
                for own, own_spec in chosen.specs().items():
                    _add(group, own, own_spec, chosen.text(own))
    return parser


def _add(group: Any, name: str, spec: Any, default: Any) -> None:
    from synsim.component import units
    from synsim.component.parameters import Quantity
    from synsim.settings import FileField, MechanismField, TextField

    if isinstance(spec, Quantity):
        unit = "|".join(
            "NUMBER" if u == "1" else f"{units.unit(u).dimension.name.upper()}" for u in spec.units
        )
    elif isinstance(spec, FileField):
        unit = "FILE"
    elif isinstance(spec, TextField):
        unit = spec.metavar
    else:
        unit = "NAME"
    if isinstance(spec, MechanismField):
        default = spec.show(default)
    elif isinstance(default, tuple):
        default = ",".join(f"{one:.4g}" for one in default)
    words = [spec.doc]
    if spec.allowed:
        words.append(f"; {spec.allowed}")
    if default is not None and default is not dataclasses.MISSING:
        words.append(f" (default {default})")
    group.add_argument(
        f"--{flag(name)}", dest=name, metavar=unit, help="".join(words).replace("%", "%%")
    )

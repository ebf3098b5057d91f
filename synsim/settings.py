"""Settings of protocols: typed, with units, the same in Python, on the command line and in JSON.

A protocol's settings are a `Parameters` class. `from_texts` makes one from flags (`--tau-plus
16.8ms`) or from the ``settings`` of a ``summary.json``; `to_texts` is the way back, exact to the
last bit. A setting that holds a mechanism (`--rule pair`) brings that mechanism's parameters
along as settings of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from synsim import catalogue
from synsim.component import InputError, Mechanism, Parameters
from synsim.component.errors import FieldError
from synsim.component.parameters import Choice, Quantity, Spec, Switch, custom

NONE = "none"
S = TypeVar("S", bound=Parameters)


@dataclasses.dataclass(frozen=True)
class MechanismField(Spec):
    """A mechanism of one role, or none where that is allowed."""

    role: str = ""
    optional: bool = False
    setting: str = "rule"  # its name, for errors

    def convert(self, value: Any) -> Any:
        if value is None and self.optional:
            return None
        if not isinstance(value, Mechanism) or value.role != self.role:
            raise InputError(f"found {value!r}, expected a mechanism of role {self.role!r}")
        return value

    def show(self, value: Any) -> str:
        return NONE if value is None else value.name

    @property
    def allowed(self) -> str:
        names = [m.name for m in catalogue.mechanisms() if m.role == self.role]
        return "one of " + ", ".join(names + [NONE] * self.optional)

    def named(self, name: str, default: Any) -> Mechanism | None:
        """What `name` stands for, with the parameters it starts from."""
        if name == NONE and self.optional:
            return None
        try:
            kind = catalogue.find(self.role, name)
        except InputError as error:
            raise FieldError("settings", self.setting, str(error)) from None
        if default is not None and type(default) is kind:
            return default
        first = next(iter(kind.presets), None)
        return kind() if first is None else kind.preset(first)


@dataclasses.dataclass(frozen=True)
class FileField(Spec):
    """The name of a file; whoever reads it says what is wrong with it."""

    optional: bool = False

    def convert(self, value: Any) -> str | None:
        if value is None and self.optional:
            return None
        return str(Path(value))


@dataclasses.dataclass(frozen=True)
class TextField(Spec):
    """A text of some language; `check` returns it, or raises InputError."""

    check: Callable[[str], str] = str
    words: str = ""  # what may be said
    metavar: str = "TEXT"

    def convert(self, value: Any) -> str:
        return self.check(value)

    @property
    def allowed(self) -> str:
        return self.words


def mechanism(role: str, doc: str, *, default: Any, optional: bool = False) -> Any:
    """Declare a setting that holds a mechanism."""
    return custom(MechanismField(doc, role, optional), default=default)


def file(doc: str, *, optional: bool = False) -> Any:
    """Declare a setting that names a file; without a default unless it is optional."""
    default = None if optional else dataclasses.MISSING
    return custom(FileField(doc, optional), default=default)


def text(
    doc: str, check: Callable[[str], str], *, default: str, words: str, metavar: str = "TEXT"
) -> Any:
    """Declare a setting that is a text, which `check` returns as it is kept; `words` say what it
    may be."""
    return custom(TextField(doc, check, words, metavar), default=default)


def to_texts(settings: Parameters) -> dict[str, str]:
    """Flat name -> text with unit, without settings that are none as they are by default."""
    presets, resolved = settings.from_presets, settings.resolved()
    texts: dict[str, str] = {"synapse": ",".join(presets)} if presets else {}
    defaults = {f.name: f.default for f in dataclasses.fields(settings)}  # type: ignore[arg-type]
    for name, spec in settings.specs().items():
        value = getattr(settings, name)
        if isinstance(spec, MechanismField):
            texts[name] = spec.show(value)
            if value is not None:
                texts |= value.as_text()
        elif isinstance(spec, Switch):
            texts[name] = "true" if value else "false"
        elif name in resolved:
            texts[name] = resolved[name]
        elif value is None:
            if defaults[name] is not None:
                texts[name] = NONE
        else:
            texts[name] = spec.show(value) if isinstance(spec, FileField) else settings.text(name)
    return texts


def from_texts(kind: type[S], texts: Mapping[str, str]) -> S:
    """Settings from flat texts; what is not given keeps its default.

    ``synapse`` in `texts` names presets, separated by commas, whose values come before the
    defaults and after what is said explicitly.

    Raises
    ------
    FieldError
        naming the setting that is wrong
    InputError
        for combinations that do not fit together
    """
    texts = dict(texts)
    chosen = {
        preset.strip(): _preset_home(preset.strip())
        for preset in texts.pop("synapse", "").split(",")
        if preset.strip()
    }
    _refuse_rivals(chosen)
    values: dict[str, Any] = {}
    for name, spec in kind.specs().items():
        if isinstance(spec, MechanismField):
            values[name] = _mechanism(kind, name, spec, texts, chosen)
    said = {"p", "U"} if texts.keys() & {"p", "U"} else set()  # one quantity, said by either name
    for preset, home in chosen.items():
        if not any(isinstance(v, home) for v in values.values()):
            for field, value in home.presets[preset].values.items():
                if field not in kind.specs():
                    raise FieldError(
                        kind.__name__,
                        "synapse",
                        f"found preset {preset!r} of {home.name}, which this protocol does not use",
                    )
                if field not in said:
                    values[field] = value
    for name, text in texts.items():
        if name not in kind.specs():
            raise InputError(f"{kind.__name__} has no setting {name!r}")
        values[name] = read(kind.specs()[name], text)
    made = kind(**values)
    object.__setattr__(made, "from_presets", tuple(chosen))
    return made


def _refuse_rivals(chosen: Mapping[str, type[Mechanism]]) -> None:
    """Two presets that set the same parameter leave open which one counts."""
    setters: dict[str, str] = {}
    for preset, home in chosen.items():
        for field in home.presets[preset].values:
            if field in setters:
                raise FieldError(
                    "settings",
                    "synapse",
                    f"found {setters[field]} and {preset}, which both set {field}, expected one "
                    "of them",
                )
            setters[field] = preset


def _preset_home(preset: str) -> type[Mechanism]:
    known = catalogue.presets()
    if preset not in known:
        raise FieldError(
            "settings", "synapse", str(catalogue.unknown("preset", preset, list(known)))
        )
    return known[preset]


def _mechanism(
    kind: type[Parameters],
    name: str,
    spec: MechanismField,
    texts: dict[str, str],
    chosen: Mapping[str, type[Mechanism]],
) -> Mechanism | None:
    """The mechanism of a setting; takes its parameters out of `texts`."""
    default = next(f.default for f in dataclasses.fields(kind) if f.name == name)  # type: ignore[arg-type]
    for preset, home in chosen.items():
        if home.role == spec.role:
            default = home.preset(preset)
    word = texts.pop(name, spec.show(default))
    made = spec.named(word, default)
    if made is None:
        return None
    own = {key: texts.pop(key) for key in list(texts) if key in made.specs()}
    return made.replace(**{key: read(made.specs()[key], text) for key, text in own.items()})


def read(spec: Spec, text: str) -> Any:
    """A text as the constructor takes it."""
    if isinstance(spec, Switch):
        return {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(spec, Quantity) and spec.optional and text == NONE:
        return None
    assert isinstance(spec, (Quantity, Choice, FileField, TextField))
    return text

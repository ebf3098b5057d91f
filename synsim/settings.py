"""Settings of protocols: typed, with units, the same in Python, on the command line and in JSON.

A protocol's settings are a `Parameters` class. `from_texts` makes one from flags (`--tau-plus
16.8ms`) or from the ``settings`` of a ``summary.json``; `to_texts` is the way back, exact to the
last bit. A setting that holds a mechanism (`--rule pair`) brings that mechanism's parameters
along as settings of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from synsim import catalogue
from synsim.component import InputError, Mechanism, Parameters, option, parameter
from synsim.component.errors import FieldError
from synsim.component.parameters import Choice, Quantity, Spec, Switch, custom
from synsim.models.pair_stdp import PairSTDP, PlasticityRule
from synsim.models.quantal_variability import QuantalVariability
from synsim.models.recording_noise import RecordingNoise
from synsim.models.tsodyks_markram import TsodyksMarkram
from synsim.models.tsodyks_three_state import TsodyksThreeState
from synsim.synapse import RESPONSE_UNITS, Synapse

NONE = "none"
S = TypeVar("S", bound=Parameters)


@dataclasses.dataclass(frozen=True)
class MechanismField(Spec):
    """A mechanism of one role, or none where that is allowed."""

    role: str = ""
    optional: bool = False

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
        kind = catalogue.find(self.role, name)
        if default is not None and type(default) is kind:
            return default
        first = next(iter(kind.presets), None)
        return kind() if first is None else kind.preset(first)


@dataclasses.dataclass(frozen=True)
class FileField(Spec):
    """A file that must be there."""

    optional: bool = False

    def convert(self, value: Any) -> str | None:
        if value is None and self.optional:
            return None
        path = Path(value)
        if path.is_dir():
            raise InputError(f"found the directory {path}, expected a file")
        if not path.exists():
            raise InputError(f"found no file {path}")
        return str(path)


def mechanism(role: str, doc: str, *, default: Any, optional: bool = False) -> Any:
    """Declare a setting that holds a mechanism."""
    return custom(MechanismField(doc, role, optional), default=default)


def file(doc: str, *, optional: bool = False) -> Any:
    """Declare a setting that names a file; without a default unless it is optional."""
    default = None if optional else dataclasses.MISSING
    return custom(FileField(doc, optional), default=default)


class SynapseSettings(Parameters):
    """The synapse of a protocol, one flat list of settings."""

    rule: PlasticityRule | None = mechanism(
        "plasticity",
        "long-term rule; its parameters are settings too",
        default=PairSTDP.preset("bi-poo-2001"),
        optional=True,
    )
    acts_on: str = option(("q", "p", "n"), "what the rule's weight scales", default="q")
    w0: float = parameter("1", "weight at the start", default=0.5, low=0, low_open=True)
    release: str = option(
        ("mean-field", "binomial", "sites"),
        "mean release without noise; binomial; or sites that empty and refill",
        default="mean-field",
    )
    n: int = parameter("1", "number of release sites", default=1, low=0, integer=True)
    p: float | None = parameter(
        "1",
        "release probability (the same quantity as U)",
        default=None,
        low=0,
        high=1,
        optional=True,
    )
    U: float | None = parameter(
        "1",
        "release probability at rest (the same quantity as p)",
        default=None,
        low=0,
        high=1,
        optional=True,
    )
    q: float = parameter(RESPONSE_UNITS, "response to one quantum", default="1mV")
    tau_rec: float | None = parameter(
        "ms",
        "recovery of a released site; turns depression on",
        default=None,
        low=0,
        low_open=True,
        optional=True,
    )
    tau_facil: float | None = parameter(
        "ms", "decay of facilitation, with --tau-rec", default=None, low=0, optional=True
    )
    tau_inact: float | None = parameter(
        "ms",
        "inactive state of the three-state model, with --tau-rec",
        default=None,
        low=0,
        low_open=True,
        optional=True,
    )
    cv_within: float = parameter(
        "1", "CV of a site's quantal size from release to release", default=0.0, low=0
    )
    cv_between: float = parameter("1", "CV of quantal size between sites", default=0.0, low=0)
    s0: float | None = parameter(
        RESPONSE_UNITS,
        "standard deviation of the recording noise",
        default=None,
        low=0,
        optional=True,
    )
    delay: float = parameter("ms", "axonal delay of the presynaptic spike", default="0ms", low=0)
    dendritic_delay: float = parameter(
        "ms", "dendritic delay of the postsynaptic spike", default="0ms", low=0
    )
    response_weight: str = option(
        ("before", "after"),
        "the response takes the weight before or after its own spike's plasticity",
        default="before",
    )
    time_step: float = parameter(
        "ms", "grid that spike times are put on", default="0.1ms", low=0, low_open=True
    )

    def check(self) -> None:
        if self.p is not None and self.U is not None:
            raise FieldError(
                type(self).__name__,
                "U",
                f"found {self.text('U')} beside p = {self.text('p')}, expected one of the two: "
                "they are the same quantity",
            )
        for name in ("tau_facil", "tau_inact"):
            if getattr(self, name) is not None and self.tau_rec is None:
                raise FieldError(
                    type(self).__name__,
                    name,
                    f"found {self.text(name)} without tau_rec, expected both",
                )
        try:
            self.synapse()
        except FieldError as error:
            names = {"variability": "cv_within", "noise": "s0"}
            field = names.get(error.field, error.field)
            raise FieldError(type(self).__name__, field, error.problem) from None

    @property
    def release_probability(self) -> float:
        """p or U, whichever was said; 0.5 where nothing was."""
        return next((v for v in (self.p, self.U) if v is not None), 0.5)

    def synapse(self, record: tuple[str, ...] = ()) -> Synapse:
        """The synapse that these settings describe."""
        noisy = self.cv_within > 0 or self.cv_between > 0
        return Synapse(
            n=self.n,
            p=self.release_probability if self.tau_rec is None else None,
            q=self._given("q"),
            short_term=self._short_term(),
            release=self.release,
            variability=(
                QuantalVariability(cv_within=self.cv_within, cv_between=self.cv_between)
                if noisy
                else None
            ),
            noise=None if self.s0 is None else RecordingNoise(s0=self._given("s0")),
            plasticity=self.rule,
            acts_on=self.acts_on if self.rule is not None else "q",
            w0=self.w0,
            delay=self._given("delay"),
            dendritic_delay=self._given("dendritic_delay"),
            response_weight=self.response_weight,
            record=record,
        )

    def _short_term(self) -> TsodyksMarkram | None:
        if self.tau_rec is None:
            return None
        values = {
            "U": self.release_probability,
            "tau_rec": self._given("tau_rec"),
            "tau_facil": "0ms" if self.tau_facil is None else self._given("tau_facil"),
        }
        if self.tau_inact is not None:
            return TsodyksThreeState(**values, tau_inact=self._given("tau_inact"))
        return TsodyksMarkram(**values)


def to_texts(settings: Parameters) -> dict[str, str]:
    """Flat name -> text with unit, without settings that are none."""
    texts: dict[str, str] = {}
    for name, spec in settings.specs().items():
        value = getattr(settings, name)
        if isinstance(spec, MechanismField):
            texts[name] = spec.show(value)
            if value is not None:
                texts |= value.as_text()
        elif isinstance(spec, Switch):
            texts[name] = "true" if value else "false"
        elif value is not None:
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
    return kind(**values)


def _preset_home(preset: str) -> type[Mechanism]:
    known = catalogue.presets()
    if preset not in known:
        raise catalogue.unknown("preset", preset, list(known))
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
    assert isinstance(spec, (Quantity, Choice, FileField))
    return text

"""What every model file owes: found here by itself, so a new file is held to it at once."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest

from synsim import catalogue
from synsim.component import Citation, InputError, Mechanism
from synsim.component import units as u
from synsim.component.parameters import Choice, Quantity, Switch
from synsim.settings import MechanismField

MECHANISMS = catalogue.mechanisms()
PRESETS = [(home, name) for name, home in catalogue.presets().items()]

every_mechanism = pytest.mark.parametrize("kind", MECHANISMS, ids=lambda k: k.name)
every_preset = pytest.mark.parametrize(
    ("kind", "preset"), PRESETS, ids=[name for _, name in PRESETS]
)


def some_value(spec: Any) -> Any:
    """A value that a field allows, as text."""
    if isinstance(spec, Choice):
        return spec.choices[-1]
    if isinstance(spec, Switch):
        return True
    assert isinstance(spec, Quantity)
    low = spec.low if spec.low is not None else 0.1
    high = spec.high if spec.high is not None else low + 2 * u.unit(spec.units[0]).factor
    middle = low + (high - low) / 2
    return u.show(float(round(middle)) if spec.integer else middle, spec.units[0])


def made_of(kind: type[Mechanism]) -> Mechanism:
    """One of the mechanism: its first preset, else with middling values where it needs any."""
    if kind.presets:
        return kind.preset(next(iter(kind.presets)))
    try:
        return kind()
    except InputError:
        needed = re.findall(r"\w+", refusal(kind).partition("needs a value for ")[2])
        values = {name: some_value(kind.specs()[name]) for name in needed}
        if kind.name == "replayed":
            values = {"times": ["1ms", "2ms"]}
        return kind(**values)


def refusal(kind: type[Mechanism]) -> str:
    with pytest.raises(InputError) as error:
        kind()
    return str(error.value)


def test_the_catalogue_is_not_empty() -> None:
    names = [m.name for m in MECHANISMS]
    assert {"pair", "tsodyks-markram", "mean-field", "binomial", "sites", "lif"} <= set(names)
    assert len(PRESETS) > 10


def test_every_name_is_given_once() -> None:
    """`synsim describe NAME` and `--synapse PRESET` know things by name alone."""
    names = [m.name for m in MECHANISMS] + [n for _, n in PRESETS] + list(catalogue.protocols())
    assert sorted(names) == sorted(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", n) for n in names)


def test_no_preset_is_lost() -> None:
    """The catalogue's table of presets would hide a name that two mechanisms give."""
    assert len(PRESETS) == sum(len(m.presets) for m in MECHANISMS)


@every_mechanism
def test_docstrings(kind: type[Mechanism]) -> None:
    assert inspect.getdoc(kind), "the class needs a line"
    assert kind.summary().strip() and len(kind.summary()) < 90
    text = kind.equations()
    assert re.search(r"^Symbols$", text, re.MULTILINE), "the module needs a table of symbols"
    assert re.search(r"^Sources?:", text, re.MULTILINE), "the module needs its sources"
    assert re.search(r"\bDeviat(es from|ions)\b", text), "the module says where it deviates"


@every_mechanism
def test_symbols_are_explained(kind: type[Mechanism]) -> None:
    """Every quantity has its line in the table, with a unit or dimension beside it."""
    table = kind.equations().partition("Symbols")[2]
    for name, spec in kind.specs().items():
        assert spec.doc, name
        if isinstance(spec, Quantity):
            assert re.search(rf"^[\w, ]*\b{re.escape(name)}\b", table, re.MULTILINE), name


@every_mechanism
def test_sources(kind: type[Mechanism]) -> None:
    assert kind.role
    assert kind.citations
    for citation in kind.citations:
        assert_citation(citation)


def assert_citation(citation: Citation) -> None:
    assert re.search(r"\b(1[89]|20)\d\d\b", citation.text), f"no year in {citation}"
    assert citation.doi == "" or re.fullmatch(r"10\.\d{4,9}/\S+", citation.doi)
    assert "\n" not in str(citation)


@every_preset
def test_presets_build(kind: type[Mechanism], preset: str) -> None:
    made = kind.preset(preset)
    assert_citation(kind.presets[preset].citation)
    for name, given in kind.presets[preset].values.items():
        spec = kind.specs()[name]
        if isinstance(spec, Quantity) and isinstance(given, str):
            assert u.parse(given, spec.dimensions)[0] == getattr(made, name)
        if isinstance(spec, Quantity) and u.DIMENSIONS["number"] not in spec.dimensions:
            assert isinstance(given, str), f"{name} is written with its unit, as in the paper"


@every_preset
def test_presets_take_changes_and_stay_as_they_were(kind: type[Mechanism], preset: str) -> None:
    before = dict(kind.presets[preset].values)
    made = kind.preset(preset)
    name = next(iter(before))
    unit = made.unit_of(name)
    changed = kind.preset(preset, **{name: "0.125" + ("" if unit == "1" else unit)})
    assert getattr(changed, name) != getattr(made, name)
    others = {k: v for k, v in made.as_text().items() if k != name}
    assert {k: v for k, v in changed.as_text().items() if k != name} == others
    assert dict(kind.presets[preset].values) == before
    with pytest.raises(TypeError):
        kind.presets[preset] = None  # type: ignore[index]
    with pytest.raises(InputError, match=f"^{kind.name} has no preset 'nobody-1900', it has: "):
        kind.preset("nobody-1900")


@every_mechanism
def test_text_round_trip(kind: type[Mechanism]) -> None:
    made = made_of(kind)
    texts = made.as_text()
    values = {
        name: text
        for name, text in texts.items()
        if isinstance(kind.specs()[name], (Quantity, Choice))
        and text != "none"
        and not np.ndim(getattr(made, name))
    }
    again = made.replace(**values)
    assert again.as_text() == texts
    for name in values:
        assert getattr(again, name) == getattr(made, name)
    assert made.replace().as_text() == texts


@every_mechanism
def test_bounds_and_units_are_said(kind: type[Mechanism]) -> None:
    for name, spec in kind.specs().items():
        if isinstance(spec, Quantity):
            assert all(unit in u.UNITS for unit in spec.units)
            if spec.low is not None and spec.high is not None:
                assert spec.low < spec.high
            if name.startswith("tau"):
                assert spec.low == 0, f"{name} may be negative"


SETTINGS = [(p, f) for p, m in catalogue.protocols().items() for f in m.Settings.specs()]


@pytest.mark.parametrize("protocol", catalogue.protocols())
def test_no_parameter_of_a_rule_is_named_as_a_setting(protocol: str) -> None:
    """On the command line both are flags: one of them would be out of reach."""
    specs = catalogue.protocols()[protocol].Settings.specs()
    own = ("out", "seed", "backend", "no_plot", "force", "source", "from", "help", "synapse")
    assert set(specs).isdisjoint(own)
    roles = {spec.role for spec in specs.values() if isinstance(spec, MechanismField)}
    for kind in MECHANISMS:
        if kind.role in roles:
            assert set(kind.specs()).isdisjoint(specs), kind.name
            assert set(kind.specs()).isdisjoint(own), kind.name


@pytest.mark.parametrize(
    ("find", "line"),
    [
        (lambda: catalogue.protocol("stdp-widow"), "unknown protocol 'stdp-widow', expected one of "
         "{protocols} (did you mean 'stdp-window'?)"),
        (lambda: catalogue.find("plasticity", "pear"), "unknown plasticity 'pear', expected one of "
         "{rules} (did you mean 'pair'?)"),
        (lambda: catalogue.find("plasticity", "qqqqqqq"), "unknown plasticity 'qqqqqqq', expected "
         "one of {rules}"),
    ],
)  # fmt: skip
def test_unknown_names(find: Any, line: str) -> None:
    rules = ", ".join(m.name for m in MECHANISMS if m.role == "plasticity")
    with pytest.raises(InputError) as error:
        find()
    expected = line.format(protocols=", ".join(catalogue.protocols()), rules=rules)
    assert str(error.value) == expected

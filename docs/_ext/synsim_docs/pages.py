"""Pages drawn from the code: one per model file, one per protocol, the commands, the API.

They are written into the source folder before Sphinx reads it (`models/`, `protocols/`, `api/`,
`commands.rst`; git does not see them), so that a new file in the package has its page by itself.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from synsim import catalogue
from synsim.cli.flags import flag
from synsim.component import Citation, Mechanism, Parameters
from synsim.component.parameters import Quantity
from synsim.settings import MechanismField

from . import commands, figures
from .docstrings import escape, inline, table, to_rst
from .places import api_modules, heading, link, models


def write(source: Path) -> None:
    """Write all pages, and remove those of files that are gone."""
    pages = {f"models/{name}": _model(module) for name, module in models().items()}
    pages |= {f"protocols/{name}": _protocol(m) for name, m in catalogue.protocols().items()}
    pages |= {f"api/{name}": _api(name) for name in api_modules()}
    pages |= {"commands": commands.page(), "cite": _cite_page(source.parent / "CITATION.cff")}
    for folder in ("models", "protocols", "api"):
        (source / folder).mkdir(exist_ok=True)
        for old in (source / folder).glob("*.rst"):
            if f"{folder}/{old.stem}" not in pages:
                old.unlink()
    for name, lines in pages.items():
        path, text = source / f"{name}.rst", "\n".join([*lines, ""])
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _split(module: ModuleType) -> tuple[str, str, str]:
    """First line of the docstring up to a colon or comma, what follows it, and the rest."""
    first, _, rest = (inspect.getdoc(module) or "").partition("\n")
    title, lead = [*re.split(r"[:,] ", first.rstrip("."), maxsplit=1), ""][:2]
    return title, lead[:1].upper() + lead[1:] + "." * bool(lead), rest


def _model(module: ModuleType) -> list[str]:
    title, lead, rest = _split(module)
    doc = inspect.getdoc(module) or ""
    from .docstrings import symbols
    from .equations import Writer

    lines = [*heading(escape(title), "="), inline(lead, link), ""]
    lines += to_rst(rest, link, Writer(symbols(doc)))
    for mechanism in _mechanisms(module):
        lines += _mechanism(mechanism)
    return [*lines, *heading("In Python", "-"), *_automodule(module.__name__)]


def _automodule(name: str) -> list[str]:
    return [f".. automodule:: {name}", "    :members:", "    :member-order: bysource", ""]


def _mechanisms(module: ModuleType) -> list[type[Mechanism]]:
    return [m for m in catalogue.mechanisms() if m.__module__ == module.__name__]


def _mechanism(mechanism: type[Mechanism]) -> list[str]:
    lines = [f".. _model-{mechanism.name}:", "", *heading(f"``{mechanism.name}``", "-")]
    lines += [inline(f"{mechanism.summary()}. Role: {mechanism.role}.", link), ""]
    if mechanism.specs():
        lines += [".. rubric:: Parameters", "", *parameters(mechanism)]
    if mechanism.presets:
        rows = []
        for name, preset in mechanism.presets.items():
            texts = mechanism.preset(name).as_text()
            values = ", ".join(f"`{n} = {texts[n]}`" for n in preset.values)
            note = f" ({preset.note})" if preset.note else ""
            rows.append([name, values, _cite(preset.citation) + escape(note)])
        lines += [".. rubric:: Presets", ""]
        lines += _raw_table(rows, ("preset", "values", "source"))
    lines += [".. rubric:: Sources", ""]
    return [*lines, *(f"- {_cite(citation)}" for citation in mechanism.citations), ""]


def _cite(citation: Citation) -> str:
    text = escape(citation.text + (f", {citation.where}" if citation.where else ""))
    if not citation.doi:
        return text
    return f"{text}, `doi:{citation.doi} <https://doi.org/{citation.doi}>`__"


def _raw_table(rows: list[list[str]], head: tuple[str, ...]) -> list[str]:
    """A table whose last column is RST already."""
    lines = [".. list-table::", "    :class: house", "    :header-rows: 1", ""]
    for row in [list(head), *rows]:
        first, *middle, last = row
        cells = [first if row is head else f"``{first}``", *(inline(m, link) for m in middle), last]
        if row == list(head):
            cells = list(head)
        lines += [f"    {'* -' if j == 0 else '  -'} {cell}" for j, cell in enumerate(cells)]
    return [*lines, ""]


def parameters(kind: type[Parameters], *, flags: bool = False, values: Any = None) -> list[str]:
    """A table of what a set of parameters holds; defaults from `values` where it is given."""
    defaults = {f.name: f.default for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    rows = []
    for name, spec in kind.specs().items():
        units = " or ".join(spec.units) if isinstance(spec, Quantity) else ""
        default = defaults[name] if values is None else values.text(name)
        if isinstance(spec, MechanismField) or default is None:
            default = spec.show(default)
        shown = "" if default is dataclasses.MISSING else str(default)
        shown_name = f"--{flag(name)}" if flags else name
        rows.append([shown_name, "" if units == "1" else units, spec.allowed, shown, spec.doc])
    head = ("flag" if flags else "name", "unit", "allowed", "default", "what it is")
    return table(rows, head, link)


def _protocol(module: ModuleType) -> list[str]:
    name = module.NAME
    first, _, rest = (inspect.getdoc(module) or "").partition("\n")
    lines = [*heading(name, "="), inline(first, link), ""]
    lines += [*figures.of_protocol(name), ""]
    lines += to_rst(rest, link)
    lines += heading("Settings", "-")
    lines += [
        f"As flags of ``synsim run {name}``, or by the same names, with underscores, in Python. "
        "The flags that all protocols share are with the :doc:`commands </commands>`.",
        "",
        *parameters(module.Settings, flags=True),
    ]
    for field in dataclasses.fields(module.Settings):
        if isinstance(field.metadata["synsim"], MechanismField) and field.default is not None:
            rule = field.default
            lines += [
                f"Parameters of the default rule, :ref:`{rule.name} <model-{rule.name}>`; another "
                f"rule (``--{flag(field.name)}``) brings its own:",
                "",
                *parameters(type(rule), flags=True, values=rule),
            ]
    lines += [*heading("Results", "-"), *to_rst(inspect.getdoc(module.Outcome) or "", link)]
    lines += [*heading("In Python", "-"), f".. autofunction:: {module.__name__}.run", ""]
    return lines


def _cite_page(path: Path) -> list[str]:
    """How to cite, from CITATION.cff."""
    cff = yaml.safe_load(path.read_text(encoding="utf-8"))
    authors = " and ".join(author["name"] for author in cff["authors"])
    released = cff.get("date-released")
    bibtex = [
        "@software{synsim,",
        f"  title = {{{cff['title']}}},",
        f"  author = {{{{{authors}}}}},",
        f"  version = {{{cff['version']}}},",
        f"  year = {{{released.year}}}," if released else "  note = {not released yet},",
        "}",
    ]
    return [
        *heading("How to cite", "="),
        inline(cff["message"], link),
        "",
        "Every result says under ``citations`` which papers its equations, parameter values and "
        "recordings come from; the pages of the models list the same.",
        "",
        ".. code-block:: bibtex",
        "",
        *(f"    {line}" for line in bibtex),
        "",
        "The same as ``CITATION.cff``, which reference managers read:",
        "",
        ".. code-block:: yaml",
        "",
        *(f"    {line}" for line in path.read_text(encoding="utf-8").splitlines()),
        "",
    ]


def _api(name: str) -> list[str]:
    module = importlib.import_module(name)
    lines = [*heading(escape(name), "="), *to_rst(inspect.getdoc(module) or "", link)]
    exported = getattr(module, "__all__", None)
    if "." not in name:
        return [*lines, *_top_level(module)]
    if exported is None:
        return [*lines, *_automodule(name)]
    lines += [f".. py:module:: {name}", ""]
    for member in exported:
        value = getattr(module, member)
        if inspect.isclass(value):
            lines += [f".. autoclass:: {name}.{member}", "    :members:", ""]
        elif callable(value):
            lines += [f".. autofunction:: {name}.{member}", ""]
        else:
            lines += [f".. py:data:: {name}.{member}", f"    :value: {value!r}", ""]
    return lines


def _top_level(package: ModuleType) -> list[str]:
    """The names of the package itself, each with the page that has it."""
    rows = []
    for name in package.__all__:
        value = getattr(package, name)
        if inspect.isclass(value):
            summary = (inspect.getdoc(value) or "").partition("\n")[0]
            home = value.__module__
            while link(home) == f"``{home}``" and "." in home:  # a package has one page for all
                home = home.rpartition(".")[0]
            rows.append([name, inline(summary, link), link(home)])
    return _raw_table(rows, ("name", "what it is", "page"))


def clean_docstring(
    app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """For autodoc: a docstring of the house as RST. A module's own is on its page already."""
    text = "" if what == "module" else inspect.cleandoc("\n".join(lines))
    lines[:] = to_rst(text, link)


__all__ = ["clean_docstring", "models", "write"]

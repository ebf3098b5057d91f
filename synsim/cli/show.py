"""`synsim list` and `synsim describe`."""

from __future__ import annotations

import argparse
import inspect
import textwrap
from types import ModuleType
from typing import TYPE_CHECKING, Any

from synsim.cli.parser import refuse

if TYPE_CHECKING:
    from pathlib import Path

    from synsim.component import Mechanism, Parameters


_SHORT = 96  # characters of a recording's source in the list


def configure(commands: Any) -> None:
    """Add the two commands."""
    listed = commands.add_parser(
        "list", help="protocols, models, presets and recordings, one line each"
    )
    listed.set_defaults(execute=execute_list)
    described = commands.add_parser(
        "describe",
        help="equations, parameters with units, presets and sources of one of them; the notes "
        "of a recording",
    )
    described.add_argument("name", metavar="NAME", help="as `synsim list` has it")
    described.set_defaults(execute=execute_describe)


def execute_list(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Print what there is."""
    from synsim import catalogue
    from synsim.recordings import comments, recordings

    if rest:
        refuse(rest[0], [], "synsim list")
    rows = [("protocol", name, _first_line(m)) for name, m in catalogue.protocols().items()]
    rows += [("model", m.name, m.summary()) for m in catalogue.mechanisms()]
    rows += [
        ("preset", name, f"{home.name}: {home.presets[name].citation.text}")
        for name, home in catalogue.presets().items()
    ]
    rows += [
        ("recording", name, f"{path.parent.name}: {textwrap.shorten(comments(path)[0], _SHORT)}")
        for name, path in recordings().items()
    ]
    width = max(len(name) for _, name, _ in rows)
    for kind, name, text in rows:
        print(f"{kind:<9} {name:<{width}}  {text}")
    return 0


def execute_describe(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Print what a protocol, model or preset is."""
    from synsim import catalogue
    from synsim.recordings import comments, recordings

    if rest:
        refuse(rest[0], [], "synsim describe")
    name = parsed.name
    models = {m.name: m for m in catalogue.mechanisms()}
    if name in catalogue.protocols():
        print(_protocol(catalogue.protocols()[name]))
    elif name in models:
        print(_model(models[name]))
    elif name in catalogue.presets():
        print(_preset(name, catalogue.presets()[name]))
    elif name in recordings():
        print(_recording(name, recordings()[name], comments(recordings()[name])))
    else:
        known = [*catalogue.protocols(), *models, *catalogue.presets(), *recordings()]
        what = "protocol, model, preset or recording"
        raise catalogue.unknown(what, name, known, listed="synsim list")
    return 0


def _first_line(module: ModuleType) -> str:
    return (inspect.getdoc(module) or "").split("\n", 1)[0].rstrip(".")


def _protocol(module: ModuleType) -> str:
    return "\n".join(
        [
            f"protocol {module.NAME}: {inspect.getdoc(module)}",
            "",
            "Settings (as --flags of `synsim run`)",
            _table(module.Settings),
        ]
    )


def _model(mechanism: type[Mechanism]) -> str:
    lines = [f"model {mechanism.name} ({mechanism.role})", "", mechanism.equations(), ""]
    if mechanism.specs():
        lines += ["Parameters", _table(mechanism), ""]
    if mechanism.presets:
        lines += ["Presets", *(_values(mechanism, name) for name in mechanism.presets), ""]
    lines += ["Sources", *(f"  {citation}" for citation in mechanism.citations)]
    return "\n".join(lines)


def _values(mechanism: type[Mechanism], preset: str) -> str:
    """A preset in a line: what it sets that is not the default."""
    texts = mechanism.preset(preset).as_text()
    given = mechanism.presets[preset].values
    return f"  {preset}: " + ", ".join(f"{n} = {text}" for n, text in texts.items() if n in given)


def _recording(name: str, path: Path, notes: list[str]) -> str:
    columns = path.read_text(encoding="utf-8").splitlines()[len(notes)]
    kind = path.parent.name
    lines = [f"recording {name} ({kind})", "", *(f"  {note}" for note in notes)]
    return "\n".join([*lines, "", f"Columns  {columns.replace(',', ', ')}", f"File     {path}"])


def _preset(name: str, home: type[Mechanism]) -> str:
    preset = home.presets[name]
    made = home.preset(name)
    lines = [f"preset {name} of {home.name}", ""]
    lines += [f"  {field} = {text}" for field, text in made.as_text().items()]
    lines += ["", f"Source  {preset.citation}"]
    if preset.note:
        lines.append(f"Note    {preset.note}")
    return "\n".join(lines)


def _table(kind: type[Parameters]) -> str:
    from synsim.component.parameters import Quantity

    rows = []
    for name, spec in kind.specs().items():
        units = "/".join(spec.units) if isinstance(spec, Quantity) else ""
        rows.append((name, "" if units == "1" else units, spec.allowed, spec.doc))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
        + f"  {row[3]}"
        for row in rows
    )  # fmt: skip

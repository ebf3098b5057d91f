"""`synsim run PROTOCOL`: its flags are the protocol's settings."""

from __future__ import annotations

import argparse
import dataclasses
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from synsim.cli.parser import Parser
from synsim.cli.terminal import activity, say, warn
from synsim.component.errors import FieldError, InputError, SynsimWarning

T = TypeVar("T")
BACKENDS = ("cpp_standalone", "cython", "numpy")


def configure(commands: Any) -> None:
    """Add the command. Its own parser is built when the protocol is known."""
    parser = commands.add_parser(
        "run",
        add_help=False,
        help="run an experiment; `synsim run PROTOCOL --help` has its settings",
    )
    parser.add_argument("words", nargs=argparse.REMAINDER)
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Run a protocol and write its results."""
    from synsim import catalogue

    words = [*rest, *parsed.words]
    name = next((w for w in words if not w.startswith("-")), None)
    if words and not words[0].startswith("-"):
        module, words = catalogue.protocol(words[0]), words[1:]
    elif any(w == "--from" or w.startswith("--from=") for w in words):
        module = _protocol_of(words)
    else:
        return _usage(words, name)
    return _run(module, words)


def _usage(words: list[str], name: str | None) -> int:
    from synsim import catalogue

    known = ", ".join(catalogue.protocols())
    if words and words[0] in ("-h", "--help"):
        print(
            "usage: synsim run PROTOCOL [--setting VALUE ...] --out DIR\n\n"
            f"protocols: {known}\n\n`synsim run PROTOCOL --help` has its settings"
        )
        return 0
    found = "nothing" if name is None else repr(words[0])
    raise InputError(f"run: found {found} for the protocol, expected one of {known}")


def _protocol_of(words: list[str]) -> ModuleType:
    """The protocol of the summary that --from names."""
    from synsim import catalogue
    from synsim.protocol import read_summary

    parser = Parser(prog="synsim run", add_help=False)
    parser.add_argument("--from", dest="source")
    path = parser.parse_known_args(words)[0].source
    command = str(read_summary(Path(path))["command"])
    if not command.startswith("run "):
        raise InputError(f"--from {path}: found a result of {command!r}, expected one of a run")
    return catalogue.protocol(command.removeprefix("run "))


def _run(module: ModuleType, words: list[str]) -> int:
    from synsim.protocol import Running, read_summary
    from synsim.results import refuse_existing
    from synsim.settings import from_texts

    given = _flagged(lambda: _parser(module, _earlier(words))).parse_all(words)
    texts: dict[str, str] = {}
    seed, backend = given.seed, given.backend
    if given.source is not None:
        summary = read_summary(Path(given.source))
        if summary["command"] != f"run {module.NAME}":
            raise InputError(
                f"--from {given.source}: found a result of {summary['command']!r}, expected "
                f"'run {module.NAME}'"
            )
        texts |= summary["settings"]
        seed = seed if seed is not None else str(summary["seed"])
        backend = backend or summary["backend"]
    texts |= {k: v for k, v in vars(given).items() if k not in _OWN and v is not None}
    if given.out is None:
        raise InputError("--out is missing, expected a new directory for the results")
    out = refuse_existing(given.out, force=given.force)
    settings = _flagged(lambda: from_texts(module.Settings, texts))
    with activity() as shown, _warnings_in_a_line():
        running = Running(_seed(seed), backend, shown.progress, shown.building)
        outcome = module.run(settings, running)
        outcome.save(out, force=given.force, plot=not given.no_plot)
    warn([w for w in outcome.warnings if "no C++ compiler" not in w])
    figures = "" if given.no_plot else ", figure.png, figure.svg"
    say(f"{out}: data.csv, summary.json{figures}")
    return 0


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
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


def _flagged(make: Callable[[], T]) -> T:
    """What `make` makes; an error in a setting is said with the setting's flag."""
    try:
        return make()
    except FieldError as error:
        raise InputError(f"--{flag(error.field)}: {error.problem}") from None


_OWN = {"out", "seed", "backend", "no_plot", "force", "source", "help"}


def _seed(text: str | None) -> int:
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


def _earlier(words: list[str]) -> dict[str, str]:
    """What has to be known before the flags are: the mechanisms chosen."""
    from synsim.protocol import read_summary

    parser = Parser(prog="synsim run", add_help=False)
    parser.add_argument("--from", dest="source")
    parser.add_argument("--synapse")
    parser.add_argument("--rule")
    found = vars(parser.parse_known_args(words)[0])
    source = found.pop("source")
    texts = {} if source is None else dict(read_summary(Path(source))["settings"])
    return texts | {k: v for k, v in found.items() if v is not None}


def _parser(module: ModuleType, earlier: dict[str, str]) -> Parser:
    """The flags of a protocol: its settings, and those of the mechanisms it is given."""
    from synsim import catalogue
    from synsim.settings import MechanismField

    kind = module.Settings
    parser = Parser(
        prog=f"synsim run {module.NAME}",
        description=(module.__doc__ or "").strip(),
        epilog="Quantities are written with their unit, such as 16.8ms or 20Hz.",
    )
    parser.add_argument("--out", metavar="DIR", help="new directory for the results")
    parser.add_argument("--seed", metavar="N", help="seed of all randomness (default 1)")
    parser.add_argument(
        "--backend", choices=BACKENDS, help="default: C++, or numpy without a compiler"
    )
    parser.add_argument("--no-plot", action="store_true", help="write no figure")
    parser.add_argument("--force", action="store_true", help="replace earlier results in DIR")
    parser.add_argument(
        "--from",
        dest="source",
        metavar="SUMMARY",
        help="run a summary.json again; flags overrule it",
    )
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
    from synsim.settings import FileField, MechanismField

    if isinstance(spec, Quantity):
        unit = "|".join(
            "NUMBER" if u == "1" else f"{units.unit(u).dimension.name.upper()}" for u in spec.units
        )
    elif isinstance(spec, FileField):
        unit = "FILE"
    else:
        unit = "NAME"
    if isinstance(spec, MechanismField):
        default = spec.show(default)
    words = [spec.doc]
    if spec.allowed:
        words.append(f"; {spec.allowed}")
    if default is not None and default is not dataclasses.MISSING:
        words.append(f" (default {default})")
    group.add_argument(
        f"--{flag(name)}", dest=name, metavar=unit, help="".join(words).replace("%", "%%")
    )

"""`synsim run PROTOCOL`: its flags are the protocol's settings."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from synsim import style
from synsim.cli.flags import flagged, seed_of, settings_parser, warnings_in_a_line
from synsim.cli.parser import Parser
from synsim.cli.terminal import activity, load_plotting, say, warn
from synsim.component.errors import InputError


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

    given = flagged(lambda: settings_parser("run", module, _earlier(words), _own_flags)).parse_all(
        words
    )
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
    flags = {k: v for k, v in vars(given).items() if k not in _OWN and v is not None}
    if flags.keys() & {"p", "U", "synapse"}:  # p and U are one quantity, said by either name
        texts = {k: v for k, v in texts.items() if k not in ("p", "U")}
    texts |= flags
    if given.out is None:
        raise InputError("--out is missing, expected a new directory for the results")
    out = refuse_existing(given.out, force=given.force)
    settings = flagged(lambda: from_texts(module.Settings, texts))
    if given.source is not None:
        _same_files(given.source, summary["conventions"], settings)
    unfinished = unfinished_of(out) if getattr(module, "RESUMABLE", False) else None
    if unfinished is not None and unfinished.is_dir():
        say(f"{unfinished}: going on with what is left")
    doing = getattr(module, "DOING", "simulating")
    with activity(doing) as shown, warnings_in_a_line(), kept(unfinished):
        running = Running(seed_of(seed), backend, shown.progress, shown.building, unfinished)
        outcome = module.run(settings, running)
        if not given.no_plot:
            load_plotting()
        with style.use(given.style):
            outcome.save(out, force=given.force, plot=not given.no_plot)
    warn([w for w in outcome.warnings if "no C++ compiler" not in w])
    figures = "" if given.no_plot else ", figure.png, figure.svg"
    tables = "".join(f", {name}.csv" for name in outcome.tables)
    say(f"{out}: data.csv{tables}, summary.json{figures}")
    return 0


def _same_files(source: str, conventions: dict[str, str], settings: Any) -> None:
    """Raises InputError where a file that the settings name is not what it was."""
    for name, digest in getattr(settings, "outside", dict)().items():
        if conventions.get(name, digest) != digest:
            raise InputError(
                f"--from {source}: found another {name.replace('_', ' ')} (SHA-256 {digest[:12]}), "
                f"expected the one that was used ({conventions[name][:12]}); name the changed one "
                "with its flag, without --from"
            )


def unfinished_of(out: Path) -> Path:
    """Where a resumable run is kept until its results are there."""
    return out.with_name(f"{out.name}.unfinished")


@contextmanager
def kept(unfinished: Path | None) -> Iterator[None]:
    """Say what is kept of an interrupted run; remove it once the results are there."""
    try:
        yield
    except KeyboardInterrupt:
        if unfinished is None or not unfinished.exists():
            raise
        raise KeyboardInterrupt(
            f"interrupted; what is done is kept in {unfinished}, the same command goes on from "
            "there"
        ) from None
    if unfinished is not None:
        shutil.rmtree(unfinished, ignore_errors=True)


_OWN = {"out", "seed", "backend", "no_plot", "style", "force", "source", "help"}


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


def _own_flags(parser: Parser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        metavar="SUMMARY",
        help="run a summary.json again; flags overrule it",
    )

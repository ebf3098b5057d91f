"""`synsim sweep PROTOCOL --vary NAME=VALUES`: many runs, one table."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from synsim import style
from synsim.cli.flags import flagged, seed_of, settings_parser
from synsim.cli.parser import Parser
from synsim.cli.terminal import say, warn
from synsim.component.errors import InputError

if TYPE_CHECKING:
    from synsim.sweep import Progress

_USAGE = """\
usage: synsim sweep PROTOCOL --vary NAME=VALUES [--vary ...] [--setting VALUE ...] --out DIR

  synsim sweep pairing --vary tau_plus=10ms:40ms:5ms --vary rate=1Hz,10Hz,40Hz --out grid
  synsim sweep stp-train --vary U=0.05:0.9 --vary tau_rec=50ms:1s:log --plan latin --points 200
      --out cube

protocols: {known}

`synsim sweep PROTOCOL --help` has its settings"""
_OWN = {"out", "seed", "backend", "no_plot", "style", "force", "help", "vary", "plan", "points",
        "jobs", "scheduler"}  # fmt: skip


def configure(commands: Any) -> None:
    """Add the command. Its own parser is built when the protocol is known."""
    parser = commands.add_parser(
        "sweep",
        add_help=False,
        help="run an experiment at many settings; `synsim sweep PROTOCOL --help`",
    )
    parser.add_argument("words", nargs=argparse.REMAINDER)
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Run the points of a sweep and write its results."""
    from synsim import catalogue

    words = [*rest, *parsed.words]
    if words and not words[0].startswith("-"):
        return _sweep(catalogue.protocol(words[0]), words[1:])
    known = ", ".join(catalogue.protocols())
    if words and words[0] in ("-h", "--help"):
        print(_USAGE.format(known=known))
        return 0
    found = repr(words[0]) if words else "nothing"
    raise InputError(f"sweep: found {found} for the protocol, expected one of {known}")


def _sweep(module: ModuleType, words: list[str]) -> int:
    from synsim.results import refuse_existing
    from synsim.sweep import make, run
    from synsim.sweep.plan import names

    given = flagged(
        lambda: settings_parser("sweep", module, _earlier(words), _own_flags)
    ).parse_all(words)
    if given.out is None:
        raise InputError("--out is missing, expected a new directory for the results")
    out = refuse_existing(given.out, force=given.force)
    fixed = {k: v for k, v in vars(given).items() if k not in _OWN and v is not None}
    plan = flagged(
        lambda: make(
            module.NAME,
            names(given.vary or []),
            fixed,
            kind=given.plan,
            count=_whole("--points", given.points),
            seed=seed_of(given.seed),
            backend=given.backend,
        )
    )
    left = out.with_name(f"{out.name}.unfinished")
    if left.is_dir():
        say(f"{left}: going on with the points that are left")
    try:
        with _progress() as tell, style.use(given.style):
            found = run(
                plan,
                jobs=_whole("--jobs", given.jobs),
                scheduler=given.scheduler,
                out=out,
                force=given.force,
                plot=not given.no_plot,
                progress=tell,
            )
    except KeyboardInterrupt:
        done = len(list(left.glob("point-*.json")))
        raise KeyboardInterrupt(
            f"interrupted; {done} of {len(plan.points)} points are kept in {left}, the same "
            "command goes on from there"
        ) from None
    warn(found.warnings)
    figures = ", figure.png, figure.svg" if (out / "figure.png").exists() else ""
    say(f"{out}: data.csv, points.csv, summary.json{figures}")
    return 0


def _own_flags(parser: Parser) -> None:
    group = parser.add_argument_group("the sweep")
    group.add_argument(
        "--vary",
        action="append",
        metavar="NAME=VALUES",
        help="a setting and its values: start:stop:step, or values with commas; of random and "
        "latin plans low:high, low:high:log, or values with commas. May be given again",
    )
    group.add_argument(
        "--plan",
        default="grid",
        metavar="KIND",
        help="grid (every combination, default), random, or latin (Latin hypercube)",
    )
    group.add_argument("--points", metavar="N", help="number of points of a random or latin plan")
    group.add_argument("--jobs", metavar="N", help="processes on this machine (default: its cores)")
    group.add_argument(
        "--scheduler", metavar="ADDRESS", help="run on the Dask cluster of this scheduler instead"
    )


def _earlier(words: list[str]) -> dict[str, str]:
    """What has to be known before the flags are: the mechanisms chosen."""
    parser = Parser(prog="synsim sweep", add_help=False)
    parser.add_argument("--synapse")
    parser.add_argument("--rule")
    return {k: v for k, v in vars(parser.parse_known_args(words)[0]).items() if v is not None}


def _whole(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise InputError(f"{flag}: found {text!r}, expected a whole number, at least 1")
    return int(text)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Points done and the time left, where stderr is a terminal."""
    import sys

    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    shown = (TextColumn("points"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*shown, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("points", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)

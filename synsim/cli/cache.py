"""`synsim cache`: the build cache."""

from __future__ import annotations

import argparse
import time
from typing import Any

from synsim.cli.parser import refuse


def configure(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "cache",
        help="list or clear compiled programs",
        description="Compiled programs are kept and shared by all runs; this lists or clears them.",
    )
    parser.add_argument("--clear", action="store_true", help="remove them")
    parser.add_argument(
        "--older-than",
        metavar="DAYS",
        help="with --clear: only those not used for that many days",
    )
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Print, or clear and print."""
    from synsim.component.errors import InputError
    from synsim.engine import cache

    if rest:
        refuse(rest[0], ["--clear", "--older-than"], "synsim cache")
    days = 0.0
    if parsed.older_than is not None:
        try:
            days = float(parsed.older_than)
            if not days >= 0 or not parsed.clear:
                raise ValueError
        except ValueError:
            raise InputError(
                f"--older-than: found {parsed.older_than!r}"
                + ("" if parsed.clear else " without --clear")
                + ", expected a number of days, with --clear"
            ) from None
    entries = cache.clear(days * 86400) if parsed.clear else cache.entries()
    size = sum(e.bytes for e in entries) / 1e6
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.last_used))
        print(f"{entry.name}  {entry.bytes / 1e6:6.2f} MB  last used {used}  {entry.about}")
    what = "removed" if parsed.clear else "in"
    where = f" from {cache.directory()}" if parsed.clear else f" {cache.directory()}"
    word = "build" if len(entries) == 1 else "builds"
    print(f"{len(entries)} {word}, {size:.2f} MB, {what}{where}")
    return 0

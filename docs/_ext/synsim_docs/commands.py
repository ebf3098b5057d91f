"""The page of the commands: what the program itself says to --help."""

from __future__ import annotations

import argparse
import contextlib
import io
import os

from synsim import catalogue
from synsim.cli import build, main, run
from synsim.cli.flags import settings_parser

from .docstrings import table
from .places import heading, link


def page() -> list[str]:
    """The help of every command, as the program prints it."""
    lines = [*heading("Commands", "="), "What the program says to ``--help``.", ""]
    for words in _words(build(), ()):
        lines += [*heading(f"``{' '.join(('synsim', *words))}``", "-"), ".. code-block:: none", ""]
        lines += [f"    {line}".rstrip() for line in _help(words).splitlines()] + [""]
        if words == ("run",):
            lines += ["Flags that every protocol has:", "", *_shared_flags()]
            lines += ["The settings of each protocol are on its page:", ""]
            lines += [f"- :doc:`protocols/{p}`" for p in catalogue.protocols()] + [""]
    return lines


def _shared_flags() -> list[str]:
    """Those of `synsim run PROTOCOL` that are no settings of the protocol."""
    module = next(iter(catalogue.protocols().values()))
    parser = settings_parser("run", module, {}, run._own_flags)
    rows = [
        [", ".join(action.option_strings), action.metavar or "", action.help or ""]
        for action in parser._optionals._group_actions
    ]
    return table(rows, ("flag", "value", "what it does"), link)


def _words(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The words of a command and of all below it, in the order of the program's help."""
    found = [words]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                found += _words(below, (*words, name))
    return found


def _help(words: tuple[str, ...]) -> str:
    """What a command says to --help, at the same width everywhere."""
    said = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "88"
    try:
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            main([*words, "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return said.getvalue()

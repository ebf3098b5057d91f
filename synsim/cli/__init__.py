"""The command line. Nothing heavy is imported until a command needs it.

argparse rather than cyclopts or typer: the flags of a run are built from a protocol's settings
at the moment they are needed, `synsim --help` has to come within 0.3 s (cyclopts and typer take
0.1 to 0.15 s to import, argparse 0.02), and a mistake is answered by one plain line.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from synsim._version import __version__
from synsim.cli.parser import Parser
from synsim.component.errors import InputError, SynsimError

DESCRIPTION = """\
Plastic, unreliable synapses: simulate, predict and fit them.

  synsim list                              what there is
  synsim describe stdp-window              what a protocol, model or preset is
  synsim run stdp-window --out window      an experiment: table, summary and figure in ./window
  synsim run stdp-window --help            its settings
  synsim extract CELL.abf --out cell       amplitudes from your recordings
  synsim fit stdp DATA.csv --out fit       fit a window to recordings
  synsim reproduce malkin2023 --out again  a published study, beside what was published
  synsim notebook                          notebooks to teach and learn with
"""


def build() -> Parser:
    """The parser of `synsim`."""
    from synsim.cli import cache, extract, fit, notebook, reproduce, run, show, sweep

    parser = Parser(prog="synsim", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"synsim {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser
    )
    show.configure(commands)
    run.configure(commands)
    sweep.configure(commands)
    extract.configure(commands)
    fit.configure(commands)
    reproduce.configure(commands)
    notebook.configure(commands)
    cache.configure(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code.

    0 done; 2 the input is wrong; 130 interrupted; 1 anything else. A mistake is one line on
    stderr.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        parsed, rest = build().parse_known_args(arguments)
        code = parsed.execute(parsed, rest)
        sys.stdout.flush()
        return code
    except SynsimError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt as stop:
        return _say(str(stop) or "interrupted; nothing was kept", 130)
    except BrokenPipeError:  # the reader of our stdout has gone, as in `synsim list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _say("out of memory; nothing was kept", 1)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _say(f"{name}{error.strerror or error}", 1)
    except Exception as error:
        return _say(f"unexpected {type(error).__name__}: {error}; details in {_log()}", 1)


def _say(text: str, code: int) -> int:
    print(f"synsim: {' '.join(text.split())}", file=sys.stderr)
    return code


def _log() -> Path:
    """The traceback of the present exception, in a file."""
    handle, name = tempfile.mkstemp(prefix="synsim-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        traceback.print_exc(file=file)
    return Path(name)


__all__ = ["InputError", "main"]

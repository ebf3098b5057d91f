"""What every `synsim fit` command does before the fit and after it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from synsim.cli.parser import figure_flags


def add_output(parser: argparse.ArgumentParser) -> None:
    """FILE, and the flags of where results go."""
    parser.add_argument("file", metavar="FILE", help="CSV file, or name of a shipped recording")
    parser.add_argument("--out", metavar="DIR", help="new directory for the results")
    parser.add_argument("--force", action="store_true", help="replace earlier results in DIR")
    figure_flags(parser)


def add_response_columns(data: Any) -> None:
    """Flags of a group that say what is what in a file of single responses."""
    data.add_argument("--amplitude-column", metavar="COL", help="column of the amplitude")
    data.add_argument(
        "--amplitude-unit", metavar="UNIT", help="its unit where its name does not say it: pA, mV"
    )
    data.add_argument(
        "--interval-column", metavar="COL", help="column of the time since the stimulus before"
    )
    data.add_argument("--time-column", metavar="COL", help="column of the time of the stimulus")


def add_noise(fit: Any) -> None:
    """Flags of a group for the noise s0 and the variability of a quantum."""
    fit.add_argument("--s0", metavar="SD", help="recording noise where it is known, as 2.5pA")
    fit.add_argument(
        "--cv",
        metavar="CV",
        default="auto",
        help="variability of a quantum from release to release: a number, fit, or auto "
        "(default: estimated, and 0.3 where the data cannot tell it)",
    )


def add_cells(data: Any) -> None:
    """The flag of a group that says which column names cells."""
    data.add_argument(
        "--cell-column",
        metavar="COL",
        default="cell",
        help="grouping column whose values are cells: their mean and median are given, with "
        "intervals from a bootstrap over cells (default cell)",
    )


def add_calibration(fit: Any) -> None:
    """The flag of a group for simulated copies of the design."""
    fit.add_argument(
        "--calibrate",
        metavar="N",
        default="0",
        help="simulate this design N times from the fit, refit, and report what it can tell",
    )


def begin(parsed: argparse.Namespace, rest: list[str], prog: str) -> Path:
    """The results directory; refuses unknown arguments, and a directory in the way."""
    from synsim.cli.parser import refuse
    from synsim.component.errors import InputError
    from synsim.results import refuse_existing

    if rest:
        refuse(rest[0], parsed.flags, prog)
    if parsed.out is None:
        raise InputError("--out is missing, expected a new directory for the results")
    return refuse_existing(parsed.out, force=parsed.force)


def finish(result: Any, out: Path, parsed: argparse.Namespace) -> int:
    """Write the results, and say in a paragraph what came out and what to mind."""
    from synsim import style
    from synsim.cli.terminal import say, warn

    with style.use(parsed.style):
        result.save(out, force=parsed.force, plot=not parsed.no_plot)
    say(result.summary())
    warn(result.warnings)
    first = ("data.csv", "summary.json", "report.txt")
    rest = sorted(path.name for path in out.iterdir() if path.name not in first)
    say(f"{out}: {', '.join((*first, *rest))}")
    return 0


def progress(label: str) -> None:
    """Which group is being fitted, where somebody looks."""
    from synsim.cli.terminal import say

    if sys.stderr.isatty():
        say(f"fitting {label}")


def whole(flag: str, text: str) -> int:
    """A whole number of a flag."""
    from synsim.component.errors import InputError

    if not text.isascii() or not text.isdigit():
        raise InputError(f"{flag}: found {text!r}, expected a whole number, 0 or above")
    return int(text)


def coefficient(flag: str, text: str) -> float | str:
    """A number of a flag, or one of the words fit and auto."""
    from synsim.component.errors import InputError

    if text in ("auto", "fit"):
        return text
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{flag}: found {text!r}, expected a number, fit or auto") from None

"""`synsim fit locus FILE`: which of p, n and q changed between two epochs."""

from __future__ import annotations

import argparse
from typing import Any

from synsim.cli.fitting import (
    add_noise,
    add_output,
    add_response_columns,
    begin,
    coefficient,
    finish,
    progress,
    whole,
)

DESCRIPTION = """\
Say where plasticity sits: whether release probability p, number of sites n or quantal size q
changed between responses before and after induction. By the exact likelihood of both epochs
(eight models, compared by BIC, intervals of each change), by CV analysis and by failures.

FILE is a CSV file with a header and one row per response (lines that begin with # are comments):

    cell,epoch,epsc_pA          cell,epoch,sweep,t_ms,epsp_mV
    1,before,24.7               1,before,1,0.0,1.92
    1,after,31.0                1,after,1,50.0,0.84

The column epoch (or period) says before or after; every cell has both. Amplitude, intervals or
times, sweeps, cell and protocol are read as by `synsim fit quantal`.

A file with columns pr_before, pr_after, q_before_mV, q_after_mV holds point estimates instead,
without n: sjostrom_2001_ltp, sjostrom_2001_ltd. It is shown as the change of p against that of q,
with n as you assume it.

  synsim fit locus my.csv --out locus
  synsim fit locus my.csv --epoch-column phase --before baseline --after late --out locus
  synsim fit locus sjostrom_2001_ltp --assume-n 5 --out loci

Writes data.csv (a row per cell and parameter), summary.json (all numbers), report.txt (in words),
figure.png and figure.svg.
"""


def configure(kinds: Any) -> None:
    """Add the command to the kinds of `synsim fit`."""
    parser = kinds.add_parser(
        "locus", help="where plasticity sits: p, n or q", description=DESCRIPTION
    )
    _add_arguments(parser)
    parser.set_defaults(execute=execute, flags=list(parser._option_string_actions))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_output(parser)

    data = parser.add_argument_group("what is what in the file (guessed where names are certain)")
    data.add_argument("--epoch-column", metavar="COL", help="column that says before and after")
    data.add_argument("--before", metavar="VALUE", help="its value before induction")
    data.add_argument("--after", metavar="VALUE", help="its value after induction")
    add_response_columns(data)
    data.add_argument(
        "--group-by",
        metavar="COL[,COL]",
        help="each value of these columns is a synapse; default: cell and protocol",
    )

    fit = parser.add_argument_group("the fit")
    fit.add_argument(
        "--model",
        metavar="NAME",
        help="dynamics: constant, depression or depression_facilitation (default: by BIC)",
    )
    fit.add_argument("--n-max", metavar="N", default="60", help="most sites to try (default 60)")
    fit.add_argument("--n", metavar="N", help="number of sites, where it is known and unchanged")
    add_noise(fit)
    fit.add_argument(
        "--noise",
        metavar="KIND",
        default="shared",
        help="s0 is shared by both epochs (default) or separate",
    )
    fit.add_argument(
        "--assume-n",
        metavar="N[,N]",
        help="sites (before, after) for a file of point estimates of p and q",
    )
    fit.add_argument("--seed", metavar="N", default="1", help="of the bootstrap (default 1)")


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Fit, write the results, and say in a paragraph what came out."""
    out = begin(parsed, rest, "synsim fit locus")
    n_max = whole("--n-max", parsed.n_max)
    n = None if parsed.n is None else whole("--n", parsed.n)
    seed = whole("--seed", parsed.seed)
    cv = coefficient("--cv", parsed.cv)
    assumed = None if parsed.assume_n is None else _sites(parsed.assume_n)

    from synsim.fit.locus import fit_locus

    result = fit_locus(
        parsed.file,
        epoch_column=parsed.epoch_column,
        before=parsed.before,
        after=parsed.after,
        amplitude_column=parsed.amplitude_column,
        amplitude_unit=parsed.amplitude_unit,
        interval_column=parsed.interval_column,
        time_column=parsed.time_column,
        group_by=parsed.group_by,
        model=parsed.model,
        n_max=n_max,
        n=n,
        s0=parsed.s0,
        cv=cv,
        noise=parsed.noise,
        assume_n=assumed,
        seed=seed,
        progress=progress,
    )
    return finish(result, out, parsed)


def _sites(text: str) -> tuple[int, int]:
    """One or two whole numbers."""
    from synsim.component.errors import InputError

    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise InputError(
            f"--assume-n: found {text!r}, expected one or two whole numbers such as 5 or 5,7"
        )
    return int(parts[0]), int(parts[-1])

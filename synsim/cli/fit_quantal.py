"""`synsim fit quantal FILE`: release sites, probability and quantal size from responses."""

from __future__ import annotations

import argparse
from typing import Any

from synsim.cli.fitting import (
    add_calibration,
    add_cells,
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
Fit quantal release to single responses: number of sites n, release probability p (U at rest),
quantal size q, recovery and facilitation, recording noise; exact likelihood, n profiled.

FILE is a CSV file with a header and one row per response (lines that begin with # are comments),
or the name of a recording that comes with synsim: epsc_gontier_2023.

    cell,protocol,isi_s,epsc_pA        sweep,t_ms,epsp_mV
    1,long,30.0,245.7                  1,0.0,1.92
    1,long,0.01,60.0                   1,50.0,0.84

The amplitude is the one column whose name ends in a unit of voltage or current. isi_s or isi_ms is
the time since the stimulus before and is used as it is; with t_ms every sweep begins at rest.
Without either, a constant release probability is fitted. Columns cell and protocol group the
rows, one fit each.

  synsim fit quantal epsc_gontier_2023 --out fit
  synsim fit quantal my.csv --amplitude-column peak --amplitude-unit mV --out fit

Writes data.csv (responses and what the best model expects), summary.json (all numbers), report.txt
(in words), figure.png and figure.svg; with groups cells.csv (a row for each), with three cells or
more group.csv (mean and median over them), with --posterior posterior.csv (draws).
"""


def configure(kinds: Any) -> None:
    """Add the command to the kinds of `synsim fit`."""
    parser = kinds.add_parser(
        "quantal", help="release sites, probability, quantal size", description=DESCRIPTION
    )
    _add_arguments(parser)
    parser.set_defaults(execute=execute, flags=list(parser._option_string_actions))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_output(parser)

    data = parser.add_argument_group("what is what in the file (guessed where names are certain)")
    add_response_columns(data)
    data.add_argument(
        "--group-by",
        metavar="COL[,COL]",
        help="fit each value of these columns by itself; default: cell and protocol",
    )

    add_cells(data)

    fit = parser.add_argument_group("the fit")
    fit.add_argument(
        "--model",
        metavar="NAME[,NAME]",
        help="models to fit: constant, depression, depression_facilitation (default: all)",
    )
    fit.add_argument("--n-max", metavar="N", default="100", help="most sites to try (default 100)")
    fit.add_argument("--n", metavar="N", help="number of sites, where it is known")
    add_noise(fit)
    add_calibration(fit)
    fit.add_argument(
        "--posterior",
        action="store_true",
        help="sample the posterior of the best model, n included (needs the extra bayes)",
    )
    fit.add_argument(
        "--posterior-steps",
        metavar="N",
        default="9600",
        help="most steps of each of the four ensembles (default 9600; fewer where it converges)",
    )
    fit.add_argument(
        "--seed",
        metavar="N",
        default="1",
        help="of bootstraps, calibration and posterior (default 1)",
    )


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Fit, write the results, and say in a paragraph what came out."""
    out = begin(parsed, rest, "synsim fit quantal")
    n_max = whole("--n-max", parsed.n_max)
    n = None if parsed.n is None else whole("--n", parsed.n)
    calibrate = whole("--calibrate", parsed.calibrate)
    steps = whole("--posterior-steps", parsed.posterior_steps)
    seed = whole("--seed", parsed.seed)
    cv = coefficient("--cv", parsed.cv)

    from synsim.fit.quantal import fit_quantal

    result = fit_quantal(
        parsed.file,
        amplitude_column=parsed.amplitude_column,
        amplitude_unit=parsed.amplitude_unit,
        interval_column=parsed.interval_column,
        time_column=parsed.time_column,
        group_by=parsed.group_by,
        models=parsed.model,
        n_max=n_max,
        n=n,
        s0=parsed.s0,
        cv=cv,
        calibrate=calibrate,
        posterior=parsed.posterior,
        posterior_steps=steps,
        cell_column=parsed.cell_column,
        seed=seed,
        progress=progress,
    )
    return finish(result, out, parsed)

"""`synsim fit stp FILE`: the Tsodyks-Markram model fitted to averaged trains."""

from __future__ import annotations

import argparse
from typing import Any

from synsim.cli.fitting import (
    add_calibration,
    add_cells,
    add_output,
    begin,
    finish,
    progress,
    whole,
)

DESCRIPTION = """\
Fit short-term plasticity (Tsodyks-Markram) to averaged trains: efficacy A, release probability U,
recovery tau_rec, facilitation tau_facil, inactive state tau_inact; all trains at once.

FILE is a CSV file with a header and one row per pulse (lines that begin with # are comments),
or the name of a recording that comes with synsim: mossy_fibre_2018, pvbc_depressing.

    protocol,t_ms,mean,sd,n            freq_hz,t_ms,epsc_pA,sem
    20Hz,0.0,1.01,0.75,372             10,300.0,85.1,4.0
    20Hz,50.0,1.36,0.94,378            10,400.0,70.2,3.6

Rows of the same protocol, freq_hz, train, sweep ... are one train, and every train begins at rest.
A column cell groups the rows, one fit each. Standard errors are taken from sem, or sd and n.
Recovery may be given as pairs instead: interval_ms and ratio (second response over the first).

  synsim fit stp mossy_fibre_2018 --out fit
  synsim fit stp my.csv --train-column pattern --amplitude-column peak --out fit

Writes data.csv (pulses and fitted values), summary.json (all numbers), report.txt (in words),
figure.png and figure.svg; with groups cells.csv (a row for each), with three cells or more
group.csv (mean and median over them).
"""


def configure(kinds: Any) -> None:
    """Add the command to the kinds of `synsim fit`."""
    parser = kinds.add_parser(
        "stp", help="short-term plasticity of averaged trains", description=DESCRIPTION
    )
    _add_arguments(parser)
    parser.set_defaults(execute=execute, flags=list(parser._option_string_actions))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_output(parser)

    data = parser.add_argument_group("what is what in the file (guessed where names are certain)")
    data.add_argument("--time-column", metavar="COL", help="column of the time of the stimulus")
    data.add_argument(
        "--interval-column",
        metavar="COL",
        help="interval between two pulses, of which the amplitude is the ratio",
    )
    data.add_argument(
        "--amplitude-column", metavar="COL", help="column of the mean response, or of the ratio"
    )
    data.add_argument(
        "--amplitude-unit", metavar="UNIT", help="its unit where its name does not say it: pA, mV"
    )
    data.add_argument("--sem-column", metavar="COL", help="standard error of each mean")
    data.add_argument(
        "--sd-column", metavar="COL", help="standard deviation instead; needs how many there were"
    )
    data.add_argument("--n-column", metavar="COL", help="number of responses behind each mean")
    data.add_argument(
        "--train-column", metavar="COL[,COL]", help="columns that tell trains of one fit apart"
    )
    data.add_argument(
        "--group-by",
        metavar="COL[,COL]",
        help="fit each value of these columns by itself; default: cell",
    )
    add_cells(data)

    fit = parser.add_argument_group("the fit")
    fit.add_argument(
        "--model",
        metavar="NAME[,NAME]",
        help="models to fit: depression, depression_facilitation, three_state, "
        "three_state_facilitation (default: the first three)",
    )
    add_calibration(fit)
    fit.add_argument(
        "--seed", metavar="N", default="1", help="of bootstrap and calibration (default 1)"
    )


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Fit, write the results, and say in a paragraph what came out."""
    out = begin(parsed, rest, "synsim fit stp")
    calibrate = whole("--calibrate", parsed.calibrate)
    seed = whole("--seed", parsed.seed)

    from synsim.fit.stp import fit_stp

    result = fit_stp(
        parsed.file,
        time_column=parsed.time_column,
        interval_column=parsed.interval_column,
        amplitude_column=parsed.amplitude_column,
        amplitude_unit=parsed.amplitude_unit,
        sem_column=parsed.sem_column,
        sd_column=parsed.sd_column,
        n_column=parsed.n_column,
        train_column=parsed.train_column,
        group_by=parsed.group_by,
        cell_column=parsed.cell_column,
        models=parsed.model,
        calibrate=calibrate,
        seed=seed,
        progress=progress,
    )
    return finish(result, out, parsed)

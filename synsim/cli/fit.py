"""`synsim fit stdp FILE`: fit models to recordings."""

from __future__ import annotations

import argparse
from typing import Any

from synsim.cli import fit_locus, fit_quantal, fit_stp
from synsim.cli.fitting import add_output, begin, finish, whole
from synsim.cli.parser import Parser

DESCRIPTION = """\
Fit STDP windows to measured changes of synaptic strength, and say which shape they have.

FILE is a CSV file with a header and one row per point (lines that begin with # are comments),
or the name of a recording that comes with synsim: bi_poo_1998, wittenberg_wang_2006, ...

    dt_ms,dw                  dt_ms,w_ratio,sem
    -8.2,-0.26                -8.2,0.74,0.05
    5.2,1.03                  5.2,2.03,0.11

Lag is t_post - t_pre, its unit is the end of the column's name (dt_ms, lag_s). Change is read as
dw, dw_rel: fraction (0 is no change); dw_percent: per cent (0 is no change); w_ratio: after/before
(1 is no change). For other names say which column is what.

  synsim fit stdp bi_poo_1998 --out fit
  synsim fit stdp wittenberg_wang_2006 --group-by figure --out fit
  synsim fit stdp my.csv --dt-column delay_ms --dw-column epsp --dw-kind ratio --out fit

Writes data.csv (points, fitted values, residuals), summary.json (all numbers), report.txt (in
words), figure.png and figure.svg. The amplitudes A_plus and A_minus are those of the whole
protocol, not of one pairing.
"""


def configure(commands: Any) -> None:
    """Add the command."""
    fit = commands.add_parser("fit", help="fit models to recordings: `synsim fit stdp --help`")
    kinds = fit.add_subparsers(title="what to fit", metavar="KIND", parser_class=Parser)
    fit.set_defaults(execute=lambda parsed, rest: _no_kind(rest, list(kinds.choices)))
    parser = kinds.add_parser(
        "stdp", help="windows of spike-timing-dependent plasticity", description=DESCRIPTION
    )
    _add_arguments(parser)
    parser.set_defaults(execute=execute, flags=list(parser._option_string_actions))
    fit_stp.configure(kinds)
    fit_quantal.configure(kinds)
    fit_locus.configure(kinds)


def _no_kind(rest: list[str], kinds: list[str]) -> int:
    from synsim.component.errors import InputError

    found = repr(rest[0]) if rest else "nothing"
    raise InputError(
        f"what to fit: found {found}, expected one of {', '.join(kinds)} (see synsim fit --help)"
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_output(parser)

    data = parser.add_argument_group("what is what in the file (guessed where names are certain)")
    data.add_argument("--dt-column", metavar="COL", help="column of the lag")
    data.add_argument("--dt-unit", choices=("ms", "s"), help="where the column's name has no unit")
    data.add_argument("--dw-column", metavar="COL", help="column of the change")
    data.add_argument(
        "--dw-kind",
        metavar="KIND",
        help="fraction (0 is no change), percent (0 is no change) or ratio (1 is no change)",
    )
    data.add_argument(
        "--sem-column", metavar="COL", help="standard error of each point, in the change's unit"
    )
    data.add_argument(
        "--sd-column", metavar="COL", help="standard deviation instead; needs the number of cells"
    )
    data.add_argument("--n-column", metavar="COL", help="number of cells behind each point")
    data.add_argument(
        "--group-by",
        metavar="COL[,COL]",
        help="fit each value of these columns by itself; default: protocol, and cell where each "
        "cell has enough points",
    )
    data.add_argument(
        "--exclude",
        metavar="FROM:TO",
        help="leave out lags in this range, such as --exclude=-5ms:0ms",
    )

    fit = parser.add_argument_group("the fit")
    fit.add_argument(
        "--model",
        metavar="NAME[,NAME]",
        help="windows to fit: exponential, exponential_offset, mexican_hat, alpha, symmetric, "
        "anti_hebbian, constant (default: all)",
    )
    fit.add_argument(
        "--residuals",
        metavar="KIND",
        default="student-t",
        help="student-t (default: a point far off counts less) or gaussian",
    )
    fit.add_argument(
        "--intervals",
        metavar="KIND",
        default="profile",
        help="95%% intervals: profile (of the likelihood, default) or bootstrap (over cells, or "
        "over points without a column cell)",
    )
    fit.add_argument("--bootstrap-samples", metavar="N", default="1000", help="default 1000")
    fit.add_argument("--seed", metavar="N", default="1", help="of the bootstrap (default 1)")


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Fit, write the results, and say in a paragraph what came out."""
    out = begin(parsed, rest, "synsim fit stdp")
    samples = whole("--bootstrap-samples", parsed.bootstrap_samples)
    seed = whole("--seed", parsed.seed)
    exclude = None if parsed.exclude is None else _range(parsed.exclude)

    from synsim.fit import fit_stdp

    result = fit_stdp(
        parsed.file,
        dt_column=parsed.dt_column,
        dt_unit=parsed.dt_unit,
        dw_column=parsed.dw_column,
        dw_kind=parsed.dw_kind,
        sem_column=parsed.sem_column,
        sd_column=parsed.sd_column,
        n_column=parsed.n_column,
        group_by=parsed.group_by,
        models=parsed.model,
        residuals=parsed.residuals,
        intervals=parsed.intervals,
        bootstrap_samples=samples,
        exclude=exclude,
        seed=seed,
    )
    return finish(result, out, parsed)


def _range(text: str) -> tuple[float, float]:
    """Two times with units, in ms."""
    from synsim.component import units
    from synsim.component.errors import InputError

    parts = text.split(":")
    if len(parts) != 2:
        raise InputError(f"--exclude: found {text!r}, expected a range such as -5ms:0ms")
    try:
        low, high = (units.parse(part, (units.DIMENSIONS["time"],))[0] for part in parts)
    except InputError as error:
        raise InputError(f"--exclude: {error}") from None
    return low * 1e3, high * 1e3

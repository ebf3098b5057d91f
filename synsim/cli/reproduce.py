"""`synsim reproduce STUDY`: a published study run again, its report beside what was published."""

from __future__ import annotations

import argparse
from typing import Any

from synsim.cli.flags import seed_of
from synsim.cli.terminal import activity, load_plotting, say
from synsim.component.errors import InputError

DESCRIPTION = """\
Run a published study again and write one report: every figure, and published numbers beside ours.

  malkin2023   Signatures of Bayesian inference emerge from energy-efficient synapses
               (Malkin, O'Donnell, Houghton & Aitchison): tradeoff, signatures, bayes, recordings

--preset quick learns 8 x 8 digits, which ship, in minutes. --preset paper, the default, learns
MNIST in the published setting. An interrupted run goes on when the same command is given again.
"""


def configure(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "reproduce", description=DESCRIPTION, help="run a published study again: malkin2023"
    )
    parser.add_argument("study", metavar="STUDY")
    parser.add_argument("--out", metavar="DIR", help="a new directory for the report")
    parser.add_argument("--preset", choices=["paper", "quick"], default="paper")
    parser.add_argument("--seed", metavar="N")
    parser.add_argument("--force", action="store_true", help="replace an earlier report in --out")
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Run the study and write its report."""
    from synsim import studies
    from synsim.cli.parser import refuse
    from synsim.results import refuse_existing

    if rest:
        refuse(rest[0], ["--out", "--preset", "--seed", "--force"], "synsim reproduce")
    study = studies.find(parsed.study)
    if parsed.out is None:
        raise InputError("--out is missing, expected a new directory for the report")
    out = refuse_existing(parsed.out, force=parsed.force)
    seed = seed_of(parsed.seed)
    left = out.with_name(f"{out.name}.unfinished")
    if left.is_dir():
        say(f"{left}: going on with what is left")
    load_plotting()
    try:
        with activity() as shown:
            studies.reproduce(
                study, out, {"preset": parsed.preset}, seed=seed, force=parsed.force,
                progress=shown.part,
            )  # fmt: skip
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; what is done is kept in {left}, the same command goes on from there"
        ) from None
    say(f"{out}: report.html, summary.json, and each part's table, summary and figure")
    return 0

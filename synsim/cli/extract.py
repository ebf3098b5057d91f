"""`synsim extract FILE`: amplitudes of responses from recordings."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from synsim import style
from synsim.cli.parser import figure_flags, refuse

DESCRIPTION = """\
Measure synaptic responses in a recording: find the stimuli, measure every response, and write the
table that `synsim fit quantal` and `synsim fit stp` read.

FILE is ABF, NWB or another format that Neo reads (install 'synsim[recordings]'), or CSV:

    t_ms,sweep1_pA,sweep2_pA
    0.0,-3.1,1.4

  synsim extract cell.abf --list
  synsim extract cell.abf --stimulus-channel "digital 0" --out cell
  synsim extract cell.nwb --stimulus-times 100ms,150ms,200ms --sign negative --out cell
  synsim fit quantal cell/data.csv --out fit
  synsim fit stp cell/averages.csv --out trains

Writes data.csv (every response), averages.csv (mean, SEM and n of each pulse), summary.json (what
was taken for what and how that was decided), figure.png and figure.svg. What is neither said nor
certain is asked for.
"""


def configure(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "extract", help="amplitudes of responses from recordings", description=DESCRIPTION
    )
    _add_arguments(parser)
    parser.set_defaults(execute=execute, flags=list(parser._option_string_actions))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the recording")
    parser.add_argument("--list", action="store_true", help="show what is in FILE, and stop")
    parser.add_argument("--out", metavar="DIR", help="new directory for the results")
    parser.add_argument("--force", action="store_true", help="replace earlier results in DIR")
    figure_flags(parser)

    data = parser.add_argument_group("what is measured")
    data.add_argument("--channel", metavar="NAME", help="channel of the responses")
    data.add_argument("--unit", metavar="UNIT", help="its unit, where the file does not say it")
    data.add_argument("--sweeps", metavar="N-N,N", help="sweeps to measure (default all)")
    data.add_argument(
        "--skip-incomplete", action="store_true", help="leave out sweeps that end too early"
    )
    data.add_argument(
        "--sweep-gap",
        metavar="TIME",
        help="a longer pause between stimuli begins a new sweep (recordings without sweeps)",
    )
    data.add_argument("--cell", metavar="NAME", help="write a column cell with this name")
    data.add_argument("--protocol", metavar="NAME", help="write a column protocol with this name")

    stimuli = parser.add_argument_group("when the stimuli came (on the clock of each sweep)")
    stimuli.add_argument(
        "--stimulus-times",
        metavar="TIMES",
        help="100ms,150ms or start:stop:step, or a CSV file with a column t_ms (and sweep)",
    )
    stimuli.add_argument(
        "--stimulus-channel", metavar="NAME", help="command, event or recorded channel with them"
    )
    stimuli.add_argument(
        "--stimulus-threshold",
        metavar="VALUE",
        help="for a recorded channel: departure from its median, as 1V (default: half of the "
        "largest)",
    )

    how = parser.add_argument_group("how responses are measured (ranges are from the stimulus)")
    how.add_argument("--sign", metavar="SIGN", help="positive, negative or auto (default)")
    how.add_argument("--baseline", metavar="FROM:TO", help="default -5ms:0ms")
    how.add_argument(
        "--window", metavar="FROM:TO", help="of the peak, default 1ms:25ms or the next stimulus"
    )
    how.add_argument("--width", metavar="TIME", help="averaged around the peak, default 0.5ms")
    how.add_argument(
        "--peak",
        metavar="KIND",
        default="latency",
        help="latency (default): at the lag of the average's peak, unbiased; own: extremum of "
        "each response, which noise makes too large",
    )
    how.add_argument("--latency", metavar="TIME", help="the lag of the peak, instead of looked for")
    how.add_argument(
        "--decay",
        metavar="TAU",
        help="how responses decay, to take away what earlier ones left: fit (default, to the "
        "average after the last stimulus), a time, or none",
    )
    how.add_argument("--noise", metavar="SD", help="SD of the measurement, where it is not seen")
    how.add_argument(
        "--threshold", metavar="SDS", help="failures are below as many SDs (default 2.5)"
    )


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """Measure, write the results, and say what was taken for what."""
    from synsim.cli.terminal import say, warn
    from synsim.component.errors import InputError
    from synsim.results import refuse_existing

    if rest:
        refuse(rest[0], parsed.flags, "synsim extract")
    if parsed.list:
        from synsim.extract.recording import read

        sys.stdout.write(read(parsed.file).describe() + "\n")
        return 0
    if parsed.out is None:
        raise InputError("--out is missing, expected a new directory for the results")
    out = refuse_existing(parsed.out, force=parsed.force)

    from synsim.extract import extract

    result = extract(
        parsed.file,
        channel=parsed.channel,
        unit=parsed.unit,
        sweeps=parsed.sweeps,
        skip_incomplete=parsed.skip_incomplete,
        stimulus_times=parsed.stimulus_times,
        stimulus_channel=parsed.stimulus_channel,
        stimulus_threshold=parsed.stimulus_threshold,
        sweep_gap=parsed.sweep_gap,
        baseline=parsed.baseline,
        window=parsed.window,
        width=parsed.width,
        peak=parsed.peak,
        latency=parsed.latency,
        sign=parsed.sign,
        decay=parsed.decay,
        noise=parsed.noise,
        threshold=parsed.threshold,
        cell=parsed.cell,
        protocol=parsed.protocol,
    )
    with style.use(parsed.style):
        result.save(out, force=parsed.force, plot=not parsed.no_plot)
    say(result.summary())
    warn(result.warnings)
    figures = "" if parsed.no_plot else ", figure.png, figure.svg"
    say(f"{out}: data.csv, averages.csv, summary.json{figures}")
    noise = result.measured.noise
    known = "" if noise is None or result.measured.noise_mean else f" --s0 {noise:.3g}{result.unit}"
    say(f"next: synsim fit quantal {out / 'data.csv'}{known} --out FIT")
    return 0

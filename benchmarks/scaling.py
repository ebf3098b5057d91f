"""How time and memory grow with synapses, rate, recording and threads, beside NEST, in one run.

    .venv/bin/python benchmarks/scaling.py
    .venv/bin/python benchmarks/scaling.py --what synapses --programs synsim

The jobs are those of `events.py`, one thing varied at a time. Each program runs in a process of its
own, in turn; rates must agree. Time is that of the simulation, memory the largest of the process.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from dataclasses import replace

from events import PROGRAMS, Worker, able, disagreements
from events_job import NAMES, Job

BASE = Job("", "sites", sources=1000, neurons=1000, rate=10.0, seconds=2.0)
SIZES = (1_000, 3_162, 10_000)  # 10^6, 10^7, 10^8 synapses
# What is varied -> jobs.
PLANS = {
    "synapses": [
        replace(BASE, kind=kind, sources=size, neurons=size, seconds=1.0)
        for kind in ("static", "sites", "all")
        for size in SIZES
    ],
    "rate": [replace(BASE, rate=rate) for rate in (10.0, 30.0, 100.0)],
    "recording": [
        replace(BASE, kind="static", seconds=seconds, record=record)
        for record in (False, True)
        for seconds in (2.0, 20.0)
    ],
    "threads": [
        replace(BASE, kind=kind, sources=size, neurons=size, seconds=1.0, threads=threads)
        for kind in ("static", "sites", "all")
        for size in (1_000, 4_000)
        for threads in (1, 2)
    ],
}


def measured(job: Job, programs: list[str]) -> dict[str, dict]:
    """What each program that has this synapse takes."""
    found = {}
    for program in programs:
        if able(program, job.kind):
            one = replace(job, program=program)
            print(f"{PROGRAMS[program]}: {one}", file=sys.stderr)
            found[program] = Worker(one).run()
    return found


def row(job: Job, found: dict[str, dict], programs: list[str]) -> str:
    """A line of the table."""
    events = job.synapses * job.rate * job.seconds
    cells = [
        NAMES[job.kind], f"{job.synapses:.0e}", f"{job.rate:g}", f"{job.seconds:g}",
        "yes" if job.record else "no", str(job.threads),
    ]  # fmt: skip
    cells += [f"{found[p]['run']:.2f}" if p in found else "" for p in programs]
    cells += [f"{1e9 * found[p]['run'] / events:.1f}" if p in found else "" for p in programs]
    others = [p for p in programs if p != "synsim"]
    if "synsim" in programs:
        cells += [
            f"{found[p]['run'] / found['synsim']['run']:.1f}" if p in found else "" for p in others
        ]
    cells += [f"{found[p]['VmHWM'] / 1e9:.2f}" if p in found else "" for p in programs]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measure and print a table for each thing that is varied."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--what", default=",".join(PLANS))
    parser.add_argument("--programs", default="synsim,nest")
    given = parser.parse_args()
    for name, known in (("what", PLANS), ("programs", PROGRAMS)):
        for word in getattr(given, name).split(","):
            if word not in known:
                parser.error(f"--{name}: found {word!r}, expected some of {', '.join(known)}")
    programs = [p for p in PROGRAMS if p in given.programs.split(",")]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    heads = ["synapse", "synapses", "Hz", "s simulated", "recorded", "threads"]
    heads += [f"{PROGRAMS[p]}, s" for p in programs] + [f"{PROGRAMS[p]}, ns" for p in programs]
    heads += [f"{PROGRAMS[p]} / synsim" for p in programs if p != "synsim"]
    heads += [f"{PROGRAMS[p]}, GB" for p in programs]
    wrong = []
    for what in (w for w in PLANS if w in given.what.split(",")):
        print(f"\n### With {what}\n\n| " + " | ".join(heads) + " |")
        print("|---|" + "---|" * (len(heads) - 1), flush=True)
        for job in PLANS[what]:
            found = measured(job, programs)
            wrong += disagreements(found, f"{NAMES[job.kind]}, {job.synapses:g} synapses")
            print(row(job, found, programs), flush=True)
    if wrong:
        raise SystemExit("results differ:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()

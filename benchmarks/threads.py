"""What a second thread gains: each job with one thread and with two, in turn.

    .venv/bin/python benchmarks/threads.py                     10^6 and 1.6 x 10^7 synapses, minutes
    .venv/bin/python benchmarks/threads.py --kinds all --runs 20

The jobs are those of `events.py`. All programs are built first; then they run one after the other,
over and over, since the time that one core needs to see what the other has written changes on some
machines from second to second.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import events_brian2
from events_job import KINDS, NAMES, Job

SIZES = {1000: 3.0, 4000: 1.0}  # sources and neurons: seconds simulated


def programs(kinds: list[str], most: int, root: Path) -> dict[Job, Path]:
    """Build every job with one thread and with the most, each in a process of its own."""
    made = {}
    for size, simulated in SIZES.items():
        for kind in kinds:
            one = Job("synsim", kind, size, size, 10.0, simulated)
            for job in (one, replace(one, threads=most)):
                made[job] = root / f"{kind}-{size}-{job.threads}"
                words = [sys.executable, __file__, "--build", json.dumps(asdict(job))]
                print(f"building {NAMES[kind]}, {size}, {job.threads}", file=sys.stderr)
                subprocess.run([*words, str(made[job])], check=True, capture_output=True)
    return made


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kinds", default=",".join(KINDS[1:]))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--build", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.build:
        events_brian2.build(Job(**json.loads(given.build[0])), Path(given.build[1]))
        return
    kinds = [k for k in given.kinds.split(",") if k in KINDS]
    with tempfile.TemporaryDirectory(prefix="synsim-threads-") as root:
        made = programs(kinds, given.threads, Path(root))
        took: dict[Job, list[float]] = {job: [] for job in made}
        for _ in range(given.runs):
            for job, place in made.items():
                subprocess.run([str(place / "main")], cwd=place, check=True, capture_output=True)
                took[job].append(events_brian2.seconds(place))
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"seconds: median (least to most) of {given.runs} runs\n"
    )
    print(f"| synapse | synapses | 1 thread | {given.threads} threads | ratio of medians |")
    print("|---|---|---|---|---|")
    for job, times in took.items():
        if job.threads > 1:
            one = took[replace(job, threads=1)]
            ratio = statistics.median(one) / statistics.median(times)
            cells = [
                f"{statistics.median(t):.3f} ({min(t):.3f} to {max(t):.3f})" for t in (one, times)
            ]
            size = f"{job.synapses:.2g}"
            print(f"| {NAMES[job.kind]} | {size} | {cells[0]} | {cells[1]} | {ratio:.2f} |")


if __name__ == "__main__":
    main()

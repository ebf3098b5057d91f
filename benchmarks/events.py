"""Nanoseconds and bytes per synaptic event: synsim, plain Brian2 and NEST, in one run.

    .venv/bin/python benchmarks/events.py                       1e8 events each, minutes
    .venv/bin/python benchmarks/events.py --seconds 1           a tenth of it
    .venv/bin/python benchmarks/events.py --threads 2 --kinds static,all

1000 Poisson sources at 10 Hz reach each of 1000 leaky integrate-and-fire neurons for 10 s, in steps
of 0.1 ms. Each program runs in a process of its own, in turn. Time is that of the
simulation itself, without building, connecting and reading results; an event is the arrival of
one presynaptic spike at one synapse. Memory is what a program holds at its end over what it
holds without synapses. Results are compared before times are printed: rates, weights, and in
a short run without threshold mean and scatter of the membrane potential, which is the mean and
the variance of the responses.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

from events_job import KINDS, NAMES, NEST_MODELS, Job

READY = "ready\n"
PROGRAMS = {"synsim": "synsim", "brian2": "plain Brian2", "nest": "NEST"}
# Relative deviations that are allowed; the short runs differ by their random spikes.
TOLERANCE = {
    "rate_in": 0.02,
    "rate_out": 0.03,
    "w_mean": 0.02,
    "w_sd": 0.15,
    "v_mean": 0.03,
    "v_sd": 0.08,
}
NOTHING = 0.01  # Hz, mV: the one spike at the start of neurons without input
CHECK = {"sources": 1000, "neurons": 50, "rate": 10.0, "seconds": 10.0, "fires": False}


def wait() -> None:
    """Say that all is built, and wait for the word to run."""
    print(READY, end="", flush=True)
    sys.stdin.readline()


def work(job: Job) -> dict:
    """Run a job in this process."""
    if job.program == "nest":
        import events_nest as module
    else:
        import events_brian2 as module  # type: ignore[no-redef]
    found = module.run(job, wait)
    status = found.pop("status", None) or Path("/proc/self/status").read_text()
    for name in ("VmRSS", "VmHWM"):
        match = re.search(rf"{name}:\s+(\d+) kB", status)
        assert match is not None
        found[name] = int(match[1]) * 1024
    return found


class Worker:
    """A job in a process of its own: it builds what there is to build, then runs when told."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--job", json.dumps(asdict(job))],
            env=os.environ | {"OMP_NUM_THREADS": str(job.threads), "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line == READY:
                return
        self._fail()

    def run(self) -> dict:
        said, self.errors = self.process.communicate("go\n")
        if self.process.returncode != 0:
            self._fail()
        return json.loads(said.splitlines()[-1])

    def _fail(self) -> NoReturn:
        _, errors = self.process.communicate()
        raise SystemExit(f"{self.job} failed:\n{errors}")


def able(program: str, kind: str) -> bool:
    return program != "nest" or kind == "none" or kind in NEST_MODELS


def disagreements(found: dict[str, dict], where: str) -> list[str]:
    """Lines about numbers in which programs differ by more than `TOLERANCE`."""
    lines = []
    for name, allowed in TOLERANCE.items():
        values = {program: result[name] for program, result in found.items() if name in result}
        if not values or max(values.values()) < NOTHING:
            continue
        spread = (max(values.values()) - min(values.values())) / max(*values.values(), 1e-9)
        said = ", ".join(f"{program} {value:.5g}" for program, value in values.items())
        print(f"  {where}: {name} {said}", file=sys.stderr)
        if spread > allowed:
            lines.append(f"{where}: {name} differs by {spread:.1%}: {said}")
    return lines


def table(times: dict[str, dict[str, dict]], given: argparse.Namespace) -> None:
    """Print what was measured, as Markdown."""
    programs = [p for p in PROGRAMS if p in given.programs]
    others = [p for p in programs if p != "synsim"]
    heads = [f"{PROGRAMS[p]}, ns" for p in programs]
    heads += [f"{PROGRAMS[p]} / synsim" for p in others if "synsim" in programs]
    heads += [f"{PROGRAMS[p]}, bytes" for p in programs]
    print("| synapse | " + " | ".join(heads) + " |")
    print("|---|" + "---|" * len(heads))
    for kind, found in times.items():
        events = given.sources * given.neurons * given.rate * given.seconds
        took = {p: 1e9 * r[given.time] / events for p, r in found.items()}
        row = [f"{took[p]:.1f}" if p in took else "" for p in programs]
        if "synsim" in programs:
            row += [f"{took[p] / took['synsim']:.1f}" if p in took else "" for p in others]
        for p in programs:
            held = ""
            if p in found and kind != "none" and "none" in times:
                more = found[p]["VmRSS"] - times["none"][p]["VmRSS"]
                held = f"{more / (given.sources * given.neurons):.0f}"
            row.append(held)
        print(f"| {NAMES[kind]} | " + " | ".join(row) + " |")
    if "synsim" in programs:
        built = ", ".join(f"{NAMES[k]} {f['synsim']['build']:.0f}" for k, f in times.items())
        print(f"\nseconds to generate and compile, synsim: {built}")
    if "brian2" in programs:
        built = ", ".join(f"{NAMES[k]} {f['brian2']['build']:.0f}" for k, f in times.items())
        print(f"seconds to generate and compile, plain Brian2: {built}")


def main() -> None:
    """Measure, compare and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--neurons", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=10.0, help="of a source, Hz")
    parser.add_argument("--seconds", type=float, default=10.0, help="simulated")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--time",
        choices=("run", "cpu"),
        default="run",
        help="cpu: that of the processor, for a busy machine and one thread",
    )
    parser.add_argument("--pause", action="store_true", help="wait for Enter before measuring")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--float32", action="store_true", help="Brian2 and synsim in float32")
    parser.add_argument("--no-check", action="store_true", help="leave the short runs away")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(work(Job(**json.loads(given.job)))))
        return
    given.programs = [p for p in given.programs.split(",") if p in PROGRAMS]
    kinds = [k for k in given.kinds.split(",") if k in KINDS]
    if "nest" in given.programs and importlib.util.find_spec("nest") is None:
        raise SystemExit("NEST is not installed: pip install 'synsim[oracle]', or --programs")
    first = Job(
        "", "", given.sources, given.neurons, given.rate, given.seconds, given.threads,
        float32=given.float32,
    )  # fmt: skip
    jobs = [
        replace(first, program=program, kind=kind)
        for kind in kinds
        for program in given.programs
        if able(program, kind)
    ]
    checks = [
        replace(job, **CHECK)
        for job in jobs
        if not given.no_check and job.kind in ("static", "tm", "sites")
    ]
    workers = []
    for job in (*jobs, *checks):
        print(f"building {PROGRAMS[job.program]}, {NAMES[job.kind]}", file=sys.stderr)
        workers.append(Worker(job))
    if given.pause:
        input("Press Enter to measure: ")
    times: dict[str, dict[str, dict]] = {kind: {} for kind in kinds}
    responses: dict[str, dict[str, dict]] = {kind: {} for kind in kinds}
    for worker in workers:
        job = worker.job
        found = worker.run()
        (times if job.fires else responses)[job.kind][job.program] = found
        print(f"{PROGRAMS[job.program]}, {NAMES[job.kind]}: {found}", file=sys.stderr)
    wrong: list[str] = []
    for kind in kinds:
        wrong += disagreements(times[kind], NAMES[kind])
        wrong += disagreements(responses[kind], f"{NAMES[kind]}, no threshold")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"{given.sources} sources at {given.rate:g} Hz, {given.neurons} neurons, "
        f"{given.seconds:g} s, threads {given.threads}{', float32' if given.float32 else ''}; "
        f"time of {'the clock' if given.time == 'run' else 'the processor'}\n"
    )
    table(times, given)
    if wrong:
        raise SystemExit("results differ:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()

"""Time to a figure: synsim beside a plain Brian2 script, as whole processes, in one run.

    .venv/bin/python benchmarks/first_figure.py [--runs 3]

Each job is run in turn, several times; the table has medians in seconds and the ratio to the
plain script. Nothing here is a test: times depend on the machine.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
SYNSIM = str(Path(sys.executable).with_name("synsim"))


def whole_process(command: list[str], environment: dict[str, str]) -> float:
    """Seconds from start to exit; stops everything when the command fails."""
    start = time.perf_counter()
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return took


def in_process(repeats: int) -> tuple[float, float]:
    """Medians of a repeated call of the protocol, and of the compiled program in it."""
    from synsim import engine
    from synsim.protocols import stdp_window

    inside: list[float] = []
    execute = engine.execute

    def timed(*args: object, **kwargs: object) -> engine.Run:
        start = time.perf_counter()
        run = execute(*args, **kwargs)  # type: ignore[arg-type]
        inside.append(time.perf_counter() - start)
        return run

    engine.execute = timed  # type: ignore[assignment]
    settings = stdp_window.Settings()
    stdp_window.run(settings)
    inside.clear()
    whole = []
    for _ in range(repeats):
        start = time.perf_counter()
        stdp_window.run(settings)
        whole.append(time.perf_counter() - start)
    return statistics.median(whole), statistics.median(inside)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    place = Path(tempfile.mkdtemp())
    cache = {"SYNSIM_CACHE": str(place / "cache")}
    os.environ |= cache
    out = str(place / "out")
    window = [SYNSIM, "run", "stdp-window", "--out", out, "--force"]
    jobs: dict[str, list[str]] = {
        "plain Brian2 script, cold, no figure": [
            sys.executable,
            str(HERE / "plain_brian2_window.py"),
        ],
        "synsim run stdp-window, cold": window,
        "synsim run stdp-window, warm, new values": [*window, "--tau-plus", "18ms", "--seed", "2"],
        "the same with --no-plot": [*window, "--tau-plus", "19ms", "--no-plot"],
        "synsim --help": [SYNSIM, "--help"],
        "synsim fit stdp bi_poo_1998": [
            SYNSIM,
            "fit",
            "stdp",
            "bi_poo_1998",
            "--out",
            out + "2",
            "--force",
        ],
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(runs):
        shutil.rmtree(place / "cache", ignore_errors=True)
        for name, command in jobs.items():
            times[name].append(whole_process(command, cache))
    whole, simulation = in_process(10)
    shutil.rmtree(place)

    plain = statistics.median(times["plain Brian2 script, cold, no figure"])
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"median of {runs} runs, whole processes\n")
    print("| job | seconds | of plain Brian2 |\n|---|---|---|")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| {name} | {median:.2f} | {median / plain:.3f} |")
    print(f"| repeated call in one process | {whole:.3f} | {whole / plain:.4f} |")
    print(f"| of that, the compiled program as a process | {simulation:.3f} | |")


if __name__ == "__main__":
    main()

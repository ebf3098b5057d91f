"""`synsim run tradeoff` on MNIST as a whole process: how long, how much memory, how accurate.

    SYNSIM_DATA=DIR python benchmarks/tradeoff.py [--rho 2] [--c 1e-2,1e-1] ...

Flags go to the command; without any all 240 networks are trained, which is to take 30 minutes on 2
quiet cores and 8 GiB at most. Memory is the most that the process and its children held at a time,
read ten times a second. With `--keep DIR` the results are there afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def held(pid: int) -> int:
    """Bytes that a process and its children hold; pages they share count once for each."""
    place = Path(f"/proc/{pid}")
    try:
        total = int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        children = (place / "task" / str(pid) / "children").read_text().split()
    except OSError:  # it has ended
        return 0
    return total + sum(held(int(child)) for child in children)


def main() -> None:
    """Print the time, the memory, and the results."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--keep")
    mine, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "tradeoff"
        command = [sys.executable, "-m", "synsim", "run", "tradeoff", "--out", str(out)]
        began, most = time.perf_counter(), 0
        with subprocess.Popen([*command, *flags]) as running:
            while running.poll() is None:
                most = max(most, held(running.pid))
                time.sleep(0.1)
        seconds = time.perf_counter() - began
        if running.returncode:
            raise SystemExit(running.returncode)
        results = json.loads((out / "summary.json").read_text())["results"]
        if mine.keep:
            shutil.copytree(out, mine.keep, dirs_exist_ok=True)
    print(f"{results['networks']} networks: {seconds:.0f} s, {most / 2**30:.2f} GiB at most")
    for name, value in results.items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()

"""How long the energy protocols take as whole processes, after the build.

    python benchmarks/reliability_cost.py [--runs N]

`synsim run reliability-cost` at its defaults measures four exponents; the aim is 30 s after the
build. The first run builds, unless the program is there already; it is shown, and not counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = ("reliability-cost", "energy-information", "energy-budget", "weight-precision")


def seconds(protocol: str, out: Path) -> float:
    """A whole process."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "synsim", "run", protocol, "--out", str(out), "--force"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def main() -> None:
    """Print a table, and the exponents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as place:
        print("| command | first, s | warm, s |\n|---|---|---|")
        for protocol in COMMANDS:
            out = Path(place) / protocol
            first = seconds(protocol, out)
            warm = statistics.median(seconds(protocol, out) for _ in range(runs))
            print(f"| `synsim run {protocol}` | {first:.2f} | {warm:.2f} |", flush=True)
        results = json.loads((Path(place) / COMMANDS[0] / "summary.json").read_text())["results"]
    for name in ("calcium", "membrane", "actin", "trafficking"):
        value, low, high = (results[f"rho_{name}{end}"] for end in ("", "_low", "_high"))
        print(f"{name}: {value:.4f} ({low:.4f} to {high:.4f})")


if __name__ == "__main__":
    main()

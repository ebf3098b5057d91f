"""How long the teaching notebooks take, and how soon their figures follow a slider.

    python benchmarks/sliders.py [NOTEBOOK ...]

Runs each notebook in a kernel of its own, then moves every control to its ends and prints the
slowest answer (drawing included). The first run in an empty SYNSIM_CACHE compiles.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.notebooks.executed import MOVE_EVERYTHING, NOTEBOOKS, execute


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", nargs="*", default=NOTEBOOKS)
    print("| notebook | seconds | controls | slowest answer, ms | median, ms |")
    print("|---|---|---|---|---|")
    for name in parser.parse_args().notebook:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            done = execute(name, Path(place), then=MOVE_EVERYTHING)
        took = time.perf_counter() - began
        moves = json.loads(done.cells[-1].outputs[-1]["text"])
        answers = sorted(1e3 * move[3] for move in moves)
        controls = len({(move[0], move[1]) for move in moves})
        middle = answers[len(answers) // 2]
        print(f"| {name} | {took:.1f} | {controls} | {answers[-1]:.0f} | {middle:.0f} |")


if __name__ == "__main__":
    main()

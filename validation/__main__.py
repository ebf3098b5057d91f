"""`python -m validation`: run the designs, write the report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from validation.designs import DESIGNS
from validation.run import run


def main() -> int:
    """Run what is asked for; nothing that is there already is run again."""
    parser = argparse.ArgumentParser(prog="python -m validation", description=__doc__)
    parser.add_argument("designs", nargs="*", metavar="DESIGN", help="default: all")
    parser.add_argument("--list", action="store_true", help="name the designs and stop")
    parser.add_argument("--experiments", type=int, default=300, metavar="N", help="default: 300")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results/validation"), metavar="DIR")
    parser.add_argument("--report", type=Path, metavar="FILE", help="where to write the report")
    chosen = parser.parse_args()
    if chosen.list:
        for design in DESIGNS.values():
            print(f"{design.name:<24}{design.command:<14}{design.what}")
        return 0
    if unknown := [name for name in chosen.designs if name not in DESIGNS]:
        parser.error(f"no design {unknown[0]!r}, expected some of {', '.join(DESIGNS)}")
    for name in chosen.designs or DESIGNS:

        def tell(done: int, name: str = name) -> None:
            if sys.stderr.isatty():
                print(f"\r{name}: {done} of {chosen.experiments} ", end="", file=sys.stderr)

        run(DESIGNS[name], chosen.out, chosen.experiments, chosen.seed, tell)
        if sys.stderr.isatty():
            print(file=sys.stderr)
    if chosen.report is not None:
        from validation import tables
        from validation.report import write

        tables.make(chosen.out, chosen.seed)
        write(chosen.out, chosen.report, chosen.experiments, chosen.seed)
        print(f"wrote {chosen.report}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

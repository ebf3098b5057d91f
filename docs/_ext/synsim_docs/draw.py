"""Run one command of synsim in this folder, and keep its figure for light and for dark pages."""

import sys
from pathlib import Path

from synsim import protocol, style
from synsim.cli import main


def draw(words: list[str]) -> int:
    """The exit code of the command. A simulation is run once and drawn twice."""
    code = main([*words, "--out", "light", "--style", "light", "--force"])
    if code:
        return code
    if words[0] != "run":
        return main([*words, "--out", "dark", "--style", "dark", "--force"])
    with style.use("dark"):
        made = protocol.load("light").figure()
        Path("dark").mkdir(exist_ok=True)
        for kind in ("png", "svg"):
            style.writer(made, kind)(Path("dark") / f"figure.{kind}")
    return 0


if __name__ == "__main__":
    raise SystemExit(draw(sys.argv[1:]))

"""Run one command of synsim in this folder, and keep its figure for light and for dark pages."""

import sys
from pathlib import Path
from typing import Any

from synsim import protocol, style
from synsim.cli import fitting, main


def draw(words: list[str]) -> int:
    """The exit code of the command. What is simulated or fitted is drawn twice, and run once."""
    fits: list[Any] = []
    finish = fitting.finish

    def keep(result: Any, *rest: Any) -> int:
        fits.append(result)
        return finish(result, *rest)

    fitting.finish = keep  # before `main` imports the command, which takes it from there
    code = main([*words, "--out", "light", "--style", "light", "--force"])
    if code or words[0] not in ("run", "fit"):
        return code or main([*words, "--out", "dark", "--style", "dark", "--force"])
    with style.use("dark"):
        made = (fits[0] if fits else protocol.load("light")).figure()
        Path("dark").mkdir(exist_ok=True)
        for kind in ("png", "svg"):
            style.writer(made, kind)(Path("dark") / f"figure.{kind}")
    return 0


if __name__ == "__main__":
    raise SystemExit(draw(sys.argv[1:]))

"""Ctrl-C in a process of its own."""

from __future__ import annotations

import subprocess
import sys

DESTRUCTOR = """
import time
import synsim.__main__, synsim.cli

class Deaf:
    def __del__(self):
        raise KeyboardInterrupt  # what Ctrl-C does while this runs: Python says it, and goes on

def run():
    Deaf()
    for _ in range(600):
        time.sleep(0.1)
    return 0

synsim.cli.main = run
raise SystemExit(synsim.__main__.main())
"""


def test_is_heard_where_python_ignores_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DESTRUCTOR], capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "synsim: interrupted; nothing was kept\n"

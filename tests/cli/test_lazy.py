"""What is loaded, and when: nothing heavy before it is needed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synsim.protocol import Running
from synsim.protocols import stdp_window
from tests.cli.conftest import Synsim
from tests.engine.harness import needs_compiler

ROOT = Path(__file__).resolve().parents[2]


def loaded(place: Path, *words: str) -> set[str]:
    """The top-level packages that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "synsim", *words],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)", done.stderr, re.MULTILINE)
    assert "synsim" in names
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_loads_nothing_heavy(words: list[str], place: Path) -> None:
    heavy = {"numpy", "brian2", "scipy", "pandas", "matplotlib", "lmfit", "sympy", "rich"}
    assert loaded(place, *words) & heavy == set()


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["describe", "pair"],
        ["run", "stdp-window", "--help"],
        ["cache"],
    ],
)
def test_information_loads_no_simulator(words: list[str], place: Path) -> None:
    heavy = {"brian2", "scipy", "pandas", "matplotlib", "lmfit", "sympy", "rich"}
    assert loaded(place, *words) & heavy == set()


@needs_compiler
def test_a_warm_run_loads_no_simulator(place: Path) -> None:
    """Its build is in the cache: neither Brian2 nor, without a figure, matplotlib."""
    stdp_window.run(stdp_window.Settings(n_pairs=2), Running())
    run = ["run", "stdp-window", "--n-pairs", "3", "--tau-plus", "12ms", "--no-plot"]
    heavy = {"brian2", "scipy", "pandas", "matplotlib", "lmfit", "sympy", "rich", "jinja2"}
    assert loaded(place, *run, "--out", "a") & heavy == set()
    heavy -= {"matplotlib"}
    assert loaded(place, *run[:-1], "--out", "b") & (heavy - {"jinja2"}) == set()


def test_wrong_input_is_told_before_anything_is_loaded(synsim: Synsim, place: Path) -> None:
    code = (
        "import sys\nfrom synsim.cli import main\n"
        "assert main(['run', 'stdp-window', '--out', 'o', '--p', '2']) == 2\n"
        "print(*(n for n in ('brian2', 'scipy', 'pandas', 'matplotlib') if n in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr

"""What training would take is held against what the machine leaves, before it starts."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from synsim.component import InputError
from synsim.networks import Dataset, Network, Training, chunks, machine, power_law, train, training

QUICK = Training(epochs=2, batch=100)


def test_memory_too_small(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "available", lambda: 2.2e9)
    monkeypatch.setattr(training, "train_grid", None)
    wide = [Network("heterogeneous", power_law(2), hidden=(5000, 5000), seed=s) for s in (1, 2)]
    with pytest.raises(InputError, match=r"found 2.2 GB .* expected fewer than 2 networks"):
        train(wide, digits, QUICK)
    monkeypatch.setattr(chunks, "available", lambda: 1e8)
    with pytest.raises(InputError, match="expected smaller networks, or more memory"):
        train(wide, digits, QUICK, at_once=1)


def test_memory_is_checked_for_as_many_as_there_are(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wide network is not refused for the eight that might have been."""
    wide = Network("heterogeneous", power_law(2), hidden=(5000, 5000))
    alone = chunks.memory(wide, digits, QUICK, 1)
    monkeypatch.setattr(chunks, "available", lambda: 1.1 * alone)
    chunks.check_memory([wide], digits, QUICK)
    with pytest.raises(InputError, match="training 2 networks with"):
        chunks.check_memory([wide, replace(wide, seed=2)], digits, QUICK)


def test_memory_for_jax_itself(tmp_path: Path) -> None:
    """Said before it is imported, which would fail or be killed."""
    done = subprocess.run(
        ["bash", "-c", "ulimit -v 800000; exec \"$@\"", "-", sys.executable, "-m", "synsim",
         "run", "tradeoff", "--preset", "quick", "--out", "o"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert re.match(r"synsim: found 0?\.?\d* GB of memory left, and training takes", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_available_memory_is_some() -> None:
    assert 1e7 < machine.available() < 1e14


def test_memory_of_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 2, the limit of the group above; version 1, the group's own."""
    lines = {"memory.stat": "anon 5\ninactive_file 300\n", "memory.current": "1000\n"}
    for place, most in (("a", "5000"), ("a/b", "max")):
        (tmp_path / place).mkdir()
        for name, text in (lines | {"memory.max": most}).items():
            (tmp_path / place / name).write_text(text)
    monkeypatch.setattr(machine, "_GROUPS", tmp_path)
    two = ("memory.max", "memory.current", "inactive_file")
    assert machine._left(tmp_path / "a", *two) == 5000 - 1000 + 300
    assert machine._left(tmp_path / "a" / "b", *two) is None
    assert machine._left(tmp_path / "c", *two) is None

"""Killed at random moments, from the first import to the last file: what is kept is whole."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synsim.engine import cache
from tests.cli.conftest import Synsim
from tests.cli.test_bad_luck import end, start
from tests.engine.harness import copy_of, needs_compiler, plastic, stand_in

RUN = ["run", "stdp-window", "--n-pairs", "3", "--out", "o"]
KILLS = 12


@pytest.fixture(scope="module")
def prebuilt() -> str:
    """What a stand-in compiler does: after a moment, the default program, compiled before."""
    return f"sleep 0.3; {copy_of(plastic())}"


@needs_compiler
def test_killed_at_random_moments(
    prebuilt: str, synsim: Synsim, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL of the whole group; builds and results are there whole or not at all, and whatever
    was left, the next run is right."""
    home = tmp_path / "cache"
    monkeypatch.setenv("SYNSIM_CACHE", str(home))
    monkeypatch.setenv("CXX", stand_in(tmp_path, prebuilt, "quick"))
    begun = time.monotonic()
    process = start(place, *RUN)
    assert process.wait(60) == 0
    took = time.monotonic() - begun
    process.communicate()
    whole = pd.read_csv(place / "o" / "data.csv")
    files = sorted(os.listdir(place / "o"))
    rng = np.random.default_rng(4)
    ends = []
    for kill in range(KILLS):
        shutil.rmtree(place / "o", ignore_errors=True)
        if kill % 3 == 0:
            shutil.rmtree(home, ignore_errors=True)
        process = start(place, *RUN)
        try:
            # a warm run is shorter than the first
            time.sleep(rng.uniform(0.05, 1) * took * (1 if kill % 3 == 0 else 0.6))
        finally:
            end(process)
        ends.append(process.returncode)
        kept = [build.name for build in cache.entries()] if home.exists() else []
        assert all((home / name / cache.PROGRAM).stat().st_size > 1000 for name in kept)
        if (place / "o").exists():
            assert sorted(os.listdir(place / "o")) == files
            pd.testing.assert_frame_equal(pd.read_csv(place / "o" / "data.csv"), whole)
    assert sum(code != 0 for code in ends) >= KILLS // 3  # enough were killed in time
    shutil.rmtree(place / "o", ignore_errors=True)
    assert synsim(*RUN).code == 0
    pd.testing.assert_frame_equal(pd.read_csv(place / "o" / "data.csv"), whole)
    assert len(cache.entries()) == 1

"""`synsim sweep`: what it says, and what it answers to mistakes."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from synsim import catalogue
from synsim.cli import sweep as command
from tests.cli.conftest import Synsim

GRID = ["sweep", "pairing", "--n-pairs", "2", "--jobs", "1", "--backend", "numpy"]


def test_sweep(synsim: Synsim, place: Path) -> None:
    done = synsim(*GRID, "--vary", "delta-t=-10ms,10ms", "--vary", "tau_plus=10ms:20ms:5ms",
                  "--out", "o")  # fmt: skip
    assert (done.code, done.out) == (0, "")
    assert done.err == "o: data.csv, points.csv, summary.json, figure.png, figure.svg\n"
    with (place / "o" / "points.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["delta_t_ms"], r["tau_plus_ms"]) for r in rows] == [
        (lag, tau) for lag in ("-10.0", "10.0") for tau in ("10.0", "15.0", "20.0")
    ]
    assert os.listdir(place) == ["o"]
    again = synsim(*GRID, "--vary", "delta-t=5ms,10ms", "--out", "o")
    assert again.code == 2 and "--out o: the directory is not empty" in again.err


def test_help(synsim: Synsim) -> None:
    done = synsim("sweep", "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: synsim sweep PROTOCOL --vary NAME=VALUES ")
    done = synsim("sweep", "pairing", "--help")
    assert done.out.startswith("usage: synsim sweep pairing ")
    for flag in (
        "--vary",
        "--plan",
        "--points",
        "--jobs",
        "--scheduler",
        "--tau-plus",
        "--n-pairs",
    ):
        assert f"  {flag}" in done.out


@pytest.mark.parametrize("protocol", catalogue.protocols())
def test_no_setting_has_the_name_of_a_flag_of_the_sweep(protocol: str) -> None:
    assert not command._OWN & set(catalogue.protocol(protocol).Settings.specs())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["sweep"], "sweep: found nothing for the protocol, expected one of "),
        (["sweep", "pear"], "unknown protocol 'pear', expected one of "),
        ([*GRID, "--vary", "n=1,2"], "--out is missing, expected a new directory"),
        ([*GRID, "--out", "o"], "--vary is missing, expected NAME=VALUES"),
        ([*GRID, "--out", "o", "--vary", "tau=1ms"], "--vary: unknown setting 'tau', expected "),
        ([*GRID, "--out", "o", "--vary", "tau-plus=5"], "--vary tau_plus: found '5' without a u"),
        ([*GRID, "--out", "o", "--vary", "n_pairs=1,2"], "--vary n_pairs: the setting is also "),
        ([*GRID, "--out", "o", "--vary", "n=1,2", "--tau-plus", "1"], "--tau-plus: found '1' with"),
        ([*GRID, "--out", "o", "--vary", "n=1,2", "--bogus"], "unknown argument '--bogus'"),
        ([*GRID, "--out", "o", "--vary", "n=1,2", "--points", "x"], "--points: found 'x', expecte"),
        ([*GRID, "--out", "o", "--vary", "n=1,2", "--plan", "cube"], "--plan: found 'cube', expec"),
        ([*GRID[:4], "--out", "o", "--vary", "n=1,2", "--jobs", "0"], "--jobs: found 0, expected "),
    ],
)
def test_mistakes(synsim: Synsim, place: Path, words: list[str], line: str) -> None:
    done = synsim(*words)
    assert (done.code, done.out) == (2, "")
    (found,) = done.lines
    assert found.startswith(f"synsim: {line}")
    assert os.listdir(place) == []

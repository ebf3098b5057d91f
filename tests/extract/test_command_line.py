"""`synsim extract` at the terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from synsim.cli import main
from synsim.results import KEYS
from tests.extract.simulated import simulate, write_csv

TIMES = ["--stimulus-times", "60ms:140ms:20ms"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("csv") / "cell.csv", simulate(seed=5, sweeps=6))


def test_writes_everything_and_says_what_was_chosen(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["extract", str(file), *TIMES, "--baseline", "-4ms:0ms", "--out", str(out)]) == 0
    names = {"data.csv", "averages.csv", "summary.json", "figure.png", "figure.svg"}
    assert {p.name for p in out.iterdir()} == names
    said = capsys.readouterr()
    assert said.out == "" and "given by --stimulus-times" in said.err
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary) == KEYS and summary["command"] == "extract"
    assert summary["settings"]["baseline"] == "-4ms:0ms"
    chosen = summary["results"]["chosen"]
    wanted = {"channel", "unit", "stimulus", "sign", "baseline", "window", "peak", "overlap"}
    assert wanted <= set(chosen)
    assert all(choice["how"] for choice in chosen.values())
    assert chosen["sign"] == {"value": "negative", "how": "that of the average response"}
    header = (out / "data.csv").read_text().splitlines()[0]
    assert header == "sweep,pulse,t_ms,amplitude_pA,failure,latency_ms"


def test_list(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extract", str(file), "--list"]) == 0
    assert "channel 'sweeps': pA, 20 kHz, 200 ms, 6 sweep(s)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--out is missing"),
        (["--out", "x", "--stimulus-chanel", "a"], "did you mean --stimulus-channel?"),
        (["--out", "{out}"], "when did the stimuli come?"),
        (
            ["--out", "{out}", "--stimulus-channel", "a", "--stimulus-threshold", "1V"],
            "stimulus 'a'",
        ),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    file: Path,
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert main(["extract", str(file), *(a.format(out=out) for a in arguments)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(("suffix", "library"), [("abf", "neo"), ("nwb", "pynwb")])
def test_a_missing_library_is_one_line(
    suffix: str,
    library: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / f"cell.{suffix}"
    path.write_bytes(b"anything")
    for name in [n for n in sys.modules if n.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    assert main(["extract", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "synsim[recordings]" in error and error.count("\n") == 1

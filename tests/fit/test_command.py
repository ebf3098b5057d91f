"""`synsim fit stdp` on the command line."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synsim.cli import fit as command
from synsim.cli.parser import Parser
from synsim.component import InputError

DATA = "# mine\ndt_ms,dw\n" + "".join(
    f"{t},{(0.8 if t > 0 else -0.4) * 2.718 ** (-abs(t) / 20) + 0.05 * (-1) ** i:.4f}\n"
    for i, t in enumerate([-60, -45, -32, -21, -14, -9, -4, -2, 2, 4, 8, 13, 22, 33, 46, 60])
)


def parse(*words: str) -> tuple[argparse.Namespace, list[str]]:
    parser = Parser(prog="synsim")
    command.configure(parser.add_subparsers(parser_class=Parser))
    return parser.parse_known_args(["fit", "stdp", *words])


def run(*words: str) -> int:
    parsed, rest = parse(*words)
    code = parsed.execute(parsed, rest)
    assert isinstance(code, int)
    return code


def test_a_fit_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my.csv").write_text(DATA)
    out = tmp_path / "fit"
    assert run(str(tmp_path / "my.csv"), "--out", str(out), "--model", "exponential,constant") == 0
    names = {"data.csv", "summary.json", "report.txt", "figure.png", "figure.svg"}
    assert {p.name for p in out.iterdir()} == names
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "exponential is best" in captured.err
    assert "whole protocol" in captured.err
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    assert summary["command"] == "fit stdp"
    assert summary["results"]["fits"][0]["best"] == "exponential"
    assert summary["settings"]["models"] == ["exponential", "constant"]
    assert summary["citations"] and summary["seed"] == 1
    assert "whole protocol" in summary["conventions"]["amplitudes"]
    with (out / "data.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    assert {"delta_t_ms", "dw_rel", "fitted", "residual", "outlier"} <= set(rows[0])


def test_results_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text(DATA)
    words = [str(tmp_path / "my.csv"), "--out", str(tmp_path / "fit"), "--model", "constant"]
    assert run(*words, "--no-plot") == 0
    assert not (tmp_path / "fit" / "figure.png").exists()
    with pytest.raises(InputError, match="not empty, expected a new one"):
        run(*words, "--no-plot")
    assert run(*words, "--no-plot", "--force") == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["gone.csv", "--out", "o"], "gone.csv: no such file"),
        (["my.csv"], "--out is missing"),
        (["my.csv", "--out", "o", "--seed", "x"], "--seed: found 'x', expected a whole number"),
        (["my.csv", "--out", "o", "--exclude=-5:0"], "--exclude: found '-5' without a unit"),
        (["my.csv", "--out", "o", "--exclude=5ms"], "expected a range such as -5ms:0ms"),
        (["my.csv", "--out", "o", "--dt-column", "lag"], r"no column 'lag' \(--dt-column\)"),
        (["my.csv", "--out", "o", "--modle", "x"], "unknown argument '--modle'; did you mean"),
        (["my.csv", "--out", "o", "--bootstrap-samples", "5"], "--bootstrap-samples: found 5"),
        (["my.csv", "--out", "my.csv/o"], "is a file, expected a directory"),
        (["my.csv", "--out", "my.csv"], "there is a file of that name"),
    ],
)
def test_wrong_command_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.csv").write_text(DATA)
    with pytest.raises(InputError, match=expected) as caught:
        run(*words)
    assert caught.value.exit_code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["my.csv"]  # nothing left behind


def test_exclude_is_in_milliseconds(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text(DATA)
    out = tmp_path / "fit"
    words = ["--exclude", "-0.005s:0ms", "--model", "constant", "--no-plot"]
    assert run(str(tmp_path / "my.csv"), "--out", str(out), *words) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["exclude_ms"] == [-5.0, 0.0]
    assert summary["results"]["fits"][0]["n_points"] == 14


def test_help_explains(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("--help")
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for words in ("t_post - t_pre", "0 is no change", "bi_poo_1998", "whole\nprotocol", "95%"):
        assert words in text


def test_the_whole_process_is_clean(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "synsim", "fit", "stdp", "bi_poo_1998", "--out", tmp_path / "fit"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr

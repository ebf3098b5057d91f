"""`fit quantal`, `fit locus` and `fit stp` as commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synsim.cli import fit_locus, fit_quantal, fit_stp
from synsim.cli.parser import Parser
from synsim.component import InputError


def run(*arguments: str) -> int:
    parser = Parser(prog="synsim fit")
    kinds = parser.add_subparsers(required=True, parser_class=Parser)
    fit_quantal.configure(kinds)
    fit_stp.configure(kinds)
    fit_locus.configure(kinds)
    parsed, rest = parser.parse_known_args(list(arguments))
    return parsed.execute(parsed, rest)


def test_quantal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    rows = "\n".join(f"{-10 * k + rng.normal():.3f}" for k in rng.binomial(3, 0.5, 60))
    data = tmp_path / "d.csv"
    data.write_text(f"epsc_pA\n{rows}\n")
    out = tmp_path / "out"
    assert run("quantal", str(data), "--out", str(out), "--cv", "0", "--n-max", "20") == 0
    said = capsys.readouterr()
    assert said.out == "" and "constant" in said.err
    document = json.loads((out / "summary.json").read_text())
    assert document["results"]["fits"][0]["sign"] == "negative"
    assert document["results"]["data"]["columns"]["amplitude"] == "epsc_pA"
    with pytest.raises(InputError, match="--force"):
        run("quantal", str(data), "--out", str(out))


def test_locus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run("locus", "sjostrom_2001_ltd", "--assume-n", "5,4", "--out", str(out)) == 0
    said = capsys.readouterr()
    assert said.out == "" and "Share of p" in said.err and "is assumed" in said.err
    document = json.loads((out / "summary.json").read_text())
    assert document["command"] == "fit locus"
    assert document["results"]["fits"][0]["assumed_n"] == [5, 4]
    names = sorted(p.name for p in out.iterdir())
    assert names == ["data.csv", "figure.png", "figure.svg", "report.txt", "summary.json"]


def test_stp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ("stp", "pvbc_depressing", "--out", str(out), "--no-plot", "--model", "depression")
    assert run(*arguments) == 0
    assert "tau_rec" in capsys.readouterr().err
    names = sorted(p.name for p in out.iterdir())
    assert names == ["data.csv", "report.txt", "summary.json"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("quantal", "x.csv"), "--out is missing"),
        (("stp", "x.csv"), "--out is missing"),
        (("quantal", "x.csv", "--out", "o", "--ouch"), "--ouch"),
        (("quantal", "nowhere.csv", "--out", "o"), "no such file"),
        (("quantal", "epsc_gontier_2023", "--out", "o", "--n-max", "many"), "--n-max"),
        (("quantal", "epsc_gontier_2023", "--out", "o", "--cv", "big"), "--cv"),
        (("quantal", "epsc_gontier_2023", "--out", "o", "--s0", "2ms"), "--s0"),
        (("quantal", "epsc_gontier_2023", "--out", "o", "--posterior-steps", "x"), "--posterior-s"),
        (("locus", "x.csv"), "--out is missing"),
        (("locus", "nowhere.csv", "--out", "o"), "no such file"),
        (("locus", "epsc_gontier_2023", "--out", "o"), "--epoch-column"),
        (("locus", "sjostrom_2001_ltp", "--out", "o"), "--assume-n 5"),
        (("locus", "sjostrom_2001_ltp", "--out", "o", "--assume-n", "five"), "--assume-n"),
        (("locus", "sjostrom_2001_ltp", "--out", "o", "--noise", "x"), "--noise"),
        (("stp", "pvbc_depressing", "--out", "o", "--model", "x"), "--model"),
    ],
)
def test_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        run(*arguments)
    assert list(tmp_path.iterdir()) == []

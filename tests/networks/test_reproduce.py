"""`synsim reproduce`: the report of a study, what is kept, and what can be wrong."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synsim import catalogue, studies
from synsim.cli import main
from synsim.component import InputError
from synsim.networks import published
from synsim.protocols import signatures, tradeoff
from synsim.studies import malkin2023
from synsim.studies.study import Part, Study, reproduce
from tests.networks.test_signatures import COLUMNS as SIGNATURES
from tests.networks.test_tradeoff import COLUMNS as TRADEOFF

SMALL = {"preset": "quick", "epochs": "1", "hidden": "4"}
TAKES = tuple(SMALL)


def rows(outcome: Any) -> list[studies.Row]:
    return [studies.Row("networks <of it>", "", str(outcome.results["networks"]))]


def study(factors: str = "1") -> Study:
    return Study(
        "small",
        "A small study",
        "Nobody 2000",
        (
            Part("tradeoff", "One & two", rows, {"rho": "2", "c": "0.1,1", "samples": "1"}, TAKES),
            Part("signatures", "Three", rows, {"rho": "2", "factors": factors}, TAKES),
        ),
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reproduce(study(), tmp_path_factory.mktemp("study") / "out", SMALL, seed=2)


def test_everything_is_there(report: Path) -> None:
    parts = [
        f"{name}.{end}"
        for name in ("tradeoff", "signatures")
        for end in ("csv", "json", "png", "svg")
    ]
    expected = [
        "report.html",
        "summary.json",
        "signatures_bins.csv",
        "signatures_slopes.csv",
        *parts,
    ]
    assert sorted(p.name for p in report.iterdir()) == sorted(expected)
    assert list(report.parent.iterdir()) == [report]
    table = pd.read_csv(report / "signatures.csv")
    assert tuple(table.columns) == SIGNATURES and set(table.seed) == {2}


def test_the_study_itself(tmp_path: Path) -> None:
    """All four parts with tiny networks: every row has words, and both numbers or a reason."""
    whole = malkin2023.STUDY
    given = SMALL | {"rho": "2", "c": "0.1,1", "factors": "1"}
    parts = tuple(
        replace(
            part, takes=tuple(given.keys() & catalogue.protocol(part.protocol).Settings.specs())
        )
        for part in whole.parts
    )
    out = reproduce(replace(whole, parts=parts), tmp_path / "out", given)
    results = json.loads((out / "summary.json").read_text())["results"]
    assert list(results) == ["tradeoff", "signatures", "bayes", "recordings"]
    found = {name: part["compared"] for name, part in results.items()}
    assert found["tradeoff"] == []  # the published points are of MNIST
    slopes = [row["what"] for row in found["bayes"]]
    assert slopes[0] == "slope against sigma of the posterior, no hidden layer, rho = 2"
    assert found["bayes"][0]["published"] == "0.50 (closed form, of a wide prior)"
    assert slopes[1].startswith("slope against sigma of the posterior, prior taken out")
    assert found["bayes"][1]["published"] == "0.50 (closed form)"
    assert found["bayes"][-1]["ours"].endswith(" %")
    recorded = {row["what"]: row for row in found["recordings"]}
    ltp = recorded["rank correlation of |dw|/w0 with p0, LTP, 30 connections"]
    assert ltp["ours"].startswith("-0.4") and "; built in: -0.6" in ltp["ours"]
    variability = [row for row in found["recordings"] if row["published"]]
    assert {row["published"] for row in variability} == {"about -0.62"}
    text = (out / "report.html").read_text(encoding="utf-8")
    for row in (*found["signatures"], *found["bayes"], *found["recordings"]):
        assert row["what"] in text


def test_page(report: Path) -> None:
    """It is well formed, names its figures, and what looks like markup is text."""
    text = (report / "report.html").read_text(encoding="utf-8")
    page = ET.fromstring(text.replace("<!DOCTYPE html>", "").replace('charset="utf-8">', "/>")
                         .replace('initial-scale=1">', 'initial-scale=1"/>')
                         .replace('.png" alt="Figure of tradeoff">', '.png"/>')
                         .replace('.png" alt="Figure of signatures">', '.png"/>'))  # fmt: skip
    figures = [image.attrib["src"] for image in page.iter("img")]
    assert figures == ["tradeoff.png", "signatures.png"]
    assert all((report / name).exists() for name in figures)
    assert [h.text for h in page.iter("h2")] == ["One & two", "Three"]
    cells = [cell.text for cell in page.iter("td")]
    assert cells == ["networks <of it>", None, "4", "networks <of it>", None, "2"]


def test_summary(report: Path) -> None:
    summary = json.loads((report / "summary.json").read_text())
    assert summary["command"] == "reproduce small"
    assert summary["seed"] == 2
    assert summary["citations"][0] == "Nobody 2000"
    assert summary["settings"]["signatures"]["preset"] == "quick"
    assert summary["results"]["tradeoff"]["compared"] == [
        {"what": "networks <of it>", "published": "", "ours": "4"}
    ]


def test_an_interrupted_report_goes_on(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done is not done again, and the report is the same to the byte."""
    run = signatures.run

    def stop(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(signatures, "run", stop)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        reproduce(study(), out, SMALL, seed=2)
    assert [p.name for p in tmp_path.iterdir()] == ["out.unfinished"]
    with pytest.raises(InputError, match="parts of a report with other settings"):
        reproduce(study("10"), out, SMALL, seed=2)
    monkeypatch.setattr(signatures, "run", run)
    monkeypatch.setattr(tradeoff, "run", stop)
    told: list[str] = []
    reproduce(study(), out, SMALL, seed=2, progress=lambda part, _: told.append(part))
    assert set(told) == {"signatures"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    for path in report.iterdir():
        assert path.read_bytes() == (out / path.name).read_bytes(), path.name


class Fake:
    """An outcome of the published setting, as its rows are read."""

    def __init__(self, columns: dict[str, Any], **results: Any) -> None:
        self.columns, self.results = columns, results
        self.tables = {"slopes": columns}
        self.settings = self

    def by_preset(self, name: str) -> str:
        return "mnist"


def test_published_points_are_their_own_match() -> None:
    parts = [(noise, published.curve(2.0, noise)) for noise in ("heterogeneous", "homogeneous")]
    columns: dict[str, Any] = {name: [] for name in TRADEOFF}
    for noise, there in parts:
        assert there is not None
        count = len(there.c)
        columns["rho"] += [2.0] * count
        columns["noise"] += [noise] * count
        for name in ("c", "sigma_rms", "accuracy_percent", "nll", "reliability_cost"):
            columns[name] += getattr(there, name).tolist()
    found = list(malkin2023.tradeoff_rows(Fake(columns)))
    assert len(found) == 10
    assert all(row.published == row.ours for row in found)
    assert "rho = 2, heterogeneous" in found[0].what


def test_rows_of_slopes() -> None:
    keys = {"rho": 2.0, "seed": 1, "c_factor": 1.0, "against": "fisher"}
    values = {"slope": -0.2, "slope_low": -0.25, "slope_high": -0.15}
    hidden = keys | values | {"network": "hidden", "layer": 2, "published_slope": -0.11}
    linear = keys | values | {"network": "linear", "layer": 1, "expected_slope": -0.25}
    table = [hidden | {"expected_slope": np.nan}, linear | {"published_slope": np.nan},
             hidden | {"layer": 1, "expected_slope": np.nan}]  # fmt: skip
    found = list(malkin2023.signatures_rows(Fake({k: [r[k] for r in table] for k in table[0]})))
    assert [(r.published, r.ours) for r in found] == [
        ("-0.11", "-0.20 (-0.25 to -0.15)"),
        ("-0.25 (closed form)", "-0.20 (-0.25 to -0.15)"),
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["malkin2022", "--out", "x"], "reproduce: found 'malkin2022', expected one of malkin2023"),
        (["malkin2023"], "--out is missing, expected a new directory for the report"),
        (["malkin2023", "--out", "x", "--seeds", "3"],
         "unknown argument '--seeds'; did you mean --seed?"),
        (["malkin2023", "--out", "x", "--seed", "-1"], None),
        (["malkin2023", "--out", "x", "--preset", "small"], None),
    ],
)  # fmt: skip
def test_wrong_input(
    words: list[str],
    message: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("synsim: ")
    if message is not None:
        assert said == f"synsim: {message}\n"
    assert list(tmp_path.iterdir()) == []


def test_without_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said before anything is trained."""
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    monkeypatch.setenv("SYNSIM_DATA", str(tmp_path / "data"))
    assert main(["reproduce", "malkin2023", "--out", str(tmp_path / "out")]) == 2
    assert "train-images-idx3-ubyte.gz: no such file" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["data"]

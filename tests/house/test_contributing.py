"""The contributor's page: its rule, its protocol and its data set work as they are printed."""

from __future__ import annotations

import importlib.util
import re
import textwrap
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from synsim import Synapse
from synsim.engine import Program, Spikes, simulate
from synsim.fit import fit_stdp
from synsim.protocol import Running

PAGE = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"


def module(place: Path, heading: str, name: str) -> ModuleType:
    """The code block below a heading, as a module."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    file = place / f"{name}.py"
    file.write_text(code)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_a_rule_in_one_file(tmp_path: Path) -> None:
    rule = module(tmp_path, "A rule, in one file", "my_rule").MyRule.preset("authors-2000")
    synapse = Synapse(p=0.5, plasticity=rule, w0=0.5)
    run = simulate(
        Program(synapse, 1, final=("w",)),
        pre=Spikes.of([0, 10, 20], [0, 0, 0]),
        post=Spikes.of([], []),
        steps=30,
        dt=1e-4,
        seed=1,
        backend="numpy",
    )
    assert run.final["w"][0] == pytest.approx(0.47, abs=1e-15)
    assert any("Author & Author 2000" in text for text in synapse.citations)


def test_a_protocol_in_one_file(tmp_path: Path) -> None:
    protocol = module(tmp_path, "A protocol, in one file", "single_spike")
    settings = protocol.Settings(n=3, p=0.5, release="binomial", repeats=2000)
    done = protocol.run(settings, Running(backend="numpy"))
    assert abs(done.results["mean"] - 1.5) < 4 * np.sqrt(0.75 / 2000)
    assert abs(done.results["failure_rate"] - 0.125) < 4 * np.sqrt(0.125 * 0.875 / 2000)
    out = done.save(tmp_path / "out")
    assert sorted(p.name for p in out.iterdir()) == [
        "data.csv", "figure.png", "figure.svg", "summary.json"]  # fmt: skip
    assert protocol.Outcome.load(out).results == done.results


def test_a_data_set_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = PAGE.read_text(encoding="utf-8").split("## A data set, in one file")[1]
    (block,) = re.findall(r"\n((?:    #? ?.*\n)+)", section.split("\n## ")[0])
    rows = textwrap.dedent(block)
    assert rows.startswith("# Author") and rows.count("\n") == 5
    more = "".join(f"{lag},{0.5 if lag > 0 else -0.2}\n" for lag in range(-21, 22, 6))
    (tmp_path / "stdp").mkdir()
    (tmp_path / "stdp" / "author_2001.csv").write_text(rows + more)
    monkeypatch.setenv("SYNSIM_DATA", str(tmp_path))
    assert fit_stdp("author_2001", models="constant").points.lag.size == 10

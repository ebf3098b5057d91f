"""Every notebook runs from top to bottom, says nothing on stderr, and its sliders only compute."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient.exceptions import CellExecutionError

from synsim.models.tsodyks_markram import train
from tests.notebooks.executed import MOVE_EVERYTHING, NOTEBOOKS, execute, read, said


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    done = execute(name, tmp_path, then=MOVE_EVERYTHING)
    assert said(done) == []
    moves = json.loads(done.cells[-1].outputs[-1]["text"])
    assert [move for move in moves if move[-1]] == [], "a control was answered by an error"
    assert moves, "no sliders"


def test_fits_a_recording_of_your_own(tmp_path: Path) -> None:
    """A path instead of the shipped recording: two trains of a synapse that is known."""
    truth = {"U": 0.4, "tau_rec": 300.0, "tau_facil": 0.0}
    rng = np.random.default_rng(5)
    rows = []
    for rate in (20, 50):
        times = np.append(1e3 / rate * np.arange(8), 1e3 / rate * 7 + 500)
        u, x = train(times, **truth)
        for time, amplitude in zip(times, u * x / truth["U"], strict=True):
            rows.append((rate, time, amplitude + 0.01 * rng.normal(), 0.01))
    own = pd.DataFrame(rows, columns=["freq_hz", "t_ms", "amp_norm", "sem"])
    own.to_csv(tmp_path / "mine.csv", index=False)
    done = execute(
        "7_fit_your_recording", tmp_path, written=[('"pvbc_depressing"', '"mine.csv"')],
        then="print(estimates['U'], estimates['tau_rec'])",
    )  # fmt: skip
    u, tau_rec = (float(word) for word in done.cells[-1].outputs[-1]["text"].split())
    assert u == pytest.approx(0.4, rel=0.1)
    assert tau_rec == pytest.approx(300, rel=0.1)
    assert (tmp_path / "my_fit" / "summary.json").exists()


def test_fits_one_train_in_seconds(tmp_path: Path) -> None:
    """Other names, another unit, semicolons, no column of trains."""
    u, x = train(np.arange(8) * 40.0, 0.3, 500.0, 0.0)
    rng = np.random.default_rng(2)
    rows = [f"{k / 25};{a:.5f}" for k, a in enumerate(u * x * (1 + 0.02 * rng.normal(size=8)))]
    (tmp_path / "mine.csv").write_text("\n".join(["when_s;peak_mV", *rows, ""]))
    done = execute(
        "7_fit_your_recording", tmp_path, then="print(sorted(trains), float(time[1]))",
        written=[('"pvbc_depressing"', '"mine.csv"'), ('"t_ms"', '"when_s"'),
                 ('"amp_norm"', '"peak_mV"'), ('TRAIN = "freq_hz"', "TRAIN = None")],
    )  # fmt: skip
    assert done.cells[-1].outputs[-1]["text"] == "['one train'] 40.0\n"


def test_a_column_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("t_ms,amp_norm,freq_hz\n0,1.0,20\n")
    with pytest.raises(CellExecutionError) as raised:
        execute(
            "7_fit_your_recording", tmp_path,
            written=[('"pvbc_depressing"', '"mine.csv"'), ('"amp_norm"', '"peak"')],
        )  # fmt: skip
    plain = re.sub(r"\x1b\[\d+m", "", str(raised.value))
    assert "InputError: mine.csv: no column 'peak', it has t_ms, amp_norm, freq_hz" in plain


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_is_committed_as_it_should_be(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [c.id for c in code if c.outputs or c.execution_count is not None] == []
    for cell in code:  # hidden on the site, and in JupyterLab
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        assert hidden == ("hide-cell" in cell.metadata.get("tags", [])), cell.id


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_has_equations_questions_exercises_and_answers(name: str) -> None:
    notebook = read(name)
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    assert "explore(" in code and re.search(r"\bsimulate=|\.run\(", code), "no simulation"
    hidden = [c for c in notebook.cells if "hide-cell" in c.metadata.get("tags", [])]
    assert "$$" in text
    questions, answers = text.count("**Question.**"), text.count("<details>")
    assert questions == answers > 0
    assert text.count("</details>") == answers
    assert text.count("Exercise") > 0 and hidden

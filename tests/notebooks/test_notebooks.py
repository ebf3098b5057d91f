"""Every notebook runs from top to bottom, says nothing on stderr, and its sliders only compute."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.executed import MOVE_EVERYTHING, NOTEBOOKS, execute, read, said


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    done = execute(name, tmp_path, then=MOVE_EVERYTHING)
    assert said(done) == []
    moves = json.loads(done.cells[-1].outputs[-1]["text"])
    assert [move for move in moves if move[-1]] == [], "a control was answered by an error"
    assert moves, "no sliders"


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
    hidden = [c for c in notebook.cells if "hide-cell" in c.metadata.get("tags", [])]
    assert "$$" in text
    questions, answers = text.count("**Question.**"), text.count("<details>")
    assert questions == answers > 0
    assert text.count("</details>") == answers
    assert text.count("Exercise") > 0 and hidden

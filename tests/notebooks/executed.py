"""A notebook run as a user runs it, and its controls moved afterwards."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.house import ROOT

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))

# Runs in the notebook's kernel when the notebook is through: every button is pressed; then every
# control of every figure goes to its ends, and a simulation must not be asked for.
MOVE_EVERYTHING = """
def _move_everything():
    import gc, json, os, subprocess, time
    import brian2
    from synsim import engine
    from synsim.interactive import Explorer

    def refuse(*_, **__):
        raise AssertionError("a control runs a simulation")

    # asked of the type: `isinstance` follows a weak proxy, which may be dead
    explorers = [o for o in gc.get_objects() if issubclass(type(o), Explorer)]
    for found in explorers:
        if hasattr(found, "button"):
            before = found.image.value
            found.button.click()
            assert found.message == "", found.message
            assert found.image.value != before, "a simulation adds nothing"

    engine.simulate = brian2.Network.run = subprocess.Popen.__init__ = refuse
    moves = []
    for number, found in enumerate(explorers):
        for name, control in found.controls.items():
            start = control.value
            if hasattr(control, "options"):
                values = [value for _, value in control._options_full][::len(control.options) - 1]
            elif hasattr(control, "base"):
                values = [control.base**control.min, control.base**control.max]
            else:
                values = [control.min, control.max]
            pictures = set()
            for value in values:
                began = time.perf_counter()
                control.value = value
                moves.append([number, name, value, time.perf_counter() - began, found.message])
                pictures.add(found.image.value)
            assert len(pictures) > 1, f"{name} changes nothing"
            control.value = start
    return json.dumps(moves)

print(_move_everything())
"""


def read(name: str) -> Any:
    """The notebook of that file name, without its ending."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def execute(
    name: str, place: Path, *, then: str = "", written: Sequence[tuple[str, str]] = ()
) -> Any:
    """The notebook with its outputs, run in `place`.

    then : run in a cell of its own
    written : what is in the notebook, and what a user writes in its place
    """
    notebook = read(name)
    for old, new in written:
        cell = next(cell for cell in notebook.cells if old in cell.source)
        cell.source = cell.source.replace(old, new)
    if then:
        notebook.cells.append(nbformat.v4.new_code_cell(then))
    # what a terminal's settings would do to a notebook is not what users see
    os.environ.pop("MPLBACKEND", None)
    return NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(place)}}
    ).execute()


def said(notebook: Any) -> list[str]:
    """What went to stderr, warnings among it."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return [o["text"] for o in outputs if o["output_type"] == "stream" and o["name"] == "stderr"]

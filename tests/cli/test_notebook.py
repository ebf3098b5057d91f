"""`synsim notebook`: lists, copies, never over another file, opens JupyterLab."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from synsim.cli import notebook as command
from tests.cli.conftest import Synsim
from tests.house import ROOT

NAME, FILE = "hebb-to-stdp", "1_hebb_to_stdp.ipynb"
SHIPPED = (ROOT / "docs" / "notebooks" / FILE).read_text(encoding="utf-8")


def test_lists_each_with_a_line(synsim: Synsim) -> None:
    done = synsim("notebook")
    assert (done.code, done.err) == (0, "")
    files = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
    lines = done.out.splitlines()
    assert len(lines) == len(files) > 0
    assert lines[0].split(maxsplit=2) == [
        "1", NAME, "From Hebb to STDP: the order of two spikes decides"
    ]  # fmt: skip
    assert [line.split()[0] for line in lines] == [path.name.partition("_")[0] for path in files]


def test_copies(synsim: Synsim, place: Path) -> None:
    done = synsim("notebook", NAME, "--no-open")
    assert (done.code, done.out, done.err) == (0, f"{FILE}\n", "")
    assert [p.name for p in place.iterdir()] == [FILE]
    assert (place / FILE).read_text(encoding="utf-8") == SHIPPED


def test_a_number_will_do(synsim: Synsim, place: Path) -> None:
    assert synsim("notebook", "1", "--no-open").out == f"{FILE}\n"
    wrong = synsim("notebook", "99", "--no-open")
    assert (wrong.code, wrong.out) == (2, "") and "'99'" in wrong.err


def test_makes_the_folder(synsim: Synsim, place: Path) -> None:
    assert synsim("notebook", NAME, "--no-open", "--out", "a/b").code == 0
    assert (place / "a" / "b" / FILE).read_text(encoding="utf-8") == SHIPPED


def test_never_over_what_is_there(synsim: Synsim, place: Path) -> None:
    (place / FILE).write_text("mine")
    done = synsim("notebook", NAME, "--no-open")
    assert done.code == 2 and len(done.lines) == 1
    assert FILE in done.err and "--force" in done.err
    assert (place / FILE).read_text() == "mine"
    assert synsim("notebook", NAME, "--no-open", "--force").code == 0
    assert (place / FILE).read_text(encoding="utf-8") == SHIPPED
    assert [p.name for p in place.iterdir()] == [FILE]


def test_a_file_where_the_folder_should_be(synsim: Synsim, place: Path) -> None:
    (place / "file").write_text("mine")
    done = synsim("notebook", NAME, "--no-open", "--out", "file")
    assert done.code == 2 and "expected a folder" in done.err


def test_unknown_name_gives_the_nearest(synsim: Synsim) -> None:
    done = synsim("notebook", "heb-to-stpd")
    assert done.code == 2 and len(done.lines) == 1
    assert f"did you mean '{NAME}'?" in done.err


def test_unknown_flag(synsim: Synsim) -> None:
    done = synsim("notebook", NAME, "--forse")
    assert done.code == 2 and "did you mean --force?" in done.err


def test_opens_what_it_has_copied(
    synsim: Synsim, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(command, "find_spec", lambda name: object())
    monkeypatch.setattr("os.execv", lambda program, words: became.append([program, *words]))
    assert synsim("notebook", NAME).code == 0
    assert became == [[sys.executable, sys.executable, "-m", "jupyterlab", FILE]]
    assert (place / FILE).exists()


def test_without_jupyterlab_says_which_extra(
    synsim: Synsim, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    done = synsim("notebook", NAME)
    assert done.code == 2 and len(done.lines) == 1
    assert "synsim[docs]" in done.err and "--no-open" in done.err
    assert list(place.iterdir()) == []

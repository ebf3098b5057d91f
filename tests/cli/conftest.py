"""The command line, called in this process: `synsim("run", "pairing", "--out", "o")`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import brian2  # noqa: F401  its logs go to the temporary directory of when it is first imported
import pytest

from synsim.cli import main


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()


Synsim = Callable[..., Done]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present directory; temporary files go beside it, to ``../tmp``."""
    here, temporary = tmp_path / "here", tmp_path / "tmp"
    here.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("COLUMNS", "80")
    return here


@pytest.fixture
def synsim(capsys: pytest.CaptureFixture[str], place: Path) -> Synsim:
    def call(*words: str | Path) -> Done:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # argparse, after --help
            code = int(stop.code or 0)
        return Done(code, *capsys.readouterr())

    return call

"""As a new user would: a wheel with the extra `docs`, and every notebook copied and run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from synsim.cli.notebook import notebooks
from tests.site.new_user import installed, surroundings

LONGEST = 600  # seconds, against one that hangs


@pytest.mark.parametrize("name", notebooks())
def test_runs_from_a_wheel(
    name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    programs = installed(tmp_path_factory, "docs")
    environment = surroundings(programs)
    environment.pop("MPLBACKEND", None)  # what a terminal's settings would do is not what users see
    for command in (
        ["synsim", "notebook", name, "--no-open"],
        ["jupyter", "execute", notebooks()[name].file],
    ):
        done = subprocess.run(
            [str(programs / command[0]), *command[1:]], cwd=tmp_path, env=environment,
            capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    used = "import synsim; print(synsim.__file__)"
    where = subprocess.run(
        [str(programs / "python"), "-c", used], cwd=tmp_path, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(os.fspath(programs.parent))

"""A wheel of this tree in an environment of its own, as a new user has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.house.test_wheel import copy_of_the_tree


def installed(folders: pytest.TempPathFactory, extra: str | None) -> Path:
    """The bin folder of the environment with the wheel and this extra, made if it is not there."""
    if "SYNSIM_SITE" not in os.environ:
        pytest.skip("installs a wheel with all it needs, so only `make docs-test` does it")
    # That of all workers of this run, and of no other: an earlier wheel would be tried again.
    shared = folders.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    place = shared / "new_user"
    environment = place / f"env-{extra or 'plain'}"
    done = environment / "done"
    place.mkdir(exist_ok=True)
    with FileLock(place / "lock"):
        if not list(place.glob("dist/*.whl")):
            tree = copy_of_the_tree(place / "tree", symlinks=True)
            _run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir",
                  str(place / "dist"), str(tree)])  # fmt: skip
        if not done.exists():
            (wheel,) = place.glob("dist/*.whl")
            _run([sys.executable, "-m", "venv", str(environment)])
            pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            what = f"{wheel}[{extra}]" if extra else str(wheel)
            _run([*pip, "--disable-pip-version-check", what])
            done.touch()
    return environment / "bin"


def surroundings(programs: Path) -> dict[str, str]:
    """Environment variables with which these programs come first, and nothing of the checkout."""
    strange = ("PYTHONPATH", "VIRTUAL_ENV", "SYNSIM_DATA", "SYNSIM_SITE")
    found = {k: v for k, v in os.environ.items() if k not in strange}
    return found | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

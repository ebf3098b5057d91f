"""The wheel holds what the tree holds, each file once and where it belongs."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from synsim._version import __version__
from tests.house import ROOT

LINKS = {"models": "models", "notebooks": "docs/notebooks", "protocols": "protocols"}
FOLDERS = {"synsim": "synsim"} | {folder: f"synsim/{name}" for name, folder in LINKS.items()}


def files_of_the_tree() -> dict[str, bytes]:
    """Path in the wheel -> content, of every file that has to be there."""
    found = {}
    for folder, place in FOLDERS.items():
        for directory, _, names in os.walk(ROOT / folder, followlinks=False):
            here = Path(directory)
            if {"__pycache__", ".ipynb_checkpoints"} & set(here.parts):
                continue
            for name in names:
                path = here / name
                if path.is_symlink() or name.startswith(".") or path in link_places():
                    continue
                inside = path.relative_to(ROOT / folder).as_posix()
                found[f"{place}/{inside}"] = path.read_bytes()
    return found


def link_places() -> list[Path]:
    """Where the symlinks are; in a checkout without symlinks, text files in their stead."""
    return [ROOT / "synsim" / name for name in LINKS]


def copy_of_the_tree(place: Path, *, symlinks: bool) -> Path:
    """Sources alone, so that no leftover of an earlier build gets in, and none is left here."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
    place.mkdir()
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, place)
    for name in ("synsim", "models", "protocols", "tests", "docs", "benchmarks"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, symlinks=True, ignore=ignore)
    for name, folder in LINKS.items():
        link = place / "synsim" / name
        if link.is_symlink() or link.is_file():
            link.unlink()
        if symlinks:
            link.symlink_to(Path("..", folder))
        else:  # what git leaves where core.symlinks is false
            link.write_text(f"../{folder}", encoding="utf-8")
    return place


def build(tree: Path, *arguments: str) -> Path:
    """Build with the setuptools that is installed, so without the network."""
    out = tree.parent / "dist"
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *arguments]
    done = subprocess.run([*command, str(tree)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist, so that it is tried as well."""
    return build(copy_of_the_tree(tmp_path_factory.mktemp("links") / "tree", symlinks=True))


@pytest.fixture(scope="module")
def wheel_without_symlinks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = copy_of_the_tree(tmp_path_factory.mktemp("no-links") / "tree", symlinks=False)
    return build(tree, "--wheel")


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(dist_info("METADATA")).decode())


def dist_info(name: str) -> str:
    return f"synsim-{__version__}.dist-info/{name}"


def assert_holds_the_tree(wheel: Path) -> None:
    expected = files_of_the_tree()
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if not n.startswith(dist_info(""))]
        assert sorted(set(expected).difference(names)) == [], "in the tree only: see setup.cfg"
        assert sorted(set(names).difference(expected)) == [], "in the wheel only"
        assert len(names) == len(set(names))
        assert [n for n in names if archive.read(n) != expected[n]] == []


def test_the_wheel_is_the_tree(wheel: Path) -> None:
    assert_holds_the_tree(wheel)


def test_a_checkout_without_symlinks_gives_the_same_wheel(wheel_without_symlinks: Path) -> None:
    assert_holds_the_tree(wheel_without_symlinks)


def test_the_wheel_runs_by_itself(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = """
import importlib, json, pkgutil, synsim
names = [m.name for m in pkgutil.walk_packages(synsim.__path__, "synsim.")]
names = [name for name in names if not name.endswith(".__main__")]
print(json.dumps({name: importlib.import_module(name).__file__ for name in names}))
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name, file in json.loads(done.stdout.splitlines()[-1]).items():
        assert Path(file).is_relative_to(tmp_path), name


def test_metadata(wheel: Path, metadata: Message) -> None:
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == "<3.14,>=3.11"
    with zipfile.ZipFile(wheel) as archive:
        licence = (ROOT / "LICENSE").read_bytes()
        entries = archive.read(dist_info("entry_points.txt")).decode()
        licences = [n for n in archive.namelist() if n.endswith("/LICENSE")]
        assert [archive.read(name) for name in licences] == [licence]
    scripts = configparser.ConfigParser()
    scripts.read_string(entries)
    assert dict(scripts["console_scripts"]) == {"synsim": "synsim.__main__:main"}

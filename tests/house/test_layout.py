"""Folders, symlinks, and what the documents say of them."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from synsim._version import __version__
from tests.house import ROOT

MAPPED = {"models": "models", "notebooks": "docs/notebooks", "protocols": "protocols"}


@pytest.mark.parametrize("name", MAPPED)
def test_symlink(name: str) -> None:
    link = ROOT / "synsim" / name
    if not link.is_symlink():
        assert link.read_text(encoding="utf-8") == f"../{MAPPED[name]}"
        pytest.skip("this checkout has no symlinks")
    assert link.readlink() == Path("..", MAPPED[name])
    assert link.resolve() == ROOT / MAPPED[name]


@pytest.mark.parametrize("name", MAPPED)
def test_folder_is_imported_under_one_name(name: str) -> None:
    package = importlib.import_module(f"synsim.{name}")
    assert package.__file__ is not None
    assert Path(package.__file__).resolve() == ROOT / MAPPED[name] / "__init__.py"


@pytest.mark.parametrize("name", MAPPED)
def test_folder_is_flat(name: str) -> None:
    """Setuptools would leave out a package that setup.cfg does not name, and say nothing."""
    inside = [p.name for p in (ROOT / MAPPED[name]).iterdir() if p.is_dir()]
    assert set(inside) <= {"__pycache__", ".ipynb_checkpoints"}


@pytest.mark.parametrize("name", ["component", "models"])
def test_every_model_file_begins_with_a_docstring(name: str) -> None:
    package = importlib.import_module(f"synsim.{name}")
    for info in pkgutil.iter_modules(package.__path__):
        assert importlib.import_module(f"{package.__name__}.{info.name}").__doc__, info.name


def make_targets() -> set[str]:
    rules = re.findall(
        r"^([A-Za-z][\w -]*):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    return {target for rule in rules for target in rule.split()}


def code_in(document: str) -> str:
    """The fenced, indented and quoted code of a document; a script is all code."""
    text = text_of(document)
    if not document.endswith(".md"):
        return text
    fenced = re.findall(r"^```.*?$(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*fenced, *re.findall(r"^    .*|`[^`\n]+`", text, re.MULTILINE)])


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_make_commands_that_documents_name_exist(document: str) -> None:
    named = set(re.findall(r"\bmake (?:--\S+ )*([a-z][\w-]*)", code_in(document)))
    assert "test" in named
    assert named <= make_targets()


def test_every_page_has_its_place() -> None:
    """In a toctree of the site's start page; the build, which takes longer, would fail too."""
    trees = re.findall(
        r"^```{toctree}$(.*?)^```$", text_of("docs/index.md"), re.MULTILINE | re.DOTALL
    )
    listed = {line for tree in trees for line in tree.split() if not line.startswith(":")}
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= listed, "pages without a place in docs/index.md"


def test_one_version() -> None:
    assert re.search(rf"^version: {re.escape(__version__)}$", text_of("CITATION.cff"), re.MULTILINE)
    assert re.search(rf"^## \[{re.escape(__version__)}\]", text_of("CHANGELOG.md"), re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")

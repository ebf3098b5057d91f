"""`synsim notebook`: the teaching notebooks, copied to where the user is, and opened."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from synsim.cli.parser import refuse


@dataclass(frozen=True)
class Notebook:
    """A notebook that ships: the name it goes by, its file's name, its first heading, its text."""

    name: str
    file: str
    title: str
    text: str


def notebooks() -> dict[str, Notebook]:
    """Those that ship, in the order in which they are taught; a name is the file's, unnumbered."""
    found = {}
    files = (f for f in resources.files("synsim.notebooks").iterdir() if f.name.endswith(".ipynb"))
    for file in sorted(files, key=lambda f: f.name):
        text = file.read_text(encoding="utf-8")
        lines = "".join(json.loads(text)["cells"][0]["source"]).splitlines()
        name = file.name.removesuffix(".ipynb").lstrip("0123456789_").replace("_", "-")
        found[name] = Notebook(name, file.name, lines[0].lstrip("# "), text)
    return found


def configure(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "notebook",
        help="copy a teaching notebook here and open it; without a name, list them",
        description="Copies a teaching notebook into a folder of yours and opens it in "
        "JupyterLab; without a name, lists them.",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="as the list has it, or its number")
    parser.add_argument("--out", metavar="DIR", default=".", help="folder; this one by default")
    parser.add_argument("--force", action="store_true", help="replace a copy that is there")
    parser.add_argument("--no-open", action="store_true", help="copy only")
    parser.set_defaults(execute=execute)


def execute(parsed: argparse.Namespace, rest: list[str]) -> int:
    """List, or copy and open."""
    if rest:
        refuse(rest[0], ["--out", "--force", "--no-open"], "synsim notebook")
    known = notebooks()
    if parsed.name is None:
        width = max(map(len, known))
        for number, (name, notebook) in enumerate(known.items(), start=1):
            print(f"{number}  {name:<{width}}  {notebook.title}")
        return 0
    if parsed.name.isdecimal() and 1 <= int(parsed.name) <= len(known):
        parsed.name = list(known)[int(parsed.name) - 1]
    if parsed.name not in known:
        from synsim.catalogue import unknown

        raise unknown("notebook", parsed.name, [*known, f"1 to {len(known)}"])
    if not parsed.no_open and find_spec("jupyterlab") is None:
        from synsim.component.errors import MissingExtraError

        raise MissingExtraError(
            "JupyterLab is not installed: pip install 'synsim[docs]', or copy without opening: "
            "--no-open"
        )
    path = _copy(known[parsed.name], Path(parsed.out), force=parsed.force)
    print(path)
    if not parsed.no_open:
        _open(path)
    return 0


def _copy(notebook: Notebook, folder: Path, *, force: bool) -> Path:
    """A copy in `folder`, which is made; whole or not at all, and never over another file."""
    from synsim.component.errors import InputError

    path = folder / notebook.file
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out {folder}: there is a file of that name, expected a folder")
    if path.is_dir():
        raise InputError(f"{path}: a folder has that name, expected another place: --out DIR")
    if path.exists() and not force:
        raise InputError(
            f"{path}: exists already, with what you may have written into it; expected a folder "
            "without it (--out DIR), or --force to replace it"
        )
    folder.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.part")
    try:
        staged.write_text(notebook.text, encoding="utf-8")
        os.replace(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return path


def _open(path: Path) -> None:
    """Become JupyterLab, which then has the terminal and its Ctrl-C to itself."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(path)])

"""Recordings that come with synsim, and how they are found by name."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from synsim.component import InputError

SHIPPED = Path(__file__).parent / "data"

#: Folders of recordings, here and in the folder that SYNSIM_DATA names.
FOLDERS = ("stdp", "stp", "quantal", "malkin2023")


def recordings(root: Path = SHIPPED) -> dict[str, Path]:
    """Name -> file of every recording below a folder laid out like synsim's own data."""
    return {path.stem: path for folder in FOLDERS for path in sorted((root / folder).glob("*.csv"))}


def comments(path: Path) -> list[str]:
    """The lines that begin a recording's file after ``#``: source, meaning, doubts."""
    found = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                break
            found.append(line.lstrip("# ").rstrip())
    return found


def find_recording(name: str | os.PathLike[str]) -> Path:
    """The file of a recording: a path, or the name of one that ships with synsim.

    Looked for in this order: an existing file; the name (with or without its folder and
    ``.csv``) in the folder that the environment variable SYNSIM_DATA names; the same in
    synsim's own data.

    Raises
    ------
    InputError
        when there is neither, or SYNSIM_DATA names no folder.
    """
    given = Path(name)
    if given.is_file():
        return given
    roots = [SHIPPED]
    if folder := os.environ.get("SYNSIM_DATA"):
        if not Path(folder).is_dir():
            raise InputError(f"SYNSIM_DATA={folder}: no such directory")
        roots.insert(0, Path(folder))
    known: dict[str, Path] = {}
    for root in reversed(roots):
        known |= recordings(root)
    stem = given.name.removesuffix(".csv")
    folder_given = str(given.parent)
    if stem in known and folder_given in (".", known[stem].parent.name):
        return known[stem]
    if given.is_dir():
        raise InputError(f"{name}: found a directory, expected a CSV file")
    if folder_given != ".":
        raise InputError(f"{name}: no such file")
    close = difflib.get_close_matches(stem, known, 1, 0.6)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise InputError(
        f"{name}: no such file, and no recording of that name ships with synsim "
        f"({', '.join(sorted(known))}){hint}"
    )

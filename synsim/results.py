"""Writing results: a directory that is there whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from synsim._version import __version__
from synsim.component.errors import InputError, SynsimError

SCHEMA = 1
KEYS = {
    "schema",
    "command",
    "settings",
    "conventions",
    "results",
    "seed",
    "backend",
    "threads",
    "versions",
    "citations",
    "warnings",
}
Content = str | bytes | Callable[[Path], None]


def versions(*packages: str) -> dict[str, str]:
    """Versions of synsim, Python and the packages named, without importing them."""
    found = {"synsim": __version__, "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in packages}


def summary_document(
    *,
    command: str,
    settings: Mapping[str, Any],
    conventions: Mapping[str, Any],
    results: Mapping[str, Any],
    seed: int | None,
    backend: str | None,
    threads: int | None,
    citations: Sequence[str],
    warnings: Sequence[str],
    packages: Sequence[str] = ("numpy",),
) -> dict[str, Any]:
    """The document behind ``summary.json``, with the keys that every summary has."""
    return {
        "schema": SCHEMA,
        "command": command,
        "settings": dict(settings),
        "conventions": dict(conventions),
        "results": dict(results),
        "seed": seed,
        "backend": backend,
        "threads": threads,
        "versions": versions(*packages),
        "citations": list(citations),
        "warnings": list(warnings),
    }


def to_json(document: Mapping[str, Any]) -> str:
    """JSON text; numpy numbers become plain ones, NaN and infinity become null."""
    return json.dumps(_plain(document), indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(v) for v in value.tolist()]
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_csv(columns: Mapping[str, Sequence[Any] | np.ndarray]) -> str:
    """A tidy table as CSV text; floats are written so that they read back exactly.

    Missing values (None, NaN) become empty cells.
    """
    listed = [c.tolist() if isinstance(c, np.ndarray) else list(c) for c in columns.values()]
    if len({len(c) for c in listed}) > 1:
        raise ValueError(f"columns of unequal length: { {k: len(c) for k, c in columns.items()} }")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    cells = ([_cell(v) for v in column] for column in listed)
    writer.writerows(zip(*cells, strict=True))
    return text.getvalue()


def _cell(value: Any) -> Any:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else value


def refuse_existing(out: Path | str, *, force: bool) -> Path:
    """The results directory as a path; InputError when something is in the way.

    Called before long work starts as well as before writing, so that nobody waits for a
    result that cannot be kept. With `force`, a directory is replaced only when it holds
    earlier results of synsim (a ``summary.json``) or nothing.
    """
    if not str(out):
        raise InputError("--out: found an empty name, expected a new directory")
    out = Path(out)
    if out.is_symlink() or out.exists():
        if not out.is_dir():
            raise InputError(f"--out {out}: there is a file of that name, expected a directory")
        entries = os.listdir(out)
        if entries and not force:
            raise InputError(
                f"--out {out}: the directory is not empty, expected a new one (or --force)"
            )
        if entries and not (out / "summary.json").exists():
            raise InputError(
                f"--out {out}: the directory holds no summary.json, so it is not a result of "
                "synsim and --force does not replace it"
            )
    parent = out.absolute().parent
    nearest = next(p for p in (parent, *parent.parents) if p.exists())
    if not nearest.is_dir():
        raise InputError(f"--out {out}: {nearest} is a file, expected a directory")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"--out {out}: the directory {nearest} is not writable")
    return out


def write_directory(
    out: Path | str, contents: Mapping[str, Content], *, force: bool = False
) -> Path:
    """Write files into a new directory `out`, all of them or none.

    Parameters
    ----------
    out : the directory
    contents : file name -> text, bytes, or a function that writes to the path it is given
    force : replace an earlier result of synsim

    Raises
    ------
    InputError
        when `out` is in the way or cannot be made
    SynsimError
        when writing fails, as on a full disk; nothing is left behind.
    """
    out = refuse_existing(out, force=force)
    parent = out.absolute().parent
    made = [p for p in (parent, *parent.parents) if not p.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=parent))
    except OSError as error:
        _remove_empty(made)
        raise InputError(f"--out {out}: cannot be made: {error.strerror or error}") from None
    try:
        for name, content in contents.items():
            _write(staging / name, content)
        staging.chmod(0o777 & ~_umask())
        _swap(staging, out)
    except OSError as error:
        raise SynsimError(
            f"--out {out}: writing failed: {error.strerror or error}; nothing was kept"
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_empty(made)
    return out


def _remove_empty(directories: list[Path]) -> None:
    """Remove those of the directories, innermost first, that hold nothing."""
    for directory in directories:
        try:
            directory.rmdir()
        except OSError:
            return


def _write(path: Path, content: Content) -> None:
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)


def _swap(staging: Path, out: Path) -> None:
    """Put the finished directory in place; an earlier one is moved aside first."""
    if not out.exists():
        staging.rename(out)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.old.", dir=out.absolute().parent))
    earlier = aside / "earlier"
    try:
        out.rename(earlier)
        staging.rename(out)
    except BaseException:  # Ctrl-C too must not cost the earlier result
        if earlier.exists() and not out.exists():
            earlier.rename(out)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

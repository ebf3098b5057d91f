"""What every fit does to be shown and saved: table, summary, words and figure, all or none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


class Shown:
    """A fit in a notebook is its figure, at a prompt its summary."""

    def _repr_png_(self) -> bytes:
        from synsim import style

        return style.png(self.figure())  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return str(self.summary())  # type: ignore[attr-defined]


def contents(result: Any, *, plot: bool) -> dict[str, Any]:
    """File name -> content of a results directory, but for ``summary.json``."""
    from synsim import style
    from synsim.results import to_csv

    files: dict[str, Any] = {"data.csv": to_csv(result.columns()), "report.txt": result.report()}
    if plot:
        drawn = result.figure()
        files |= {f"figure.{kind}": style.writer(drawn, kind) for kind in ("png", "svg")}
    return files


def save(
    result: Any,
    out: str | os.PathLike[str],
    *,
    command: str,
    library: str,
    force: bool,
    plot: bool,
) -> Path:
    """Write the contents of a fit and its ``summary.json``; returns the directory.

    `library` is what did the fitting, beside numpy and scipy: its version is written down.

    Raises
    ------
    InputError
        when `out` is in the way and is no earlier result to be replaced with `force`.
    """
    from synsim.results import refuse_existing, summary_document, to_json, write_directory

    refuse_existing(Path(out), force=force)
    document = summary_document(
        command=command,
        settings=result.settings,
        conventions=result.conventions,
        results=result.results,
        seed=getattr(result, "seed", None),
        backend=None,
        threads=None,
        citations=result.citations,
        warnings=result.warnings,
        packages=("numpy", "scipy", library),
    )
    files = {"summary.json": to_json(document), **result.contents(plot=plot)}
    return write_directory(Path(out), files, force=force)

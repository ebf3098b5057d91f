"""Sphinx extension of this site: pages from the code, figures from commands, maths offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import figures, mathml, pages

# Files outside of docs/ that pages link to as they lie in the repository, and their pages here.
ELSEWHERE = {
    "../CONTRIBUTING.md": "contributing.md",
    "../CHANGELOG.md": "changelog.md",
    "../README.md": "index.md",
    "../benchmarks/README.md": "benchmarks.md",
}


def _write_pages(app: Any) -> None:
    pages.write(Path(app.srcdir))


def _relink(app: Any, name: str, content: list[str]) -> None:
    for path, page in ELSEWHERE.items():
        content[0] = content[0].replace(f"]({path}", f"]({page}")


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("synsim-figure", figures.FigureDirective)
    app.add_directive("synsim-gallery", figures.GalleryDirective)
    app.add_html_math_renderer("mathml", (mathml.visit_inline, None), (mathml.visit_block, None))
    app.connect("builder-inited", _write_pages)
    app.connect("builder-inited", figures.draw_all)
    app.connect("source-read", _relink)
    app.connect("autodoc-process-docstring", pages.clean_docstring)
    app.connect("build-finished", mathml.copy_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Equations as MathML, which browsers draw by themselves: no script, nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
FONT = "STIXTwoMath-Regular.ttf"  # SIL Open Font Licence; the package ziamath brings it


def convert(text: str, node: nodes.Node, *, block: bool) -> str:
    """MathML of a formula; a warning, which fails the build, for what cannot be converted."""
    text = re.sub(r"\\(begin|end)\{(?:align|gather|equation|eqnarray)\*?\}", r"\\\1{aligned}", text)
    if r"\\" in text and r"\begin" not in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    try:
        return tex2mathml(text.strip(), as_block=block)
    except MathError as error:
        LOGGER.warning("no MathML for %r: %s", text, error, location=node, type="synsim")
        return f"<code>{nodes.unescape(text)}</code>"


def visit_inline(self: Any, node: nodes.math) -> None:
    self.body.append(convert(node.astext(), node, block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math"))
    if node.get("number"):
        self.body.append(f'<span class="eqno">({node["number"]})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(convert(node.astext(), node, block=True))
    self.body.append("</div>\n")
    raise nodes.SkipNode


def copy_font(app: Any, exception: Exception | None) -> None:
    """Beside the style sheet, so that equations look alike everywhere."""
    if exception is None and app.builder.format == "html":
        font = resources.files("ziamath") / "fonts" / FONT
        with resources.as_file(font) as path:
            shutil.copyfile(path, Path(app.outdir) / "_static" / FONT)

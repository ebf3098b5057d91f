"""Docstrings in the style of this house as reStructuredText.

They are written to be read at a terminal: paragraphs; indented blocks, which are equations, tables
of words, or code; a table of symbols; sections underlined as numpydoc has them. Nothing in them
has to be escaped by who writes them, so all of it is escaped here.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

from .equations import Writer

Link = Callable[[str], str]  # what stands between backquotes -> its RST

_ENTRY = re.compile(r"^(\*{0,2}[\w.]+(?:, \*{0,2}[\w.]+)*) : (.*)$")
_LABEL = re.compile(r"^(Sources?|Deviations?|Deviates from (?:them|it)|Units|Symbols|Bounds): ")
_SHORT = 40  # characters of a type; what goes on in the next line is longer
_SECTION = re.compile(r"^-{3,}$")


def to_rst(text: str, link: Link, writer: Writer | None = None) -> list[str]:
    """The lines of RST for a cleaned docstring (`inspect.cleandoc`)."""
    writer = writer or Writer(symbols(text))
    out: list[str] = []
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        if not lines[i].strip():
            i += 1
        elif i + 1 < len(lines) and _SECTION.match(lines[i + 1]):
            end = _section_end(lines, i + 2)
            out += [f".. rubric:: {lines[i]}", "", *_entries(lines[i + 2 : end], link, writer)]
            i = end
        else:
            end = i + 1
            while end < len(lines) and lines[end].strip() and not _LABEL.match(lines[end]):
                end += 1
            out += _paragraph(lines[i:end], link, writer)
            i = end
    return out


def symbols(text: str) -> frozenset[str]:
    """The names in a docstring's table of symbols."""
    found: set[str] = set()
    for row in _rows(_symbol_lines(text)):
        found |= {name.strip() for name in row[0].split(",")}
    return frozenset(found)


def _symbol_lines(text: str) -> list[str]:
    lines = text.splitlines()
    if "Symbols" not in lines:
        return []
    start = end = lines.index("Symbols") + 1
    while end < len(lines) and lines[end].startswith(" "):
        end += 1
    return lines[start:end]


def _section_end(lines: list[str], start: int) -> int:
    """Where the section ends: at the next underlined heading, or where nothing is left."""
    for j in range(start, len(lines) - 1):
        if lines[j].strip() and _SECTION.match(lines[j + 1]):
            return j
    return len(lines)


def _entries(lines: list[str], link: Link, writer: Writer) -> list[str]:
    """``name : what it is``, with what follows it indented, as definitions; else paragraphs."""
    out: list[str] = []
    paragraph: list[str] = []

    def flush() -> None:
        if paragraph:
            out.extend(_paragraph(paragraph, link, writer))
            paragraph.clear()

    i = 0
    while i < len(lines):
        match = _ENTRY.match(lines[i])
        below = i + 1 < len(lines) and lines[i + 1].startswith(" ")
        if match is None and below and re.fullmatch(r"[\w.]+", lines[i]):
            match = re.match(r"([\w.]+)()$", lines[i])
        if match is None:
            if lines[i].strip():
                paragraph.append(lines[i])
            else:
                flush()
            i += 1
            continue
        flush()
        end = i + 1
        while end < len(lines) and lines[end].startswith(" "):
            end += 1
        # numpydoc's type, or the first line of what it is
        first = f"{match[2]}:" if below and 0 < len(match[2]) <= _SHORT else match[2]
        body = " ".join([first, *(line.strip() for line in lines[i + 1 : end])]).strip()
        out += [*_definition(f"``{match[1]}``", inline(body, link))]
        i = end
    flush()
    return out


def _definition(term: str, body: str) -> list[str]:
    return [term, f"    {body}" if body else "    \\", ""]


def _paragraph(lines: list[str], link: Link, writer: Writer) -> list[str]:
    """Unindented lines, and what is indented below them."""
    if not lines[0].startswith(" ") and any(line.startswith(" ") for line in lines):
        first = next(i for i, line in enumerate(lines) if line.startswith(" "))
        rest = next((i for i in range(first, len(lines)) if not lines[i].startswith(" ")), None)
        hanging = lines[0].lstrip().startswith("- ") or _ENTRY.match(lines[0])
        if not hanging:
            head = lines[:first]
            if head == ["Symbols"]:
                return [".. rubric:: Symbols", "", *table(_rows(lines[1:rest]), ("", "", ""), link)]
            out = [inline(" ".join(head), link), "", *_block(lines[first:rest], link, writer)]
            return out if rest is None else out + _paragraph(lines[rest:], link, writer)
    if lines[0].startswith(" "):
        return _block(lines, link, writer)
    if _ENTRY.match(lines[0]) and sum(bool(_ENTRY.match(line)) for line in lines) * 2 >= len(lines):
        return _entries(lines, link, writer)
    if lines[0].startswith("- "):
        return _bullets(lines, link)
    text = inline(" ".join(line.strip() for line in lines), link)
    return [_LABEL.sub(r"**\1:** ", text), ""]


def _bullets(lines: list[str], link: Link) -> list[str]:
    items: list[str] = []
    for line in lines:
        if line.startswith("- "):
            items.append(line[2:])
        else:
            items[-1] += " " + line.strip()
    return [f"- {inline(item, link)}" for item in items] + [""]


def _block(lines: list[str], link: Link, writer: Writer) -> list[str]:
    """An indented block: code, equations, a table of words, or what is kept as it is."""
    plain = textwrap.dedent("\n".join(lines)).splitlines()
    if re.match(r"(import|from) \w|\w+\(.*\)\.?\w* *(#|$)|>>>|\w+ = \w+\(", plain[0]):
        return [".. code-block:: python", "", *(f"    {line}" for line in plain), ""]
    tex = writer.block(plain)
    if tex is not None:
        return [".. math::", "", f"    {tex}", ""]
    rows = _rows(plain)
    if len(rows) > 1 and all(len(row) == 2 for row in rows):
        found = [_definition(inline(term, link), inline(body, link)) for term, body in rows]
        return [line for entry in found for line in entry]
    return [".. code-block:: none", "", *(f"    {line}" for line in plain), ""]


def _rows(lines: list[str]) -> list[list[str]]:
    """Rows of columns that are two spaces or more apart; a row goes on where its first is empty."""
    plain = textwrap.dedent("\n".join(lines)).splitlines()
    rows: list[list[str]] = []
    for line in plain:
        if line.startswith(" ") and rows:
            rows[-1][-1] += " " + line.strip()
        elif line.strip():
            rows.append(re.split(r"\s{2,}", line.strip(), maxsplit=2))
    width = max((len(row) for row in rows), default=0)
    # "E_rev  voltage   reversal": three columns; a name with its meaning alone leaves the unit out
    return [row if len(row) == width else [row[0], *[""] * (width - len(row)), *row[1:]]
            for row in rows]  # fmt: skip


def table(rows: list[list[str]], head: tuple[str, ...], link: Link) -> list[str]:
    """A list-table; the first column is code, the others text. No head where it is all empty."""
    width = max((len(row) for row in rows), default=0)
    lines = [".. list-table::", "    :class: house"]
    lines += ["    :header-rows: 1", ""] if any(head) else [""]
    for row in ([list(head)] if any(head) else []) + rows:
        cells = [cell for cell in row] + [""] * (width - len(row))
        is_head = any(head) and row == list(head)
        for j, cell in enumerate(cells):
            shown = inline(cell, link) if j or is_head else _code(cell)
            lines.append(f"    {'* -' if j == 0 else '  -'} {shown}".rstrip())
    return [*lines, ""]


def _code(cell: str) -> str:
    return ", ".join(f"``{name.strip()}``" for name in cell.split(",") if name.strip())


def inline(text: str, link: Link) -> str:
    """A line of text, escaped; what stands between backquotes is code or a link."""
    parts = re.split(r"(``[^`]+``|`[^`]+`)", text)
    return "".join(link(p.strip("`")) if p.startswith("`") else escape(p) for p in parts)


def escape(text: str) -> str:
    """Nothing of it is markup any more."""
    text = re.sub(r"([\\*|`<>])", r"\\\1", text)
    text = re.sub(r"(\w)_(?!\w)", r"\1\\_", text)
    text = re.sub(r"(?<!\w)_(?=\w)", r"\\_", text)
    return re.sub(r"^(\s*)([-+:.]|\d+\.)(?=\s)", r"\1\\\2", text)

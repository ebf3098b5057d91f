"""The commands and code of a page, as a reader meets them.

Shell: fenced blocks (```bash or without a language) and indented ones whose lines begin with a
command that we know. Python: ```python. Left out is a block below ``<!-- not run: why -->``, a line
that begins with `make`, which needs a checkout, and one whose remark begins with "your", because
its file is the reader's. What a page says about the outcome:

    synsim run ... # exit 2               another exit code than 0
        synsim: what is wrong             the error line of the command before
    print(...)  # 0.5303                  the numbers that are printed, to the digits shown
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

_MARK = re.compile(r"<!-- not run: .+ -->")
_FENCE = re.compile(r"^(```+)\s*(.*?)\s*$")
_SHELL = ("synsim ", "printf ", "make ")
_ERROR = "synsim: "


@dataclass
class Block:
    """Code of one kind: `kind` is python, shell or error, `line` where it begins."""

    kind: str
    line: int
    text: str

    @property
    def commands(self) -> list[tuple[str, int]]:
        """The command lines of a shell block, with the exit code that each promises."""
        joined = self.text.replace("\\\n", " ")
        found = []
        for line in joined.splitlines():
            command, _, remark = line.partition(" #")
            theirs = remark.strip().startswith("your")
            if command.strip() and not theirs and not command.startswith(("make ", "#")):
                code = re.search(r"exit (\d+)", remark)
                found.append((command.strip(), int(code[1]) if code else 0))
        return found


@dataclass
class Reader:
    """Goes through a page line by line."""

    lines: list[str]
    found: list[Block] = field(default_factory=list)
    skip: bool = False

    def read(self) -> list[Block]:
        i = 0
        while i < len(self.lines):
            line = self.lines[i]
            fence = _FENCE.match(line)
            if _MARK.search(line):
                self.skip = True
                i += 1
            elif fence:
                end = next(j for j in range(i + 1, len(self.lines))
                           if self.lines[j].strip() == fence[1])  # fmt: skip
                kind = {"python": "python", "bash": "shell", "": "shell"}.get(fence[2], "")
                self._add(kind, i + 1, self.lines[i + 1 : end])
                i = end + 1
            elif line.startswith("    ") and not (i and self.lines[i - 1].startswith(("- ", "  "))):
                end = i
                while end < len(self.lines) and (self.lines[end].startswith("    ")):
                    end += 1
                self._add("shell", i, textwrap.dedent("\n".join(self.lines[i:end])).splitlines())
                i = end
            else:
                i += 1
        return self.found

    def _add(self, kind: str, line: int, code: list[str]) -> None:
        skip, self.skip = self.skip, False
        text = "\n".join(code)
        if kind == "shell":
            first = next((c for c in code if c.strip() and not c.startswith("#")), "")
            if first.startswith(_ERROR):
                kind = "error"
            elif not first.startswith(_SHELL):
                return
        if kind and not skip:
            self.found.append(Block(kind, line + 1, text))


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that are run, in order."""
    return Reader(page.read_text(encoding="utf-8").splitlines()).read()

"""Figures of the site, each made by the command that stands below it, for a light and a dark page.

    .. synsim-figure:: synsim run stdp-window --rate 20Hz      one of them
    .. synsim-gallery::                                        those of gallery.toml and protocols

What a command draws is kept in ``_figures`` in the source folder, under a name that changes with
the command and with the code, so that a page is not drawn twice.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import synsim
from synsim import catalogue

LOGGER = logging.getLogger(__name__)
FOLDER = "_figures"
_WORKERS = 2
_WIDE = 1.7  # width over height, beyond which a phone scrolls a figure
_LARGE = 400_000  # bytes, beyond which a page takes the PNG instead of the SVG


@dataclass(frozen=True)
class Command:
    """What draws a figure: a command, files that it reads, and what it shows."""

    words: str
    caption: str = ""
    files: tuple[tuple[str, str], ...] = field(default=())
    folder: str = ""

    @property
    def key(self) -> str:
        text = repr((self.words, self.files, sources()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def shown(self) -> str:
        """The command as a reader types it, with a folder of their own for the results."""
        words = self.words.split()
        out = "_".join(words[1:3]).replace("-", "_").removeprefix("run_")
        if self.folder:
            names = ", ".join(name for name, _ in self.files)
            made = [f"# with {names} of docs/{self.folder} in the repository"]
        else:
            made = [f"printf '{_one_line(text)}' > {name}" for name, text in self.files]
        return "\n".join([*made, f"{self.words} --out {out}"])


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")


@cache
def sources() -> str:
    """A digest of all code and data that a figure may hang on."""
    root, digest = Path(synsim.__file__).parent, hashlib.sha256()
    for folder in (root, root / "models", root / "protocols"):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".h", ".cpp", ".csv") and "__pycache__" not in path.parts:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def listed(source: Path) -> list[Command]:
    """The gallery: what gallery.toml has, and every protocol that it does not mention."""
    document = tomllib.loads((source / "gallery.toml").read_text(encoding="utf-8"))
    found = [
        Command(e["command"], e.get("caption", ""), _files(source, e), e.get("folder", ""))
        for e in document["figure"]
    ]
    words = {tuple(c.words.split()[:3]) for c in found}
    missing = [p for p in catalogue.protocols() if ("synsim", "run", p) not in words]
    return [*found, *(Command(f"synsim run {p}") for p in missing)]


def _files(source: Path, entry: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Name and text of what the command reads: as the entry has them, or as its folder does."""
    if "folder" not in entry:
        return tuple(entry.get("files", {}).items())
    found = sorted((source / entry["folder"]).iterdir())
    return tuple((path.name, path.read_text(encoding="utf-8")) for path in found)


def of_protocol(name: str) -> list[str]:
    """RST of the figure on a protocol's page."""
    return [f".. synsim-figure:: synsim run {name}"]


def draw_all(app: Any) -> None:
    """Draw what is not there yet, before pages are read."""
    source = Path(app.srcdir)
    commands = listed(source)
    app.synsim_figures = {c.words: c for c in commands} | {
        " ".join(c.words.split()[:3]): c for c in reversed(commands)
    }
    missing = [c for c in commands if not (source / FOLDER / c.key / "done").exists()]
    with ThreadPoolExecutor(_WORKERS) as pool:
        problems = pool.map(lambda command: _draw(source, command), missing)
        for command, problem in zip(missing, problems, strict=True):
            if problem:
                raise ExtensionError(f"`{command.words}` failed:\n{problem}")
            LOGGER.info("drawn: %s", command.words)


def _draw(source: Path, command: Command) -> str:
    """Run a command; what went wrong in words, nothing where nothing did."""
    place = source / FOLDER / command.key
    place.mkdir(parents=True, exist_ok=True)
    for name, text in command.files:
        (place / name).write_text(text, encoding="utf-8")
    script = Path(__file__).with_name("draw.py")
    words = shlex.split(command.words)[1:]
    whole = [sys.executable, str(script), *words]
    done = subprocess.run(whole, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr or done.stdout
    (place / "done").write_text(done.stderr, encoding="utf-8")
    return ""


def _shape(picture: Path) -> float:
    """Width over height of a figure, by its SVG."""
    text = picture.with_suffix(".svg").read_text(encoding="utf-8")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    assert box is not None, picture
    return float(box[1]) / float(box[2])


def _nodes(directive: SphinxDirective, command: Command) -> list[nodes.Node]:
    """Both figures, of which a page shows one, and the command."""
    source = Path(directive.env.srcdir)
    made: list[nodes.Node] = []
    for look in ("light", "dark"):
        picture = source / FOLDER / command.key / look / "figure.svg"
        if not picture.exists():
            raise directive.error(f"no figure was drawn by {command.words}")
        if picture.stat().st_size > _LARGE:
            picture = picture.with_suffix(".png")
        alt = command.caption or f"Figure of {command.words}"
        uri = f"/{picture.relative_to(source).as_posix()}"
        wide = ["wide"] if _shape(picture) > _WIDE else []
        classes = [f"only-{look}", "synsim-figure", *wide]
        made.append(nodes.image(uri=uri, alt=alt, classes=classes))
    block = nodes.literal_block(command.shown, command.shown, language="bash")
    container = nodes.container(classes=["synsim-figure-block"])
    container += [*made, block]
    return [container]


class FigureDirective(SphinxDirective):
    """The figure of one command."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        words = self.arguments[0]
        command = self.env.app.synsim_figures.get(words)
        if command is None:
            raise self.error(f"{words!r} is not in gallery.toml, which names all figures")
        return _nodes(self, command)


class GalleryDirective(SphinxDirective):
    """All figures, each with its caption and its command."""

    def run(self) -> list[nodes.Node]:
        made: list[nodes.Node] = []
        for command in listed(Path(self.env.srcdir)):
            title = command.caption or " ".join(command.words.split()[1:3])
            section = nodes.section(ids=[nodes.make_id(title)])
            section += nodes.title(title, title)
            section += _nodes(self, command)
            made.append(section)
        return made

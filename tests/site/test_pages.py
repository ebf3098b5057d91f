"""The pages as files: one for each model and protocol, and links that lead somewhere."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from synsim import catalogue
from synsim.component.parameters import Quantity
from tests.house import ROOT


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.places |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in ("script", "img", "iframe", "source") and "src" in found:
            self.loads.append(found["src"])
        elif tag == "link" and "href" in found and found.get("rel") != "canonical":
            self.loads.append(found["href"])


@cache
def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def pages(site: Path) -> list[Path]:
    return sorted(p for p in site.rglob("*.html") if "_static" not in p.parts)


def outside(link: str) -> bool:
    return re.match(r"[a-z]+:|//", link) is not None


def test_links_within_the_site_lead_somewhere(site: Path) -> None:
    lost = []
    for path in pages(site):
        for link in page(path).links:
            if outside(link):
                continue
            file, place = urldefrag(unquote(link))
            target = (path.parent / file).resolve() if file else path
            if not target.exists():
                lost.append(f"{path.relative_to(site)}: {link}")
            elif place and target.suffix == ".html" and place not in page(target).places:
                lost.append(f"{path.relative_to(site)}: {link}: no such place")
    assert lost == []


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """Scripts, style sheets, fonts and pictures come with the site: it works without a network."""
    for path in pages(site):
        for load in page(path).loads:
            assert not outside(load) or load.startswith("data:"), f"{path}: {load}"
            file = urldefrag(load.partition("?")[0])[0]
            assert load.startswith("data:") or (path.parent / unquote(file)).exists(), load
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        urls = re.findall(r"url\(\s*[\"']?([^)\"']+)", text) + re.findall(
            r"@import\s+[\"']([^\"']+)", text
        )
        assert [u for u in urls if outside(u) and not u.startswith("data:")] == [], sheet


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "models").glob("[a-z]*.py")))
def test_every_model_has_a_page(site: Path, name: str) -> None:
    text = (site / "models" / f"{name}.html").read_text(encoding="utf-8")
    for mechanism in catalogue.mechanisms():
        if mechanism.__module__ != f"synsim.models.{name}":
            continue
        assert f'id="model-{mechanism.name}"' in text or f">{mechanism.name}<" in text
        for parameter, spec in mechanism.specs().items():
            assert f">{parameter}</span>" in text, parameter
            if isinstance(spec, Quantity) and spec.units[0] != "1":
                assert spec.units[0] in text
        for preset in mechanism.presets:
            assert f">{preset}</span>" in text, preset
        for citation in mechanism.citations:
            assert not citation.doi or f"https://doi.org/{citation.doi}" in text


def test_equations_are_drawn(site: Path) -> None:
    """Every model has some, and none is left as TeX."""
    found = {p.stem: page(p).tags.count("math") for p in (site / "models").glob("*.html")}
    assert [name for name, count in found.items() if count == 0] == []
    for path in pages(site):
        assert "\\begin{aligned}" not in path.read_text(encoding="utf-8"), path


def test_what_pages_import_has_a_page(site: Path) -> None:
    """Modules named in the code of pages and notebooks; models and protocols have their own."""
    texts = [p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("*.md")]
    texts += [p.read_text(encoding="utf-8") for p in (ROOT / "docs" / "notebooks").glob("*.ipynb")]
    texts.append((ROOT / "README.md").read_text(encoding="utf-8"))
    found = {m for text in texts for m in re.findall(r"\bfrom (synsim[\w.]*) import", text)}
    assert len(found) > 10
    lost = []
    for module in sorted(found):
        _, _, rest = module.partition(".")
        kind, _, name = rest.partition(".")
        own = {"models": f"models/{name}.html", "protocols": "protocols.html"}
        page_of = site / own.get(kind, f"api/{module}.html")
        if not page_of.exists() and not list((site / "api").glob(f"{module}.*.html")):
            lost.append(module)
    assert lost == []


def test_the_gallery_has_every_command_that_draws(site: Path) -> None:
    """Protocols have a test each, below; `reproduce` writes a page of figures that are here."""
    gallery = re.sub(r"<[^>]+>", "", (site / "gallery.html").read_text(encoding="utf-8"))
    for command in ("fit stdp", "fit stp", "fit quantal", "fit locus", "extract", "sweep"):
        assert f"synsim {command} " in gallery, command


def test_how_to_cite(site: Path) -> None:
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]+>", "", (site / "cite.html").read_text(encoding="utf-8"))
    assert "@software{synsim," in shown
    for field in ("version", "license"):
        value = re.search(rf"^{field}: (.+)$", cff, re.MULTILINE)
        assert value is not None and value[1] in shown


@pytest.mark.parametrize("name", catalogue.protocols())
def test_every_protocol_has_a_page_with_its_figure(site: Path, name: str) -> None:
    path = site / "protocols" / f"{name}.html"
    text = path.read_text(encoding="utf-8")
    for setting in catalogue.protocol(name).Settings.specs():
        assert f">--{setting.replace('_', '-')}</span>" in text, setting
    figures = [load for load in page(path).loads if "/_images/" in load]
    assert len(figures) == 2, "one for light pages, one for dark ones"
    assert "run<" in text or f"synsim run {name}" in re.sub(r"<[^>]+>", "", text)
    gallery = re.sub(r"<[^>]+>", "", (site / "gallery.html").read_text(encoding="utf-8"))
    assert f"synsim run {name}" in gallery

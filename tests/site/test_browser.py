"""The site in a browser: search, equations, a phone's width, dark pages; pictures to look at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.site.browser import needs_chromium, opened

pytestmark = needs_chromium
PHONE = {"width": 390, "height": 844}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None:
        """No line for each file."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site, served on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def context(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser that reaches this site and nothing else; what it asked for elsewhere is kept."""
    with opened(tmp_path_factory.mktemp("chromium"), address) as made:
        yield made


@pytest.fixture
def tab(context: Any) -> Iterator[Any]:
    """A tab; errors of its scripts fail the test, and so does a request to elsewhere."""
    made = context.new_page()
    errors: list[str] = []
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    made.close()
    assert errors == []
    assert context.elsewhere == []


def names(site: Path) -> list[str]:
    """Every page of the site."""
    skip = {"genindex.html", "py-modindex.html"}
    found = (
        p.relative_to(site).as_posix() for p in site.rglob("*.html") if "_static" not in p.parts
    )
    return sorted(name for name in found if name not in skip)


def test_search(tab: Any, address: str) -> None:
    tab.goto(f"{address}/index.html")
    tab.fill("input[name=q]:visible", "facilitation")
    tab.press("input[name=q]:visible", "Enter")
    tab.wait_for_selector("#search-results p:has-text('Search finished')")
    found = [a.get_attribute("href") for a in tab.query_selector_all("#search-results li a")]
    assert any("models/tsodyks_markram.html" in link for link in found), found
    tab.click("#search-results li a >> nth=0")
    assert "facilitat" in tab.inner_text("article").lower()


def test_search_for_nothing(tab: Any, address: str) -> None:
    tab.goto(f"{address}/search.html?q=xylophone")
    tab.wait_for_selector("#search-results p:has-text('did not match any')")
    assert tab.query_selector_all("#search-results ul.search li") == []


@pytest.mark.parametrize("name", ["tsodyks_three_state", "lif_events", "spike_sources"])
def test_equations_are_drawn(tab: Any, address: str, name: str) -> None:
    """With the font that comes with the site; fractions are higher than a line."""
    tab.goto(f"{address}/models/{name}.html")
    tab.evaluate("document.fonts.ready")
    assert tab.evaluate("document.fonts.check('16px \"STIX Two Math\"')")
    boxes = tab.evaluate(
        """[...document.querySelectorAll('article math')].map(m => {
            const box = m.getBoundingClientRect();
            return [box.width, box.height, m.querySelectorAll('mfrac').length]})"""
    )
    assert boxes and all(width > 10 and height > 10 for width, height, _ in boxes)
    line = tab.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    fractions = tab.evaluate(
        "[...document.querySelectorAll('article mfrac')].map(m => m.getBoundingClientRect().height)"
    )
    assert fractions and min(fractions) > line
    assert "\\frac" not in tab.inner_text("article")


def test_no_page_is_wider_than_a_phone(tab: Any, address: str, site: Path) -> None:
    tab.set_viewport_size(PHONE)
    wide = {}
    for name in names(site):
        tab.goto(f"{address}/{name}", wait_until="load")
        width = tab.evaluate("document.scrollingElement.scrollWidth")
        if width > PHONE["width"]:
            wide[name] = (width, tab.evaluate(WIDEST))
    assert wide == {}


# The elements that stick out, for the message of a failure.
WIDEST = """[...document.querySelectorAll('article *')].filter(e =>
    e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map(e =>
    e.tagName + '.' + e.className + ': ' + e.innerText?.slice(0, 40))"""


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2)."""
    parts = [float(v) / 255 for v in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["index", "models/pair_stdp", "protocols/stdp-window", "api/synsim.fit"]
)
def test_letters_stand_out(tab: Any, address: str, name: str, look: str) -> None:
    """Text, code, links, equations and tables have a contrast of 4.5 with what is behind them."""
    tab.emulate_media(color_scheme=look)
    tab.goto(f"{address}/{name}.html")
    found = tab.evaluate(COLOURS)
    assert len(found) > 10
    dim = []
    for front, back, text in found:
        low, high = sorted((luminance(front), luminance(back)))
        if (high + 0.05) / (low + 0.05) < 4.5:
            dim.append((front, back, text))
    assert dim == []
    paper = luminance(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert paper < 0.05 if look == "dark" else paper > 0.9


# Colour, background and text of every piece of text in the article.
COLOURS = """[...document.querySelectorAll('article *')].filter(e =>
    [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.checkVisibility() &&
    !e.classList.contains('headerlink')).map(e => {
    let back = e;
    while (back && /rgba\\(0, 0, 0, 0\\)/.test(getComputedStyle(back).backgroundColor))
        back = back.parentElement;
    return [getComputedStyle(e).color, getComputedStyle(back ?? document.body).backgroundColor,
            e.textContent.slice(0, 30)]})"""


LOOKED_AT = (
    "index", "install", "gallery", "learning", "fitting_release", "validation", "commands",
    "models/release_sites", "protocols/stp-train", "api/synsim.networks",
    "notebooks/4_unreliable",
)  # fmt: skip


@pytest.mark.parametrize("name", LOOKED_AT)
def test_pages_to_look_at(tab: Any, address: str, screenshots: Path, name: str) -> None:
    """On a screen by day, on a phone by night; every picture in it is there."""
    for look, size in (("light", {"width": 1200, "height": 900}), ("dark", PHONE)):
        tab.emulate_media(color_scheme=look)
        tab.set_viewport_size(size)
        tab.goto(f"{address}/{name}.html")
        missing = tab.evaluate(
            """[...document.querySelectorAll('article img')].filter(i => i.checkVisibility())
               .filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"""
        )
        assert missing == []
        path = screenshots / f"site-{name.replace('/', '-')}-{look}.png"
        tab.screenshot(path=path, full_page=True)
        assert path.stat().st_size > 10_000


def test_a_figure_suits_the_page(tab: Any, address: str) -> None:
    """One of the two is seen; in the dark it is the dark one."""
    for look in ("light", "dark"):
        tab.emulate_media(color_scheme=look)
        tab.goto(f"{address}/protocols/stdp-window.html")
        shown = tab.evaluate(
            """[...document.querySelectorAll('img.synsim-figure')].filter(i => i.checkVisibility())
               .map(i => [i.className, i.naturalWidth, i.getBoundingClientRect().width])"""
        )
        assert len(shown) == 1
        classes, pixels, width = shown[0]
        assert f"only-{look}" in classes and pixels > 0 and width > 300

"""Headless Chromium, as the tests of the site and of the notebooks drive it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium (on Debian: apt install chromium)"
)
PATIENCE = 120_000  # ms, for a machine that has other things to do
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def opened(profile: Path, address: str, height: int = 900) -> Iterator[Any]:
    """A browser with a profile of its own; its `elsewhere` lists what it asked of other places."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=CHROMIUM,
            headless=True,
            args=_QUIET,
            viewport={"width": 1200, "height": height},
        )
        made.set_default_timeout(PATIENCE)
        made.elsewhere = []
        local = (address, "data:", "blob:", address.replace("http", "ws", 1))
        made.on("request", lambda r: r.url.startswith(local) or made.elsewhere.append(r.url))
        yield made
        made.close()

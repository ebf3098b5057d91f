"""Where the site is; `make docs-test` builds it and says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of pages and notebooks are left to be looked at: `make docs-test` says."""
    place = Path(os.environ.get("SYNSIM_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    place = os.environ.get("SYNSIM_SITE")
    if place is None:
        pytest.skip("SYNSIM_SITE names no built site: `make docs-test` builds one and tries it")
    assert (Path(place) / "index.html").exists(), f"no site in {place}"
    return Path(place).resolve()

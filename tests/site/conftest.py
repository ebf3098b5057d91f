"""Where the site is; `make docs-test` builds it and says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    place = os.environ.get("SYNSIM_SITE")
    if place is None:
        pytest.skip("SYNSIM_SITE names no built site: `make docs-test` builds one and tries it")
    assert (Path(place) / "index.html").exists(), f"no site in {place}"
    return Path(place).resolve()

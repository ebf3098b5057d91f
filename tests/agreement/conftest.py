"""Shared by the tests of agreement."""

from __future__ import annotations

from collections.abc import Iterator

import brian2 as b2
import pytest


@pytest.fixture
def on_numpy() -> Iterator[None]:
    """Brian2's numpy target, which compiles nothing; the target before is put back."""
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target = before

"""Shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synsim.engine import compiler

# Compiled synapses are kept from run to run, and parallel workers share them; they do not mix
# with the user's own.
os.environ.setdefault(
    "SYNSIM_CACHE", str(Path(__file__).resolve().parents[1] / ".pytest_cache" / "synsim")
)

# So are programs of JAX.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", os.environ["SYNSIM_CACHE"] + "-jax")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of Brian2's cython target skip, and say so, where it cannot compile."""
    if compiler.find() is not None and compiler.python_header().exists():
        return
    skip = pytest.mark.skip(reason="Cython needs a C++ compiler and Python's headers (python3-dev)")
    for item in items:
        if "cython" in item.name:
            item.add_marker(skip)

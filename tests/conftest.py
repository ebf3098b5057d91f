"""Shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

# Compiled synapses are kept from run to run, and parallel workers share them; they do not mix
# with the user's own.
os.environ.setdefault(
    "SYNSIM_CACHE", str(Path(__file__).resolve().parents[1] / ".pytest_cache" / "synsim")
)

"""The house itself: packaging, layout, imports, what the documents promise."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

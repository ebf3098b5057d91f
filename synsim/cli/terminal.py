"""What goes to the terminal. Everything for people goes to stderr; stdout stays clean."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """A line, or lines, for the person at the terminal."""
    print(text, file=sys.stderr)

"""Every protocol is held to what `ProtocolTests` asks of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from synsim import catalogue

TESTS = Path(__file__).resolve().parents[1]


def held() -> set[str]:
    """Modules that a test class of any folder names as its own."""
    found = set()
    for file in TESTS.rglob("test_*.py"):
        text = file.read_text(encoding="utf-8")
        classes = re.findall(
            r"^class \w+\(ProtocolTests\):\n((?:    .*\n|\n)*)", text, re.MULTILINE
        )
        for body in classes:
            found |= set(re.findall(r"^    module = (\w+)$", body, re.MULTILINE))
    return found


@pytest.mark.parametrize("name", catalogue.protocols())
def test_every_protocol_has_its_tests(name: str) -> None:
    module = catalogue.protocols()[name].__name__.rpartition(".")[2]
    assert module in held(), "three lines will do, see tests/protocols/base.py"

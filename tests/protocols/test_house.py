"""Every protocol is held to what `ProtocolTests` asks of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from synsim import catalogue


@pytest.mark.parametrize("name", catalogue.protocols())
def test_every_protocol_has_its_tests(name: str) -> None:
    module = catalogue.protocols()[name].__name__.rpartition(".")[2]
    file = Path(__file__).with_name(f"test_{module}.py")
    assert file.exists(), f"tests/protocols/{file.name}: three lines will do, see base.py"
    text = file.read_text(encoding="utf-8")
    assert re.search(rf"class \w+\(ProtocolTests\):(\n.*)*?\n    module = {module}\n", text)

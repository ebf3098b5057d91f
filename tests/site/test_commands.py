"""As a new user would: a wheel in an empty environment, outside the checkout, and what pages say.

Every command and code block of README.md and of the pages in docs/ is run, in a folder of its page,
and gives what the page says it gives (see `blocks`).
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.house import ROOT
from tests.site.blocks import Block, blocks
from tests.site.new_user import installed, surroundings

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
WITH_CODE = {page.stem: page for page in PAGES if blocks(page)}
#: Page -> the extra that it tells its reader to install.
EXTRAS = {"learning": "networks"}
RUNNER = Path(__file__).with_name("run_python.py")
LONGEST = 300  # seconds, of one command
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@pytest.fixture
def programs(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with nothing but the wheel and the extra of page `name`."""
    return installed(tmp_path_factory, EXTRAS.get(name))


@pytest.mark.parametrize("name", WITH_CODE)
def test_page(name: str, programs: Path, tmp_path: Path) -> None:
    found = blocks(WITH_CODE[name])
    environment = surroundings(programs) | {"MPLBACKEND": "Agg"}
    errors = ""
    for block in found:
        if block.kind == "error":
            assert " ".join(errors.split()) == " ".join(block.text.split()), f"line {block.line}"
        for command, code in block.commands if block.kind == "shell" else []:
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True,
                text=True, timeout=LONGEST, check=False,
            )  # fmt: skip
            assert done.returncode == code, f"line {block.line}: {command}\n{done.stderr}"
            assert "Traceback" not in done.stderr
            errors = done.stderr
    texts = [block.text for block in found if block.kind == "python"]
    if texts:
        check_python(texts, programs, tmp_path, environment)


def check_python(
    texts: list[str], programs: Path, place: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [str(programs / "python"), str(RUNNER)], input=json.dumps(texts), cwd=place,
        env=environment, capture_output=True, text=True, timeout=LONGEST, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for code, remark, printed in json.loads(done.stdout.splitlines()[-1]):
        if code.startswith("print(") and remark[:1] in "-0123456789(" and remark:
            assert says(remark, printed), f"{code}  # {remark}\nprinted {printed}"


def says(remark: str, printed: str) -> bool:
    """Whether the first number of a remark, or the shape in brackets, is what was printed."""
    if remark.startswith("("):
        return printed.strip() == remark.partition(")")[0] + ")" or remark in printed
    shown = _NUMBER.match(remark)
    found = _NUMBER.search(printed)
    if shown is None or found is None:
        return False
    digits = len(shown[0].partition("e")[0].partition(".")[2])
    return abs(float(found[0]) - float(shown[0])) <= 0.5001 * 10.0**-digits


def test_remarks_are_read_as_meant() -> None:
    assert says("0.5303", "0.53028\n") and not says("0.5303", "0.5313\n")
    assert says("-1012.6 levels", "-1012.63\n")
    assert says("(19, 3): three states", "(19, 3)\n") and not says("(19,)", "(18,)\n")


PAGE = """
    synsim list   # what there is
    synsim extract cell.abf   # your recording

<!-- not run: long -->
```
synsim cache
```

```bash
synsim run x # exit 2
```

    synsim: wrong

```python
print(1)  # 1
```

    dt_ms,dw
    1,2
"""


def test_pages_are_read_as_meant(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    found = blocks(page)
    assert [b.kind for b in found] == ["shell", "shell", "error", "python"]
    assert found[0].commands == [("synsim list", 0)]
    assert found[1].commands == [("synsim run x", 2)]
    assert isinstance(found[2], Block) and found[2].text == "synsim: wrong"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_block_is_passed_over_in_silence(page: Path) -> None:
    """A fenced block is Python, commands, or marked with what else it is."""
    text = page.read_text(encoding="utf-8")
    for language in re.findall(r"^```(\S*)$.*?^```$", text, re.MULTILINE | re.DOTALL):
        known = ("", "bash", "python", "text", "csv")
        assert language in known or language.startswith("{"), language

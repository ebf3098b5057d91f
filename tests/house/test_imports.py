"""What an import brings with it. `make lint` checks which module may import which."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.house import ROOT

# The command line answers --help and refuses wrong input before any of these is needed.
HEAVY = ("brian2", "sympy", "matplotlib", "pandas", "lmfit", "jax", "optax")

PACKAGES = (
    "synsim.component",
    "synsim.models",
    "synsim.protocols",
    "synsim.cli",
    "synsim.fit",
    "synsim.extract",
)

PROBE = """
import importlib, json, pkgutil, sys
name, *watched = sys.argv[1:]
package = importlib.import_module(name)
modules = [m.name for m in pkgutil.walk_packages(getattr(package, "__path__", []), name + ".")]
modules = [m for m in modules if not m.endswith(".__main__")]
brought = {}
for module in [name, *modules]:
    importlib.import_module(module)
    for library in watched:
        if library in sys.modules:
            brought.setdefault(library, module)
print(json.dumps([brought, len(modules)]))
"""


def probe(name: str, *watched: str) -> tuple[dict[str, str], int]:
    """Which watched module was brought by which module first, and how many there were."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, name, *watched],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    brought, count = json.loads(done.stdout)
    return brought, count


@pytest.mark.parametrize("package", PACKAGES)
def test_package_loads_without_heavy_libraries(package: str) -> None:
    brought, count = probe(package, *HEAVY)
    assert brought == {}
    assert count > 0


def test_import_synsim_is_light() -> None:
    code = "import sys, synsim; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()).isdisjoint((*HEAVY, "scipy"))


def test_importing_a_protocol_does_not_load_the_command_line() -> None:
    brought, _ = probe("synsim.protocols", "synsim.cli")
    assert brought == {}


def imported_distributions() -> dict[str, Path]:
    """Distribution -> a file that imports it, at the top or inside a function."""
    owners = metadata.packages_distributions()
    found: dict[str, Path] = {}
    for folder in ("synsim", "models", "protocols"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module or ""]
                else:
                    continue
                for name in (n.partition(".")[0] for n in names):
                    if name not in sys.stdlib_module_names and name not in ("synsim", "tests"):
                        found.setdefault(normal(owners.get(name, [name])[0]), path)
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_library_imported_is_declared() -> None:
    """Otherwise it is there by accident, because another one needs it."""
    text = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    declared = {normal(n) for n in re.findall(r"^    ([A-Za-z][\w.-]*) [><=!~]", text, re.M)}
    missing = {k: str(v) for k, v in imported_distributions().items() if k not in declared}
    assert missing == {}

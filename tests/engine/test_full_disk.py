"""A disk that is full while building, running or writing: one line, exit 1, nothing left.

A small tmpfs in a mount namespace of one's own is the disk, where the machine permits it; a
limit on the size of files, in a process of its own, is tried besides.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.engine.harness import (
    copy_of,
    needs_compiler,
    on_small_disk,
    plastic,
    python,
    run_plastic,
    run_stochastic,
    stand_in,
)

# One line and the exit code, as the command line has it
REPORT = """
import sys
from synsim.component import SynsimError
from tests.engine import harness
def report(work):
    try:
        work()
    except SynsimError as error:
        print(str(error), file=sys.stderr)
        sys.exit(error.exit_code)
"""


def try_out(disk: Path, size: str, code: str, **changes: str | Path) -> tuple[str, list[str]]:
    """The one line, and what is left on the disk."""
    command = [sys.executable, "-c", REPORT + code]
    code_found, out, err, left = on_small_disk(disk, size, command, changes)
    assert code_found == 1, err
    assert out == ""
    lines = [line for line in err.splitlines() if line]
    assert len(lines) == 1, err
    return lines[0], left


def test_writing_results(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    code = f"""
from synsim import results
contents = {{"summary.json": "{{}}", "data.csv": "1\\n"*40000, "figure.png": b"x"*1000}}
report(lambda: results.write_directory("{disk}/out", contents))
"""
    line, left = try_out(disk, "64k", code)
    assert line == (f"--out {disk}/out: writing failed: No space left on device; nothing was kept")
    assert left == []


def test_replacing_results_keeps_the_earlier_ones(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    code = f"""
import os
from synsim import results
os.mkdir("{disk}/out")
open("{disk}/out/summary.json", "w").write("{{}}")
contents = {{"summary.json": "{{}}", "data.csv": "1\\n"*40000}}
report(lambda: results.write_directory("{disk}/out", contents, force=True))
"""
    line, left = try_out(disk, "64k", code)
    assert "No space left on device; nothing was kept" in line
    assert sorted(left) == [f"{disk}/out", f"{disk}/out/summary.json"]


@needs_compiler
def test_generating(tmp_path: Path) -> None:
    """Brian2's sources take some 300 kB."""
    disk = tmp_path / "disk"
    line, left = try_out(disk, "100k", "report(harness.run_plastic)", SYNSIM_CACHE=disk / "cache")
    assert line == f"building in {disk}/cache failed: No space left on device; nothing was kept"
    assert [f for f in left if not f.endswith((".lock", "/cache"))] == []


@needs_compiler
def test_compiling(tmp_path: Path) -> None:
    """The disk fills up while the compiler is at work."""
    disk = tmp_path / "disk"
    fills = f"cat /dev/zero > filler; {copy_of(plastic())}"
    line, left = try_out(
        disk,
        "2m",
        "report(harness.run_plastic)",
        SYNSIM_CACHE=disk / "cache",
        CXX=stand_in(tmp_path, fills),
    )
    log = line.rpartition("its log is ")[2]
    assert line == f"the compiler '{tmp_path}/cxx' failed (exit 1); its log is {log}"
    assert sorted(left) == sorted([f"{disk}/cache", log, log.replace(".log", ".lock")])


@needs_compiler
def test_running_without_room_for_the_input(tmp_path: Path) -> None:
    run_stochastic()
    disk = tmp_path / "disk"
    line, left = try_out(disk, "4k", "report(harness.run_stochastic)", TMPDIR=disk)
    assert line.startswith(f"writing to {disk}/synsim-")
    assert line.endswith(" failed: No space left on device")
    assert left == []


@needs_compiler
def test_running_without_room_for_the_output(tmp_path: Path) -> None:
    """8 bytes a spike go in, 20 come out."""
    run_stochastic()
    disk = tmp_path / "disk"
    code = """
pre, _ = harness.pairs(64, count=100)
report(lambda: harness.run_stochastic(pre=pre, steps=20000))
"""
    line, left = try_out(disk, "100k", code, TMPDIR=disk)
    assert line.startswith("the simulation failed (exit 3): cannot write ")
    assert line.endswith("output.bin: is the disk full?")
    assert left == []


@needs_compiler
@pytest.mark.parametrize("size", ["4k", "16k"])
def test_building_without_room_for_temporary_files(tmp_path: Path, size: str) -> None:
    """The cache has room, what Brian2 tries out and the run's data have not."""
    disk = tmp_path / "disk"
    line, left = try_out(
        disk,
        size,
        "report(harness.run_plastic)",
        TMPDIR=disk,
        SYNSIM_CACHE=tmp_path / "cache",
        CXX=stand_in(tmp_path, copy_of(plastic())),
    )
    assert line.startswith(("building in ", f"writing to {disk}/synsim-"))
    assert "No space left on device" in line
    assert left == []


LIMIT = """
import resource
def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
"""


def limited(code: str, **changes: str | Path) -> str:
    """The line that is said where no file may be larger than that."""
    checked = (
        LIMIT + "try:\n    report(work)\nexcept SystemExit as stop:\n    assert stop.code == 1"
    )
    redirected = "sys.stderr = sys.stdout\n"
    out = python(REPORT + redirected + code + checked, **changes)
    lines = out.splitlines()
    assert len(lines) == 1, out
    return lines[0]


def test_file_size_limit_while_writing_results(tmp_path: Path) -> None:
    line = limited(
        f"""
from synsim import results
def work():
    limit(4096)
    results.write_directory("{tmp_path}/out", {{"data.csv": "1\\n"*40000}})
"""
    )
    assert line == f"--out {tmp_path}/out: writing failed: File too large; nothing was kept"
    assert list(tmp_path.iterdir()) == []


@needs_compiler
def test_file_size_limit_while_running(tmp_path: Path) -> None:
    run_plastic(), run_stochastic()
    line = limited("work = lambda: (limit(256), harness.run_plastic())\n", TMPDIR=tmp_path)
    assert line.startswith(f"writing to {tmp_path}/synsim-")
    assert line.endswith(" failed: File too large")
    line = limited(
        """
pre, _ = harness.pairs(64, count=100)
work = lambda: (limit(60000), harness.run_stochastic(pre=pre, steps=20000))
""",
        TMPDIR=tmp_path,
    )
    assert line.startswith("the simulation failed (exit ")
    assert list(tmp_path.iterdir()) == []

"""Bad luck: Ctrl-C, a failing compiler, a full disk, a bug. One line, the exit code, no rubbish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synsim import catalogue
from synsim.engine import cache
from tests.cli.conftest import Synsim
from tests.engine.harness import (
    ROOT,
    copy_of,
    needs_compiler,
    on_small_disk,
    plastic,
    stand_in,
    wait_for,
)

RUN = ["run", "stdp-window", "--n-pairs", "3", "--no-plot", "--out"]


def start(place: Path, *words: str, **changes: str | Path) -> subprocess.Popen[str]:
    """`synsim` in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "synsim", *words],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | {k: str(v) for k, v in changes.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def living(group: int) -> list[str]:
    """The processes of a group that have not ended (those that nobody asks after have)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        state, _, of = rest.split()[:3]
        if int(of) == group and state != "Z":
            found.append(f"{name}) {state}")
    return found


def assert_interrupted(process: subprocess.Popen[str], place: Path) -> None:
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == "synsim: interrupted; nothing was kept\n"
    assert os.listdir(place) == []
    assert os.listdir(place.parent / "tmp") == []
    until = time.monotonic() + 5
    while living(process.pid):
        assert time.monotonic() < until, living(process.pid)
        time.sleep(0.05)


def end(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.communicate()


@pytest.fixture(scope="module")
def prebuilt() -> str:
    """What a stand-in compiler does to be quick: the default program, compiled before."""
    return copy_of(plastic())


@needs_compiler
def test_ctrl_c_while_compiling(
    prebuilt: str, synsim: Synsim, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal goes to the whole group, as from a terminal; the next run works."""
    good = stand_in(tmp_path, prebuilt, "good")
    home = tmp_path / "cache"
    begun = tmp_path / "begun"
    slow = stand_in(tmp_path, f'echo half > "$out"; touch {begun}; exec sleep 60', "slow")
    process = start(place, *RUN, "o", CXX=slow, SYNSIM_CACHE=home)
    try:
        wait_for(begun.exists, process)
        time.sleep(0.3)  # until it sleeps: a shell between two commands would go on with the next
        os.killpg(process.pid, signal.SIGINT)
        assert_interrupted(process, place)
    finally:
        end(process)
    monkeypatch.setenv("SYNSIM_CACHE", str(home))
    assert [p.name for p in home.iterdir() if p.is_dir()] == []
    assert cache.entries() == []
    monkeypatch.setenv("CXX", good)
    assert synsim(*RUN, "o").lines == ["o: data.csv, summary.json"]
    assert len(cache.entries()) == 1


@needs_compiler
@pytest.mark.parametrize("whole_group", [True, False])
def test_ctrl_c_while_simulating(
    synsim: Synsim, place: Path, tmp_path: Path, whole_group: bool
) -> None:
    """In the middle of an hour's work; also where the signal goes to synsim alone."""
    assert synsim(*RUN, "warm").code == 0
    for file in (place / "warm").iterdir():
        file.unlink()
    (place / "warm").rmdir()
    process = start(place, *RUN, "o", "--rate", "0.0001Hz")
    try:
        running = place.parent / "tmp"
        wait_for(lambda: list(running.glob("synsim-*/input.bin")), process)
        time.sleep(0.3)
        assert process.poll() is None
        if whole_group:
            os.killpg(process.pid, signal.SIGINT)
        else:
            os.kill(process.pid, signal.SIGINT)
        assert_interrupted(process, place)
    finally:
        end(process)
    assert synsim(*RUN, "o").code == 0


@pytest.mark.parametrize("module", ["synsim.cli.parser", "numpy"])
def test_ctrl_c_while_loading(place: Path, module: str) -> None:
    """In the first tenth of a second, when nothing but imports has happened."""
    code = f"""
import importlib.abc, os, signal, sys
import synsim.__main__

class Pressed(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Pressed())
sys.argv[1:] = {[*RUN, "o"]!r}
sys.exit(synsim.__main__.main())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert_interrupted(process, place)
    finally:
        end(process)


def test_ctrl_c_on_the_numpy_target(place: Path) -> None:
    """Brian2 has a way of its own with this signal while it runs a network: it stops, and says so.
    What is there then is no result."""
    code = f"""
import os, signal, sys
import brian2
from synsim.cli import main

run, pressed = brian2.Network.run, []

def press():
    if not pressed:
        pressed.append(True)
        os.kill(os.getpid(), signal.SIGINT)

def pressed_while_running(self, *args, **kwargs):
    clock = next(o.clock for o in self.objects if o.name == "synsim_pre")
    self.add(brian2.NetworkOperation(press, clock=clock, name="ctrl_c"))
    return run(self, *args, **kwargs)

brian2.Network.run = pressed_while_running
sys.exit(main({[*RUN, "o", "--backend", "numpy"]!r}))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert_interrupted(process, place)
    finally:
        end(process)


def test_ctrl_c_while_writing(synsim: Synsim, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path, content: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("synsim.results._write", interrupted)
    done = synsim(*RUN, "o")
    assert (done.code, done.lines) == (130, ["synsim: interrupted; nothing was kept"])
    assert os.listdir(place) == []


@needs_compiler
def test_failing_compiler(
    synsim: Synsim, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = stand_in(tmp_path, "echo 'error: nobody likes this' >&2; exit 1")
    monkeypatch.setenv("SYNSIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", failing)
    done = synsim(*RUN, "o")
    assert (done.code, done.out) == (1, "")
    (line,) = done.lines
    log = Path(line.rpartition("its log is ")[2])
    assert line == f"synsim: the compiler '{failing}' failed (exit 1); its log is {log}"
    assert "nobody likes this" in log.read_text()
    assert os.listdir(place) == []
    # Brian2's files stay until this process ends.
    left = os.listdir(place.parent / "tmp")
    assert [name for name in left if not name.startswith("brian_")] == []


@needs_compiler
def test_cache_that_cannot_be(
    synsim: Synsim, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYNSIM_CACHE", str(tmp_path / "file" / "cache"))
    done = synsim(*RUN, "o")
    assert (done.code, done.out) == (2, "")
    assert done.lines == [
        f"synsim: the build cache {tmp_path}/file/cache cannot be used: Not a directory; "
        "SYNSIM_CACHE names another directory"
    ]
    assert synsim("cache").out == f"0 builds, 0.00 MB, in {tmp_path}/file/cache\n"
    assert os.listdir(place) == []


@pytest.mark.parametrize("figure", [[], ["--no-plot"]])
def test_full_disk(synsim: Synsim, place: Path, tmp_path: Path, figure: list[str]) -> None:
    """16 kB: the table fits, the figure does not; 4 kB: not even the table does."""
    assert synsim(*RUN, "warm").code == 0
    disk = tmp_path / "disk"
    words = ["run", "stdp-window", "--n-pairs", "3", "--out", f"{disk}/o", *figure]
    code, out, err, left = on_small_disk(
        disk, "4k" if figure else "16k", [sys.executable, "-m", "synsim", *words], {}
    )
    assert (code, out) == (1, "")
    assert err == (
        f"synsim: --out {disk}/o: writing failed: No space left on device; nothing was kept\n"
    )
    assert left == []


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (MemoryError(), 1, "out of memory; nothing was kept"),
        (OSError(5, "Input/output error", "some/file"), 1, "some/file: Input/output error"),
        (OSError("strange"), 1, "strange"),
        (KeyboardInterrupt(), 130, "interrupted; nothing was kept"),
    ],
)
def test_other_mishaps(
    synsim: Synsim,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    line: str,
) -> None:
    def run(*_: object) -> None:
        raise error

    monkeypatch.setattr(catalogue.protocol("stdp-window"), "run", run)
    done = synsim(*RUN, "o")
    assert (done.code, done.out, done.lines) == (code, "", [f"synsim: {line}"])
    assert os.listdir(place) == []


def test_a_bug_leaves_its_traceback_in_a_log(
    synsim: Synsim, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> None:
        raise ZeroDivisionError("several\nlines  of words")

    monkeypatch.setattr(catalogue.protocol("stdp-window"), "run", run)
    done = synsim(*RUN, "o")
    assert (done.code, done.out) == (1, "")
    (line,) = done.lines
    log = Path(line.rpartition("details in ")[2])
    assert line == (
        f"synsim: unexpected ZeroDivisionError: several lines of words; details in {log}"
    )
    assert log.parent == place.parent / "tmp"
    assert "Traceback (most recent call last)" in log.read_text()
    assert os.listdir(place) == []


@needs_compiler
def test_failing_compiler_of_the_cython_target(place: Path, tmp_path: Path) -> None:
    """In a process of its own, with an empty cache of Cython's: the rest compiles no more."""
    failing = tmp_path / "cxx"
    failing.write_text("#!/bin/sh\necho 'error: nobody likes this' >&2\nexit 1\n")
    failing.chmod(0o755)
    words = ["run", "pairing", "--backend", "cython", "--no-plot", "--out", "o"]
    process = start(place, *words, CC=failing, CXX=failing, CYTHON_CACHE_DIR=tmp_path)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    (line,) = err.splitlines()
    log = Path(line.rpartition("its log is ")[2])
    assert line.startswith(
        f"synsim: the compiler {str(failing)!r} failed for Brian2's cython target; "
    )
    assert "nobody likes this" in log.read_text()
    assert os.listdir(place) == []


def test_cython_without_what_it_needs(synsim: Synsim, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ["run", "pairing", "--backend", "cython", "--no-plot", "--out", "o"]
    monkeypatch.setattr("synsim.engine.compiler.python_header", lambda: Path("/none/Python.h"))
    done = synsim(*run)
    assert done.code == 2
    assert "needs Python's headers, and /none/Python.h is not there" in done.err
    monkeypatch.setenv("CXX", "no-such-compiler")
    done = synsim(*run)
    assert (done.code, len(done.lines)) == (2, 1)
    assert done.err.startswith("synsim: --backend cython needs a C++ compiler, and none was found")

"""The build cache: made once, whole or not at all, whoever asks and whatever happens."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from synsim.component import InputError
from synsim.component.errors import BuildError, CompilerMissingError
from synsim.engine import cache
from tests.engine.harness import (
    REAL,
    calls,
    copy_of,
    needs_compiler,
    plastic,
    run_plastic,
    run_stochastic,
    stand_in,
    start,
    stochastic,
    wait_for,
)

pytestmark = needs_compiler

RUN = "from tests.engine import harness; print(harness.run_plastic().final['w'].tobytes().hex())"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of one's own."""
    place = tmp_path / "cache"
    monkeypatch.setenv("SYNSIM_CACHE", str(place))
    return place


@pytest.fixture(scope="module")
def prebuilt() -> str:
    """What a stand-in compiler does to be quick: the default program, compiled before."""
    return copy_of(plastic())


@pytest.fixture(scope="module")
def other() -> str:
    """The same for the stochastic program."""
    return copy_of(stochastic())


@pytest.fixture(scope="module")
def expected() -> str:
    return run_plastic().final["w"].tobytes().hex()


def kill(process: subprocess.Popen[str]) -> None:
    """What a test started, and all that that started: it is a process group of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.communicate()


def assert_nothing_half_usable(home: Path) -> None:
    assert cache.entries() == []
    assert [p.name for p in home.iterdir() if (p / cache.PROGRAM).exists()] == []


def test_several_processes_build_once(
    tmp_path: Path, home: Path, prebuilt: str, expected: str
) -> None:
    """Four at once, into an empty cache: one compiles, all have the right result."""
    command = stand_in(tmp_path, f"sleep 1; {prebuilt}")
    processes = [start(RUN, SYNSIM_CACHE=home, CXX=command) for _ in range(4)]
    try:
        results = [p.communicate(timeout=120) for p in processes]
    finally:
        for process in processes:
            kill(process)
    assert [p.returncode for p in processes] == [0] * 4, results
    assert {out.strip() for out, _ in results} == {expected}
    assert calls(command) == 1
    assert len(cache.entries()) == 1
    assert [p.name for p in home.iterdir() if p.is_dir()] == [cache.entries()[0].name]


def test_two_programs_are_built_beside_each_other(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """A lock is for one program: another one need not wait."""
    started = tmp_path / "started"
    slow = stand_in(tmp_path, f"touch {started}; sleep 60", "slow")
    held = start(RUN, SYNSIM_CACHE=home, CXX=slow)
    try:
        wait_for(started.exists, held)
        monkeypatch.setenv("CXX", stand_in(tmp_path, other, "quick"))
        assert run_stochastic().backend == "cpp_standalone"
        assert held.poll() is None
        assert len(cache.entries()) == 1
    finally:
        kill(held)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_build_killed_while_compiling(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    prebuilt: str,
    expected: str,
    how: signal.Signals,
) -> None:
    """In mid-compile, with a part of the program written: the next run builds it and is right."""
    started = tmp_path / "started"
    half = f'echo half > "$out"; chmod +x "$out"; touch {started}; exec sleep 60'
    process = start(RUN, SYNSIM_CACHE=home, CXX=stand_in(tmp_path, half, "slow"))
    try:
        wait_for(started.exists, process)
        time.sleep(0.3)  # until it sleeps: a shell between two commands would go on with the next
        if how == signal.SIGINT:  # as the terminal does it
            os.killpg(process.pid, how)
        else:  # the compiler lives on
            os.kill(process.pid, how)
        process.wait(timeout=20)
        assert process.returncode == -how
        if how == signal.SIGINT:
            assert [p.name for p in home.iterdir() if p.is_dir()] == []
        good = stand_in(tmp_path, prebuilt, "good")
        monkeypatch.setenv("CXX", good)
        assert run_plastic().final["w"].tobytes().hex() == expected
        assert calls(good) == 1
        assert len(cache.entries()) == 1
        assert [p.name for p in home.iterdir() if p.is_dir()] == [cache.entries()[0].name]
    finally:
        kill(process)


def test_an_unfinished_build_is_not_listed(home: Path) -> None:
    """As a killed compiler, or one that is at work just now, leaves it."""
    unfinished = home / f"{'0' * 32}.building"
    unfinished.mkdir(parents=True)
    (unfinished / cache.PROGRAM).write_bytes(b"half")
    assert cache.entries() == []


def test_a_build_killed_while_generating(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, prebuilt: str, expected: str
) -> None:
    """Brian2 is at work and the compiler has not been called."""
    code = """
import os, signal
from synsim.engine import codegen
from tests.engine import harness
kept = codegen.merge
def killed(directory):
    os.kill(os.getpid(), signal.SIGKILL)
codegen.merge = killed
harness.run_plastic()
"""
    process = start(code, SYNSIM_CACHE=home)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert_nothing_half_usable(home)
    monkeypatch.setenv("CXX", stand_in(tmp_path, prebuilt))
    assert run_plastic().final["w"].tobytes().hex() == expected
    assert [p.name for p in home.iterdir() if p.is_dir()] == [cache.entries()[0].name]


def test_failing_compiler(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, prebuilt: str, expected: str
) -> None:
    words = "program.cpp:17:3: error: nobody likes this"
    failing = stand_in(tmp_path, f"echo half > \"$out\"; echo '{words}' >&2; exit 4", "failing")
    monkeypatch.setenv("CXX", failing)
    with pytest.raises(BuildError) as error:
        run_plastic()
    assert error.value.exit_code == 1
    text = str(error.value)
    assert "\n" not in text
    log = Path(text.rpartition("its log is ")[2])
    assert text == f"the compiler '{failing}' failed (exit 4); its log is {log}"
    assert words in log.read_text()
    assert "-O2" in log.read_text().splitlines()[0], "the call comes first"
    assert_nothing_half_usable(home)
    assert [p for p in home.iterdir() if p.is_dir()] == []

    with pytest.raises(BuildError):  # it is tried again, not remembered
        run_plastic()
    assert calls(failing) == 2
    monkeypatch.setenv("CXX", stand_in(tmp_path, prebuilt, "good"))
    assert run_plastic().final["w"].tobytes().hex() == expected


def test_compiler_that_says_yes_and_makes_nothing(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", stand_in(tmp_path, "exit 0"))
    with pytest.raises(BuildError, match=r"^the compiler '.*' made no program; its log is "):
        run_plastic()
    assert_nothing_half_usable(home)


def test_compiler_that_cannot_even_be_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/bin/false")
    with pytest.raises(BuildError) as error:
        run_plastic()
    assert str(error.value) == "the compiler '/bin/false' does not work: it said nothing"
    monkeypatch.setenv("CXX", f"{REAL} --no-such-option")
    with pytest.raises(BuildError, match=r"^the compiler '.* --no-such-option' does not work: .+"):
        run_plastic()
    assert not home.exists()


def test_cxx_that_is_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blank is unset; a quote that does not close is no compiler."""
    monkeypatch.setenv("CXX", " ")
    assert run_plastic().backend == "cpp_standalone"
    monkeypatch.setenv("CXX", '"g++')
    with pytest.raises(CompilerMissingError):
        run_plastic(backend="cpp_standalone")


def test_a_compiler_by_a_relative_path(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, prebuilt: str, expected: str
) -> None:
    stand_in(tmp_path, prebuilt)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXX", "./cxx")
    assert run_plastic().final["w"].tobytes().hex() == expected


def test_a_compiler_with_arguments(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, prebuilt: str, expected: str
) -> None:
    command = stand_in(tmp_path, f'echo "$1" > {tmp_path}/first; {prebuilt}')
    monkeypatch.setenv("CXX", f"{command} -DNOTHING")
    assert run_plastic().final["w"].tobytes().hex() == expected
    assert (tmp_path / "first").read_text() == "-DNOTHING\n"


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_cache_below_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    place = file / below if below else file
    monkeypatch.setenv("SYNSIM_CACHE", str(place))
    with pytest.raises(InputError) as error:
        run_plastic()
    text = str(error.value)
    assert error.value.exit_code == 2
    assert text.startswith(f"the build cache {place} cannot be used: ")
    assert text.endswith("; SYNSIM_CACHE names another directory")
    assert "\n" not in text
    assert file.read_text() == "kept"
    assert cache.entries() == []


def test_a_relative_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prebuilt: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNSIM_CACHE", "cache")
    monkeypatch.setenv("CXX", stand_in(tmp_path, prebuilt))
    assert run_plastic().final["w"].tobytes().hex() == expected


def test_a_cache_with_spaces_and_umlauts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prebuilt: str, expected: str
) -> None:
    monkeypatch.setenv("SYNSIM_CACHE", str(tmp_path / "Zwischen ablage für 'alles'"))
    monkeypatch.setenv("CXX", stand_in(tmp_path, prebuilt))
    assert run_plastic().final["w"].tobytes().hex() == expected


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for unset in (True, False):
        if unset:
            monkeypatch.delenv("SYNSIM_CACHE")
        else:
            monkeypatch.setenv("SYNSIM_CACHE", "")
        place = cache.directory()
        assert place.name == "builds" and "synsim" in place.parts
    assert not place.exists()
    assert cache.entries() == []  # looking makes nothing
    assert cache.clear() == []
    assert not place.exists()


def test_listing_and_clearing(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, prebuilt: str, expected: str
) -> None:
    command = stand_in(tmp_path, prebuilt)
    monkeypatch.setenv("CXX", command)
    run_plastic()
    (first,) = cache.entries()
    place = home / first.name
    assert first.bytes == sum(f.stat().st_size for f in place.iterdir())
    assert abs(first.last_used - time.time()) < 60
    assert os.access(place / cache.PROGRAM, os.X_OK)
    assert stat.S_ISDIR(place.stat().st_mode)

    (home / "notes.txt").write_text("not a build")
    (home / "empty").mkdir()
    assert [e.name for e in cache.entries()] == [first.name]

    # A hit is a use: that is what --older-than counts from.
    os.utime(place, (1e9, 1e9))
    assert cache.entries()[0].last_used == 1e9
    run_plastic()
    assert cache.entries()[0].last_used > time.time() - 60
    assert cache.clear(older_than=3600) == []
    assert calls(command) == 1

    older = home / "older"
    older.mkdir()
    (older / cache.PROGRAM).write_bytes(b"1234567")
    os.utime(older, (1e9, 1e9))
    assert [e.name for e in cache.entries()] == [first.name, "older"]
    assert [(e.name, e.bytes) for e in cache.clear(older_than=3600)] == [("older", 7)]
    assert not older.exists()

    assert [e.name for e in cache.clear()] == [first.name]
    assert cache.entries() == []
    assert sorted(p.name for p in home.iterdir()) == ["empty", "notes.txt"]
    assert run_plastic().final["w"].tobytes().hex() == expected
    assert calls(command) == 2


def test_clearing_takes_failed_builds_along(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", stand_in(tmp_path, "exit 1"))
    with pytest.raises(BuildError):
        run_plastic()
    (home / f"{'0' * 32}.building").mkdir()  # as a killed one leaves it
    (home / f"{'0' * 32}.lock").touch()
    assert len(list(home.iterdir())) == 4
    cache.clear()
    assert list(home.iterdir()) == []


def test_clearing_leaves_a_build_that_is_at_work(tmp_path: Path, home: Path, prebuilt: str) -> None:
    """Another process compiles while this one clears: it ends well."""
    go = tmp_path / "go"
    command = stand_in(tmp_path, f"while [ ! -e {go} ]; do sleep 0.05; done; {prebuilt}", "slow")
    process = start(RUN, SYNSIM_CACHE=home, CXX=command)
    try:
        wait_for(lambda: calls(command), process)
        assert cache.entries() == cache.clear() == []
        go.touch()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    finally:
        kill(process)
    assert out.strip() == run_plastic().final["w"].tobytes().hex()
    assert len(cache.entries()) == calls(command) == 1


def test_a_build_tells_its_stages(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, prebuilt: str
) -> None:
    monkeypatch.setenv("CXX", stand_in(tmp_path, prebuilt))
    told: list[str] = []
    run_plastic(building=told.append)
    run_plastic(building=told.append)
    assert told == ["generate", "compile"]
    kept = sorted(p.name for p in (home / cache.entries()[0].name).iterdir())
    assert kept == ["about.txt", "compiler.log", "program", "program.cpp", "program.json"]
    assert cache.entries()[0].about == "mean-field + pair, up to 128 copies"

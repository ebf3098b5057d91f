"""Help, version, list, describe, cache: what is printed and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synsim import catalogue
from synsim._version import __version__
from synsim.recordings import recordings
from tests.cli.conftest import Synsim

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("list", "describe", "run", "fit", "cache")
MODELS = {m.name: m for m in catalogue.mechanisms()}


def test_help(synsim: Synsim) -> None:
    done = synsim("--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("usage: synsim ")
    for command in COMMANDS:
        assert f"\n    {command} " in done.out
    assert synsim("-h").out == done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_commands(synsim: Synsim, command: str) -> None:
    done = synsim(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"usage: synsim {command} ")


def test_version(synsim: Synsim) -> None:
    done = synsim("--version")
    assert (done.code, done.out, done.err) == (0, f"synsim {__version__}\n", "")


@pytest.mark.parametrize("protocol", catalogue.protocols())
def test_help_of_protocols(synsim: Synsim, protocol: str) -> None:
    """Every setting as a flag, with its default; and every parameter of the rule it starts with."""
    done = synsim("run", protocol, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"usage: synsim run {protocol} ")
    kind = catalogue.protocol(protocol).Settings
    for name, spec in kind.specs().items():
        assert f"  --{name.replace('_', '-')} " in done.out, name
        assert " ".join(spec.doc.split())[:20] in " ".join(done.out.split())
    for flag in ("--out DIR", "--seed N", "--backend", "--no-plot", "--force", "--from SUMMARY"):
        assert f"  {flag}" in done.out
    if getattr(kind, "rule", None) is not None:
        for name in MODELS["pair"].specs():
            assert f"  --{name.replace('_', '-')} " in done.out
    assert synsim("run", protocol, "-h").out == done.out
    assert synsim("run", protocol, "--rate", "nonsense", "--help").out.startswith("usage")


def test_help_knows_the_preset(synsim: Synsim) -> None:
    plain = " ".join(synsim("run", "pairing", "--help").out.split())
    preset = " ".join(synsim("run", "pairing", "--synapse", "song-2000", "--help").out.split())
    assert "(default 16.8 ms)" in plain and "(default 16.8 ms)" not in preset
    assert "LTP time constant; above 0 ms (default 20 ms)" in preset


def test_names_of_scripts_that_others_rely_on(synsim: Synsim) -> None:
    window = synsim("run", "stdp-window", "--help").out
    for name in (
        *("rule", "pairing", "a-plus", "a-minus", "tau-plus", "tau-minus", "mu-plus", "mu-minus"),
        *("n-pairs", "rate", "delta-t", "repeats", "n", "p", "q", "synapse"),
    ):
        assert f"  --{name} " in window, name
    schemes = "all-to-all,nearest-symmetric,nearest-pre-centred,nearest-reduced"
    assert schemes in "".join(window.split())
    replay = synsim("run", "replay", "--help").out
    for name in ("pre", "post", "U", "tau-rec", "tau-facil", "rule", "n", "p", "q"):
        assert f"  --{name} " in replay, name


@pytest.mark.parametrize("protocol", ["stdp-window", "pairing", "replay"])
def test_scripts_are_the_same_command_line(synsim: Synsim, protocol: str, place: Path) -> None:
    """`python protocols/stdp_window.py --help` is `synsim run stdp-window --help`."""
    script = ROOT / "protocols" / f"{protocol.replace('-', '_')}.py"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, script, *words],
            cwd=place,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    mine = synsim("run", protocol, "--help")
    theirs = run("--help")
    assert (theirs.returncode, theirs.stderr) == (0, "")
    assert theirs.stdout.replace(script.name, f"synsim run {protocol}") == mine.out
    wrong = run("--rate", "5", "--out", "o")
    assert wrong.returncode == 2
    assert wrong.stderr == synsim("run", protocol, "--rate", "5", "--out", "o").err
    assert wrong.stderr.count("\n") == 1


def test_list(synsim: Synsim) -> None:
    done = synsim("list")
    assert (done.code, done.err) == (0, "")
    rows = [line.split(maxsplit=2) for line in done.out.splitlines()]
    assert all(len(row) == 3 for row in rows), "a kind, a name and a line each"
    expected = [("protocol", name) for name in catalogue.protocols()]
    expected += [("model", name) for name in MODELS]
    expected += [("preset", name) for name in catalogue.presets()]
    expected += [("recording", name) for name in recordings()]
    assert [(kind, name) for kind, name, _ in rows] == expected


@pytest.mark.parametrize("name", recordings())
def test_describe_recordings(synsim: Synsim, name: str) -> None:
    """Every comment of the file, and its columns as the file has them."""
    done = synsim("describe", name)
    assert (done.code, done.err) == (0, "")
    path = recordings()[name]
    assert done.out.startswith(f"recording {name} ({path.parent.name})\n")
    rows = path.read_text().splitlines()
    header = next(row for row in rows if not row.startswith("#"))
    assert f"\nColumns  {header.replace(',', ', ')}\n" in done.out
    for row in rows[: rows.index(header)]:
        assert row.lstrip("# ").rstrip() in done.out


@pytest.mark.parametrize("name", [*catalogue.protocols(), *MODELS, *catalogue.presets()])
def test_describe(synsim: Synsim, name: str) -> None:
    done = synsim("describe", name)
    assert (done.code, done.err) == (0, "")
    first = done.out.splitlines()[0]
    if name in MODELS:
        kind = MODELS[name]
        assert first == f"model {name} ({kind.role})"
        assert kind.equations() in done.out
        for parameter, spec in kind.specs().items():
            row = next(r for r in done.out.splitlines() if r.startswith(f"  {parameter} "))
            assert spec.doc in row and spec.allowed in row
        for preset in kind.presets:
            row = next(r for r in done.out.splitlines() if r.startswith(f"  {preset}: "))
            made = kind.preset(preset).as_text()
            for field in kind.presets[preset].values:
                assert f"{field} = {made[field]}" in row
        for citation in kind.citations:
            assert str(citation) in done.out
    elif name in catalogue.presets():
        home = catalogue.presets()[name]
        assert first == f"preset {name} of {home.name}"
        for field, text in home.preset(name).as_text().items():
            assert f"\n  {field} = {text}\n" in done.out
        assert str(home.presets[name].citation) in done.out
        assert home.presets[name].note in done.out
    else:
        assert first.startswith(f"protocol {name}: ")
        for setting in catalogue.protocol(name).Settings.specs():
            assert f"\n  {setting} " in done.out


def fake_build(home: Path, name: str, size: int, age: float) -> None:
    import time

    build = home / name
    build.mkdir(parents=True)
    (build / "program").write_bytes(b"x" * size)
    used = time.time() - age
    os.utime(build, (used, used))


def test_cache(synsim: Synsim, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "cache"
    monkeypatch.setenv("SYNSIM_CACHE", str(home))
    done = synsim("cache")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"0 builds, 0.00 MB, in {home}\n"
    assert not home.exists()

    fake_build(home, "a" * 32, 2_000_000, age=10 * 86400)
    fake_build(home, "b" * 32, 500_000, age=60)
    done = synsim("cache")
    rows = done.out.splitlines()
    assert [r.split()[0] for r in rows] == ["b" * 32, "a" * 32, "2"]
    assert "  2.00 MB  last used 20" in rows[1]
    assert rows[2] == f"2 builds, 2.50 MB, in {home}"

    done = synsim("cache", "--clear", "--older-than", "2.5")
    assert done.out.splitlines()[-1] == f"1 build, 2.00 MB, removed from {home}"
    assert [p.name for p in home.iterdir()] == ["b" * 32]
    done = synsim("cache", "--clear")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == f"1 build, 0.50 MB, removed from {home}"
    assert list(home.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error(place: Path) -> None:
    """`synsim list | head -1`"""
    reading = subprocess.Popen(
        [sys.executable, "-m", "synsim", "list"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert reading.stdout is not None and reading.stderr is not None
    reading.stdout.close()
    assert reading.stderr.read() == b""
    reading.stderr.close()
    assert reading.wait(30) == 0

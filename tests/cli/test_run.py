"""`synsim run`: results, figures, --from, --force, backends; stdout stays clean."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synsim import protocol
from synsim.protocols import pairing, stdp_window
from synsim.settings import from_texts
from tests.cli.conftest import Synsim
from tests.engine.harness import needs_compiler
from tests.protocols.base import SUMMARY_KEYS, write_trains

ROOT = Path(__file__).resolve().parents[2]
FILES = ["data.csv", "figure.png", "figure.svg", "summary.json"]
SMALL = {
    "stdp-window": ["--n-pairs", "3", "--rate", "10Hz", "--tau-plus", "12.5ms"],
    "pairing": ["--n-pairs", "5", "--rate", "20Hz", "--delta-t", "-7.3ms", "--a-minus", "0.01"],
    "replay": ["--pre", "pre.csv", "--post", "post.csv", "--U", "0.4", "--tau-rec", "300ms",
               "--tau-facil", "150ms"],
    "stp-train": ["--pulses", "4", "--repeats", "600", "--U", "0.4"],
}  # fmt: skip
TABLES = {"stp-train": ["membrane.csv"]}  # beside data.csv


def content(place: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(place.iterdir())}


@pytest.mark.parametrize("name", SMALL)
def test_every_protocol(synsim: Synsim, place: Path, name: str) -> None:
    """Results whole, stdout clean, one line; again from its summary, with the same bytes."""
    write_trains(place)
    before = set(os.listdir(place))
    done = synsim("run", name, *SMALL[name], "--out", "o", "--seed", "7")
    assert (done.code, done.out) == (0, "")
    tables = TABLES.get(name, [])
    written = ", ".join(["data.csv", *tables, "summary.json"])
    assert done.lines == [f"o: {written}, figure.png, figure.svg"]
    assert sorted(content(place / "o")) == sorted([*FILES, *tables])
    summary = json.loads((place / "o" / "summary.json").read_text())
    assert list(summary) == SUMMARY_KEYS
    assert (summary["command"], summary["seed"]) == (f"run {name}", 7)
    # Brian2 keeps what a first build of a process prints until that process ends.
    left = [p.name for p in (place.parent / "tmp").iterdir() if not p.name.startswith("brian_std")]
    assert left == []

    again = synsim("run", "--from", "o/summary.json", "--out", "again")
    assert (again.code, again.out) == (0, "")
    assert content(place / "again") == content(place / "o")
    named = synsim("run", name, "--from=o/summary.json", "--out=named", "--no-plot")
    assert named.lines == [f"named: {written}"]
    assert content(place / "named") == {
        file: data for file, data in content(place / "o").items() if "figure" not in file
    }
    assert set(os.listdir(place)) == before | {"o", "again", "named"}


def test_python_gives_the_same_numbers(synsim: Synsim, place: Path) -> None:
    assert synsim("run", "pairing", *SMALL["pairing"], "--out", "o", "--no-plot").code == 0
    flags = dict(zip(SMALL["pairing"][::2], SMALL["pairing"][1::2], strict=True))
    texts = {flag[2:].replace("-", "_"): text for flag, text in flags.items()}
    done = pairing.run(from_texts(pairing.Settings, texts))
    done.save("python", plot=False)
    assert content(place / "python") == content(place / "o")
    loaded = protocol.load(place / "o")
    assert loaded.settings.rule.a_minus == 0.01
    assert loaded.settings.delta_t == -0.0073


def test_flags_overrule_the_summary(synsim: Synsim, place: Path) -> None:
    first = ["run", "pairing", "--n-pairs", "4", "--a-plus", "0.02", "--seed", "3", "--no-plot"]
    assert synsim(*first, "--out", "o").code == 0
    done = synsim(
        "run", "--from", "o/summary.json", "--out", "p", "--a-plus", "0.03", "--seed", "9"
    )
    assert done.code == 0
    old, new = (json.loads(Path(d, "summary.json").read_text()) for d in ("o", "p"))
    assert (old["seed"], new["seed"]) == (3, 9)
    assert new["settings"] == old["settings"] | {"a_plus": "0.03"}


def test_summary_of_another_protocol(synsim: Synsim, place: Path) -> None:
    assert synsim("run", "pairing", "--n-pairs", "2", "--out", "o", "--no-plot").code == 0
    done = synsim("run", "stdp-window", "--from", "o/summary.json", "--out", "p", "--no-plot")
    assert (done.code, done.lines) == (
        2,
        [
            "synsim: --from o/summary.json: found a result of 'run pairing', expected "
            "'run stdp-window'"
        ],
    )


def test_presets(synsim: Synsim, place: Path) -> None:
    done = synsim(
        "run", "pairing", "--synapse", "song-2000,tm-depressing", "--n-pairs", "2", "--a-plus",
        "0.007", "--out", "o", "--backend", "numpy", "--no-plot",
    )  # fmt: skip
    assert done.code == 0
    settings = json.loads(Path("o/summary.json").read_text())["settings"]
    assert {k: settings[k] for k in ("a_plus", "a_minus", "tau_plus", "U", "tau_rec")} == {
        "a_plus": "0.007",
        "a_minus": "0.00525",
        "tau_plus": "20 ms",
        "U": "0.5",
        "tau_rec": "800 ms",
    }


def test_negative_values_after_a_space(synsim: Synsim, place: Path) -> None:
    run = ["run", "stdp-window", "--n-pairs", "2", "--no-plot"]
    assert synsim(*run, "--out", "a", "--delta-t", "-10ms:10ms:5ms").code == 0
    assert synsim(*run, "--out", "b", "--delta-t=-10ms:10ms:5ms").code == 0
    assert content(place / "a") == content(place / "b")
    assert Path("a/data.csv").read_text().splitlines()[1].startswith("-10.0,1,")


def test_force(synsim: Synsim, place: Path) -> None:
    run = ["run", "pairing", "--n-pairs", "2", "--out", "o"]
    assert synsim(*run).code == 0
    before = content(place / "o")
    refused = synsim(*run, "--delta-t", "5ms")
    assert refused.code == 2
    assert refused.lines == [
        "synsim: --out o: the directory is not empty, expected a new one (or --force)"
    ]
    assert content(place / "o") == before
    done = synsim(*run, "--delta-t", "5ms", "--no-plot", "--force")
    assert done.code == 0
    assert sorted(content(place / "o")) == ["data.csv", "summary.json"]
    assert content(place / "o")["data.csv"] != before["data.csv"]
    assert os.listdir(place) == ["o"]


def test_out_may_be_deep_and_odd(synsim: Synsim, place: Path) -> None:
    run = ["run", "pairing", "--n-pairs", "2", "--no-plot", "--out"]
    for out in ("a/b/c", "with space", "Fenster µ", str(place / "absolute")):
        assert synsim(*run, out).code == 0
        assert sorted(content(place / out)) == ["data.csv", "summary.json"]
    (place / "empty").mkdir()
    assert synsim(*run, "empty").code == 0


def test_notes_are_told_and_kept(synsim: Synsim, place: Path) -> None:
    done = synsim("run", "pairing", "--n-pairs", "2", "--rate", "3Hz", "--out", "o", "--no-plot")
    assert done.code == 0
    note = "the period of 3 Hz was put on the grid of 0.1 ms: it ran at 3.0003 Hz"
    assert done.lines == [f"warning: {note}", "o: data.csv, summary.json"]
    assert json.loads(Path("o/summary.json").read_text())["warnings"] == [note]


def test_the_figure_shows_the_closed_form(synsim: Synsim, place: Path) -> None:
    assert synsim("run", "stdp-window", "--n-pairs", "3", "--out", "o").code == 0
    text = Path("o/figure.svg").read_text()
    assert text.startswith("<?xml") and "Date" not in text
    assert "matplotlib.pyplot" not in text
    assert Path("o/figure.png").stat().st_size > 10_000


def test_numpy_target(synsim: Synsim, place: Path) -> None:
    run = ["run", "pairing", "--n-pairs", "3", "--no-plot"]
    assert synsim(*run, "--out", "a", "--backend", "numpy").code == 0
    summary = json.loads(Path("a/summary.json").read_text())
    assert (summary["backend"], summary["threads"]) == ("numpy", 1)
    # and from that summary, the same backend again
    assert synsim("run", "--from", "a/summary.json", "--out", "b", "--no-plot").code == 0
    assert content(place / "a") == content(place / "b")


def process(place: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "synsim", *words],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | changes,
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_compiler(place: Path) -> None:
    """In a process of its own, which imports Brian2: still two lines and no more."""
    run = ["run", "pairing", "--n-pairs", "2", "--no-plot", "--out"]
    done = process(place, *run, "o", CXX="no-such-g++")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    lines = done.stderr.splitlines()
    assert lines == [
        "warning: no C++ compiler was found (g++, clang++ or $CXX): running on the numpy target, "
        "which is slower; install one for compiled runs",
        "o: data.csv, summary.json",
    ]
    summary = json.loads((place / "o" / "summary.json").read_text())
    assert summary["backend"] == "numpy"
    assert summary["warnings"] == [lines[0].removeprefix("warning: ")]
    assert list((place.parent / "tmp").iterdir()) == []


def test_no_compiler_and_asked_for_by_name(
    synsim: Synsim, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-g++")
    done = synsim("run", "pairing", "--backend", "cpp_standalone", "--out", "o")
    assert (done.code, done.out) == (2, "")
    assert done.lines == [
        "synsim: --backend cpp_standalone needs a C++ compiler, and none was found (g++, clang++ "
        "or $CXX); install one or leave --backend away"
    ]
    assert os.listdir(place) == []


@needs_compiler
def test_two_runs_in_one_process_as_in_two(synsim: Synsim, place: Path) -> None:
    window = ["run", "stdp-window", *SMALL["stdp-window"], "--no-plot", "--out"]
    pair = ["run", "pairing", *SMALL["pairing"], "--no-plot", "--out"]
    for number, words in enumerate((window, pair, window)):
        assert synsim(*words, f"here{number}").code == 0
    assert process(place, *window, "there0").returncode == 0
    assert process(place, *pair, "there1").returncode == 0
    for number in (0, 1):
        assert content(place / f"here{number}") == content(place / f"there{number}")
    assert content(place / "here2") == content(place / "here0")


def test_a_progress_bar_on_a_terminal_only(place: Path) -> None:
    """On a pseudo-terminal: a bar that goes away; stdout stays clean."""
    pty = pytest.importorskip("pty")
    stdp_window.run(stdp_window.Settings(n_pairs=2))
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "synsim", "run", "stdp-window", "--no-plot", "--out", "o",
         "--rate", "0.1Hz"],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=slave,
        stdin=slave,
        text=True,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(master)
    out, _ = running.communicate(timeout=60)
    assert (running.returncode, out) == (0, "")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "simulating" in text
    assert text.rstrip().endswith("o: data.csv, summary.json")

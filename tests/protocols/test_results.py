"""Directories of results: written whole or not at all, and read back."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synsim import catalogue, protocol, results
from synsim.component import InputError, SynsimError
from synsim.protocols import pairing, stdp_window
from synsim.results import refuse_existing, to_csv, to_json, write_directory

CONTENTS: dict[str, results.Content] = {"summary.json": "{}", "data.csv": "a\n1\n"}


def refusal(out: Path | str, *, force: bool = False) -> str:
    with pytest.raises(InputError) as error:
        refuse_existing(out, force=force)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    with pytest.raises(InputError) as written:
        write_directory(out, CONTENTS, force=force)
    assert str(written.value) == str(error.value)
    return str(error.value)


def test_new_directory(tmp_path: Path) -> None:
    contents = CONTENTS | {"figure.png": b"\x00\xff", "made": lambda path: path.write_text("x")}
    out = write_directory(tmp_path / "deep" / "er" / "out", contents)
    assert sorted(p.name for p in out.iterdir()) == ["data.csv", "figure.png", "made",
                                                     "summary.json"]  # fmt: skip
    assert (out / "figure.png").read_bytes() == b"\x00\xff"
    assert (out / "made").read_text() == "x"
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_modes_are_those_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        out = write_directory(tmp_path / "out", CONTENTS)
    finally:
        assert os.umask(before) == 0o027
    assert stat.S_IMODE(out.stat().st_mode) == 0o750
    assert stat.S_IMODE((out / "data.csv").stat().st_mode) == 0o640


def test_an_empty_directory_will_do(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_directory(tmp_path / "out", CONTENTS)
    assert (tmp_path / "out" / "data.csv").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_is_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("kept")
    for force in (False, True):
        assert refusal(file, force=force) == (
            f"--out {file}: there is a file of that name, expected a directory"
        )
        assert refusal(file / "out", force=force) == (
            f"--out {file / 'out'}: {file} is a file, expected a directory"
        )
        assert refusal(file / "a" / "b", force=force) == (
            f"--out {file / 'a' / 'b'}: {file} is a file, expected a directory"
        )
    assert refusal(full) == (
        f"--out {full}: the directory is not empty, expected a new one (or --force)"
    )
    assert refusal(full, force=True) == (
        f"--out {full}: the directory holds no summary.json, so it is not a result of synsim and "
        "--force does not replace it"
    )
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    assert "there is a file of that name" in refusal(link)
    assert "the directory is not empty" in refusal(tmp_path)
    monkeypatch.chdir(full)
    assert "the directory is not empty" in refusal(".")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "full", "link"]
    assert (file.read_text(), (full / "notes.txt").read_text()) == ("kept", "kept")


def test_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For root everything is writable, so the question is answered for it."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    assert refusal(tmp_path / "out") == (
        f"--out {tmp_path / 'out'}: the directory {tmp_path} is not writable"
    )


def test_force_replaces_results_whole(tmp_path: Path) -> None:
    out = write_directory(tmp_path / "out", CONTENTS | {"figure.png": b"old"})
    write_directory(out, {"summary.json": '{"new": 1}'}, force=True)
    assert [p.name for p in out.iterdir()] == ["summary.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def boom(error: BaseException) -> Any:
    def write(path: Path) -> None:
        path.write_text("half")
        raise error

    return write


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(),
                                   ValueError("a bug")], ids=["disk", "Ctrl-C", "bug"])  # fmt: skip
@pytest.mark.parametrize("earlier", [False, True])
def test_all_or_nothing(tmp_path: Path, error: BaseException, earlier: bool) -> None:
    out = tmp_path / "out"
    if earlier:
        write_directory(out, CONTENTS)
    contents = {"summary.json": "{1}", "figure.png": boom(error)}
    expected = SynsimError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as found:
        write_directory(out, contents, force=True)
    if isinstance(error, OSError):
        assert str(found.value) == (
            f"--out {out}: writing failed: No space left on device; nothing was kept"
        )
        assert found.value.exit_code == 1
    assert [p.name for p in tmp_path.iterdir()] == (["out"] if earlier else [])
    if earlier:
        assert (out / "summary.json").read_text() == "{}"


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        KeyboardInterrupt(),
    ],
    ids=["disk", "Ctrl-C"],
)
def test_the_moment_of_replacing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Between moving the earlier result aside and putting the new one in its place."""
    out = write_directory(tmp_path / "out", CONTENTS)
    rename, done = Path.rename, []

    def failing(self: Path, target: Path) -> Any:
        done.append(self)
        if len(done) == 2:
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises((SynsimError, KeyboardInterrupt)):
        write_directory(out, {"summary.json": "{1}"}, force=True)
    monkeypatch.undo()
    assert len(done) >= 2
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (out / "summary.json").read_text() == "{}"


def test_nothing_is_left_of_new_parents(tmp_path: Path) -> None:
    with pytest.raises(SynsimError):
        write_directory(tmp_path / "a" / "b" / "out", {"x": boom(OSError(28, "No space"))})
    assert list(tmp_path.iterdir()) == []


# --- tables and documents ------------------------------------------------------------------


def test_csv() -> None:
    text = to_csv(
        {
            "i": np.array([1, 2]),
            "x": np.array([1 / 3, np.nan]),
            "s": ["pre", 'a "b", c'],
            "n": [None, 5e-324],
            "y": [float("inf"), -0.0],
        }
    )
    assert text == 'i,x,s,n,y\n1,0.3333333333333333,pre,,inf\n2,,"a ""b"", c",5e-324,-0.0\n'
    assert to_csv({"a": [], "b": []}) == "a,b\n"
    with pytest.raises(ValueError, match="unequal length"):
        to_csv({"a": [1], "b": [1, 2]})


def test_json() -> None:
    document = {
        "a": np.float64(1 / 3),
        "b": np.arange(3),
        "c": (np.int32(2), float("nan"), float("-inf")),
        "d": {"µ": np.bool_(True), 1: None},
    }
    text = to_json(document)
    assert json.loads(text) == {
        "a": 1 / 3,
        "b": [0, 1, 2],
        "c": [2, None, None],
        "d": {"µ": True, "1": None},
    }
    assert "µ" in text and text.endswith("}\n")
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


# --- reading -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    done = pairing.run(pairing.Settings(n_pairs=2))
    return done.save(tmp_path_factory.mktemp("results") / "out", plot=False)


def copied(saved: Path, place: Path, **changes: Any) -> Path:
    place.mkdir()
    document = json.loads((saved / "summary.json").read_text()) | changes
    kept = {k: v for k, v in document.items() if v is not ...}
    (place / "summary.json").write_text(json.dumps(kept))
    (place / "data.csv").write_bytes((saved / "data.csv").read_bytes())
    return place


def unreadable(load: Any, place: Path) -> str:
    with pytest.raises(InputError) as error:
        load(place)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_notebook_shows_the_figure(saved: Path) -> None:
    assert protocol.load(saved)._repr_png_().startswith(b"\x89PNG")


def test_load_finds_the_protocol(saved: Path) -> None:
    assert type(protocol.load(saved)) is pairing.Outcome
    assert protocol.load(str(saved)).columns["pair"].tolist() == [1, 2]
    assert set(catalogue.protocols()) >= {"pairing", "stdp-window", "replay"}


def test_load_of_what_is_no_result(saved: Path, tmp_path: Path) -> None:
    for load in (protocol.load, pairing.Outcome.load):
        missing = tmp_path / "missing"
        assert unreadable(load, missing) == (
            f"{missing / 'summary.json'}: cannot be read: No such file or directory"
        )
        assert "summary.json: cannot be read: " in unreadable(load, saved / "data.csv")
    empty = tmp_path / "empty"
    empty.mkdir()
    for number, text in enumerate(("", "no json", "[]", '"text"', "3", "null", "{}", "\x00",
                                   '{"schema": 1')):  # fmt: skip
        place = empty / str(number)
        place.mkdir()
        (place / "summary.json").write_text(text)
        for load in (protocol.load, pairing.Outcome.load):
            assert unreadable(load, place) == (
                f"{place / 'summary.json'}: found something else, expected a summary of synsim"
            )
    (empty / "0" / "summary.json").write_bytes(b"\xff\xfe{}")
    assert "found something else" in unreadable(protocol.load, empty / "0")
    newer = copied(saved, tmp_path / "newer", schema=2)
    assert unreadable(protocol.load, newer) == (
        f"{newer / 'summary.json'}: found schema 2, expected 1"
    )


def test_load_of_another_protocol(saved: Path, tmp_path: Path) -> None:
    assert unreadable(stdp_window.Outcome.load, saved) == (
        f"{saved}: found a result of 'run pairing', expected 'run stdp-window'"
    )
    fit = copied(saved, tmp_path / "fit", command="fit stdp")
    assert "found a result of 'fit stdp'" in unreadable(pairing.Outcome.load, fit)
    assert unreadable(protocol.load, fit)
    later = copied(saved, tmp_path / "later", command="run tradeoff-of-2030")
    assert "unknown protocol 'tradeoff-of-2030'" in unreadable(protocol.load, later)


@pytest.mark.parametrize("key", ["command", "settings", "results", "seed", "warnings"])
def test_load_of_a_summary_that_lacks_a_key(saved: Path, tmp_path: Path, key: str) -> None:
    place = copied(saved, tmp_path / "torn", **{key: ...})
    assert unreadable(protocol.load, place) == (
        f"{place / 'summary.json'}: found no {key!r}, expected a whole summary of synsim"
    )


@pytest.mark.parametrize("data", [None, "", "pair,t_s,w_rel\n1,2\n"])
def test_load_without_its_table(saved: Path, tmp_path: Path, data: str | None) -> None:
    place = copied(saved, tmp_path / "torn")
    if data is None:
        (place / "data.csv").unlink()
    else:
        (place / "data.csv").write_text(data)
    assert "data.csv" in unreadable(protocol.load, place)


def test_load_of_settings_of_another_version(saved: Path, tmp_path: Path) -> None:
    place = copied(saved, tmp_path / "older", settings={"lag": "5 ms"})
    assert "has no setting 'lag'" in unreadable(protocol.load, place)

"""Images: the digits that ship, MNIST with its checksums, a user's file, and what can be wrong."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from synsim.component import InputError
from synsim.networks import data, mnist

REAL = Path(os.environ.get("SYNSIM_DATA", "/nowhere")) / "mnist"
needs_mnist = pytest.mark.skipif(
    not REAL.is_dir(), reason="MNIST is not here: SYNSIM_DATA names no folder with mnist in it"
)


def test_digits() -> None:
    found = data.load("digits")
    assert found.x_train.shape == (1438, 64) and found.x_test.shape == (359, 64)
    assert found.classes == 10 and set(found.y_train) == set(range(10))
    assert found.x_train.max() == 16 and found.x_train.dtype == np.uint8
    x, y = found.train(0, len(found.y_train))
    assert abs(x.mean()) < 1e-5 and x.std() == pytest.approx(1, abs=1e-5)
    # the first of the file: a 0, its upper row 0 0 5 13 9 1 0 0
    assert y[0] == 0 and found.x_train[0, :8].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


@needs_mnist
def test_mnist() -> None:
    found = data.load("mnist")
    assert found.x_train.shape == (60_000, 784) and found.x_test.shape == (10_000, 784)
    assert found.x_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert found.x_train.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    assert found.y_train[:5].tolist() == [5, 0, 4, 1, 9]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four IDX files, and their checksums in place of MNIST's."""
    place, sums = tmp_path / "mnist", {}
    place.mkdir()
    rng = np.random.default_rng(3)
    for name, shape in zip(mnist.CONTENTS, ((6, 3, 2), (6,), (4, 3, 2), (4,)), strict=True):
        head = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
        content = head + rng.integers(0, 9, shape, dtype=np.uint8).tobytes()
        sums[name] = hashlib.sha256(content).hexdigest()
        (place / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(mnist, "CONTENTS", sums)
    monkeypatch.setenv("SYNSIM_DATA", str(tmp_path))
    return place


def test_idx(tiny: Path) -> None:
    found = data.load("mnist")
    assert found.x_train.shape == (6, 6) and found.y_test.shape == (4,)


def test_unpacked_files_do_as_well(tiny: Path) -> None:
    packed = data.load("mnist")
    for path in tiny.glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert data.load("mnist").digest == packed.digest


def test_missing_file(tiny: Path) -> None:
    path = tiny / "t10k-labels-idx1-ubyte.gz"
    path.unlink()
    with pytest.raises(InputError) as error:
        data.load("mnist")
    assert str(error.value).startswith(f"{path}: no such file; put the four files of MNIST")


@pytest.mark.parametrize("damage", ["cut", "other", "text"])
def test_damaged_file(tiny: Path, damage: str) -> None:
    path = tiny / "train-labels-idx1-ubyte.gz"
    content = path.read_bytes()
    path.write_bytes(
        {"cut": content[:-9], "other": gzip.compress(b"\0\0\x08\x01"), "text": b"moved"}[damage]
    )
    with pytest.raises(InputError, match="damaged") as error:
        data.load("mnist")
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_fetch(tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From a server (here a folder), checked, kept, and found again."""
    kept = tmp_path / "cache" / "mnist"
    monkeypatch.setattr(mnist, "fetched", lambda: kept)
    monkeypatch.setattr(mnist, "SOURCE", tiny.as_uri() + "/")
    packed = {
        name: "md5:" + hashlib.md5((tiny / f"{name}.gz").read_bytes()).hexdigest()
        for name in mnist.CONTENTS
    }
    monkeypatch.setattr(mnist, "PACKED", packed)
    monkeypatch.delenv("SYNSIM_DATA")

    def retrieve(url: str, known_hash: str, fname: str, path: Path) -> str:
        source = Path(url.removeprefix("file://"))
        assert known_hash == packed[source.name.removesuffix(".gz")]
        path.mkdir(parents=True, exist_ok=True)
        return shutil.copy(source, path / fname)

    monkeypatch.setattr("pooch.retrieve", retrieve)
    assert data.load("mnist").x_train.shape == (6, 6)
    monkeypatch.setattr("pooch.retrieve", None)
    assert data.load("mnist").x_train.shape == (6, 6)


def test_fetch_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mnist, "fetched", lambda: tmp_path / "mnist")
    monkeypatch.setattr(mnist, "SOURCE", "http://127.0.0.1:9/")
    monkeypatch.delenv("SYNSIM_DATA", raising=False)
    with pytest.raises(InputError, match=r"cannot be fetched from http://127\.0\.0\.1:9/") as error:
        data.load("mnist")
    assert "SYNSIM_DATA=FOLDER" in str(error.value)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv("SYNSIM_DATA", str(other))
    with pytest.raises(InputError, match=f"no mnist in SYNSIM_DATA={other}"):
        data.load("mnist")
    assert capfd.readouterr().err == ""  # one line is enough, and it is ours


def test_the_folder_itself_does_as_well(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNSIM_DATA", str(tiny))
    assert mnist.folder() == tiny


def own(path: Path, **changes: object) -> Path:
    rng = np.random.default_rng(1)
    arrays = {
        "x_train": rng.normal(size=(7, 2, 3)),
        "y_train": np.arange(7) % 3,
        "x_test": rng.normal(size=(5, 6)),
        "y_test": np.arange(5) % 3,
    } | changes
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    return path


def test_own(tmp_path: Path) -> None:
    found = data.load(own(tmp_path / "mine.npz"))
    assert (found.name, found.inputs, found.classes) == ("mine", 6, 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y_test": None}, "found no y_test"),
        ({"y_train": np.arange(6)}, "as many classes as images"),
        ({"y_train": np.arange(7) - 1}, "whole numbers from 0"),
        ({"x_test": np.full((5, 6), np.nan)}, "finite numbers"),
        ({"x_test": np.ones((5, 4))}, "6 pixels in x_train and 4 in x_test"),
        ({"x_train": np.ones((7, 6))}, "the same number everywhere"),
    ],
)
def test_own_is_wrong(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        data.load(own(tmp_path / "mine.npz", **changes))


@pytest.mark.parametrize("broken", ["empty", "cut", "npy"])
def test_own_is_damaged(tmp_path: Path, broken: str) -> None:
    path = own(tmp_path / "mine.npz")
    if broken == "npy":
        with path.open("wb") as file:
            np.save(file, np.ones(3))
    else:
        path.write_bytes(path.read_bytes()[: 0 if broken == "empty" else -60])
    with pytest.raises(InputError, match=r"expected what numpy\.savez writes"):
        data.load(path)


def test_no_such_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected mnist, digits or a file"):
        data.load("cifar")
    with pytest.raises(InputError, match="No such file"):
        data.load(tmp_path / "mine.npz")
    (tmp_path / "bad.npz").write_text("no")
    with pytest.raises(InputError, match="cannot be read"):
        data.load(tmp_path / "bad.npz")

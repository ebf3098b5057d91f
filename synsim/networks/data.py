"""Images to learn: the digits of MNIST, small ones that ship with synsim, or your own."""

from __future__ import annotations

import csv
import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.recordings import SHIPPED

LECUN = "LeCun, Bottou, Bengio & Haffner 1998, Proc IEEE 86:2278 (MNIST), doi:10.1109/5.726791"
ALPAYDIN = (
    "Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning "
    "Repository, doi:10.24432/C50P49"
)
_SHIPPED_DIGITS = SHIPPED / "digits" / "digits_8x8.csv"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images in rows, their classes 0 .. classes - 1, and how pixels become inputs.

    x_train, x_test : shape (images, inputs), as stored (uint8 or float32)
    y_train, y_test : shape (images,)
    centre, spread : an input is (pixel - centre)/spread
    """

    name: str
    x_train: NDArray[Any]
    y_train: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]
    centre: float
    spread: float
    classes: int
    citation: str

    @property
    def inputs(self) -> int:
        """Pixels of an image."""
        return int(self.x_train.shape[1])

    @property
    def digest(self) -> str:
        """SHA-256 of images and classes."""
        found = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()

    def train(self, first: int, last: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Inputs and classes of training images first .. last - 1."""
        return self._inputs(self.x_train[first:last]), self.y_train[first:last].astype(np.int32)

    def test(self, first: int, last: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Inputs and classes of test images first .. last - 1."""
        return self._inputs(self.x_test[first:last]), self.y_test[first:last].astype(np.int32)

    def _inputs(self, x: NDArray[Any]) -> NDArray[np.float32]:
        return (x.astype(np.float32) - np.float32(self.centre)) / np.float32(self.spread)


def load(name: str | Path) -> Dataset:
    """The images of a name: ``mnist``, ``digits``, or a file NAME.npz of your own.

    MNIST is looked for in ``$SYNSIM_DATA/mnist`` and in the user's cache, else fetched (see
    `synsim.networks.mnist`). ``digits`` are 8 x 8; every fifth is a test image. A file of your own
    holds x_train, y_train, x_test, y_test: images in rows (more axes are flattened), classes 0, 1,
    and so on.

    Raises
    ------
    InputError
        when the images are missing or damaged: which file, what was found.
    """
    if str(name) == "mnist":
        from synsim.networks import mnist

        x_train, y_train, x_test, y_test = mnist.images()
        # mean and standard deviation of the training pixels, as the paper rounds them
        return Dataset(
            "mnist", x_train, y_train, x_test, y_test, 255 * 0.1307, 255 * 0.3081, 10, LECUN
        )
    if str(name) == "digits":
        return _digits()
    return _own(Path(name))


def _digits() -> Dataset:
    with _SHIPPED_DIGITS.open(newline="", encoding="utf-8") as file:
        table = list(csv.reader(line for line in file if not line.startswith("#")))[1:]
    numbers = np.array(table, dtype=np.uint8)
    x, y, test = numbers[:, :-1], numbers[:, -1], np.arange(len(numbers)) % 5 == 4
    train = x[~test]
    return Dataset(
        "digits", train, y[~test], x[test], y[test], float(train.mean()), float(train.std()), 10,
        ALPAYDIN,
    )  # fmt: skip


_PARTS = ("x_train", "y_train", "x_test", "y_test")


def _own(path: Path) -> Dataset:
    if path.suffix != ".npz":
        raise InputError(f"{path}: found no such images, expected mnist, digits or a file NAME.npz")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [part for part in _PARTS if part not in file]
            if missing:
                raise InputError(
                    f"{path}: found no {missing[0]}, expected arrays {', '.join(_PARTS)}"
                )
            found = {part: file[part] for part in _PARTS}
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error):
        raise InputError(
            f"{path}: cannot be read, expected what numpy.savez writes, complete"
        ) from None
    for side in ("train", "test"):
        x, y = found[f"x_{side}"], found[f"y_{side}"]
        if x.ndim == 0 or len(x) == 0 or y.shape != (len(x),):
            raise InputError(
                f"{path}: found x_{side} of shape {x.shape} and y_{side} of shape {y.shape}, "
                "expected as many classes as images, at least one"
            )
        if y.dtype.kind not in "iu" or y.min() < 0:
            raise InputError(
                f"{path}: found other values in y_{side}, expected whole numbers from 0"
            )
        if x.dtype.kind not in "iuf" or not np.all(np.isfinite(x)):
            raise InputError(f"{path}: found other values in x_{side}, expected finite numbers")
        kind = np.uint8 if x.dtype == np.uint8 else np.float32
        found[f"x_{side}"] = x.reshape(len(x), -1).astype(kind)
    if found["x_train"].shape[1] != found["x_test"].shape[1]:
        raise InputError(
            f"{path}: found {found['x_train'].shape[1]} pixels in x_train and "
            f"{found['x_test'].shape[1]} in x_test, expected the same"
        )
    train = found["x_train"]
    classes = int(max(found["y_train"].max(), found["y_test"].max())) + 1
    spread = float(train.std())
    if spread == 0:
        raise InputError(f"{path}: found the same number everywhere in x_train, expected images")
    return Dataset(
        path.stem, train, found["y_train"], found["x_test"], found["y_test"], float(train.mean()),
        spread, max(classes, 2), f"{path.name}: images of the user",
    )  # fmt: skip

"""MNIST: four IDX files, found or fetched, and known by the SHA-256 of what they hold."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synsim.component import InputError
from synsim.component.errors import MissingExtraError

#: File -> SHA-256 unpacked. Packed they differ from source to source.
CONTENTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
#: SHA-256 is of what is inside; these are the MD5 of the packed files where they are fetched.
PACKED = {
    "train-images-idx3-ubyte": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "md5:d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "md5:9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "md5:ec29112dd5afa0611ce80d1b7f02629c",
}
SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist/"
HOW = (
    "put the four files of MNIST (train-images-idx3-ubyte.gz and so on) into a folder mnist and "
    "name the folder above it: SYNSIM_DATA=FOLDER"
)


def images() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Training images (60000, 784) and labels, test images (10000, 784) and labels, uint8.

    Raises
    ------
    InputError
        when a file is missing and cannot be fetched, or is not what it should be.
    """
    place = folder()
    if place is None:
        place = fetch()
    read = [idx(place, name, digest) for name, digest in CONTENTS.items()]
    return read[0].reshape(len(read[0]), -1), read[1], read[2].reshape(len(read[2]), -1), read[3]


def folder() -> Path | None:
    """``$SYNSIM_DATA/mnist``, where SYNSIM_DATA is set and has one; else the folder of earlier
    fetches, if it is whole; else None."""
    named = os.environ.get("SYNSIM_DATA")
    if named:
        if not Path(named).is_dir():
            raise InputError(f"SYNSIM_DATA={named}: no such directory")
        if (Path(named) / "mnist").is_dir():
            return Path(named) / "mnist"
        if any((Path(named) / f"{name}{end}").exists() for name in CONTENTS for end in ("", ".gz")):
            return Path(named)  # the folder itself
    kept = fetched()
    return kept if all((kept / f"{name}.gz").exists() for name in CONTENTS) else None


def fetched() -> Path:
    """Where MNIST is kept once fetched."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("synsim")) / "mnist"


def fetch() -> Path:
    """Fetch the files into the user's cache; returns the folder."""
    try:
        import pooch
    except ImportError:
        raise MissingExtraError(
            "MNIST is not here, and fetching it needs pooch: pip install 'synsim[networks]', or "
            f"{HOW}"
        ) from None
    place = fetched()
    pooch.get_logger().setLevel("WARNING")  # its own line would come before ours
    try:
        for name, digest in PACKED.items():
            pooch.retrieve(f"{SOURCE}{name}.gz", known_hash=digest, fname=f"{name}.gz", path=place)
    except Exception as error:  # requests, urllib3 and the disk each have their own
        damaged = isinstance(error, ValueError) and "hash" in str(error)
        why = "what came is damaged" if damaged else type(error).__name__
        named = os.environ.get("SYNSIM_DATA")
        looked = f" (no mnist in SYNSIM_DATA={named})" if named else ""
        raise InputError(
            f"MNIST is not here{looked} and cannot be fetched from {SOURCE} ({why}): {HOW}"
        ) from None
    return place


def idx(place: Path, name: str, digest: str) -> NDArray[np.uint8]:
    """The numbers of an IDX file, gzipped or not, in the shape that its head states."""
    packed, plain = place / f"{name}.gz", place / name
    path = packed if packed.exists() or not plain.exists() else plain
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {HOW}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        content = gzip.decompress(content) if path == packed else content
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged: {error}; remove it and get it again") from None
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise InputError(
            f"{path}: damaged or not MNIST: found SHA-256 {found[:16]}... unpacked, expected "
            f"{digest[:16]}...; remove it and get it again"
        )
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, 4).astype(int)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)

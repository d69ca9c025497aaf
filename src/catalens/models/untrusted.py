"""Files that come with models of strangers, checked before a library reads them: nothing runs, hangs or leads out."""

from __future__ import annotations

import io
import math
import re
import stat
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalens.errors import ModelError, NotFoundError
from catalens.json_text import parse_json

MAX_CARD = 2**24
"""Bytes of a card: that of a classifier names its examples."""
MAX_PARTS = 64
"""Parts of a dotted key of TOML; tomllib takes quadratic time in them."""
MAX_ARRAYS = 2**31
"""Bytes of the arrays of a classifier."""
SIZES = range(1, 8193)
"""Pixels of a side that a network may take or give."""


_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_TOML = re.compile(
    rf'''#[^\n]*+|"""(?:[^\\]|\\.)*?"{{3,5}}|\'{{3}}.*?\'{{3,5}}'''
    rf"|(?P<deep>(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_PARTS}}})|{_PART}|.",
    re.DOTALL,
)
"""What TOML is made of, as far as is needed to find the keys."""


def regular_file(path: Path, *, within: Path | None = None, most: int | None = None) -> Path:
    """The path, of a regular file.

    Args:
        within: the folder that it must lie in, links followed.
        most: bytes that it may have.

    Raises:
        NotFoundError: there is none.
        ModelError: it is a folder, a pipe or a device, lies elsewhere, or is larger.
    """
    try:
        status = path.stat()
        is_inside = within is None or path.resolve().is_relative_to(within.resolve())
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"no file at {path}", cure="copy it beside its card") from None
    except (OSError, ValueError, RuntimeError) as error:  # circles of links, impossible names
        raise ModelError(f"{path} cannot be read: {error}", cure="check the path") from None
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{path} is no regular file", cure="name a file")
    if not is_inside:
        raise ModelError(f"{path} lies outside {within}", cure="copy it into that folder")
    if most is not None and status.st_size > most:
        raise ModelError(f"{path} has {status.st_size} bytes, and {most} are the most", cure="check what it is")
    return path


def read_toml(path: Path) -> dict[str, Any]:
    """A card.

    Raises:
        NotFoundError: there is none.
        ModelError: it is no regular file, too large, or no TOML.
    """
    regular_file(path, most=MAX_CARD)
    try:
        text = path.read_text("utf-8")
        if any(found.lastgroup for found in _TOML.finditer(text)):
            raise ValueError(f"a key of more than {MAX_PARTS} parts")
        return tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not valid TOML: {error}", cure="fix it, or copy the card again") from None


def read_json(path: Path) -> Any:
    """A JSON file of a network.

    Raises:
        NotFoundError: there is none.
        ModelError: it is no regular file, too large, or no JSON.
    """
    regular_file(path, most=MAX_CARD)
    try:
        return parse_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not valid JSON: {error}", cure="save it again") from None


def size_of(height: float, width: float) -> tuple[int, int]:
    """A size in pixels from what a card says.

    Raises:
        ValueError: not two whole numbers of `SIZES`.
    """
    for side in (height, width):
        if isinstance(side, bool) or not math.isfinite(side) or int(side) != side or int(side) not in SIZES:
            raise ValueError(f"a side is {side!r}: expected a whole number from {SIZES[0]} to {SIZES[-1]}")
    return int(height), int(width)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file.

    Raises:
        NotFoundError: there is none.
        ModelError: it holds something else than plain arrays, or more than `MAX_ARRAYS` bytes.
    """
    regular_file(path, most=MAX_ARRAYS)
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("no archive of arrays, such as a pickle")
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_ARRAYS:
                raise ValueError(f"more than {MAX_ARRAYS} bytes")
            return {name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()}
    except Exception as error:  # a damaged archive fails in many ways
        said = "pickles are never read" if "pickle" in str(error) else str(error)  # numpy's words say how to read them
        raise ModelError(f"{path} does not hold plain arrays: {said}", cure="train the classifier again") from None


def _array(data: bytes) -> NDArray[Any]:
    """An array whose header says the size of what follows: numpy makes room for any size that it says."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("an array of objects: a pickle")
    if math.prod(shape) * dtype.itemsize != len(data) - file.tell() or min(shape, default=0) < 0:
        raise ValueError(f"an array of shape {shape} in {len(data)} bytes")
    return np.load(io.BytesIO(data), allow_pickle=False)  # type: ignore[no-any-return]

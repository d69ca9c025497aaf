"""Where an ONNX file keeps its weights: in itself, or in files below its folder, and nowhere else."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from catalens.errors import ModelError
from catalens.models.untrusted import regular_file

MAX_DEPTH = 100
"""Messages within messages of an ONNX file, as protobuf itself allows."""

_ONNX = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {1: "key", 2: "value"},
}
"""Message of onnx.proto -> field number -> what is in it, as far as tensors can lie there."""


def check_onnx(path: Path) -> Path:
    """The path of an ONNX file whose weights lie in it, or in regular files below its folder.

    Raises:
        NotFoundError: there is none, or such a file is missing.
        ModelError: it is no regular file, is no ONNX, or names weights that lie elsewhere.
    """
    regular_file(path)
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            places = list(_external(data, 0, len(data), "model", MAX_DEPTH))
    except (OSError, ValueError, IndexError) as error:
        raise ModelError(f"{path} does not load: it is no ONNX file: {error}", cure="copy the weights again") from None
    for place in places:
        if not place or PurePosixPath(place).is_absolute() or Path(place).is_absolute() or "\\" in place:
            raise ModelError(f"{path} keeps weights in {place!r}", cure="keep them beside the file")
        regular_file(path.parent / place, within=path.parent)
    return path


def _external(data: mmap.mmap, at: int, end: int, message: str, depth: int) -> Iterator[str]:
    """Names of files in which an ONNX message keeps weights."""
    if depth == 0:
        raise ValueError("messages too deep within messages")
    key, values = b"", []
    while at < end:
        tag, at = _varint(data, at)
        field, kind = tag >> 3, tag & 7
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        elif kind == 0:
            _, at = _varint(data, at)
            continue
        else:
            raise ValueError(f"a field of kind {kind}")
        if at + length > end:
            raise ValueError("a field ends behind its message")
        inside = _ONNX[message].get(field) if kind == 2 else None
        if inside == "key":
            key = data[at : at + length]
        elif inside == "value":
            values.append(data[at : at + length])
        elif inside is not None:
            yield from _external(data, at, at + length, inside, depth - 1)
        at += length
    if message == "entry" and key == b"location":
        yield from (value.decode("utf-8") for value in values or [b""])


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("a number without an end")

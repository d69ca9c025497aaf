"""An index on disk: one file, written whole or not at all, checked before it is believed.

    magic (8 bytes) | length of the head (8, little-endian) | CRC-32 of the head (8) | head (JSON) | sections

Each section starts at a multiple of 64 bytes, and the head names its place, length and CRC-32: "lists" (what FAISS
writes), "ids" int64, "scales" float32, "codes" int16. The codes are not read into memory but mapped, so that the
system keeps those rows that searches need, and shares them between processes.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from catalens.files import make_private_folder, private_opener, sync
from catalens.index.ivf import Effort, InvertedFile
from catalens.index.rows import Metric, ShortRows
from catalens.index.vector_index import Trained
from catalens.json_text import parse_json
from catalens.types import IntArray

SUFFIX = ".faiss"
_MAGIC = b"CTLNIDX1"
_ALIGNMENT = 64
_BLOCK = 1 << 20


class IndexFileError(Exception):
    """The file is not one that was written here whole. It is never passed on: the index is made anew."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an index file was made of: a space of a store, up to a vector and up to an erasure."""

    space: str
    dim: int
    metric: Metric
    last_vector: int
    last_erased: int


def write_index(path: Path, trained: Trained, stamp: Stamp) -> None:
    """Write rows and lists; what was at `path` stays until the new file is on the disk.

    Raises:
        OSError: the disk is full, read-only, or the like; nothing is left behind.
    """
    sections = _sections(trained)
    lists = trained.lists
    head = {
        "stamp": asdict(stamp),
        "rows": len(trained.rows.ids),
        "trained_on": lists.trained_on,
        "unfiltered": asdict(lists.unfiltered),
        "tenth": asdict(lists.tenth),
        "sections": {name: [data.nbytes, zlib.crc32(data.data)] for name, data in sections.items()},
    }
    make_private_folder(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb", opener=private_opener) as file:
            _write(file, json.dumps(head).encode(), sections)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def _sections(trained: Trained) -> dict[str, NDArray[Any]]:
    rows, index = trained.rows, trained.lists.index
    codes, gone = rows.codes, np.flatnonzero(rows.ids < 0)
    if len(gone):  # nothing of what was removed goes into a file
        codes = rows.codes.copy()
        codes[gone] = 0
        index = cast("faiss.IndexIVF", faiss.clone_index(index))
        _blank(cast("faiss.InvertedLists", index.invlists), gone)
    lists = faiss.serialize_index(index)
    arrays: dict[str, NDArray[Any]] = {"lists": lists, "ids": rows.ids, "scales": rows.scales, "codes": codes}
    return {name: np.ascontiguousarray(data).reshape(-1).view(np.uint8) for name, data in arrays.items()}


def _blank(lists: faiss.InvertedLists, rows: IntArray) -> None:
    """Overwrite the codes of some rows in the lists; the rows stay, since others go by their numbers."""
    for number in range(lists.nlist):
        size = lists.list_size(number)
        if size:
            found = np.isin(faiss.rev_swig_ptr(lists.get_ids(number), size), rows)
            codes = faiss.rev_swig_ptr(lists.get_codes(number), size * lists.code_size)
            codes.reshape(size, lists.code_size)[found] = 0


def _write(file: BinaryIO, head: bytes, sections: Mapping[str, NDArray[np.uint8]]) -> None:
    file.write(_MAGIC + len(head).to_bytes(8, "little") + zlib.crc32(head).to_bytes(8, "little") + head)
    for data in sections.values():
        file.write(b"\0" * (-file.tell() % _ALIGNMENT))
        file.write(data.data)


def read_stamp(path: Path) -> Stamp:
    """Read only what a file was made of.

    Raises:
        IndexFileError: it is absent, of another kind or version, or its head is damaged.
    """
    try:
        with path.open("rb") as file:
            return _stamp(_head(file))
    except OSError as error:
        raise IndexFileError(str(error)) from error


def read_index(path: Path) -> tuple[Trained, Stamp]:
    """Read rows and lists, every byte checked; the codes stay in the file, mapped.

    Raises:
        IndexFileError: it is absent, of another kind or version, or damaged.
    """
    try:
        with path.open("rb") as file:
            head = _head(file)
            places = _places(file, head)
            read = {name: _section(file, *places[name]) for name in ("lists", "ids", "scales")}
            start, size, crc = places["codes"]
            if _crc(file, start, size) != crc:
                raise IndexFileError("its rows are damaged")
        return _assembled(path, head, read, start), _stamp(head)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:  # RuntimeError: FAISS
        raise IndexFileError(str(error)) from error


def _assembled(path: Path, head: Mapping[str, Any], read: Mapping[str, bytes], codes_start: int) -> Trained:
    stamp, count = _stamp(head), int(head["rows"])
    codes = np.memmap(path, np.int16, "r", codes_start, (count, stamp.dim))
    rows = ShortRows(codes, np.frombuffer(read["scales"], np.float32), np.frombuffer(read["ids"], np.int64))
    index = cast("faiss.IndexIVF", faiss.deserialize_index(np.frombuffer(read["lists"], np.uint8)))
    if not (len(rows.ids) == len(rows.scales) == index.ntotal == count and index.d == stamp.dim):
        raise IndexFileError("its parts do not fit together")
    efforts = Effort(**head["unfiltered"]), Effort(**head["tenth"])
    return Trained(rows, InvertedFile(index, *efforts, int(head["trained_on"])))


def _head(file: BinaryIO) -> Mapping[str, Any]:
    start = file.read(24)
    if len(start) < 24 or start[:8] != _MAGIC:
        raise IndexFileError("it is no index file of this version")
    length = int.from_bytes(start[8:16], "little")
    if length > _BLOCK:
        raise IndexFileError("its head is damaged")
    head = file.read(length)
    if zlib.crc32(head) != int.from_bytes(start[16:24], "little"):
        raise IndexFileError("its head is damaged")
    found: Mapping[str, Any] = parse_json(head)
    return found


def _stamp(head: Mapping[str, Any]) -> Stamp:
    return Stamp(**head["stamp"])


def _places(file: BinaryIO, head: Mapping[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Where each section starts, its length in bytes and its CRC-32."""
    places: dict[str, tuple[int, int, int]] = {}
    position = file.tell()
    for name, (size, crc) in head["sections"].items():
        start = position + -position % _ALIGNMENT
        places[name] = (start, size, crc)
        position = start + size
    if file.seek(0, os.SEEK_END) != position:
        raise IndexFileError("it is not as long as its head says")
    return places


def _section(file: BinaryIO, start: int, size: int, crc: int) -> bytes:
    file.seek(start)
    data = file.read(size)
    if zlib.crc32(data) != crc:
        raise IndexFileError("its lists are damaged")
    return data


def _crc(file: BinaryIO, start: int, size: int) -> int:
    file.seek(start)
    crc = 0
    for block in _blocks(file, size):
        crc = zlib.crc32(block, crc)
    return crc


def _blocks(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (block := file.read(min(size, _BLOCK))):
        size -= len(block)
        yield block

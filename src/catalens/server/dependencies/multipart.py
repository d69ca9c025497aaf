"""multipart/form-data (RFC 7578) of a file in memory or on disk: where its parts lie, found in linear time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote

from catalens.errors import UsageError

MAX_PARTS = 66
"""Parts of a form: 64 fields, 2 pictures."""
MAX_PART_HEAD = 4096
"""Bytes of the header fields of a part."""
_WINDOW = 2**20
_PARAMETER = re.compile(r';[ \t]*([A-Za-z*]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)(?:"|$)|([^;\s]*))')


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form.

    Args:
        filename: None for a field that is no file.
        start, stop: where its content lies in the body, in bytes.
    """

    name: str
    filename: str | None
    start: int
    stop: int

    def read(self, body: BinaryIO) -> bytes:
        """Its content."""
        body.seek(self.start)
        return body.read(self.stop - self.start)


class PartFile:
    """A part that is a file, read from where it lies."""

    def __init__(self, body: BinaryIO, part: Part) -> None:
        self._body, self._at, self._stop = body, part.start, part.stop
        self.filename = part.filename or ""

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; empty at the end."""
        self._body.seek(self._at)
        found = self._body.read(min(size, self._stop - self._at))
        self._at += len(found)
        return found


def boundary_of(content_type: str) -> bytes:
    """Boundary that a Content-Type header names.

    Raises:
        UsageError: it names none of 1 to 70 characters.
    """
    found = _parameters(content_type).get("boundary", "").encode("latin-1", "replace")
    if not 1 <= len(found) <= 70 or b"\r" in found or b"\n" in found:
        raise _unreadable("its Content-Type has no boundary")
    return found


def find_parts(body: BinaryIO, boundary: bytes) -> list[Part]:
    """Parts of a form, in their order; their content is not read.

    Raises:
        UsageError: the form is malformed or has too many parts.
    """
    delimiter, parts = b"\r\n--" + boundary, list[Part]()
    body.seek(0)
    at = len(delimiter) - 2 if body.read(len(delimiter) - 2) == delimiter[2:] else _find(body, delimiter, 0)[1]
    while True:
        body.seek(at)
        head = body.read(MAX_PART_HEAD)
        if head.startswith(b"--"):
            return parts
        line, _, rest = head.partition(b"\r\n")
        fields, blank, _ = rest.partition(b"\r\n\r\n")
        if line.strip(b" \t") or not blank:
            raise _unreadable("a part has no header fields, or too long ones")
        if len(parts) == MAX_PARTS:
            raise _unreadable(f"it has more than {MAX_PARTS} parts")
        name, filename = _names(fields)
        start = at + len(line) + 2 + len(fields) + 4
        stop, at = _find(body, delimiter, start)
        parts.append(Part(name, filename, start, stop))


def _find(body: BinaryIO, delimiter: bytes, start: int) -> tuple[int, int]:
    """Where the next delimiter begins and ends."""
    body.seek(start)
    kept = b""
    while window := body.read(_WINDOW):
        looked = kept + window
        found = looked.find(delimiter)
        if found >= 0:
            begins = start - len(kept) + found
            return begins, begins + len(delimiter)
        start += len(window)
        kept = looked[-len(delimiter) + 1 :]
    raise _unreadable("it ends within a part")


def _names(fields: bytes) -> tuple[str, str | None]:
    """Name and file name of a part."""
    try:
        lines = fields.decode("utf-8").split("\r\n")
    except UnicodeDecodeError:
        raise _unreadable("a name is not in UTF-8") from None
    given = next((line for line in lines if line.lower().startswith("content-disposition:")), "")
    found = _parameters(given)
    if "name" not in found:
        raise _unreadable("a part has no name")
    filename = found.get("filename")
    if "filename*" in found:  # RFC 8187
        filename = unquote(found["filename*"].rpartition("'")[2])
    return found["name"], filename


def _parameters(header: str) -> dict[str, str]:
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        for name, quoted, plain in _PARAMETER.findall(header)
    }


def _unreadable(why: str) -> UsageError:
    return UsageError(f"the form is not readable: {why}", cure="send one file, few fields")

"""Text files of unknown encoding, as physical lines with bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from catalens.errors import FeedError, NotFoundError

LINE_CAP = 4 * 1024 * 1024
"""Characters of a line; what is longer is cut there and reported."""
_CHUNK = 1024 * 1024
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def encoding_of(path: Path) -> str:
    """Find the encoding: by its byte order mark, else UTF-8 where all of it is, else Windows-1252.

    Raises:
        NotFoundError: no such file.
        FeedError: empty, or no text.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_CHUNK)
            if not head:
                raise FeedError(f"{path} is empty", cure="export it again")
            for mark, name in _BOMS:
                if head.startswith(mark):
                    return name
            if b"\0" in head:
                raise FeedError(f"{path} is no text file", cure="give a CSV, TSV, JSON Lines or XML export")
            return "utf-8" if _is_utf8(head, file.read) else "cp1252"
    except FileNotFoundError:
        raise NotFoundError(f"no file at {path}", cure="check the path") from None
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}", cure="check its permissions") from None


def _is_utf8(head: bytes, more: object) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        part = head
        while part:
            decoder.decode(part)
            part = more(_CHUNK)  # type: ignore[operator]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def encoding_note(encoding: str) -> tuple[str, ...]:
    """What to tell the user of the encoding, where it was guessed."""
    return ("the text is not UTF-8 and was read as Windows-1252",) if encoding == "cp1252" else ()


def physical_lines(path: Path, encoding: str) -> Iterator[str]:
    """Lines with their ends; one longer than the cap comes as a text of more than `LINE_CAP`, its rest dropped."""
    # cp1252 leaves five bytes undefined: show a replacement rather than fail.
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        while line := file.readline(LINE_CAP + 1):
            if len(line) > LINE_CAP:
                while rest := file.readline(LINE_CAP):
                    if rest.endswith("\n"):
                        break
            yield line


def head_of(path: Path, encoding: str) -> str:
    """The first characters of a file, for recognition."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        return file.read(64 * 1024)

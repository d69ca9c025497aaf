"""Text files of unknown encoding, as physical lines with bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from catalens.errors import FeedError, UsageError
from catalens.feeds.encodings import SAMPLE, guess_encoding, is_nearly_utf8
from catalens.images.paths import nothing_at

LINE_CAP = 4 * 1024 * 1024
"""Characters of a line; what is longer is cut there and reported."""
_CHUNK = 1024 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHOWN = {
    "cp1252": "Windows-1252",
    "cp932": "Shift_JIS",
    "cp949": "EUC-KR",
    "gb18030": "GBK",
    "big5": "Big5",
    "koi8_r": "KOI8-R",
    "euc_jp": "EUC-JP",
}


def encoding_of(path: Path, given: str | None = None) -> str:
    """Find the encoding: as given, by its byte order mark, UTF-8 where it is, else the most plausible one.

    Raises:
        NotFoundError: no such file.
        FeedError: empty, or no text.
        UsageError: no such encoding.
    """
    if given is not None:
        try:
            "".encode(given)
            codecs.lookup(given)
        except (LookupError, ValueError):
            cure = "name one such as utf-8, windows-1252, gbk, shift_jis"
            raise UsageError(f"no encoding {given!r}", cure=cure) from None
    try:
        with path.open("rb") as file:
            head = file.read(_CHUNK)
            if not head:
                raise FeedError(f"{path} is empty", cure="export it again")
            if given is not None:
                return given
            for mark, name in _BOMS:
                if head.startswith(mark):
                    return name
            if b"\0" in head:
                return _without_mark(head, path)
            odd = _odd_lines(head, file.read)
    except FileNotFoundError:
        raise nothing_at(path) from None
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}", cure="check its permissions") from None
    if not odd:
        return "utf-8"
    return "utf-8" if is_nearly_utf8(odd) else guess_encoding(odd)


def _without_mark(head: bytes, path: Path) -> str:
    """UTF-16 without its mark: every other byte of ASCII is 0."""
    half = max(1, len(head) // 2)
    for name, part in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(head) > 4 and part.count(0) > 0.4 * half and head.count(0) < 0.6 * len(head):
            return name
    raise FeedError(f"{path} is no text file", cure="give a CSV, TSV, JSON Lines or XML export")


def _odd_lines(head: bytes, more: object) -> bytes:
    """Lines that are not ASCII, up to a sample, of a file that is not UTF-8 from end to end; b"" of one that is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    odd, part, is_utf8 = b"", head, True
    while part:
        if is_utf8:
            try:
                decoder.decode(part)
            except UnicodeDecodeError:
                is_utf8 = False
        if len(odd) < SAMPLE and not part.isascii():
            odd += b"\n".join(line for line in part.split(b"\n") if not line.isascii())[:SAMPLE] + b"\n"
        if not is_utf8 and len(odd) >= SAMPLE:
            break
        part = more(_CHUNK)  # type: ignore[operator]
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        is_utf8 = False
    return b"" if is_utf8 else odd


def encoding_note(path: Path, encoding: str, given: str | None = None) -> tuple[str, ...]:
    """What to tell the user of the encoding, where it was guessed."""
    if given is not None or encoding.startswith(("utf-16", "utf-32")) or encoding == "utf-8-sig":
        return ()
    if encoding != "utf-8":
        name = _SHOWN.get(encoding, encoding.replace("cp", "Windows-"))
        return (f"the text is not UTF-8 and was read as {name}; --encoding NAME overrules",)
    with path.open("rb") as file:
        head = file.read(_CHUNK)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return ("some bytes are not UTF-8 and are shown as \ufffd",)
    return ()


def physical_lines(path: Path, encoding: str) -> Iterator[str]:
    """Lines with their ends; one longer than the cap comes as a text of more than `LINE_CAP`, its rest dropped."""
    # Bytes that the encoding does not have are shown as a replacement rather than fail.
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

"""Text files of a shop's own in the folder of its catalog: synonyms, rules and the name of its text encoder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from catalens.errors import StorageError, UsageError
from catalens.files import PRIVATE_FILE
from catalens.images.draw import write_atomically
from catalens.storage.database import storage_error

Name: TypeAlias = Literal["synonyms.txt", "rules.txt", "text-encoder.txt"]
NAMES: tuple[Name, ...] = get_args(Name)
_BETWEEN = re.compile(r"([,，、;；\t|])")
LARGEST = 1 << 20
"""Bytes of one file."""

Stamp: TypeAlias = tuple[int, int, int]


class ShopFiles:
    """The files of a catalog; kept in memory where it lies in no folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory: dict[Name, str] = {}

    def stamp(self, name: Name) -> Stamp:
        """Another one whenever the file changed."""
        if self._folder is None:
            return len(self._memory.get(name, "")), hash(self._memory.get(name, "")), 0
        try:
            found = (self._folder / name).stat()
        except OSError:
            return 0, 0, 0
        return found.st_size, found.st_mtime_ns, found.st_ino

    def read(self, name: Name) -> str:
        """The text; "" where there is no such file.

        Raises:
            StorageError: it cannot be read, is over 1 MB, or is not UTF-8.
        """
        if self._folder is None:
            return self._memory.get(name, "")
        path = self._folder / name
        try:
            if path.stat().st_size > LARGEST:
                raise StorageError(f"{name} in the catalog's folder is larger than {LARGEST} bytes", cure="shorten it")
            return path.read_text("utf-8-sig")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            raise StorageError(f"{name} in the catalog's folder is not UTF-8", cure="save it as UTF-8") from None
        except OSError as error:
            raise StorageError(
                f"{name} in the catalog's folder cannot be read: {error.strerror}", cure="check the file"
            ) from error

    def write(self, name: Name, text: str) -> None:
        """Replace the file; an empty text removes it.

        Raises:
            StorageError: the disk is full or read-only, or the text is over 1 MB.
            UsageError: the text has lone surrogates.
        """
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"{name} would not be UTF-8: {error.reason}", cure="leave out lone surrogates") from None
        if len(data) > LARGEST:
            raise StorageError(f"expected at most {LARGEST} bytes, got {len(data)}", cure="shorten it")
        if self._folder is None:
            self._memory[name] = text
        elif text:
            write_atomically(self._folder / name, data, durable=True, mode=PRIVATE_FILE)
        else:
            try:
                (self._folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(self._folder / name, error) from error

    def forget(self, skus: Container[str]) -> dict[Name, str]:
        """Take skus out of synonyms and rules; return the files that had any of them, as they were.

        Files that no search could read, too: of another encoding, or with lines that are none.

        Raises:
            OSError, StorageError: a file cannot be read or written.
        """
        changed: dict[Name, str] = {}
        for name in NAMES[:2]:
            if self._folder is None:
                text = self._memory.get(name, "")
            else:
                path = self._folder / name
                text = path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else ""
            if (kept := without_skus(text, skus)) == text:
                continue
            changed[name] = text
            if self._folder is None or not kept:
                self.write(name, kept)
            else:
                data = kept.encode("utf-8", "surrogateescape")
                write_atomically(self._folder / name, data, durable=True, mode=PRIVATE_FILE)
        return changed


def without_skus(text: str, skus: Container[str]) -> str:
    """Lines of synonyms or rules without some skus: of a list of words or skus the others stay, if that is one still.

    A line that is left with one word, names nothing else, is about a sku, or is a comment with one, goes.
    """
    return "".join(filter(None, (_line_without(line, skus) for line in text.splitlines(keepends=True))))


def _line_without(line: str, skus: Container[str]) -> str:
    parts = _BETWEEN.split(line)
    fields, signs = parts[::2], parts[1::2]
    if line.lstrip().startswith("#"):
        return "" if any(_names(word, skus) for word in (*line.split(), *fields)) else line
    if any(_names(quoted, skus) for quoted in re.findall(r'"([^"]*)"', line)):
        return ""
    gone = [place for place, field in enumerate(fields) if _names(field, skus)]
    if not gone:
        return line
    bars = [place for place, sign in enumerate(signs) if sign == "|"]
    if bars and (gone[0] <= bars[0] or len(bars) < 2):  # the query of a rule
        return ""
    first = bars[1] + 1 if bars else 0
    kept = [field.strip() for place, field in enumerate(fields[first:], start=first) if place not in gone]
    kept = [field for field in kept if field]
    if len(kept) < (1 if bars else 2):
        return ""
    before = "".join(field + sign for field, sign in zip(fields[:first], signs, strict=False))
    return f"{before}{' ' if bars else ''}{', '.join(kept)}\n"


def _names(field: str, skus: Container[str]) -> bool:
    plain = " ".join(unicodedata.normalize("NFKC", field).split()).removeprefix("#").strip(" .:()'\"")
    return bool(plain) and any(form in skus for form in (field.strip(), plain, plain.casefold()))

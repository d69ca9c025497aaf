"""Text files of a shop's own in the folder of its catalog: synonyms and rules, for hands and editors to write."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from catalens.errors import StorageError
from catalens.files import PRIVATE_FILE
from catalens.images.draw import write_atomically

Name: TypeAlias = Literal["synonyms.txt", "rules.txt"]
NAMES: tuple[Name, ...] = ("synonyms.txt", "rules.txt")
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
                raise StorageError(f"{path} is larger than {LARGEST} bytes", cure="shorten it")
            return path.read_text("utf-8-sig")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            raise StorageError(f"{path} is not UTF-8", cure="save it as UTF-8") from None
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}", cure="check the file") from error

    def write(self, name: Name, text: str) -> None:
        """Replace the file; an empty text removes it.

        Raises:
            StorageError: the disk is full or read-only, or the text is over 1 MB.
        """
        data = text.encode()
        if len(data) > LARGEST:
            raise StorageError(f"expected at most {LARGEST} bytes, got {len(data)}", cure="shorten it")
        if self._folder is None:
            self._memory[name] = text
        elif text:
            write_atomically(self._folder / name, data, durable=True, mode=PRIVATE_FILE)
        else:
            (self._folder / name).unlink(missing_ok=True)

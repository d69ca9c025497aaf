"""A JSON file of secrets that several processes read and change: locked, replaced whole, readable by its owner only."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from catalens.errors import CatalensError, StorageError
from catalens.images.draw import write_atomically
from catalens.json_text import parse_json
from catalens.storage.lock import WriterLock

MAX_BYTES = 64 * 2**20
"""Bytes of the file: some 200,000 keys."""
LOCK_WAIT_S = 30.0
"""Seconds to wait for other processes that change the file; each takes a few milliseconds."""
SETTLED_S = 2.0
"""Age in seconds from which a change of a file shows in its time stamp (a tick of the coarsest file systems)."""

T = TypeVar("T")


class SecretFile(Generic[T]):
    """What a file holds, read again when it changes.

    Args:
        parse: JSON value -> what is kept; raises ValueError, TypeError or KeyError where it is nonsense.
        holds, cure: for the message: what it should hold, and what to do where it does not.
    """

    def __init__(self, path: Path, parse: Callable[[Any], T], *, holds: str, cure: str) -> None:
        self.path, self._parse, self._holds, self._cure = path, parse, holds, cure
        self._guard = threading.Lock()
        self._known: tuple[tuple[int, ...], T] | None = None

    def read(self) -> T | None:
        """What it holds; None where there is no file.

        Raises:
            StorageError: it is there and cannot be read or understood.
        """
        with self._guard:
            try:
                status = self.path.stat()
                stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
                if self._known is not None and self._known[0] == stamp:
                    return self._known[1]
                if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                    raise ValueError("it is no regular file, or too large")
                found = self._parse(parse_json(self.path.read_text("utf-8")))
            except FileNotFoundError:
                self._known = None
                return None
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise StorageError(f"{self.path} holds no {self._holds}: {error}", cure=self._cure) from None
            is_settled = time.time() - status.st_mtime > SETTLED_S
            self._known = (stamp, found) if is_settled else None
            return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes and threads from changing the file, from reading it to writing it.

        Raises:
            CatalogBusyError: it is locked by others for long.
            StorageError: the folder cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self.path.parent} cannot be made: {error.strerror}", cure="check it") from None
        with WriterLock(self.path.with_name(f"{self.path.name}.lock"), wait_s=LOCK_WAIT_S):
            yield

    def write(self, value: object) -> None:
        """Replace the file; it is on the disk when this returns. Call it within `locked`.

        Raises:
            StorageError: it cannot be written.
        """
        write_atomically(self.path, json.dumps(value, indent=1).encode(), durable=True, mode=0o600)

    def remove(self) -> None:
        """Delete the file, if it is there. Call it within `locked`."""
        self.path.unlink(missing_ok=True)


def mark(path: Path, text: str) -> bool:
    """Make a file that says something by being there; False where it cannot be written."""
    try:
        write_atomically(path, text.encode(), durable=True, mode=0o600)
    except CatalensError:
        return False
    return True

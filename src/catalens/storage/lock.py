"""One writer at a time: a lock file beside the database that says who holds it."""

from __future__ import annotations

import os
import socket
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType

from catalens.errors import CatalogBusyError
from catalens.files import PRIVATE_FILE, try_lock
from catalens.storage.database import storage_error

_HOLDER_BYTES = 128  # fixed, so that naming the holder needs no new block on a full disk
_POLL_S = 0.02


class WriterLock:
    """Held while this process writes; released by the system when the process dies, however it dies.

    SQLite lets one writer in per transaction; this lock holds for a whole `add`, so that two of them do not interleave
    and the second one learns who is at work.

    Args:
        path: the lock file; made if absent, never deleted.
        wait_s: seconds to wait for another writer.

    Raises:
        CatalogBusyError: it is held for longer than `wait_s`; the message names the holder.
        StorageError: the file cannot be written.
    """

    def __init__(self, path: Path, *, wait_s: float) -> None:
        self._path = path
        self._wait_s = wait_s
        self._file: int | None = None

    def __enter__(self) -> WriterLock:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), PRIVATE_FILE)
        except OSError as error:
            raise storage_error(self._path, error) from error
        try:
            self._wait(file)
            _name_holder(file, self._path)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _wait(self, file: int) -> None:
        deadline = time.monotonic() + self._wait_s
        while not try_lock(file):
            if time.monotonic() >= deadline:
                holder = os.read(file, _HOLDER_BYTES).decode("utf-8", "replace").strip() or "another process"
                raise CatalogBusyError(
                    f"{self._path.parent} is being written by {holder}",
                    cure="wait until it is done; reading and searching go on meanwhile",
                )
            time.sleep(_POLL_S)


def _name_holder(file: int, path: Path) -> None:
    holder = f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M:%S}"
    line = holder.encode("utf-8")[: _HOLDER_BYTES - 1].ljust(_HOLDER_BYTES - 1) + b"\n"
    try:
        os.write(file, line)
    except OSError as error:
        raise storage_error(path, error) from error

"""Rate limit of API keys: a token bucket for each, shared by all worker processes of a service."""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
import threading
import time
from pathlib import Path

BURST = 10
"""Capacity of a bucket, in seconds of calls."""
_BUCKET = struct.Struct("<dd")


class RateLimiter:
    """Token buckets in small files.

    Args:
        folder: shared by the worker processes; None for a service of one process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}
        self._guard = threading.Lock()

    def take(self, id: str, per_second: float) -> float:
        """Take one token of a key: 0 where there was one, else the seconds until there is."""
        with self._guard:
            file = self._file(id)
            fcntl.flock(file, fcntl.LOCK_EX)  # against other processes
            try:
                return _take_token(file, per_second)
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)

    def _file(self, id: str) -> int:
        if id not in self._files:
            if self._folder is None:
                with tempfile.TemporaryFile() as nameless:
                    self._files[id] = os.dup(nameless.fileno())
            else:
                self._files[id] = os.open(self._folder / f"rate-{id}", os.O_RDWR | os.O_CREAT, 0o600)
        return self._files[id]


def _take_token(file: int, per_second: float) -> float:
    full, now = BURST * per_second, time.time()
    known = os.pread(file, _BUCKET.size, 0)
    left, at = _BUCKET.unpack(known) if len(known) == _BUCKET.size else (full, now)
    left = min(full, left + max(0.0, now - at) * per_second)
    os.pwrite(file, _BUCKET.pack(left - (left >= 1), now), 0)
    return 0.0 if left >= 1 else float((1 - left) / per_second)

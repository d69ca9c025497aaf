"""Pool of decode workers: untrusted pictures are decoded in processes that are killed and replaced when they fail."""

from __future__ import annotations

import io
import os
import queue
import select
import struct
import subprocess
import sys
import threading
import time
from typing import IO

import numpy as np

from catalens.errors import ImageError, ImageLimitError
from catalens.json_text import parse_json
from catalens.types import ImageArray

HEAD, ANSWER = struct.Struct("<?IQ"), struct.Struct("<BQ")
"""Headers as `decode_worker` describes: transparency, target side and size; kind and size."""
DEADLINE_S = 5.0
"""Seconds of wall time for one picture."""
START_S = 30.0
"""Seconds for a worker to get ready."""
_CHUNK = 2**20


class DecodePool:
    """Worker processes that decode pictures, each started when first needed.

    Args:
        count: number of workers.
        deadline_s: seconds after which the decoding of a picture and its worker are ended.
    """

    def __init__(self, count: int, *, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._free: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(None)
        self._count = count
        self.replaced = 0
        """Number of workers that were replaced."""
        self._guard = threading.Lock()

    def read(self, data: bytes, *, target: int | None = None, transparent: bool = False) -> ImageArray:
        """Pixels of an encoded picture (HWC uint8), as `read_image` returns them; `read_pixels` with `transparent`.

        Raises:
            ImageError, ImageLimitError: as `read_image`; also where decoding timed out or crashed the worker.
        """
        worker = self._free.get()
        try:
            if worker is None or not worker.is_alive():
                worker = _Worker()
            try:
                return worker.read(data, target=target, transparent=transparent, deadline_s=self._deadline_s)
            except _WorkerDeathError as death:
                worker.end()
                worker = _Worker()  # starts loading before the next picture comes
                with self._guard:
                    self.replaced += 1
                raise ImageError(
                    f"the picture could not be decoded: {death}", cure="save it again in an image editor"
                ) from None
        finally:
            self._free.put(worker)

    def close(self) -> None:
        """End all workers."""
        for worker in [self._free.get() for _ in range(self._count)]:
            if worker is not None:
                worker.end()
            self._free.put(None)


class _WorkerDeathError(Exception):
    """A worker crashed or timed out."""


class _Worker:
    def __init__(self) -> None:
        command = [sys.executable, "-m", "catalens.server.services.decode_worker"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._is_ready = False
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)  # a stopped worker must not block its caller

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # unwritten bytes of a dead worker
                    continue

    def read(self, data: bytes, *, target: int | None, transparent: bool, deadline_s: float) -> ImageArray:
        given, out = self._process.stdin, self._process.stdout
        assert given is not None
        assert out is not None
        try:
            if not self._is_ready:
                self._is_ready = bool(_read_exactly(out, 1, time.monotonic() + START_S))
            until = time.monotonic() + deadline_s
            _write_all(given, HEAD.pack(transparent, target or 0, len(data)) + data, until)
            kind, size = ANSWER.unpack(_read_exactly(out, ANSWER.size, until))
            body = _read_exactly(out, size, until)
        except OSError:
            raise _WorkerDeathError("its decoder stopped") from None
        if kind:
            found: ImageArray = np.load(io.BytesIO(body), allow_pickle=False)
            return found
        answer = parse_json(body)
        raise (ImageLimitError if answer["kind"] == "ImageLimitError" else ImageError)(
            answer["what"], cure=answer["cure"]
        )


def _write_all(pipe: IO[bytes], data: bytes, until: float) -> None:
    left = memoryview(data)
    while left:
        _wait(pipe, select.POLLOUT, until)
        left = left[os.write(pipe.fileno(), left[:_CHUNK]) :]


def _wait(pipe: IO[bytes], event: int, until: float) -> None:
    """Wait until a pipe may be read or written. Polled, for `select` knows no more than 1,024 files."""
    ready = select.poll()
    ready.register(pipe, event)
    if not ready.poll(max(0.0, 1000 * (until - time.monotonic()))):
        raise _WorkerDeathError("it took too long")


def _read_exactly(pipe: IO[bytes], size: int, until: float) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        _wait(pipe, select.POLLIN, until)
        part = os.read(pipe.fileno(), min(_CHUNK, size - len(parts)))
        if not part:
            raise _WorkerDeathError("its decoder stopped")
        parts += part
    return bytes(parts)

"""Pictures of strangers are decoded in processes of their own, killed and replaced when a picture does them harm."""

from __future__ import annotations

import io
import json
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
from catalens.types import ImageArray

HEAD, ANSWER = struct.Struct("<IQ"), struct.Struct("<BQ")
"""As `decoder.py` says: longest side and size; kind and size."""
DEADLINE_S = 5.0
"""For one picture, wall time."""
START_S = 30.0
"""For a process to be ready for its first picture."""
_CHUNK = 2**20


class Decoders:
    """So many decoding processes, started when they are first needed.

    Args:
        count: how many.
        deadline_s: after which a picture is given up, and its process with it.
    """

    def __init__(self, count: int, *, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._free: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(None)
        self._count = count
        self.replaced = 0
        """Processes that died of a picture."""
        self._guard = threading.Lock()

    def read(self, data: bytes, *, target: int | None = None) -> ImageArray:
        """As `read_image`, of bytes.

        Raises:
            ImageError, ImageLimitError: as there; also where decoding took too long or ended the process.
        """
        worker = self._free.get()
        try:
            if worker is None or not worker.is_alive():
                worker = _Worker()
            try:
                return worker.read(data, target=target, deadline_s=self._deadline_s)
            except _WorkerDeathError as death:
                worker.end()
                worker = _Worker()  # begins to load now, not when the next picture comes
                with self._guard:
                    self.replaced += 1
                raise ImageError(
                    f"the picture could not be decoded: {death}", cure="save it anew in an image editor"
                ) from None
        finally:
            self._free.put(worker)

    def close(self) -> None:
        """End all processes."""
        for worker in [self._free.get() for _ in range(self._count)]:
            if worker is not None:
                worker.end()
            self._free.put(None)


class _WorkerDeathError(Exception):
    """A decoding process is of no more use; says why."""


class _Worker:
    def __init__(self) -> None:
        command = [sys.executable, "-m", "catalens.server.decoder"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._is_ready = False
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)  # one that is stopped must not stop its caller

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was not yet written cannot be written any more
                    continue

    def read(self, data: bytes, *, target: int | None, deadline_s: float) -> ImageArray:
        given, out = self._process.stdin, self._process.stdout
        assert given is not None
        assert out is not None
        try:
            if not self._is_ready:
                self._is_ready = bool(_exactly(out, 1, time.monotonic() + START_S))
            until = time.monotonic() + deadline_s
            _all_of(given, HEAD.pack(target or 0, len(data)) + data, until)
            kind, size = ANSWER.unpack(_exactly(out, ANSWER.size, until))
            body = _exactly(out, size, until)
        except OSError:
            raise _WorkerDeathError("its decoder ended") from None
        if kind:
            found: ImageArray = np.load(io.BytesIO(body), allow_pickle=False)
            return found
        told = json.loads(body)
        raise (ImageLimitError if told["kind"] == "ImageLimitError" else ImageError)(told["what"], cure=told["cure"])


def _all_of(pipe: IO[bytes], data: bytes, until: float) -> None:
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


def _exactly(pipe: IO[bytes], size: int, until: float) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        _wait(pipe, select.POLLIN, until)
        part = os.read(pipe.fileno(), min(_CHUNK, size - len(parts)))
        if not part:
            raise _WorkerDeathError("its decoder ended")
        parts += part
    return bytes(parts)

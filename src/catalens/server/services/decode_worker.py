"""Worker process that decodes untrusted pictures: `python -m catalens.server.services.decode_worker`.

Protocol: it writes one byte when ready. A request on standard input is whether transparency is kept, the target side (0
for full size), the number of bytes, the bytes; an answer on standard output is a kind, the number of bytes, the bytes:
kind 1 and an array in NumPy's format, or kind 0 and an error as JSON.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from catalens.errors import CatalensError
from catalens.images.read import read_image, read_pixels

HEAD, ANSWER = struct.Struct("<?IQ"), struct.Struct("<BQ")
READY = b"."
MAX_MEMORY = 2**30
"""Bytes of address space beyond those in use at the start."""
MAX_CPU_S = 10
"""CPU seconds for one picture."""


def main() -> None:
    """Decode until standard input ends."""
    cv2.setNumThreads(1)
    read_image(np.zeros((2, 2, 3), np.uint8))  # loads lazy imports before memory is limited
    most = _address_space() + MAX_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    given, out = sys.stdin.buffer, sys.stdout.buffer
    out.write(READY)
    out.flush()
    while len(head := given.read(HEAD.size)) == HEAD.size:
        transparent, target, size = HEAD.unpack(head)
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + MAX_CPU_S
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        _answer(out, given.read(size), target or None, transparent=transparent)


def _answer(out: BinaryIO, data: bytes, target: int | None, *, transparent: bool) -> None:
    try:
        pixels = io.BytesIO()
        read = read_pixels if transparent else read_image
        np.save(pixels, read(data, target=target), allow_pickle=False)
        kind, body = 1, pixels.getvalue()
    except CatalensError as error:
        answer = {"kind": type(error).__name__, "what": error.what, "cure": error.cure}
        kind, body = 0, json.dumps(answer).encode()
    out.write(ANSWER.pack(kind, len(body)))
    out.write(body)
    out.flush()


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main()

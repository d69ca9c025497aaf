"""JPEG files without their end marker: told from files that are cut off."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from catalens.types import ImageArray

_END = b"\xff\xd9"
_SCAN = b"\xff\xda"
_FILLERS = (b"\0" * 64, b"\x55" * 64, b"\xaa" * 64, b"\xfe" * 64)


def with_end(data: bytes, image: JpegImageFile) -> bytes | None:
    """Bytes of a JPEG with the end marker that it lacks; None where it has one, or lacks more than that.

    Nothing but the marker is missing where the pixels are the same whatever bytes follow. This is known only of one
    scan of all channels without restart markers: a further scan, or a restart interval, may be missing unnoticed.
    """
    if data.endswith(_END) or {"progressive", "progression"} & image.info.keys() or b"\xff\xdd" in data:
        return None
    scan = data.rfind(_SCAN)
    if scan < 0 or data[scan + 4 : scan + 5] != bytes([image.layers]) or data.find(_END, scan) >= 0:
        return None
    body = data.rstrip(b"\xff")
    first, *others = (_decoded(body + filler + _END) for filler in _FILLERS)
    return body + _END if all(np.array_equal(first, other) for other in others) else None


def _decoded(data: bytes) -> ImageArray:
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        return np.asarray(image)

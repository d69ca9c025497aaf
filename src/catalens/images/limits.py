"""Limits on pictures, checked from the header before anything is decoded."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from catalens.errors import ImageError, ImageLimitError

# Never "MPO": Pillow then raises KeyError on every unknown file. A JPEG with an MPO tail opens as its first picture.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")

MAX_BYTES = 80 * 2**20
"""Of a file. Cameras of 61 megapixels write JPEGs of up to 60 MB; a PNG of 40 megapixels has 60 to 80 MB."""
MAX_SIDE = 12_000
MAX_PIXELS = 40_000_000
MAX_JPEG_PIXELS = 110_000_000
"""Of a JPEG; above `MAX_PIXELS` it is decoded at a reduced scale. Telephones write up to 108 megapixels, cameras 61."""
MAX_ASPECT = 50
MAX_SCANS = 64
"""Scans of a progressive JPEG. Encoders write about ten; each costs 40 ms at 36 megapixels and 80 bytes of file."""

_SCAN = b"\xff\xda"
# The next marker after entropy-coded data, where 0xFF is followed by 0x00 (stuffing), 0xFF (fill) or a restart.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_END = 0xD9


def check_size(width: int, height: int, *, name: str, most: int = MAX_PIXELS) -> None:
    """Refuse a picture whose header announces too many pixels.

    Args:
        most: number of pixels; `MAX_JPEG_PIXELS` of a file that can be decoded at a reduced scale.

    Raises:
        ImageError: no pixels.
        ImageLimitError: too many pixels, too long a side, or too narrow.
    """
    if min(width, height) < 1:
        raise ImageError(f"{name} has no pixels ({width}x{height})", cure="replace it by a picture")
    if max(width, height) > MAX_SIDE or width * height > most:
        raise ImageLimitError(
            f"{name} has {width}x{height} pixels; at most {MAX_SIDE} a side and {most // 10**6} million are read",
            cure="save it smaller",
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageLimitError(
            f"{name} is {width}x{height}; at most {MAX_ASPECT}:1 is read", cure="crop it to the product"
        )


def require_rgb(image: NDArray[np.generic]) -> None:
    """Refuse an array that is not HxWx3 uint8 with at least one pixel.

    Raises:
        ImageError: it is not.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ImageError(
            f"expected HxWx3 uint8 and got {image.dtype} {image.shape}", cure="read it with catalens.read_image"
        )


def check_scans(data: bytes, *, name: str) -> None:
    """Refuse a progressive JPEG with so many scans that decoding would take hours.

    Raises:
        ImageLimitError: more than `MAX_SCANS`.
    """
    # The plain count also sees previews and what is appended to the file, so it only acquits.
    if data.count(_SCAN) > MAX_SCANS and _scans(data) > MAX_SCANS:
        raise ImageLimitError(f"{name} has more than {MAX_SCANS} scans", cure="save it again as JPEG")


def _scans(data: bytes) -> int:
    """Number of scans of the first picture in a JPEG file, counted up to the limit (ITU-T T.81, annex B)."""
    place, scans = 2, 0
    while scans <= MAX_SCANS:
        found = _NEXT_MARKER.search(data, place)
        if found is None or data[found.end() - 1] == _END:
            break
        marker = data[found.end() - 1]
        scans += marker == _SCAN[1]
        length = 0 if marker in _STANDALONE else int.from_bytes(data[found.end() : found.end() + 2], "big")
        place = found.end() + length
    return scans

"""Small pictures, and files of them, that several tests read."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from catalens.types import ImageArray

ARROW = np.array(
    [[[250, 10, 10], [10, 250, 10], [10, 10, 250]], [[250, 250, 10], [10, 250, 250], [250, 10, 250]]], "u1"
)
"""2x3, six colors: each of the eight orientations looks different."""


def picture(size: tuple[int, int] = (48, 64)) -> ImageArray:
    """A smooth gradient, kind to lossy formats."""
    y, x = np.indices(size, np.float32)
    return np.stack([255 * x / max(size[1], 2), 255 * y / max(size[0], 2), 255 - 120 * x / max(size[1], 2)], -1).astype(
        "u1"
    )


def encoded(image: Image.Image | ImageArray, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, format, **options)
    return buffer.getvalue()


def difference(a: ImageArray, b: ImageArray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).max())


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, depth: int, color: int, rows: bytes, extra: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", head)
        + extra
        + png_chunk(b"IDAT", zlib.compress(rows, 9))
        + png_chunk(b"IEND", b"")
    )


def tiff(*, bits: int, sample: int) -> bytes:
    """One pixel of RGB, little-endian; `sample` is the tag SampleFormat (TIFF 6.0, section 19)."""
    after = 8 + 2 + 9 * 12 + 4
    entries = [
        (256, 3, 1, 1),  # width
        (257, 3, 1, 1),
        (258, 3, 3, after),  # bits of each sample
        (259, 3, 1, 1),  # not compressed
        (262, 3, 1, 2),  # RGB
        (273, 4, 1, after + 12),  # where the pixels lie
        (277, 3, 1, 3),
        (279, 4, 1, 3 * bits // 8),
        (339, 3, 3, after + 6),
    ]
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4)
    return head + struct.pack("<6H", *[bits] * 3, *[sample] * 3) + bytes(3 * bits // 8)


def display_p3() -> bytes:
    """A matrix profile with the primaries of Display P3 (D50-adapted: SMPTE EG 432-1, ICC.1:2022 annex E)."""
    primaries = {
        "rXYZ": (0.51512, 0.24120, -0.00105),
        "gXYZ": (0.29198, 0.69225, 0.04189),
        "bXYZ": (0.15710, 0.06657, 0.78407),
    }

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    tags = {name: b"XYZ \0\0\0\0" + b"".join(map(fixed, xyz)) for name, xyz in primaries.items()}
    tags["wtpt"] = b"XYZ \0\0\0\0" + b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    curve = b"para\0\0\0\0\0\3\0\0" + b"".join(map(fixed, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)))
    tags |= dict.fromkeys(("rTRC", "gTRC", "bTRC"), curve)
    tags["desc"] = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + bytes(79)
    tags["cprt"] = b"text\0\0\0\0none\0"
    table, body, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        table += name.encode() + struct.pack(">II", offset + len(body), len(value))
        body += padded
    head = struct.pack(">I4sI4s4s4s", offset + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body

"""Color spaces that a file names by numbers (ITU-T H.273) instead of an ICC profile: AVIF and PNG -> sRGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray

_WHITE = (0.3127, 0.3290)
_SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_PRIMARIES = {
    1: _SRGB,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
"""BT.709, BT.2020 and Display P3: chromaticities of red, green and blue (H.273, table 2); all have a white of D65."""
_SDR, _PQ = frozenset({1, 6, 13, 14, 15}), 16
"""TransferCharacteristics (H.273, table 3). Those of SDR count as sRGB's, as browsers take them."""
_WHITE_NITS = 203.0
"""Luminance of diffuse white in PQ (ITU-R BT.2408)."""
_STEPS = 1 << 14
_ROWS = 256
"""Rows that are converted at a time: the intermediate values are floats."""


def through_cicp(pixels: ImageArray, data: bytes) -> ImageArray:
    """Pixels HxWx3 or HxWx4 uint8 of a file -> sRGB; themselves where the file names no other color space.

    Colors outside sRGB, and lights above diffuse white, are clipped.
    """
    primaries, transfer = _named(data)
    if primaries not in _PRIMARIES or (transfer != _PQ and (transfer not in _SDR or primaries == 1)):
        return pixels
    linear, encoded = (_from_pq if transfer == _PQ else _from_srgb)(np.arange(256) / 255), _to_srgb_steps()
    matrix = np.linalg.inv(_to_xyz(_SRGB)) @ _to_xyz(_PRIMARIES[primaries])
    for top in range(0, len(pixels), _ROWS):
        rows = pixels[top : top + _ROWS, :, :3]
        light = cv2.transform(linear[rows], matrix.astype(np.float32))
        rows[:] = encoded[np.rint(np.clip(light, 0, 1) * (_STEPS - 1)).astype(np.uint16)]
    return pixels


def _named(data: bytes) -> tuple[int, int]:
    """Numbers of primaries and transfer; 2 ("unspecified") where the file names none."""
    if data.startswith(b"\x89PNG"):
        place = data.find(b"\0\0\0\4cICP", 0, data.find(b"IDAT"))
        numbers = data[place + 8 : place + 10]
        return (numbers[0], numbers[1]) if place > 0 and len(numbers) == 2 else (2, 2)
    place = data.find(b"colrnclx")
    numbers = data[place + 8 : place + 12]
    if data[4:8] != b"ftyp" or place < 0 or len(numbers) < 4:
        return 2, 2
    return int.from_bytes(numbers[:2], "big"), int.from_bytes(numbers[2:], "big")


def _from_srgb(values: NDArray[np.float64]) -> FloatArray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _from_pq(values: NDArray[np.float64]) -> FloatArray:
    """SMPTE ST 2084, as shares of diffuse white."""
    root = values ** (32 / 2523)
    nits = 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (16384 / 2610)
    return (nits / _WHITE_NITS).astype(np.float32)


def _to_srgb_steps() -> ImageArray:
    """Light in `_STEPS` steps -> sRGB, uint8."""
    light = np.linspace(0, 1, _STEPS)
    values = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(values * 255), np.uint8)


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """3x3, linear RGB -> XYZ."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    x, y = _WHITE
    return columns * np.linalg.solve(columns, np.array([x / y, 1, (1 - x - y) / y]))

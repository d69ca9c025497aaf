"""Color spaces that a file names by numbers (ITU-T H.273)."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from catalens.images.read import read_image, read_rgba
from tests.pictures import display_p3, encoded, png, png_chunk


def _png(color: tuple[int, int, int], extra: bytes) -> bytes:
    return png(8, 300, depth=8, color=2, rows=(b"\0" + bytes(color) * 8) * 300, extra=extra)


def _avif(color: tuple[int, int, int], primaries: int, transfer: int) -> bytes:
    data = encoded(Image.new("RGB", (64, 64), color), "AVIF", quality=100, subsampling="4:4:4")
    place = data.index(b"colrnclx") + 8
    return data[:place] + primaries.to_bytes(2, "big") + transfer.to_bytes(2, "big") + data[place + 4 :]


# Display P3 and BT.2020 values of sRGB's red and green as CSS Color 4 converts them; 148 of 255 is 203 cd/m2 in PQ.
@pytest.mark.parametrize(
    ("color", "primaries", "transfer", "srgb"),
    [
        ((234, 51, 35), 1, 13, (234, 51, 35)),
        ((234, 51, 35), 2, 2, (234, 51, 35)),
        ((234, 51, 35), 99, 13, (234, 51, 35)),
        ((234, 51, 35), 12, 99, (234, 51, 35)),
        ((0, 0, 0), 12, 13, (0, 0, 0)),
        ((128, 128, 128), 12, 13, (128, 128, 128)),
        ((234, 51, 35), 12, 13, (255, 0, 0)),
        ((117, 251, 76), 12, 13, (0, 255, 0)),
        ((0, 255, 0), 12, 13, (0, 255, 0)),
        ((148, 148, 148), 9, 16, (255, 255, 255)),
        ((148, 148, 148), 1, 16, (255, 255, 255)),
        ((255, 255, 255), 9, 16, (255, 255, 255)),
        ((0, 0, 0), 9, 16, (0, 0, 0)),
    ],
)
def test_colors(color: tuple[int, int, int], primaries: int, transfer: int, srgb: tuple[int, int, int]) -> None:
    chunk = png_chunk(b"cICP", bytes([primaries, transfer, 0, 1]))
    for data in (_png(color, chunk), _avif(color, primaries, transfer)):
        assert np.abs(read_image(data).astype(int) - srgb).max() <= 4


def test_transparency_stays() -> None:
    data = png(1, 1, depth=8, color=6, rows=b"\0\xea\x33\x23\x50", extra=png_chunk(b"cICP", bytes([12, 13, 0, 1])))
    assert np.abs(read_rgba(data)[0, 0].astype(int) - (255, 0, 0, 0x50)).max() <= 3


@pytest.mark.parametrize("extra", [b"", png_chunk(b"cICP", b"")])
def test_a_chunk_that_is_none(extra: bytes) -> None:
    assert read_image(_png((234, 51, 35), extra))[0, 0].tolist() == [234, 51, 35]


def test_a_profile_goes_first() -> None:
    image = Image.new("RGB", (64, 64), (234, 51, 35))
    data = encoded(image, "PNG", icc_profile=display_p3())
    head, rest = data[:33], data[33:]
    chunk = png_chunk(b"cICP", bytes([12, 13, 0, 1]))
    assert np.array_equal(read_image(head + chunk + rest), read_image(data))

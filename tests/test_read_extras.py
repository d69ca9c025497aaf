"""HEIC and JPEG XL: as other formats where their decoders are installed, named with the extra where not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from catalens.errors import ImageError, ImageLimitError
from catalens.images import extras
from catalens.images.read import read_header, read_image, read_rgba
from catalens.types import ImageArray
from tests.pictures import display_p3, encoded

HEIC = Path(__file__).parent / "fixtures" / "heic"
"""Drawn for these tests and written by libheif: red left, green and blue right; turned by EXIF orientation 6."""
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def painted() -> ImageArray:
    """64x96: red left, green above blue on the right."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:, :48], pixels[:32, 48:], pixels[32:, 48:] = RED, GREEN, BLUE
    return pixels


def near(pixel: ImageArray, color: tuple[int, ...]) -> bool:
    return bool(np.abs(pixel.astype(int) - color).max() <= 3)


def test_a_heic_is_upright() -> None:
    pytest.importorskip("pi_heif", reason="pi-heif is in the heic extra")
    header, image = read_header(HEIC / "turned.heic"), read_image(HEIC / "turned.heic")
    assert (header.format, header.size, image.shape) == ("HEIF", (96, 64), (96, 64, 3))
    assert near(image[5, 5], RED)
    assert near(image[-5, -5], GREEN)
    assert near(image[-5, 5], BLUE)


def test_a_heic_in_display_p3_and_one_with_transparency() -> None:
    pytest.importorskip("pi_heif", reason="pi-heif is in the heic extra")
    # The red of sRGB is (234, 51, 35) in Display P3.
    assert near(read_image(HEIC / "display-p3.heic")[30, 30], RED)
    rgba = read_rgba(HEIC / "transparent.heic")
    assert (rgba[5, 80, 3], rgba[5, 5, 3]) == (0, 255)


def test_a_jpeg_xl_with_its_profile_and_transparency() -> None:
    jxl = pytest.importorskip("pylibjxl", reason="pylibjxl is in the jxl extra")
    pixels = painted()
    assert np.array_equal(read_image(jxl.encode(pixels, lossless=True)), pixels)
    assert read_header(jxl.encode(pixels)).size == (64, 96)
    clear = np.dstack([pixels, np.full((64, 96), 255, np.uint8)])
    clear[:32, 48:, 3] = 0
    rgba = read_rgba(jxl.encode(clear, lossless=True))
    assert (rgba[5, 80, 3], rgba[5, 5, 3]) == (0, 255)
    grey = np.ascontiguousarray(pixels[..., :1])
    assert np.array_equal(read_image(jxl.encode(grey, lossless=True)), np.repeat(grey, 3, axis=2))
    tagged = jxl.encode(pixels, lossless=True, icc=display_p3())
    as_png = read_image(encoded(pixels, "PNG", icc_profile=display_p3()))
    assert np.abs(read_image(tagged).astype(int) - as_png).max() <= 2


def heic() -> bytes:
    return (HEIC / "turned.heic").read_bytes()


def jxl_file() -> bytes:
    jxl = pytest.importorskip("pylibjxl", reason="pylibjxl is in the jxl extra")
    return bytes(jxl.encode(painted()))


@pytest.mark.parametrize("whole", [heic, jxl_file])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_broken_one_is_an_error(whole: object, keep: float) -> None:
    pytest.importorskip("pi_heif", reason="pi-heif is in the heic extra")
    assert callable(whole)
    data = whole()
    with pytest.raises(ImageError):
        read_image(data[: int(len(data) * keep)])


@pytest.mark.parametrize("whole", [heic, jxl_file])
def test_limits_hold_before_a_pixel_is_decoded(whole: object, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pi_heif", reason="pi-heif is in the heic extra")
    assert callable(whole)
    data = whole()
    for name in ("MAX_HEIC_PIXELS", "MAX_PIXELS"):
        monkeypatch.setattr(f"catalens.images.decode.{name}", 1000)
    monkeypatch.setattr(extras._JxlImageFile, "load", None)
    with pytest.raises(ImageLimitError, match="pixels"):
        read_image(data)


@pytest.mark.parametrize(
    ("data", "package", "extra"),
    [(heic(), "pi_heif", "heic"), (b"\xff\x0a" + bytes(40), "pylibjxl", "jxl")],
)
def test_without_the_extra_it_is_named(data: bytes, package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImageError) as caught:
        read_image(data)
    assert f'pip install "catalens[{extra}]"' in caught.value.cure


def test_a_large_heic_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pi_heif", reason="pi-heif is in the heic extra")
    monkeypatch.setattr("catalens.images.decode.MAX_PIXELS", 5000)
    assert read_image(HEIC / "turned.heic").shape == (48, 32, 3)

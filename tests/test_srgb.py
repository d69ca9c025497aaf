"""Color: profiles, palettes, CMYK and deep pictures become the same 8-bit sRGB."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from catalens.images.read import read_image, read_rgba
from catalens.images.srgb import hex_color
from tests.pictures import difference, display_p3, encoded, picture, png, png_chunk


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_profiles_become_srgb(format: str) -> None:
    """Display P3 (200, 100, 50) is sRGB (215, 93, 31): worked out from the two matrices and the sRGB curve."""
    image = Image.new("RGB", (32, 32), (200, 100, 50))
    lossless: dict[str, dict[str, Any]] = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 100, "subsampling": 0},
        "AVIF": {"quality": 100},
    }
    data = encoded(image, format, icc_profile=display_p3(), **lossless.get(format, {}))
    expected = np.full((32, 32, 3), p3_to_srgb((200, 100, 50)), "u1")
    assert difference(read_image(data), expected) <= 3
    assert difference(read_image(data), np.asarray(image)) > 8
    assert difference(read_image(Image.open(io.BytesIO(data))), expected) <= 3


LAB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def p3_to_srgb(color: tuple[int, int, int]) -> tuple[int, ...]:
    """By the definitions (SMPTE EG 432-1, IEC 61966-2-1), not through any profile."""
    p3 = np.array(
        [[0.48657095, 0.26566769, 0.19821729], [0.22897456, 0.69173852, 0.07928691], [0, 0.04511338, 1.04394437]]
    )
    srgb = np.array(
        [
            [0.41239080, 0.35758434, 0.18048079],
            [0.21263901, 0.71516868, 0.07219232],
            [0.01933082, 0.11919478, 0.95053215],
        ]
    )
    v = np.array(color) / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    out = np.clip(np.linalg.solve(srgb, p3 @ linear), 0, 1)
    return tuple(np.round(255 * np.where(out <= 0.0031308, 12.92 * out, 1.055 * out ** (1 / 2.4) - 0.055)).astype(int))


def test_a_profile_leaves_alpha_alone() -> None:
    image = Image.new("RGBA", (4, 4), (200, 100, 50, 77))
    read = read_rgba(encoded(image, "PNG", icc_profile=display_p3()))
    assert (read[:, :, 3] == 77).all()
    assert difference(read[:, :, :3], np.full((4, 4, 3), p3_to_srgb((200, 100, 50)), "u1")) <= 2
    keyed = Image.new("RGB", (4, 4), (200, 100, 50))
    keyed.putpixel((0, 0), (1, 2, 3))
    clear = read_rgba(encoded(keyed, "PNG", icc_profile=display_p3(), transparency=(1, 2, 3)))
    assert clear[0, 0, 3] == 0
    assert (clear[1:, :, 3] == 255).all()


@pytest.mark.parametrize(
    "profile",
    [b"", b"no profile", display_p3()[:200], ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_profiles_that_cannot_be_used_are_ignored(profile: bytes, format: str) -> None:
    data = encoded(picture(), format, icc_profile=profile)
    assert difference(read_image(data), read_image(encoded(picture(), format))) == 0


def test_a_grey_picture_with_a_profile_for_rgb() -> None:
    data = encoded(Image.new("L", (4, 4), 128), "PNG", icc_profile=display_p3())
    assert (read_image(data) == 128).all()


@pytest.mark.parametrize(
    ("mode", "value", "format", "expected"),
    [
        ("1", 1, "PNG", (255, 255, 255)),
        ("1", 0, "TIFF", (0, 0, 0)),
        ("L", 77, "JPEG", (77, 77, 77)),
        ("LA", (100, 255), "PNG", (100, 100, 100)),
        ("LA", (0, 0), "PNG", (255, 255, 255)),
        ("RGBA", (0, 0, 0, 51), "PNG", (204, 204, 204)),
        ("RGBA", (255, 0, 0, 128), "WEBP", (255, 127, 127)),
        ("I;16", 65535, "PNG", (255, 255, 255)),
        ("I;16", 257 * 99, "PNG", (99, 99, 99)),
        ("I;16", 257 * 99, "TIFF", (99, 99, 99)),
        ("F", 0.5, "TIFF", (128, 128, 128)),
        ("F", 200.0, "TIFF", (200, 200, 200)),
        ("I", 65535, "TIFF", (255, 255, 255)),
        ("I", 2**31 - 1, "TIFF", (255, 255, 255)),
        ("CMYK", (0, 255, 255, 0), "TIFF", (255, 0, 0)),
        ("CMYK", (0, 255, 255, 0), "JPEG", (255, 0, 0)),
        ("LAB", (128, 128, 128), "TIFF", (119, 119, 119)),
    ],
)
def test_modes(mode: str, value: Any, format: str, expected: tuple[int, int, int]) -> None:
    options: dict[str, Any] = {"quality": 100} if format == "JPEG" else {"lossless": True} if format == "WEBP" else {}
    data = encoded(Image.new(mode, (16, 16), value), format, **options)
    read = read_image(data)
    assert difference(read, np.full((16, 16, 3), expected, "u1")) <= 2


def test_palettes_with_and_without_transparency() -> None:
    image = Image.new("P", (4, 2))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2, 0, 1, 2, 0, 1])
    colors = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255)], "u1")[[[0, 1, 2, 0], [1, 2, 0, 1]]]
    assert np.array_equal(read_image(encoded(image, "PNG")), colors)
    assert np.array_equal(read_image(encoded(image, "BMP")), colors)
    for format, transparency in (("PNG", 1), ("PNG", bytes([255, 0, 128])), ("GIF", 1)):
        read = read_rgba(encoded(image, format, transparency=transparency))
        assert (read[:, :, 3][colors[:, :, 1] == 255] == 0).all()
        assert (read_image(encoded(image, format, transparency=transparency))[0, 1] == 255).all()


def test_sixteen_bits_a_channel() -> None:
    rows = b"\0" + struct.pack(">3H", 65535, 257 * 128, 0)
    assert difference(read_image(png(1, 1, depth=16, color=2, rows=rows)), np.array([[[255, 128, 0]]], "u1")) <= 1
    grey = b"\0" + struct.pack(">2H", 5140, 40000)
    keyed = read_rgba(png(2, 1, depth=16, color=0, rows=grey, extra=png_chunk(b"tRNS", struct.pack(">H", 5140))))
    assert keyed[0].tolist() == [[20, 20, 20, 0], [156, 156, 156, 255]]


def test_opaque_pictures_have_full_alpha() -> None:
    assert (read_rgba(encoded(picture(), "PNG"))[:, :, 3] == 255).all()


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("", None),
        ("#", None),
        ("f4f4f2", None),
        ("#f4f4f", None),
        ("#gggggg", None),
        ("#f4f4f2", (244, 244, 242)),
        (" #FFF ", (255, 255, 255)),
        ("#1a0", (17, 170, 0)),
    ],
)
def test_colors_as_stylesheets_write_them(text: str, color: tuple[int, int, int] | None) -> None:
    assert hex_color(text) == color

"""Reading: whatever the source is, the same upright sRGB pixels, or an error of ours."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from catalens import settings
from catalens.errors import CatalensError, ImageError, ImageLimitError, NotFoundError, UsageError
from catalens.images import limits
from catalens.images.read import FORMATS, Header, read_header, read_image, read_rgba
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


# --- formats, sources, orientation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_every_format(format: str) -> None:
    options = {"quality": 95} if format in {"JPEG", "WEBP", "AVIF"} else {}
    data = encoded(picture(), format, **options)
    read = read_image(data)
    assert read.shape == (48, 64, 3)
    assert read.dtype == np.uint8
    assert read.flags.writeable
    assert np.abs(read.astype(int) - picture()).mean() < 4
    assert read_header(data) == Header(format, (48, 64), len(data))


def test_every_source_gives_the_same(tmp_path: Path) -> None:
    data = encoded(picture(), "PNG")
    path = tmp_path / "photo.txt"  # the content counts, not the name
    path.write_bytes(data)

    class OneByte(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(1 if size else 0)

    sources: list[Any] = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), OneByte(data)]
    sources += [path.open("rb", buffering=0), Image.open(path), picture()]
    for source in sources:
        assert np.array_equal(read_image(source), picture())
    sources[-3].close()
    sources[-2].close()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns(format: str, orientation: int) -> None:
    """What lies in the file is made by the definition in EXIF 2.32, 4.6.4: where the 0th row and 0th column belong."""
    large = np.kron(ARROW, np.ones((16, 16, 1), "u1"))
    stored = {
        1: large,
        2: large[:, ::-1],
        3: large[::-1, ::-1],
        4: large[::-1],
        5: large.transpose(1, 0, 2),
        6: np.rot90(large),
        7: large[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(large, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {
        "JPEG": {"quality": 98, "subsampling": 0},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 98, "subsampling": "4:4:4"},
    }.get(format, {})
    data = encoded(np.ascontiguousarray(stored), format, exif=exif, **options)
    assert read_header(data).size == (32, 48)
    middles = (slice(8, None, 16), slice(8, None, 16))
    assert difference(read_image(data)[middles], ARROW) <= 12
    if format == "JPEG":
        assert difference(read_image(data, target=24)[4::8, 4::8], ARROW) <= 25
    opened = Image.open(io.BytesIO(data))
    assert difference(read_image(opened)[middles], ARROW) <= 12


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_orientations_that_do_not_exist_mean_none(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert np.array_equal(read_image(encoded(ARROW, "PNG", exif=exif)), ARROW)


def test_broken_exif_does_not_make_the_pixels_worse() -> None:
    data = encoded(ARROW, "PNG", exif=b"Exif\0\0LoremIpsum")
    assert np.array_equal(read_image(data), ARROW)
    assert read_header(data).size == (2, 3)


def test_first_frame_only() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    for format in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert difference(read_image(data), np.full((8, 8, 3), (255, 0, 0), "u1")) <= 4, format


def test_a_jpeg_with_a_second_picture_behind_it_is_its_first() -> None:
    both = encoded(
        Image.new("RGB", (32, 32), "red"), "MPO", save_all=True, append_images=[Image.new("RGB", (32, 32), "blue")]
    )
    assert difference(read_image(both), np.full((32, 32, 3), (255, 0, 0), "u1")) <= 4
    assert read_header(both).format == "JPEG"


# --- color ----------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_profiles_become_srgb(format: str) -> None:
    """Display P3 (200, 100, 50) is sRGB (214, 97, 35): worked out from the two matrices and the sRGB curve."""
    image = Image.new("RGB", (32, 32), (200, 100, 50))
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}, "AVIF": {"quality": 100}}
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


def test_sixteen_bits_a_channel() -> None:
    rows = b"\0" + struct.pack(">3H", 65535, 257 * 128, 0)
    assert difference(read_image(png(1, 1, depth=16, color=2, rows=rows)), np.array([[[255, 128, 0]]], "u1")) <= 1
    grey = b"\0" + struct.pack(">2H", 5140, 40000)
    keyed = read_rgba(png(2, 1, depth=16, color=0, rows=grey, extra=png_chunk(b"tRNS", struct.pack(">H", 5140))))
    assert keyed[0].tolist() == [[20, 20, 20, 0], [156, 156, 156, 255]]


def test_opaque_pictures_have_full_alpha() -> None:
    assert (read_rgba(encoded(picture(), "PNG"))[:, :, 3] == 255).all()


# --- target ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("size", [(1000, 777), (64, 1001), (999, 20), (7, 7)])
@pytest.mark.parametrize("target", [1, 7, 125, 126, 250, 500, 501, 5000])
def test_target_is_a_lower_bound(mode: str, size: tuple[int, int], target: int) -> None:
    data = encoded(Image.new(mode, size[::-1]), "JPEG")
    read = read_image(data, target=target)
    assert max(read.shape[:2]) >= min(target, max(size))
    assert max(read.shape[:2]) <= max(size)
    if max(size) >= 2 * target:
        assert max(read.shape[:2]) <= -(-max(size) // 2)


def test_a_reduced_photo_looks_like_the_photo() -> None:
    large = np.asarray(Image.fromarray(picture()).resize((1024, 768), Image.Resampling.BICUBIC))
    read = read_image(encoded(large, "JPEG", quality=95, icc_profile=display_p3()), target=256)
    assert read.shape == (192, 256, 3)
    full = read_image(encoded(large, "JPEG", quality=95, icc_profile=display_p3()))
    assert np.abs(read.astype(int) - full.reshape(192, 4, 256, 4, 3).mean(axis=(1, 3))).mean() < 2


def test_target_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="target"):
        read_image(picture(), target=0)


# --- arrays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 3), 9, "u1"), 9),
        (np.full((2, 3, 1), 9, "u1"), 9),
        (np.full((2, 3, 3), 9, "u1"), 9),
        (np.full((2, 3, 4), 255, "u1"), 255),
        (np.full((2, 3, 4), 0, "u1"), 255),
        (np.ones((2, 3), bool), 255),
        (np.full((2, 3, 3), 0.5, np.float32), 128),
        (np.full((2, 3), 1.0, np.float16), 255),
        (np.full((4, 6, 3), 7, "u1")[::2, ::-2], 7),
    ],
)
def test_arrays(array: Any, expected: int) -> None:
    read = read_image(array)
    assert read.shape == (2, 3, 3)
    assert (read == expected).all()
    assert not np.shares_memory(read, array)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((3,), "u1"), "shape"),
        (np.zeros((), "u1"), "shape"),
        (np.zeros((2, 2, 2), "u1"), "shape"),
        (np.zeros((1, 2, 2, 3), "u1"), "shape"),
        (np.zeros((0, 4, 3), "u1"), "no pixels"),
        (np.zeros((2, 2), np.int32), "int32"),
        (np.zeros((2, 2), "U1"), "U1"),
        (np.full((2, 2), 2.0), r"0\.\.1"),
        (np.full((2, 2), -0.1), r"0\.\.1"),
        (np.full((2, 2), np.nan), r"0\.\.1"),
    ],
)
def test_other_arrays_are_refused(array: Any, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        read_image(array)


# --- what is refused ------------------------------------------------------------------------------------------------


def test_paths_that_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    cases: list[tuple[Any, type[CatalensError], str]] = [
        (tmp_path / "missing.jpg", NotFoundError, "no file"),
        (tmp_path, ImageError, "folder"),
        (tmp_path / "fifo", ImageError, "no regular file"),
        ("/dev/zero", ImageError, "no regular file"),
        (tmp_path / "empty.jpg", ImageError, "empty"),
        (tmp_path / "file" / "below", ImageError, "cannot be read"),
        (tmp_path / "loop", ImageError, "cannot be read"),
        ("a\0b", ImageError, "cannot be read"),
        ("x" * 5000, ImageError, "cannot be read"),
        ("https://example.org/a.jpg", ImageError, "web address"),
        (b"", ImageError, "empty"),
        (io.StringIO("text"), ImageError, "text"),
        (7, ImageError, "int"),
        (None, ImageError, "NoneType"),
        (object(), ImageError, "object"),
    ]
    for source, kind, words in cases:
        for read in (read_image, read_header, read_rgba):
            with pytest.raises(kind, match=words) as caught:
                read(source)
            assert caught.value.cure
            assert "\n" not in str(caught.value)


def test_a_closed_file() -> None:
    file = io.BytesIO(b"x")
    file.close()
    with pytest.raises(ImageError, match="closed"):
        read_image(file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(ARROW, "PNG"))
    path.chmod(0)
    with pytest.raises(ImageError, match=r"[Pp]ermission"):
        read_image(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe", "PostScript"),
        (b"PK\x03\x04", "ZIP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (b"\xff\x0a", "JPEG XL"),
        (b"8BPS", "Photoshop"),
        (b"\x89PNG\r\n\x1a\nnothing", "PNG with a broken header|broken"),
        (b"RIFF\4\0\0\0WEBP", "WebP with a broken header"),
        (b"hello", "no picture"),
        (b"\0", "no picture"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        read_image(data)


@pytest.mark.parametrize("format", [f for f in FORMATS if f != "BMP"])
def test_files_that_are_cut_off(format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(noise, format)
    for share in (0.3, 0.6, 0.95):
        with pytest.raises(ImageError) as caught:
            read_image(data[: int(len(data) * share)])
        if format in {"JPEG", "PNG", "WEBP", "GIF"}:
            assert "cut off" in str(caught.value)


def test_every_shorter_file_and_every_flipped_byte_ends_in_a_sentence() -> None:
    """No exception but ours, whatever is broken, and no warning (they are errors here)."""
    random = np.random.default_rng(7)
    for format in FORMATS:
        data = encoded(picture((16, 16)), format)
        spoiled = [data[:end] for end in random.integers(1, len(data), 20)]
        for _ in range(40):
            copy = bytearray(data)
            for place in random.integers(0, len(data), 3):
                copy[place] = random.integers(0, 256)
            spoiled.append(bytes(copy))
        for case in spoiled:
            for read in (read_image, read_header):
                try:
                    read(case)
                except ImageError as error:
                    assert error.what  # noqa: PT017


def announced(format: str, width: int, height: int) -> bytes:
    """A tiny valid file of the format whose header is rewritten to announce another size."""
    data = bytearray(encoded(Image.new("RGB", (16, 24)), format, **({"lossless": True} if format == "WEBP" else {})))
    if format == "PNG":
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    elif format == "GIF":
        data[6:10] = struct.pack("<HH", width, height)
    elif format == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    elif format == "JPEG":
        start = data.index(b"\xff\xc0")
        data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    elif format == "TIFF":
        tags = ImageFileDirectory_v2()
        tags[256], tags[257], tags[258], tags[262], tags[273], tags[277], tags[279] = width, height, 8, 1, 8, 1, 64
        stream = io.BytesIO()
        stream.write(b"II*\0" + struct.pack("<I", 8))
        tags.save(stream)
        return stream.getvalue()
    elif format == "WEBP":
        data[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14 | 1 << 28)[:4]
    elif format == "AVIF":
        start = data.index(b"ispe") + 8
        data[start : start + 8] = struct.pack(">II", width, height)
    return bytes(data)


@pytest.mark.parametrize(
    ("format", "width", "height"),
    [
        ("PNG", 7000, 7000),
        ("PNG", 1, 49_000_000),
        ("PNG", 12_001, 300),
        ("PNG", 2**31 - 1, 2**31 - 1),
        ("GIF", 7000, 7000),
        ("GIF", 65535, 65535),
        ("JPEG", 7000, 7000),
        ("JPEG", 65500, 1310),
        ("JPEG", 600, 11),
        ("BMP", 7000, 7000),
        ("TIFF", 7000, 7000),
        ("WEBP", 7000, 7000),
        ("AVIF", 7000, 7000),
    ],
)
def test_bombs_are_refused_by_their_header(
    format: str, width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object) -> None:
        raise AssertionError("decoded")

    data = announced(format, width, height)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    monkeypatch.setattr("cv2.imdecode", decoded)
    for read in (read_image, read_header):
        with pytest.raises(ImageLimitError) as caught:
            read(data)
        assert caught.value.exit_code == 6
        assert caught.value.cure


def test_a_real_bomb_of_a_few_bytes() -> None:
    """A PNG that is valid to its end: 49 megapixels in 6 kB."""
    data = png(7000, 7000, depth=1, color=0, rows=bytes((1 + 7000 // 8) * 7000))
    assert len(data) < 10_000
    with pytest.raises(ImageLimitError, match="7000x7000"):
        read_image(data)


@pytest.mark.parametrize("size", [(12_000, 240), (240, 12_000), (50, 1), (1, 50), (1, 1)])
def test_what_lies_on_the_limits_is_read(size: tuple[int, int]) -> None:
    assert read_image(encoded(Image.new("L", size[::-1]), "PNG")).shape == (*size, 3)


@pytest.mark.parametrize("size", [(51, 1), (1, 51), (12_001, 12_001), (8000, 5001)])
def test_arrays_and_pil_images_are_judged_too(size: tuple[int, int]) -> None:
    with pytest.raises(ImageLimitError):
        read_image(np.broadcast_to(np.uint8(0), size))
    with pytest.raises(ImageLimitError):
        read_image(Image.new("1", size[::-1]))


def test_no_more_than_the_cap_is_read(tmp_path: Path) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1, /) -> bytes:
            Endless.given += min(size, 2**20)
            return bytes(min(size, 2**20))

    with pytest.raises(ImageLimitError, match="32 MB"):
        read_image(Endless())  # type: ignore[arg-type]
    assert Endless.given == limits.MAX_BYTES + 1
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(limits.MAX_BYTES + 1)
    with pytest.raises(ImageLimitError, match="32 MB"):
        read_image(path)


def test_a_jpeg_with_thousands_of_scans_is_refused() -> None:
    data = encoded(picture((64, 64)), "JPEG", progressive=True)
    last = data.rfind(b"\xff\xc4", 0, data.rfind(b"\xff\xda"))
    scan = data[last:-2]
    with pytest.raises(ImageLimitError, match="scans"):
        read_image(data[:-2] + scan * 5000 + b"\xff\xd9")
    # What is behind the picture's end does not count: some cameras append a film.
    assert difference(read_image(data + scan * 5000), read_image(data)) == 0


# --- the boundary ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ValueError("tile cannot extend outside image"), ImageError),
        (RuntimeError("codec"), ImageError),
        (SyntaxError("bad"), ImageError),
        (struct.error("unpack"), ImageError),
        (KeyError("MPO"), ImageError),
        (OSError("image file is truncated (3 bytes not processed)"), ImageError),
        (MemoryError(), ImageLimitError),
        (Image.DecompressionBombError("too large"), ImageLimitError),
        (RecursionError(), ImageError),
    ],
)
def test_whatever_a_decoder_raises(raised: Exception, kind: type[ImageError], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(kind) as caught:
        read_image(encoded(ARROW, "PNG"))
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None


def test_threads_give_the_same_and_leave_the_warning_filters_alone() -> None:
    before = list(warnings.filters)
    data = [encoded(picture((20 + n, 30)), ("JPEG", "PNG", "TIFF")[n % 3]) for n in range(24)]
    alone = [read_image(item) for item in data]
    start = threading.Barrier(8)

    def read_all(_: int) -> list[ImageArray]:
        start.wait(10)
        return [read_image(item) for item in data]

    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(read_all, range(8)):
            assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert list(warnings.filters) == before


# --- real files -----------------------------------------------------------------------------------------------------


def test_real_photos() -> None:
    folder = settings.data_folder() / "retail" / "images"
    if not folder.is_dir():
        pytest.skip(f"no photos at {folder} (set CATALENS_DATA)")
    for path in sorted(folder.rglob("*.jpg"))[:10]:
        read = read_image(path)
        assert read.shape[:2] == read_header(path).size
        with Image.open(path) as image:
            if "icc_profile" not in image.info and image.mode == "RGB":
                assert difference(read, np.asarray(image)) <= 1

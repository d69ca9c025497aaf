"""Reading: whatever the source is, the same upright sRGB pixels, or an error of ours."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from catalens import settings
from catalens.errors import CatalensError, ImageError, NotFoundError, UsageError
from catalens.images.read import FORMATS, Header, read_header, read_image, read_rgba
from tests.pictures import ARROW, difference, display_p3, encoded, picture, tiff

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
    by_format: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 98, "subsampling": 0},
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 98, "subsampling": "4:4:4"},
    }
    data = encoded(np.ascontiguousarray(stored), format, exif=exif, **by_format.get(format, {}))
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
        (Path("https://example.org/a.jpg"), ImageError, "web address"),
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
        (tiff(bits=32, sample=3), "TIFF of 32-bit floats, RGB, which is not read"),
        (tiff(bits=32, sample=2), "TIFF of 32-bit signed integers, RGB, which is not read"),
        (tiff(bits=32, sample=9), "TIFF with a broken header"),
        (b"II*\0\xff\0\0\0", "TIFF with a broken header"),
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


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("end", [b"", b"\xff", b"a trailer"])
def test_a_jpeg_that_lacks_its_end_marker_alone_is_read(mode: str, end: bytes) -> None:
    data = encoded(Image.fromarray(picture()).convert(mode), "JPEG")
    assert np.array_equal(read_image(data[:-2] + end), read_image(data))


@pytest.mark.parametrize(
    "options", [{}, {"optimize": True}, {"progressive": True}, {"restart_marker_blocks": 5}], ids=str
)
def test_a_jpeg_that_lacks_more_is_cut_off(options: dict[str, Any]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
    data = encoded(noise, "JPEG", **options)
    for lost in range(3, 120):
        with pytest.raises(ImageError, match="cut off"):
            read_image(data[:-lost])


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

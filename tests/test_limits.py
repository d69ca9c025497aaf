"""Limits: what asks for too much is refused from its header."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from catalens.errors import ImageError, ImageLimitError
from catalens.images import limits
from catalens.images.limits import check_scans, check_size, require_rgb
from catalens.images.read import read_header, read_image
from tests.pictures import difference, encoded, picture, png


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
        ("JPEG", 10_500, 10_500),
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


@pytest.mark.parametrize("size", [(8064, 6048), (9504, 6336)], ids=["telephone, 48 MP", "camera, 61 MP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_large_jpeg_is_read_at_half_its_size(size: tuple[int, int], mode: str) -> None:
    data = encoded(Image.new(mode, size, "white"), "JPEG", quality=60)
    width, height = size
    assert read_header(data).size == (height, width)
    assert read_image(data).shape == (height // 2, width // 2, 3)
    assert read_image(data, target=700).shape == (height // 8, width // 8, 3)


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

    with pytest.raises(ImageLimitError, match="80 MB"):
        read_image(Endless())  # type: ignore[arg-type]
    assert Endless.given == limits.MAX_BYTES + 1
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(limits.MAX_BYTES + 1)
    with pytest.raises(ImageLimitError, match="80 MB"):
        read_image(path)


def test_a_jpeg_with_thousands_of_scans_is_refused() -> None:
    data = encoded(picture((64, 64)), "JPEG", progressive=True)
    last = data.rfind(b"\xff\xc4", 0, data.rfind(b"\xff\xda"))
    scan = data[last:-2]
    with pytest.raises(ImageLimitError, match="scans"):
        read_image(data[:-2] + scan * 5000 + b"\xff\xd9")
    # What is behind the picture's end does not count: some cameras append a film.
    assert difference(read_image(data + scan * 5000), read_image(data)) == 0


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0), (-1, 5)])
def test_a_picture_has_at_least_one_pixel(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="no pixels"):
        check_size(*size, name="photo.jpg")


@pytest.mark.parametrize(
    ("shape", "dtype", "is_picture"),
    [
        ((1, 1, 3), np.uint8, True),
        ((0, 5, 3), np.uint8, False),
        ((5, 5), np.uint8, False),
        ((5, 5, 4), np.uint8, False),
        ((3, 5, 5), np.uint8, False),
        ((1, 5, 5, 3), np.uint8, False),
        ((5, 5, 3), np.float32, False),
        ((5, 5, 3), np.uint16, False),
    ],
)
def test_networks_take_three_channels_of_bytes(shape: tuple[int, ...], dtype: type, is_picture: bool) -> None:
    array: NDArray[np.generic] = np.zeros(shape, dtype)
    if is_picture:
        require_rgb(array)
        return
    with pytest.raises(ImageError, match="expected HxWx3 uint8"):
        require_rgb(array)


SCAN = b"\xff\xda\x00\x02" + b"\x11\xff\x00\x22\xff\xd0\x33\xff"  # data with a stuffed and a filled 0xFF, and a restart
START, END = b"\xff\xd8", b"\xff\xd9"


@pytest.mark.parametrize(
    ("data", "is_read"),
    [
        (b"", True),
        (START + 64 * SCAN + END, True),
        (START + 65 * SCAN + END, False),
        (START + 65 * SCAN, False),
        (START + 64 * SCAN + END + 100 * SCAN, True),  # behind the picture's end
        (START + b"\xff\xfe\x00\xca" + 100 * b"\xff\xda" + SCAN + END, True),  # 200 bytes of a comment
        (START + b"\xff\x01" + 65 * SCAN + END, False),  # a marker that stands alone
    ],
    ids=["empty", "as many as may be", "one more", "cut off", "appended", "in a comment", "a lone marker"],
)
def test_scans_are_counted_in_the_first_picture_alone(data: bytes, is_read: bool) -> None:
    if is_read:
        check_scans(data, name="photo.jpg")
        return
    with pytest.raises(ImageLimitError, match="64 scans"):
        check_scans(data, name="photo.jpg")

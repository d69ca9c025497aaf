"""Decode picture files: bytes -> header or pixels; any failure of a decoder becomes an `ImageError`.

Limits are checked from the header, before anything is decoded. Decoders raise ValueError, SyntaxError, struct.error,
RuntimeError and more on broken files: `_boundary` turns each into `ImageError`.
"""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from catalens.errors import CatalensError, ImageError, ImageLimitError
from catalens.images.cicp import through_cicp
from catalens.images.content import describe_content, is_truncated
from catalens.images.extras import MAX_HEIC_PIXELS, open_extra
from catalens.images.jpeg_end import with_end
from catalens.images.limits import FORMATS, MAX_JPEG_PIXELS, MAX_PIXELS, check_scans, check_size
from catalens.images.srgb import rgb_through_profile, to_srgb
from catalens.types import ImageArray

# A library says nothing on stderr by itself: without a handler, Python prints what Pillow logs about odd TIFFs.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_ORIENTATION = 0x0112
"""EXIF tag; its eight values: EXIF 2.32, section 4.6.4."""
_TURNED = frozenset({5, 6, 7, 8})
_CODES = frozenset({"1", "L", "P"})
"""Pillow's modes of one value a pixel, up to 8 bits; P has a palette, as the masks of Pascal VOC."""
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
_FEEDS = (".csv", ".tsv", ".xml", ".json", ".jsonl", ".ndjson", ".xlsx", ".parquet")
_CUT_OFF = ("truncat", "unexpected end", "end of file")


@dataclass(frozen=True, slots=True)
class Header:
    """Header fields of a picture file. `size` is (height, width) as displayed, after EXIF rotation."""

    format: str
    size: tuple[int, int]
    bytes: int


def decode_header(data: bytes, *, name: str) -> Header:
    """Read the header of a picture file and check the limits."""
    with _boundary(name, data), _opened(data, name) as image:
        height, width = image.height, image.width
        if _orientation(image) in _TURNED and image.format != "TIFF":  # Pillow has turned a TIFF's size already
            height, width = width, height
        return Header("JPEG" if isinstance(image, JpegImageFile) else image.format or "", (height, width), len(data))


def decode_pixels(data: bytes, *, name: str, target: int | None) -> ImageArray:
    """Decode the first picture of a file: upright, HxWx3 or (with transparency) HxWx4 uint8 sRGB."""
    with _boundary(name, data), _opened(data, name) as image:
        small = image.width * image.height <= MAX_PIXELS
        if small and isinstance(image, JpegImageFile) and (ended := with_end(data, image)) is not None:
            return decode_pixels(ended, name=name, target=target)
        orientation = _orientation(image)
        pixels = _jpeg_pixels(data, image, target) if isinstance(image, JpegImageFile) else None
        if pixels is None:
            image.load()
            is_named = image.format in {"AVIF", "HEIF", "PNG"}
            pixels = to_srgb(image if image.width * image.height <= MAX_PIXELS else image.reduce(2))
            if is_named and not image.info.get("icc_profile"):
                pixels = through_cicp(pixels, data)
            orientation = 1 if image.format == "TIFF" else orientation  # Pillow turns a TIFF when it loads it
        return upright(pixels, orientation)


def decode_codes(data: bytes, *, name: str) -> NDArray[np.uint8]:
    """Decode a label map, HxW uint8: the stored values of one channel; of a palette the indices, not colors."""
    with _boundary(name, data), _opened(data, name) as image:
        if image.mode not in _CODES:
            raise ImageError(f"{name} is no 8-bit map of one channel, but {image.mode}", cure="write one class a pixel")
        return np.array(image).astype(np.uint8)


def pixels_of_pil(image: Image.Image, *, name: str) -> ImageArray:
    """Pixels of a PIL image with EXIF rotation and color profile applied: HxWx3 or HxWx4 uint8 sRGB."""
    with _boundary(name, b""):
        check_size(image.width, image.height, name=name)
        image.load()
        return upright(to_srgb(image), _orientation(image))


def upright(pixels: ImageArray, orientation: int) -> ImageArray:
    """Apply an EXIF orientation to HWC pixels; values outside 1..8 count as 1."""
    if orientation in _TURNED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a broken EXIF block does not make the pixels worse: shown as they lie
        return 1
    return value if isinstance(value, int) else 1


def _jpeg_pixels(data: bytes, image: JpegImageFile, target: int | None) -> ImageArray | None:
    """Decode a color JPEG by OpenCV, at a reduced scale where `target` allows it or its size asks for it.

    None where Pillow is to do it.

    Both use libjpeg-turbo and give the same pixels; OpenCV takes 0.6 of the time. It gives nothing for files that are
    cut off, and those in grey or CMYK are not given to it; for them Pillow's `draft` is set.
    """
    longest = max(image.size)
    scale = next((s for s in (8, 4, 2) if target is not None and -(-longest // s) >= target), 1)
    scale = max(scale, 1 if image.width * image.height <= MAX_PIXELS else 2)
    if image.mode == "RGB":
        flags = _REDUCED.get(scale, cv2.IMREAD_COLOR) | cv2.IMREAD_IGNORE_ORIENTATION
        with suppress(cv2.error):
            bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
            if bgr is not None:
                rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
                return rgb_through_profile(rgb, image.info.get("icc_profile"))
    if scale > 1:
        image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
    return None


@contextmanager
def _opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """Open a file and check its limits; nothing is decoded yet."""
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        found = open_extra(data, name=name)
        if found is None:
            raise _unknown(data, name) from None
        image = found
    with image:
        is_jpeg = isinstance(image, JpegImageFile)
        most = MAX_JPEG_PIXELS if is_jpeg else MAX_HEIC_PIXELS if image.format == "HEIF" else MAX_PIXELS
        check_size(image.width, image.height, name=name, most=most)
        if is_jpeg:
            check_scans(data, name=name)
        yield image


def _unknown(data: bytes, name: str) -> ImageError:
    if is_truncated(data):
        return _cut_off(name)
    what = describe_content(data) or "no picture"
    is_feed = name.lower().endswith(_FEEDS)
    cure = f"add a feed before you search: catalens add {name}" if is_feed else "save it as JPEG or PNG"
    return ImageError(f"expected one of {', '.join(FORMATS)} and got {what}: {name}", cure=cure)


def _cut_off(name: str) -> ImageError:
    return ImageError(f"{name} is cut off: the file ends before its pixels do", cure="copy or download it again")


@contextmanager
def _boundary(name: str, data: bytes) -> Iterator[None]:
    """Turn any exception of a decoder into an `ImageError`."""
    try:
        with _QUIET:
            yield
    except CatalensError:
        raise
    except Image.DecompressionBombError:
        raise ImageLimitError(f"{name} announces far too many pixels", cure="save it smaller") from None
    except MemoryError:
        raise ImageLimitError(f"{name} needs more memory than there is", cure="save it smaller") from None
    except Exception as error:
        reason = str(error) or type(error).__name__
        if isinstance(error, EOFError) or is_truncated(data) or any(words in reason.lower() for words in _CUT_OFF):
            raise _cut_off(name) from None
        raise ImageError(f"{name} is broken: {reason.rstrip('.')}", cure="save it again, or replace it") from None


class _Quiet:
    """Pillow's warnings are ignored while at least one thread decodes.

    `warnings.catch_warnings` swaps the process's filters, so that threads that overlap may leave them swapped for good.
    Here one narrow filter is added by the first thread in and removed by the last one out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            warnings.filterwarnings("ignore", module=r"PIL\.")
            self._entry = warnings.filters[0]

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                with suppress(ValueError):  # somebody else's catch_warnings put other filters in place meanwhile
                    warnings.filters.remove(self._entry)  # type: ignore[attr-defined]


_QUIET = _Quiet()

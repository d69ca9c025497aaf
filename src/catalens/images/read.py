"""Read a picture: path, bytes, file, array or PIL image -> HWC uint8 sRGB, upright."""

from __future__ import annotations

import io
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalens.errors import ImageError, ImageLimitError, UsageError
from catalens.images.decode import Header, decode_codes, decode_header, decode_pixels, pixels_of_pil
from catalens.images.limits import FORMATS, MAX_BYTES, check_size
from catalens.images.paths import nothing_at, refuse_address
from catalens.images.srgb import composite_on_white
from catalens.types import ImageArray

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "FileLike",
    "Header",
    "ImageLike",
    "is_one_image",
    "read_bytes",
    "read_codes",
    "read_header",
    "read_image",
    "read_pixels",
    "read_rgba",
]

FileLike: TypeAlias = str | Path | bytes | IO[bytes]
ImageLike: TypeAlias = FileLike | NDArray[np.generic] | Image.Image


def is_one_image(images: object) -> TypeGuard[ImageLike]:
    """Whether it is one picture, as `read_image` takes it, and no list of them; a stack NxHxWxC is a list.

    Raises:
        UsageError: neither.
    """
    if isinstance(images, np.ndarray):
        return images.ndim < 4
    if isinstance(images, str | Path | bytes | bytearray | memoryview | Image.Image) or hasattr(images, "read"):
        return True
    if not isinstance(images, Sequence):
        raise UsageError(
            f"expected a picture or a list of pictures and got {type(images).__name__}", cure="pass one of these"
        )
    return False


_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II", b"MM")


def starts_as_picture(path: Path) -> bool:
    """Whether the first bytes of a file are those of a picture; one that cannot be read may be one."""
    try:
        if not path.is_file():
            return True
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return True
    return head.startswith((*_STARTS, b"\xff\x0a", b"\0\0\0\x0cJXL ")) or head[4:8] == b"ftyp"


def read_image(source: ImageLike, *, target: int | None = None) -> ImageArray:
    """Read a picture as HWC uint8 sRGB, upright, first frame, transparency composited over white.

    A JPEG or HEIC above 40 megapixels is read at half its size. HEIC and JPEG XL need extras.

    Args:
        source: a path, the bytes of a file, an open binary file, a PIL image, or an array: HxW, HxWx1, HxWx3 or HxWx4,
            uint8 or bool, or floats in 0..1.
        target: longest side in pixels that the caller can use. A JPEG may then be decoded at 1/2, 1/4 or 1/8; the
            longest side of the result is never below `target` unless the photo's own is.

    Raises:
        NotFoundError: no such file.
        ImageLimitError: refused by a limit (80 MB, 12,000 px a side, 40 megapixels, of a HEIC 50, of a JPEG 110, 50:1,
            64 scans).
        ImageError: not a picture, or a broken one.
        UsageError: `target` below 1.
    """
    return composite_on_white(_pixels(source, target=target))


def read_rgba(source: ImageLike, *, target: int | None = None) -> ImageArray:
    """Read a picture as HxWx4 uint8, alpha kept (255 where the picture has none); otherwise as `read_image`."""
    pixels = _pixels(source, target=target)
    if pixels.shape[2] == 4:
        return pixels
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, np.uint8)], axis=2)


def read_pixels(source: ImageLike, *, target: int | None = None) -> ImageArray:
    """Read a picture as HxWx4 uint8 where anything of it is transparent, else as HxWx3; otherwise as `read_image`."""
    pixels = _pixels(source, target=target)
    if pixels.shape[2] == 4 and pixels[..., 3].min() == 255:
        return np.ascontiguousarray(pixels[..., :3])
    return pixels


def read_header(source: FileLike) -> Header:
    """Read the header of a picture and check the limits without decoding. Raises what `read_image` raises."""
    data, name = _load(source)
    return decode_header(data, name=name)


def read_bytes(source: FileLike) -> bytes:
    """Read the bytes of a picture file, up to the size limit. Raises what `read_image` raises of files."""
    return _load(source)[0]


def read_codes(source: FileLike) -> NDArray[np.uint8]:
    """Read a label map, one code a pixel: HxW uint8, grey or with a palette. Raises what `read_image` raises."""
    data, name = _load(source)
    return decode_codes(data, name=name)


def _pixels(source: ImageLike, *, target: int | None) -> ImageArray:
    """HxWx3 or HxWx4 uint8, writable."""
    if target is not None and target < 1:
        raise UsageError(f"target must be at least 1 pixel and is {target}", cure="leave it out for the full size")
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return pixels_of_pil(source, name="the PIL image")
    data, name = _load(source)
    return decode_pixels(data, name=name, target=target)


def _load(source: FileLike) -> tuple[bytes, str]:
    """Bytes of the file, up to the size limit, and a name for messages."""
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source[: MAX_BYTES + 1]), "the data given"
    elif isinstance(source, str | Path):
        data, name = _read_path(source), str(source)
    elif hasattr(source, "read"):
        name = str(getattr(source, "name", "the file given"))
        data = _read_open(source, name)
    else:
        raise ImageError(
            f"expected a path, bytes, a file, an array or a PIL image and got {type(source).__name__}",
            cure="pass one of these",
        )
    if not data:
        raise ImageError(f"{name} is empty", cure="replace it by a picture")
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    return data, name


def _too_large(name: str) -> ImageLimitError:
    return ImageLimitError(f"{name} has more than {MAX_BYTES // 2**20} MB", cure="save it with more compression")


def _read_path(source: str | Path) -> bytes:
    refuse_address(source, what="photo", error=ImageError)
    path = Path(source)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ImageError(f"expected a picture and got the folder {path}", cure="name a file in it")
        if not stat.S_ISREG(found.st_mode):  # a FIFO or a device would block or never end
            raise ImageError(f"{path} is no regular file", cure="name a picture file")
        if found.st_size > MAX_BYTES:
            raise _too_large(str(path))
        with path.open("rb") as file:
            # A read of the cap itself would take 80 MB of memory first, for every file.
            return file.read(found.st_size + 1)
    except FileNotFoundError:
        raise nothing_at(path) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path} cannot be read: {reason}", cure="check the path and its permissions") from None


def _read_open(file: IO[bytes], name: str) -> bytes:
    """Read an open file up to the size limit; unbuffered files may return less than asked for at a time."""
    parts = io.BytesIO()
    try:
        while parts.tell() <= MAX_BYTES:
            part = file.read(MAX_BYTES + 1 - parts.tell())
            if isinstance(part, str):
                raise ImageError(f"expected a binary file and got text from {name}", cure="open it with mode 'rb'")
            if not part:
                break
            parts.write(part)
    except (OSError, ValueError, TypeError) as error:  # ValueError: the file is closed, or its text does not decode
        raise ImageError(f"{name} cannot be read: {error}", cure="open it with mode 'rb' and keep it open") from None
    return parts.getvalue()


def _from_array(array: NDArray[np.generic]) -> ImageArray:
    """HxW, HxWx1, HxWx3 or HxWx4 -> a new HxWx3 or HxWx4 uint8."""
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in {1, 3, 4}:
        raise ImageError(
            f"expected an array HxW, HxWx1, HxWx3 or HxWx4 and got shape {array.shape}", cure="put the channels last"
        )
    check_size(array.shape[1], array.shape[0], name="the array")
    pixels = _as_uint8(array)
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else np.array(pixels)


def _as_uint8(array: NDArray[np.generic]) -> ImageArray:
    if array.dtype == np.uint8:
        return array  # type: ignore[return-value]
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if not np.issubdtype(array.dtype, np.floating):
        raise ImageError(f"expected uint8, bool or floats in 0..1 and got {array.dtype}", cure="convert it to uint8")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # also where one is not a number
        raise ImageError(f"expected floats in 0..1 and got {low:g}..{high:g}", cure="divide by 255, or pass uint8")
    return (array.astype(np.float32) * 255 + 0.5).astype(np.uint8)

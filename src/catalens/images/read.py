"""Read a picture: path, bytes, file, array or PIL image -> HWC uint8 sRGB, upright; or an error of ours.

The limits are judged from the header, before anything is decoded. Whatever a broken file does to the decoder, one
boundary (`_decoding`) turns it into `ImageError`.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from catalens.errors import CatalensError, ImageError, ImageLimitError, NotFoundError
from catalens.types import ImageArray

ImageLike: TypeAlias = str | Path | bytes | IO[bytes] | NDArray[np.generic] | Image.Image

# Never "MPO": Pillow then raises KeyError on every unknown file. A JPEG with an MPO tail opens as its first picture.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")

MAX_BYTES = 32 * 1024 * 1024
MAX_SIDE = 12_000
MAX_PIXELS = 40_000_000
MAX_ASPECT = 50

_ORIENTATION = 0x0112  # EXIF tag
_TURNED = frozenset({5, 6, 7, 8})  # orientations that swap height and width
_SIXTEEN_BIT = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before it is decoded. `size` is (height, width) as displayed, after the EXIF turn."""

    format: str
    size: tuple[int, int]
    bytes: int


def read_image(source: ImageLike, *, target: int | None = None) -> ImageArray:
    """Read a picture as HWC uint8 sRGB, upright, first frame, alpha composited over white.

    Args:
        source: a path, the bytes of a file, an open binary file, a PIL image, or an array: HxW, HxWx1, HxWx3 or HxWx4,
            uint8 or bool, or floats in 0..1.
        target: longest side in pixels that the caller can use. A JPEG may then be decoded at a reduced scale; the
            longest side of the result is never below `target` unless the photo's own is.

    Raises:
        NotFoundError: no such file.
        ImageLimitError: refused by a limit (32 MB, 12,000 px a side, 40 megapixels, 50:1).
        ImageError: not a picture, or a broken one.
    """
    rgba = _as_pil(source, target=target)
    return np.asarray(_over_white(rgba))


def read_rgba(source: ImageLike, *, target: int | None = None) -> ImageArray:
    """Read a picture as HxWx4 uint8, alpha kept (255 where the picture has none); otherwise as `read_image`."""
    return np.asarray(_as_pil(source, target=target).convert("RGBA"))


def read_header(source: str | Path | bytes) -> Header:
    """Read what a file says of itself and judge the limits, decoding nothing. Raises what `read_image` raises."""
    data, name = _load(source)
    with _decoding(name), _opened(data, name) as image:
        return Header(image.format or "", _displayed_size(image), len(data))


def _as_pil(source: ImageLike, *, target: int | None) -> Image.Image:
    """An upright sRGB picture of mode RGB or RGBA."""
    if target is not None and target < 1:
        raise ImageError(f"target must be at least 1 pixel and is {target}", cure="leave it out for the full size")
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        with _decoding("the PIL image"):
            _judge(source.width, source.height, name="the PIL image")
            return _to_srgb(_upright(source.copy()))
    data, name = _load(source)
    with _decoding(name), _opened(data, name) as image:
        if target is not None and image.format == "JPEG":
            image.draft(None, _draft_size(image, target))
        image.load()
        return _to_srgb(_upright(image))


def _draft_size(image: Image.Image, target: int) -> tuple[int, int]:
    """Size to ask `draft` for: it keeps both sides at or above what is asked, so ask in the photo's own proportion."""
    scale = min(1.0, target / max(image.size))
    return max(1, int(image.width * scale)), max(1, int(image.height * scale))


def _load(source: str | Path | bytes | IO[bytes]) -> tuple[bytes, str]:
    """The file's bytes, never more than the cap, and a name for messages."""
    if isinstance(source, bytes):
        data, name = source, "the bytes given"
    elif isinstance(source, str | Path):
        data, name = _read_file(Path(source)), str(source)
    elif hasattr(source, "read"):
        data, name = source.read(MAX_BYTES + 1), str(getattr(source, "name", "the file given"))
        if not isinstance(data, bytes):
            raise ImageError(f"expected a binary file and got text from {name}", cure="open it with mode 'rb'")
    else:
        raise ImageError(
            f"expected a path, bytes, a file, an array or a PIL image and got {type(source).__name__}",
            cure="pass one of these",
        )
    if not data:
        raise ImageError(f"{name} is empty", cure="replace it by a picture")
    if len(data) > MAX_BYTES:
        raise ImageLimitError(
            f"{name} has more than {MAX_BYTES // 2**20} MB", cure="save it smaller, or with more compression"
        )
    return data, name


def _read_file(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ImageError(f"expected a picture and got the folder {path}", cure="name a file in it")
        if not stat.S_ISREG(mode):  # a FIFO or a device would block or never end
            raise ImageError(f"{path} is no regular file", cure="name a picture file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFoundError(f"no file at {path}", cure="check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        raise ImageError(f"{path} cannot be read: {error}", cure="check the path and its permissions") from None


@contextmanager
def _opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """The file opened and judged, not yet decoded."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise ImageError(
            f"{name} is none of {', '.join(FORMATS)}, or its header is broken", cure="save it as JPEG or PNG"
        ) from None
    with image:
        _judge(image.width, image.height, name=name)
        yield image


def _judge(width: int, height: int, *, name: str) -> None:
    """Refuse what a header announces: sides, pixels, aspect."""
    if min(width, height) < 1:
        raise ImageError(f"{name} has no pixels ({width}x{height})", cure="replace it by a picture")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ImageLimitError(
            f"{name} has {width}x{height} pixels; at most {MAX_SIDE} a side and {MAX_PIXELS // 10**6} million are read",
            cure="save it smaller",
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageLimitError(
            f"{name} is {width}x{height}; at most {MAX_ASPECT}:1 is read", cure="crop it to the product"
        )


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """The one decode boundary: decoders raise ValueError, SyntaxError, struct.error and more on broken files."""
    try:
        yield
    except CatalensError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageLimitError(f"{name} is refused: {error}", cure="save it smaller") from None
    except MemoryError:
        raise ImageLimitError(f"{name} needs more memory than there is", cure="save it smaller") from None
    except Exception as error:
        raise ImageError(f"{name} is broken: {error or type(error).__name__}", cure="save it again") from None


def _orientation(image: Image.Image) -> int:
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def _displayed_size(image: Image.Image) -> tuple[int, int]:
    turned = _orientation(image) in _TURNED
    return (image.width, image.height) if turned else (image.height, image.width)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a broken EXIF block does not make the pixels worse: shown as they lie
        return image


def _to_srgb(image: Image.Image) -> Image.Image:
    """Mode RGB or RGBA in sRGB; 16-bit grey scaled by its range, palettes and CMYK resolved."""
    profile = image.info.get("icc_profile")
    if image.mode in _SIXTEEN_BIT or image.mode in {"I", "F"}:
        return _scaled(image)
    has_alpha = image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info
    if profile:
        image = _apply_profile(image, profile)
    return image.convert("RGBA" if has_alpha else "RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """16-bit and float grey as 8-bit. Integers are 0..65535; floats above 1 are taken as 0..255."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    top = 65535.0 if image.mode != "F" else (1.0 if values.max(initial=0.0) <= 1 else 255.0)
    grey = np.clip(values * (255.0 / top) + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture in sRGB, its alpha untouched; a broken profile is as good as none."""
    if image.mode in {"P", "PA", "LA", "La", "RGBa", "1"}:
        image = image.convert("RGBA" if image.mode != "1" else "L")
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    flat = image.convert("RGB") if image.mode == "RGBA" else image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    if converted is None:
        return image
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _from_array(array: NDArray[np.generic]) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in {2, 3} or (array.ndim == 3 and array.shape[2] not in {3, 4}):
        raise ImageError(
            f"expected an array HxW, HxWx1, HxWx3 or HxWx4 and got shape {array.shape}", cure="put the channels last"
        )
    if np.issubdtype(array.dtype, np.floating):
        if array.size and not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise ImageError("expected floats between 0 and 1", cure="divide by 255, or pass uint8")
        array = (array.astype(np.float64) * 255 + 0.5).astype(np.uint8)
    elif array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype != np.uint8:
        raise ImageError(f"expected uint8, bool or floats in 0..1 and got {array.dtype}", cure="convert to uint8")
    _judge(array.shape[1], array.shape[0], name="the array")
    image = Image.fromarray(np.ascontiguousarray(array))
    return image if image.mode in {"RGB", "RGBA"} else image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")

"""Formats whose decoders are extras: HEIC through pi-heif (`[heic]`), JPEG XL through pylibjxl (`[jxl]`).

Both open as other formats do: the header first, so that the limits are checked before a pixel is decoded.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from catalens.errors import ImageError
from catalens.images.content import describe_content

MAX_HEIC_PIXELS = 50_000_000
"""Telephones write 48 megapixels; above `limits.MAX_PIXELS` a picture is halved once it is decoded."""
JXL_SECONDS = 20.0
"""For the pixels of one JPEG XL picture; one of 40 megapixels takes about 2 s."""
_DECODERS = {
    "a HEIC picture": ("pi-heif", 'run: pip install "catalens[heic]"'),
    "a JPEG XL picture": ("pylibjxl", 'run: pip install "catalens[jxl]"'),
}


def open_extra(data: bytes, *, name: str) -> Image.Image | None:
    """A HEIC or JPEG XL file as a PIL image that is not decoded yet; None for anything else.

    Raises:
        ImageError: its decoder is not installed, or its header is broken.
    """
    what = describe_content(data)
    if what not in _DECODERS:
        return None
    package, cure = _DECODERS[what]
    try:
        return (_heic if package == "pi-heif" else _JxlImageFile)(io.BytesIO(data))
    except ImportError:
        raise ImageError(
            f"{name} is {what}, and {package} is not installed", cure=f"{cure}, or save it as JPEG"
        ) from None
    except Exception as error:  # the decoders raise RuntimeError, ValueError, SyntaxError and more
        raise ImageError(f"{name} is {what} with a broken header: {error}", cure="save it again as JPEG") from None


def _heic(file: io.BytesIO) -> Image.Image:
    from pi_heif.as_plugin import HeifImageFile

    opened: Image.Image = HeifImageFile(file)  # turned upright already
    return opened


class _JxlImageFile(ImageFile.ImageFile):
    """The first frame of a JPEG XL file, turned upright by libjxl."""

    format = "JPEG XL"
    format_description = "JPEG XL"

    def _open(self) -> None:
        import pylibjxl

        self._decoder: Any = pylibjxl
        self._bytes = self.fp.read() if self.fp is not None else b""
        facts = pylibjxl.probe(self._bytes)
        self._size = facts["width"], facts["height"]
        self._mode = ("RGB" if facts["color_channels"] > 1 else "L") + ("A" if facts["has_alpha"] else "")

    def load(self) -> Any:
        if self._bytes:
            pixels, facts = self._decoder.decode(self._bytes, metadata=True, timeout=JXL_SECONDS)
            self._bytes = b""
            decoded = Image.fromarray(np.ascontiguousarray(pixels.astype(np.uint8, copy=False)))
            self.im, self._mode, self._size = decoded.im, decoded.mode, decoded.size
            if profile := facts.get("icc_profile"):
                self.info["icc_profile"] = profile
        return super().load()

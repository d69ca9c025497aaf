"""Convert decoded pictures (palettes, CMYK, 16 bit, color profiles) to HWC uint8 sRGB, three or four channels."""

from __future__ import annotations

import io
import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from catalens.types import ImageArray

_WIDE = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I", "F"})
_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})


def hex_color(text: str) -> tuple[int, int, int] | None:
    """Parse #rrggbb or #rgb to (red, green, blue), 0..255; None for anything else."""
    found = re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", text.strip())
    if found is None:
        return None
    digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def to_srgb(image: Image.Image) -> ImageArray:
    """The pixels of a decoded picture as HxWx3 uint8 sRGB, or HxWx4 where it has transparency.

    A color profile is applied, perceptually; one that is broken or does not fit the picture counts for nothing. CMYK
    without a profile is converted by the plain complement. Grey of 16 bit is scaled by its range.
    """
    if image.mode in _WIDE:
        return _from_wide(image)
    profile = image.info.get("icc_profile")
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        rgba = image.convert("RGBA")
        pixels = np.array(rgba)
        if profile:
            pixels[:, :, :3] = np.asarray(_through_profile(rgba.convert("RGB"), profile))
        return pixels
    if image.mode in {"1", "P"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    return np.array(_through_profile(image, profile))


def rgb_through_profile(pixels: ImageArray, profile: object) -> ImageArray:
    """HxWx3 uint8 in the color space of an ICC profile -> sRGB."""
    return np.array(_through_profile(Image.fromarray(pixels), profile)) if profile else pixels


def composite_on_white(pixels: ImageArray) -> ImageArray:
    """Composite HxWx4 with straight alpha over white; HxWx3 is returned unchanged."""
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[:, :, 3:].astype(np.uint16)
    color = pixels[:, :, :3] * alpha + np.uint16(255) * (np.uint16(255) - alpha)
    return ((color + np.uint16(127)) // np.uint16(255)).astype(np.uint8)


def _through_profile(image: Image.Image, profile: object) -> Image.Image:
    """An opaque picture as RGB in sRGB."""
    if image.mode == "LAB":
        profile = ImageCms.createProfile("LAB")
    elif not isinstance(profile, bytes) or not profile:
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile) if isinstance(profile, bytes) else profile)
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        converted = None
    return image.convert("RGB") if converted is None else converted


def _from_wide(image: Image.Image) -> ImageArray:
    """Grey of 16 or 32 bit, or float, scaled to 8 bit.

    Integers span 0..65535, or 0..2^31-1 where one is larger; floats span 0..1, or 0..255 where one is larger than 1.
    """
    values = np.nan_to_num(np.asarray(image).astype(np.float32))
    largest = float(values.max(initial=0.0))
    usual, wide = (1.0, 255.0) if image.mode == "F" else (65535.0, float(2**31 - 1))
    top = usual if largest <= usual else wide
    grey = np.clip(values * (255.0 / top) + 0.5, 0, 255).astype(np.uint8)
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return np.repeat(grey[:, :, None], 3, axis=2)
    alpha: NDArray[np.uint8] = np.where(np.asarray(image) == clear, 0, 255).astype(np.uint8)
    return np.stack([grey, grey, grey, alpha], axis=2)

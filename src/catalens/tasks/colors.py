"""The colors of a product by name, measured inside its outline: background, skin and hair do not count."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.features.color import DominantColor, named_colors
from catalens.features.color_names import oklab
from catalens.features.foreground import foreground_guess
from catalens.images.even import even_alpha
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_image
from catalens.tasks.cutout import cutter
from catalens.tasks.segment import parser
from catalens.types import ImageArray, Masks

SIDE = 96
"""Longest side at which colors are measured, in pixels."""
SKIN_HUE, SKIN_CHROMA, SKIN_LIGHT = (30.0, 78.0), (0.03, 0.13), (0.4, 0.92)
"""Ranges of OKLCh that skin of all tones lies in."""
SKIN_SHARE = 0.06
"""Share of the product of colors as of skin from which the parser is asked whether it is skin."""
LEAST = 0.03
"""Share of the outline that is skin or hair, below which nobody wears the product."""
LEFT = 0.15
"""Share of the outline that is not skin or hair, below which these are not taken off: the product is of their color."""


def product_colors(image: ImageLike) -> tuple[DominantColor, ...]:
    """The colors of the product on a photo, the most telling first, one entry a name (`features.color.named_colors`).

    Raises:
        ImageError: the picture cannot be read.
    """
    pixels = read_image(image, target=SIDE)
    scale = SIDE / max(pixels.shape[:2])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    mask = product_mask(pixels)
    if scale < 1:
        pixels = resize(pixels, (height, width))
        mask = cv2.resize(mask.view(np.uint8), (width, height), interpolation=cv2.INTER_AREA).view(np.bool_)
    return named_colors(pixels, mask)


def product_mask(image: ImageArray) -> NDArray[np.bool_]:
    """HWC uint8 -> HxW, True where the product is: not the background, not the skin and hair of who wears it.

    Networks are asked only where they are needed: for the outline where the border is not even, for skin where there
    is something of its color.
    """
    guess = foreground_guess(image)
    alpha = even_alpha(image, guess.astype(np.float32))
    if alpha is None:
        alpha = cutter().alpha(image)
    mask = alpha > 0.5
    if not mask.any():
        return guess
    parts = worn_parts(image, mask)
    return mask if parts is None else mask & ~body_of(parts)


def worn_parts(image: ImageArray, mask: NDArray[np.bool_]) -> Masks | None:
    """The parts of a person on HWC uint8 whose mask is HxW; None where nothing there is of the color of skin, or too
    little or nearly all of the mask would be skin and hair.
    """
    if not mask.any() or _is_skin_color(image[mask]).mean() < SKIN_SHARE:
        return None
    parts = parser()(image)
    body = (mask & body_of(parts)).sum() / mask.sum()
    return parts if LEAST < body < 1 - LEFT else None


def body_of(parts: Masks) -> NDArray[np.bool_]:
    """HxW, True where there is skin or hair."""
    return np.isin(parts.labels, [parts.names.index(name) for name in ("skin", "hair")])


def _is_skin_color(pixels: ImageArray) -> NDArray[np.bool_]:
    lab = oklab(pixels)
    hue, chroma = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])), np.hypot(lab[:, 1], lab[:, 2])
    found = np.ones(len(lab), np.bool_)
    for value, (low, high) in zip((hue, chroma, lab[:, 0]), (SKIN_HUE, SKIN_CHROMA, SKIN_LIGHT), strict=True):
        found &= (low < value) & (value < high)
    return found

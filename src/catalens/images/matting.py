"""Alpha mattes: follow the picture's edges, free the edge's colors from the background's, lay on another background.

An alpha is HxW float32 in 0..1: how much of a pixel the product covers. A picture I is alpha * F + (1 - alpha) * B.
"""

from __future__ import annotations

import cv2
import numpy as np

from catalens.errors import ImageError
from catalens.types import FloatArray, ImageArray

FINEST = 1024
"""Longer side at which edges are followed, in pixels; the result is enlarged beyond it."""
EPSILON = 1e-4
"""Contrast (variance of values in 0..1) below which the guided filter sees no edge."""
SURE = 0.93
"""Alpha from which a coarse answer is believed, at some distance from its edge."""
ALIKE = 25.0
"""Distance of two colors (0..255) at which they say as much of a pixel as the coarse alpha does."""
REACHES = (0.06, 0.006)
"""Of the two passes that estimate the colors, as a share of the longer side."""


def refine_alpha(image: ImageArray, alpha: FloatArray, *, reach: float) -> FloatArray:
    """Make a coarse alpha follow the picture's edges.

    Where it is neither 0 nor 1, a pixel's alpha is read from where its color lies between those of the sure product and
    the sure background nearby (as in Chuang et al. 2001, with one color each); where those two are alike, the coarse
    alpha stays. A guided filter (He, Sun and Tang 2013) then smooths along edges.

    Args:
        image: HWC uint8; alpha: HxW of the same size.
        reach: pixels by which the coarse alpha may be off.

    Raises:
        ImageError: the sizes differ.
    """
    _require_same_size(image, alpha)
    height, width = alpha.shape
    scale = min(1.0, FINEST / max(height, width))
    reach = max(1.0, reach * scale)
    guide, coarse = image, alpha
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        guide = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        coarse = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    told = _by_color(guide, coarse, reach)
    # On 8-bit guides only: on floats of several channels this function answers as if there were no guide.
    fine = cv2.ximgproc.guidedFilter(guide, told, max(1, round(reach / 3)), EPSILON * 255**2)
    if scale < 1:
        fine = cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip((fine - 0.04) / 0.92, 0, 1), np.float32)


def _by_color(image: ImageArray, coarse: FloatArray, reach: float) -> FloatArray:
    """Alpha of the doubtful pixels by their colors."""
    pixels = image.astype(np.float32)
    step = np.ones((2 * round(reach / 2) + 1,) * 2, np.uint8)
    product = cv2.erode((coarse > SURE).astype(np.float32), step)[..., None]
    ground = cv2.erode((coarse < 1 - SURE).astype(np.float32), step)[..., None]
    size = 2 * round(3 * reach) + 1
    weights = _blurred(product, size), _blurred(ground, size)
    front = _blurred(pixels * product, size) / np.maximum(weights[0], np.float32(1e-4))
    back = _blurred(pixels * ground, size) / np.maximum(weights[1], np.float32(1e-4))
    apart = front - back
    square = (apart * apart).sum(2)
    between = np.clip(((pixels - back) * apart).sum(2) / np.maximum(square, 1), 0, 1)
    trusted = square / (square + ALIKE**2) * (weights[0][..., 0] > 1e-3) * (weights[1][..., 0] > 1e-3)
    doubtful = (product[..., 0] < 0.5) & (ground[..., 0] < 0.5)
    return np.asarray(np.where(doubtful, trusted * between + (1 - trusted) * coarse, coarse), np.float32)


def foreground_colors(image: ImageArray, alpha: FloatArray) -> ImageArray:
    """The product's own colors at its edge, so that nothing of the old background shines through.

    Two passes of blurred colors weighted by alpha (Forte 2021, "Approximate Fast Foreground Colour Estimation").

    Raises:
        ImageError: the sizes differ.
    """
    _require_same_size(image, alpha)
    pixels, cover = image.astype(np.float32), alpha[..., None].astype(np.float32)
    front: FloatArray = pixels
    back: FloatArray = pixels
    least = np.float32(1e-4)
    for reach, power in zip(REACHES, (4, 1), strict=True):
        size = 2 * max(1, round(reach * max(alpha.shape))) + 1
        # At first nearly pure pixels say nearly all: the others are what is to be found out.
        of_front, of_back = cover**power, (1 - cover) ** power
        front_mean = _blurred(front * of_front, size) / np.maximum(_blurred(of_front, size), least)
        back_mean = _blurred(back * of_back, size) / np.maximum(_blurred(of_back, size), least)
        left = pixels - cover * front_mean - (1 - cover) * back_mean
        front, back = (
            np.asarray(np.clip(front_mean + cover * left, 0, 255), np.float32),
            np.asarray(back_mean, np.float32),
        )
    return np.asarray(np.round(np.where(cover > 0.996, pixels, front)), np.uint8)


def composite(colors: ImageArray, alpha: FloatArray, background: ImageArray) -> ImageArray:
    """Lay colors over a background of the same size: HWC uint8.

    Raises:
        ImageError: the sizes differ.
    """
    _require_same_size(colors, alpha)
    _require_same_size(background, alpha)
    cover = alpha[..., None]
    return np.asarray(np.round(colors * cover + background * (1 - cover)), np.uint8)


def _blurred(values: FloatArray, size: int) -> FloatArray:
    found = np.asarray(cv2.blur(values, (size, size)), np.float32)
    return found if found.ndim == values.ndim else found[..., None]


def _require_same_size(image: ImageArray, alpha: FloatArray) -> None:
    if image.shape[:2] != alpha.shape:
        raise ImageError(
            f"expected an alpha of {image.shape[:2]} and got {alpha.shape}", cure="give that of the picture"
        )

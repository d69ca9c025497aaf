"""Trimaps: what is surely product, surely background and unknown; alphas of what is unknown; smooth masks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.images.matting import alpha_by_color
from catalens.types import FloatArray, ImageArray

UNKNOWN = 128
SMOOTH = 2.0
"""Standard deviation of the blur that a mask's outline is smoothed with, in pixels (rembg's)."""


def trimap_of(alpha: FloatArray, *, foreground: int, background: int, erode: int) -> NDArray[np.uint8]:
    """HxW alpha -> HxW uint8: 255 product, 0 background, `UNKNOWN` between.

    Args:
        foreground, background: alphas of 255, above and below which a pixel is taken for product and background.
        erode: pixels that both lose at their border.
    """
    level = np.round(alpha * 255)
    step = np.ones((2 * erode + 1,) * 2, np.uint8) if erode else None
    found = np.full(alpha.shape, UNKNOWN, np.uint8)
    for places, value in ((level > foreground, 255), (level < background, 0)):
        mask = places.astype(np.uint8)
        # What lies beyond the picture goes on as its border does.
        found[(mask if step is None else cv2.erode(mask, step, borderType=cv2.BORDER_REPLICATE)) > 0] = value
    return found


def matte_unknown(image: ImageArray, alpha: FloatArray, trimap: NDArray[np.uint8], *, reach: float) -> FloatArray:
    """Alpha by color where the trimap says unknown; 0 and 1 elsewhere.

    Args:
        image: HWC uint8; alpha: HxW, a first guess, which stays where product and background have one color.
        reach: half the width of what is unknown, in pixels.
    """
    known = np.where(trimap == UNKNOWN, alpha, trimap / np.float32(255)).astype(np.float32)
    return alpha_by_color(image, known, trimap == UNKNOWN, certain=(trimap == 255, trimap == 0), reach=max(reach, 2.0))


def smooth_mask(alpha: FloatArray) -> FloatArray:
    """An alpha without threads of a pixel and rough outlines, all product or all background: HxW float32, 0 or 1."""
    opened = cv2.morphologyEx(alpha, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    return np.asarray(cv2.GaussianBlur(opened, (0, 0), SMOOTH) >= 0.5, np.float32)

"""Foreground estimate without a network: pixels that differ from the picture's border."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray

UNLIKE = 14.0
"""Lab distance (8-bit scale) beyond which a pixel differs from the border."""
EVEN = 0.55
"""Border uniformity from which the border counts as background."""


def border_uniformity(image: ImageArray) -> float:
    """Share of the border (0..1) of HWC uint8 that is close to its median: 1 for a plain background."""
    return float((np.linalg.norm(_border(_lab(image)) - _ground(image), axis=1) < UNLIKE).mean())


def foreground_guess(image: ImageArray) -> NDArray[np.bool_]:
    """HWC uint8 -> HxW, True where the product probably is; all True where the border is uneven or nothing is left."""
    if border_uniformity(image) < EVEN:
        return np.ones(image.shape[:2], np.bool_)
    unlike = np.linalg.norm(_lab(image) - _ground(image), axis=2) >= UNLIKE
    opened = cv2.morphologyEx(unlike.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(np.bool_)
    return opened if opened.mean() > 0.01 else np.ones(image.shape[:2], np.bool_)


def _lab(image: ImageArray) -> FloatArray:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), np.float32)


def _border(values: FloatArray) -> FloatArray:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _ground(image: ImageArray) -> FloatArray:
    """(3,) Lab of the border's median."""
    return np.asarray(np.median(_border(_lab(image)), axis=0), np.float32)

"""Guess which pixels show the product: those unlike the picture's border."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray

UNLIKE = 14.0
"""Distance in Lab (8-bit scale) beyond which a pixel is no longer like the border."""
EVEN = 0.55
"""Share of the border that must be alike for it to be called a background."""


def evenness(image: ImageArray) -> float:
    """HWC uint8 -> share of the border, 0..1, that is like its median: 1 for a plain background."""
    return float((np.linalg.norm(_border(_lab(image)) - _ground(image), axis=1) < UNLIKE).mean())


def foreground_guess(image: ImageArray) -> NDArray[np.bool_]:
    """HWC uint8 -> HxW, True where the product probably is; all True where the border is uneven or nothing is left."""
    if evenness(image) < EVEN:
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

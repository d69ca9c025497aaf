"""Guess which pixels show the product: those unlike the picture's border."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import ImageArray

UNLIKE = 14.0
"""Distance in Lab (8-bit scale) beyond which a pixel is no longer like the border."""
EVEN = 0.55
"""Share of the border that must be alike for it to be called a background."""


def foreground_guess(image: ImageArray) -> NDArray[np.bool_]:
    """HWC uint8 -> HxW, True where the product probably is; all True where the border is uneven or nothing is left."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    border = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    background = np.median(border, axis=0)
    if (np.linalg.norm(border - background, axis=1) < UNLIKE).mean() < EVEN:
        return np.ones(image.shape[:2], np.bool_)
    unlike = np.linalg.norm(lab - background, axis=2) >= UNLIKE
    opened = cv2.morphologyEx(unlike.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(np.bool_)
    return opened if opened.mean() > 0.01 else np.ones(image.shape[:2], np.bool_)

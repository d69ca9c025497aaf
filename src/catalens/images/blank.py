"""Detection of blank pictures (one color or noise), on which networks would otherwise find products."""

from __future__ import annotations

import cv2
import numpy as np

from catalens.types import ImageArray

FLAT = 2.0
"""Standard deviation of each channel, 0..255, below which a picture counts as one color."""
ALONE = 0.15
"""Correlation of neighbouring pixels below which a picture counts as noise. Photos have 0.8 and more,
with the noise of a sensor at night 0.4.
"""
LINES = 256
"""Number of rows, and of columns, that are sampled."""


def is_blank(image: ImageArray) -> bool:
    """Whether a picture, HWC uint8, is one flat color or noise."""
    height, width = image.shape[:2]
    rows = np.ascontiguousarray(image[:: -(-height // LINES)])
    columns = np.ascontiguousarray(image[:, :: -(-width // LINES)])
    spread = max(float(cv2.meanStdDev(lines)[1].max()) for lines in (rows, columns))
    return spread < FLAT or max(_correlation(rows, axis=1), _correlation(columns, axis=0)) < ALONE


def _correlation(lines: ImageArray, *, axis: int) -> float:
    """Correlation of each pixel with its next neighbour along an axis; (H, W, 3) uint8."""
    grey = cv2.cvtColor(lines, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey -= cv2.mean(grey)[0]
    ahead, behind = (grey[:, 1:], grey[:, :-1]) if axis == 1 else (grey[1:], grey[:-1])
    power = float(np.vdot(grey, grey)) / grey.size
    return float((ahead * behind).mean()) / power if ahead.size and power > 0 else 0.0

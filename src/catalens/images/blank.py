"""Whether a picture shows anything at all: networks see garments in noise, for they were never told what nothing is."""

from __future__ import annotations

import cv2
import numpy as np

from catalens.types import ImageArray

FLAT = 2.0
"""Standard deviation of each channel, of 255, below which a picture is of one color."""
ALONE = 0.15
"""Correlation of neighbouring pixels below which they have nothing to do with each other. Photos have 0.8 and more,
with the noise of a sensor at night 0.4.
"""
LINES = 256
"""Rows, and columns, that are looked at."""


def is_blank(image: ImageArray) -> bool:
    """HWC uint8 -> True where it is of one color all over, or noise."""
    height, width = image.shape[:2]
    rows = np.ascontiguousarray(image[:: -(-height // LINES)])
    columns = np.ascontiguousarray(image[:, :: -(-width // LINES)])
    spread = max(float(cv2.meanStdDev(lines)[1].max()) for lines in (rows, columns))
    return spread < FLAT or max(_correlation(rows, axis=1), _correlation(columns, axis=0)) < ALONE


def _correlation(lines: ImageArray, *, axis: int) -> float:
    """Of each pixel with the next one along an axis; (H, W, 3) uint8."""
    grey = cv2.cvtColor(lines, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey -= cv2.mean(grey)[0]
    ahead, behind = (grey[:, 1:], grey[:, :-1]) if axis == 1 else (grey[1:], grey[:-1])
    power = float(np.vdot(grey, grey)) / grey.size
    return float((ahead * behind).mean()) / power if ahead.size and power > 0 else 0.0

"""Whether a picture shows anything at all: networks see garments in noise, for they were never told what nothing is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    lines = image[:: -(-len(image) // LINES)], image.swapaxes(0, 1)[:: -(-image.shape[1] // LINES)]
    spread = max(float(line.reshape(-1, 3).std(axis=0).max()) for line in lines)
    return spread < FLAT or max(map(_correlation, lines)) < ALONE


def _correlation(lines: ImageArray) -> float:
    """Of each pixel with the next one on its line; (N, L, 3) uint8."""
    grey: NDArray[np.float32] = lines.mean(axis=2, dtype=np.float32)
    grey -= grey.mean()
    power = float((grey**2).mean())
    return float((grey[:, 1:] * grey[:, :-1]).mean()) / power if grey.shape[1] > 1 and power > 0 else 0.0

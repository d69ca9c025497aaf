"""Shape descriptors: histograms of oriented gradients and Hu's moments."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray

SIDE = 64
BLOCK, CELL, BINS = 32, 16, 9


def hog(grey: NDArray[np.uint8]) -> FloatArray:
    """Histograms of oriented gradients (Dalal & Triggs 2005) of HxW uint8 brought to 64x64.

    Cells of 16x16 pixels, 9 unsigned orientations, overlapping blocks of 2x2 cells, L2-Hys.

    Returns:
        (324,) float32: 3x3 blocks of 36.
    """
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    descriptor = cv2.HOGDescriptor((SIDE, SIDE), (BLOCK, BLOCK), (CELL, CELL), (CELL, CELL), BINS)
    return np.asarray(descriptor.compute(small), np.float32).ravel()


def hu_moments(mask: NDArray[np.bool_]) -> FloatArray:
    """(7,) Hu's invariants (Hu 1962) of an HxW mask, as -sign(h) log10 |h|, 0 where h vanishes."""
    moments = cv2.HuMoments(cv2.moments(mask.astype(np.uint8), binaryImage=True)).ravel()
    small = np.abs(moments) < 1e-12
    logs = -np.sign(moments) * np.log10(np.where(small, 1.0, np.abs(moments)))
    return np.asarray(np.where(small, 0.0, logs), np.float32)

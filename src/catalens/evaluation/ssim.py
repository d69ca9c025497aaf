"""Structural similarity of two pictures (Wang et al. 2004)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray


def ssim(a: ImageArray, b: ImageArray) -> FloatArray:
    """(H, W) structural similarity of two pictures HWC uint8, mean over the channels: Gaussian window, sigma 1.5."""
    x, y = a.astype(np.float64), b.astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), np.float64)

    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y, both = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2, mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    return np.asarray((top / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))).mean(2), np.float32)

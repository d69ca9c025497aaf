"""Hand-crafted image descriptors: color, texture, shape."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.features.color import color_histogram
from catalens.features.foreground import foreground_guess
from catalens.features.shape import hog, hu_moments
from catalens.features.texture import gabor_energies, lbp_histogram
from catalens.types import FloatArray, ImageArray

DIMS = {"color": 256 + 192, "texture": 10 + 8, "shape": 324 + 7}
"""Dimensions of each descriptor."""

SIDE = 96
"""Longest side at which descriptors are computed, in pixels."""


def describe(image: ImageArray) -> dict[str, FloatArray]:
    """Describe HWC uint8 sRGB by its foreground: `color`, `texture` and `shape`, each of unit length `DIMS[key]`."""
    small = _reduced(image)
    foreground = foreground_guess(small)
    rows, columns = np.flatnonzero(foreground.any(axis=1)), np.flatnonzero(foreground.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    product = np.ascontiguousarray(grey[box])
    histograms = [
        color_histogram(small, space="lab", mask=foreground),
        color_histogram(small, space="hsv", mask=foreground),
    ]
    return {
        "color": _unit(np.concatenate(histograms)),
        "texture": _unit(np.concatenate([np.sqrt(lbp_histogram(product)), 4 * gabor_energies(_halved(product))])),
        "shape": _unit(np.concatenate([hog(product), hu_moments(foreground) / 20])),
    }


def _reduced(image: ImageArray) -> ImageArray:
    """Downscale to at most `SIDE`: first by a whole factor, which OpenCV averages much faster."""
    factor = max(image.shape[:2]) // SIDE
    if factor > 1:
        height, width = (max(factor, side // factor * factor) for side in image.shape[:2])
        size = (width // factor, height // factor)
        image = np.asarray(cv2.resize(image[:height, :width], size, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _halved(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = (max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _unit(vector: FloatArray) -> FloatArray:
    """Vector scaled to unit length; a zero vector becomes a constant one."""
    length = float(np.linalg.norm(vector))
    if length < 1e-6:
        return np.full(len(vector), 1 / np.sqrt(len(vector)), np.float32)
    return np.asarray(vector / length, np.float32)

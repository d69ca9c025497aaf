"""Texture descriptors: local binary patterns and Gabor energies."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray

Grey = NDArray[np.uint8]
ORIENTATIONS, WAVELENGTHS = 4, (4.0, 8.0)
_DIAGONAL, _SIDE = 0.5, math.sqrt(0.5) - 0.5
"""Weights of bilinear interpolation at (0.707, 0.707): the diagonal pixel's and each of the two beside it."""


def lbp_codes(grey: Grey) -> NDArray[np.uint8]:
    """Rotation-invariant uniform local binary patterns, 8 neighbours at radius 1 (Ojala et al. 2002, LBP 8,1 riu2).

    Returns:
        HxW codes 0..9: the number of neighbours that are not darker where the ring changes at most twice, else 9.
    """
    padded = cv2.copyMakeBorder(grey, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    height, width = grey.shape
    at = {(y, x): padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y in (-1, 0, 1) for x in (-1, 0, 1)}
    values = {place: pixels.astype(np.float32) for place, pixels in at.items()}
    # A diagonal neighbour is interpolated, and the pixel itself has a part in it: 1 - 0.5 - 2 * 0.2071 = 0.0858.
    threshold = values[0, 0] * np.float32(_DIAGONAL + 2 * _SIDE) - np.float32(1e-3)
    ring = np.zeros(grey.shape, np.uint8)
    for bit, (y, x) in enumerate(((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))):
        if y and x:
            beside = values[y, 0] + values[0, x]
            not_darker = np.float32(_DIAGONAL) * values[y, x] + np.float32(_SIDE) * beside >= threshold
        else:
            not_darker = at[y, x] >= at[0, 0]
        ring |= not_darker.view(np.uint8) << bit
    return np.asarray(cv2.LUT(ring, _uniform()), np.uint8)


@cache
def _uniform() -> NDArray[np.uint8]:
    """(256,) code of each ring of eight bits."""
    rings = np.arange(256, dtype=np.uint8)[:, None] >> np.arange(8, dtype=np.uint8) & 1
    changes = (rings != np.roll(rings, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, rings.sum(axis=1), 9).astype(np.uint8)


def lbp_histogram(grey: Grey) -> FloatArray:
    """(10,) shares of the ten patterns of HxW uint8."""
    counts = np.bincount(lbp_codes(grey).ravel(), minlength=10).astype(np.float32)
    return counts / np.float32(counts.sum())


def gabor_energies(grey: Grey) -> FloatArray:
    """(8,) root mean square response of HxW uint8 to Gabor filters: 4 orientations at wavelengths of 4 and 8 pixels."""
    values = grey.astype(np.float32) / 255
    energies = [float(np.sqrt(np.mean(np.square(cv2.filter2D(values, -1, kernel))))) for kernel in _kernels()]
    return np.asarray(energies, np.float32)


@cache
def _kernels() -> tuple[FloatArray, ...]:
    found = []
    for wavelength in WAVELENGTHS:
        for turn in range(ORIENTATIONS):
            angle = math.pi * turn / ORIENTATIONS
            kernel = cv2.getGaborKernel((9, 9), wavelength / 2, angle, wavelength, 0.8, 0, cv2.CV_32F)
            kernel = np.asarray(kernel, np.float32)
            found.append(kernel - kernel.mean())
    return tuple(found)

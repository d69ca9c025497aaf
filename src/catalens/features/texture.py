"""Describe a picture's texture: local binary patterns and Gabor energies."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray

Grey = NDArray[np.uint8]
ORIENTATIONS, WAVELENGTHS = 4, (4.0, 8.0)
_RING = tuple((-math.sin(2 * math.pi * p / 8), math.cos(2 * math.pi * p / 8)) for p in range(8))


def lbp_codes(grey: Grey) -> NDArray[np.uint8]:
    """Rotation-invariant uniform local binary patterns, 8 neighbours at radius 1 (Ojala et al. 2002, LBP 8,1 riu2).

    Returns:
        HxW codes 0..9: the number of brighter neighbours where the ring changes at most twice, else 9.
    """
    height, width = grey.shape
    padded = cv2.copyMakeBorder(grey, 2, 2, 2, 2, cv2.BORDER_REPLICATE).astype(np.float32)
    brighter = np.empty((8, height, width), np.bool_)
    center = padded[2:-2, 2:-2]
    for index, (dy, dx) in enumerate(_RING):
        top, left = math.floor(dy), math.floor(dx)
        fy, fx = dy - top, dx - left
        corner = [
            padded[2 + top + y : 2 + top + y + height, 2 + left + x : 2 + left + x + width]
            for y in (0, 1)
            for x in (0, 1)
        ]
        value = (corner[0] * (1 - fx) + corner[1] * fx) * (1 - fy) + (corner[2] * (1 - fx) + corner[3] * fx) * fy
        brighter[index] = value >= center - 1e-4
    changes = (brighter != np.roll(brighter, 1, axis=0)).sum(axis=0)
    return np.where(changes <= 2, brighter.sum(axis=0), 9).astype(np.uint8)


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

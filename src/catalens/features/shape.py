"""Shape descriptors: histograms of oriented gradients and Hu's moments."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray

SIDE, CELL, BINS = 64, 16, 9
CLIP = 0.2
"""Largest component of a block before it is normalised again (L2-Hys)."""


def hog(grey: NDArray[np.uint8]) -> FloatArray:
    """Histograms of oriented gradients of HxW uint8 brought to 64x64, cells of 16x16 pixels; see `gradient_histograms`.

    Returns:
        (324,) float32: 3x3 blocks of 36.
    """
    return gradient_histograms(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cell=CELL)


def gradient_histograms(grey: NDArray[np.uint8], *, cell: int) -> FloatArray:
    """Histograms of oriented gradients (Dalal & Triggs 2005) of HxW uint8, sides multiples of `cell` pixels.

    Gradients of square roots, 9 unsigned orientations, overlapping blocks of 2x2 cells under a Gaussian window, L2-Hys.
    The constants and the order are those of `HOGDescriptor` in OpenCV 4, so that vectors compare with it.

    Returns:
        (blocks across * blocks down * 36,) float32, column by column of blocks, and of cells in a block.
    """
    oriented = _oriented(np.sqrt(grey.astype(np.float32)))
    window, block = _window(cell), 2 * cell
    found = [
        _l2_hys((window @ oriented[top : top + block, left : left + block].reshape(-1, BINS)).ravel())
        for left in range(0, grey.shape[1] - block + 1, cell)
        for top in range(0, grey.shape[0] - block + 1, cell)
    ]
    return np.concatenate(found).astype(np.float32)


def _oriented(values: FloatArray) -> FloatArray:
    """HxW -> (H, W, 9): the gradient's length, divided between the two orientations beside it."""
    padded = cv2.copyMakeBorder(values, 1, 1, 1, 1, cv2.BORDER_REFLECT_101)
    length, angle = cv2.cartToPolar(padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1])
    place = angle * np.float32(BINS / np.pi) - np.float32(0.5)
    lower = np.floor(place)
    share = place - lower
    first = lower.astype(np.int64)[..., None] % BINS
    found = np.zeros((*values.shape, BINS), np.float32)
    np.put_along_axis(found, first, (length * (1 - share))[..., None], axis=2)
    np.put_along_axis(found, (first + 1) % BINS, (length * share)[..., None], axis=2)
    return found


@cache
def _window(cell: int) -> FloatArray:
    """(4, (2 cell)^2): how much a pixel of a block counts for each of its cells, column by column."""
    pixels = np.arange(2 * cell, dtype=np.float32)
    near = np.maximum(0, 1 - np.abs((pixels + 0.5) / cell - 0.5 - np.arange(2)[:, None]))
    gauss = np.exp(-((pixels - cell) ** 2) / (2 * (cell / 2) ** 2))
    down = across = near * gauss
    return np.asarray(np.einsum("ax,by->abyx", across, down).reshape(4, -1), np.float32)


def _l2_hys(block: FloatArray) -> FloatArray:
    clipped = np.minimum(block / (np.linalg.norm(block) + 0.1 * len(block)), CLIP)
    return np.asarray(clipped / (np.linalg.norm(clipped) + 1e-3), np.float32)


def hu_moments(mask: NDArray[np.bool_]) -> FloatArray:
    """(7,) Hu's invariants (Hu 1962) of an HxW mask, as -sign(h) log10 |h|, 0 where h vanishes."""
    moments = cv2.HuMoments(cv2.moments(mask.astype(np.uint8), binaryImage=True)).ravel()
    small = np.abs(moments) < 1e-12
    logs = -np.sign(moments) * np.log10(np.where(small, 1.0, np.abs(moments)))
    return np.asarray(np.where(small, 0.0, logs), np.float32)

"""Fast guided filter: local linear models of values by color, fitted on a small picture, applied at full size.

He, Sun and Tang 2013, "Guided Image Filtering"; He and Sun 2015, "Fast Guided Filter": the lines change slowly from
place to place, so that they can be found on a small picture and applied to the colors of a large one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray

ROW = 1024
"""Places in a row of what OpenCV reads at once: it takes no more than 32,767."""


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """Some pixels of a picture, to work on nothing but these.

    Args:
        size: (height, width) of the picture.
        flat: (N,) index of each where rows follow each other.
    """

    size: tuple[int, int]
    flat: NDArray[np.intp]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> Pixels:
        """The pixels where an HxW mask is true."""
        return cls((mask.shape[0], mask.shape[1]), np.flatnonzero(mask))

    def colors(self, image: ImageArray) -> FloatArray:
        """HxWx3 uint8 -> (N, 3) float32 in 0..255."""
        return image.reshape(-1, 3).take(self.flat, axis=0).astype(np.float32)

    def read(self, *pictures: FloatArray) -> list[FloatArray]:
        """Sample small pictures, hxwxC float32, C up to 4, at these pixels, bilinear: (N, C) each."""
        count, (height, width) = len(self.flat), pictures[0].shape[:2]
        if not count:
            return [np.zeros((0, picture.shape[2]), np.float32) for picture in pictures]
        xs, ys = np.zeros((2, -(-count // ROW), ROW), np.float32)
        rows, columns = np.divmod(self.flat, self.size[1])
        xs.reshape(-1)[:count] = (columns + 0.5) * (width / self.size[1]) - 0.5
        ys.reshape(-1)[:count] = (rows + 0.5) * (height / self.size[0]) - 0.5
        found = [cv2.remap(one, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for one in pictures]
        return [np.asarray(one.reshape(-1, one.shape[2])[:count], np.float32) for one in found]


def fit_lines(guide: FloatArray, values: FloatArray, *, epsilon: float) -> FloatArray:
    """Fit a linear model from color to value in each 3x3 window; overlapping models are averaged.

    Args:
        guide: hxwx3 float32 in 0..1; values: hxw float32.
        epsilon: variance of the colors below which values are averaged.

    Returns:
        hxwx4 float32: a value is the first three times the color, and the fourth.
    """
    colors = cv2.split(guide)
    means, level = [_mean(color) for color in colors], _mean(values)
    rr, rg, rb, gg, gb, bb = (
        _mean(colors[i] * colors[j]) - means[i] * means[j] + np.float32(epsilon * (i == j))
        for i, j in combinations_with_replacement(range(3), 2)
    )
    r, g, b = (_mean(color * values) - mean * level for color, mean in zip(colors, means, strict=True))
    # The inverse of a symmetric 3x3 matrix, by its minors, times what goes along with each color.
    by_r, by_g, by_b = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    slopes = [
        by_r * r + by_g * g + by_b * b,
        by_g * r + (rr * bb - rb * rb) * g + (rb * rg - rr * gb) * b,
        by_b * r + (rb * rg - rr * gb) * g + (rr * gg - rg * rg) * b,
    ]
    det = rr * by_r + rg * by_g + rb * by_b
    for slope, mean in zip(slopes, means, strict=True):
        slope /= det
        level -= slope * mean
    return np.asarray(cv2.merge([_mean(plane) for plane in (*slopes, level)]), np.float32)


def _mean(values: FloatArray) -> FloatArray:
    return np.asarray(cv2.blur(values, (3, 3)), np.float32)

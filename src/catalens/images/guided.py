"""Fast guided filter: values as a straight line of the picture's colors nearby, told on a small picture, read anywhere.

He, Sun and Tang 2013, "Guided Image Filtering"; He and Sun 2015, "Fast Guided Filter": the lines change slowly from
place to place, so that they can be found on a small picture and applied to the colors of a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    def of(cls, mask: NDArray[np.uint8]) -> Pixels:
        """Where an HxW mask is not zero."""
        return cls((mask.shape[0], mask.shape[1]), np.flatnonzero(mask != 0))

    def colors(self, image: ImageArray) -> FloatArray:
        """HxWx3 uint8 -> (N, 3) float32 in 0..255."""
        return image.reshape(-1, 3).take(self.flat, axis=0).astype(np.float32)

    def read(self, small: FloatArray) -> FloatArray:
        """The same picture made small, float32 of up to 4 channels -> (N, C), linear between its pixels."""
        count = len(self.flat)
        if not count:
            return np.zeros((0, small.shape[2]), np.float32)
        xs, ys = np.zeros((2, -(-count // ROW), ROW), np.float32)
        rows, columns = np.divmod(self.flat, self.size[1])
        xs.reshape(-1)[:count] = (columns + 0.5) * (small.shape[1] / self.size[1]) - 0.5
        ys.reshape(-1)[:count] = (rows + 0.5) * (small.shape[0] / self.size[0]) - 0.5
        read = cv2.remap(small, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(read.reshape(-1, small.shape[2])[:count], np.float32)


def lines_of(guide: FloatArray, values: FloatArray, *, epsilon: float) -> FloatArray:
    """The line through the colors and the values of each place's 3x3 neighbors, averaged where they meet.

    Args:
        guide: hxwx3 float32 in 0..1; values: hxw float32.
        epsilon: variance of the colors below which values are averaged.

    Returns:
        hxwx4 float32: a value is the first three times the color, and the fourth.
    """
    first, second = guide[..., [0, 0, 0, 1, 1, 2]], guide[..., [0, 1, 2, 1, 2, 2]]
    mean, level = _mean(guide), _mean(values)
    spread = _mean(first * second) - mean[..., [0, 0, 0, 1, 1, 2]] * mean[..., [0, 1, 2, 1, 2, 2]]
    rr, rg, rb, gg, gb, bb = np.moveaxis(spread, 2, 0) + np.float32([epsilon, 0, 0, epsilon, 0, epsilon])[:, None, None]
    along = _mean(guide * values[..., None]) - mean * level[..., None]
    # The inverse of a symmetric 3x3 matrix by its minors.
    minors = (
        gg * bb - gb * gb,
        gb * rb - rg * bb,
        rg * gb - gg * rb,
        rr * bb - rb * rb,
        rb * rg - rr * gb,
        rr * gg - rg * rg,
    )
    det = rr * minors[0] + rg * minors[1] + rb * minors[2]
    order = ((0, 1, 2), (1, 3, 4), (2, 4, 5))
    slopes = [sum(minors[at] * along[..., channel] for channel, at in enumerate(row)) / det for row in order]
    slope = np.stack(slopes, axis=2)
    return _mean(np.dstack([slope, level - (slope * mean).sum(2)]))


def _mean(values: FloatArray) -> FloatArray:
    return np.asarray(cv2.blur(values, (3, 3)), np.float32)

"""Prepare a picture for a network: one spec with `apply` and an exact inverse for points, boxes and masks.

Coordinates are continuous pixels: pixel (row 0, column 0) covers x and y from 0 to 1, its centre lies at 0.5. A point
(x, y) of the original picture lands at (x * scale_x + shift_x, y * scale_y + shift_y).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import ImageError
from catalens.types import FloatArray, ImageArray

Fit = Literal["letterbox", "crop", "stretch"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the original picture lies on the prepared one. Sizes are (height, width)."""

    original: tuple[int, int]
    prepared: tuple[int, int]
    scale: tuple[float, float]
    """(x, y): prepared pixels per original pixel."""
    shift: tuple[float, float]
    """(x, y): where the original's top left corner lies, in prepared pixels."""

    def to_network_points(self, points: NDArray[np.floating]) -> FloatArray:
        """(N, 2) xy of the original -> (N, 2) xy of the prepared picture."""
        moved = np.asarray(points, np.float64).reshape(-1, 2) * self.scale + self.shift
        return moved.astype(np.float32)

    def to_original_points(self, points: NDArray[np.floating]) -> FloatArray:
        """(N, 2) xy of the prepared picture -> (N, 2) xy of the original."""
        moved = (np.asarray(points, np.float64).reshape(-1, 2) - self.shift) / self.scale
        return moved.astype(np.float32)

    def to_network_boxes(self, boxes: NDArray[np.floating]) -> FloatArray:
        """(N, 4) xyxy of the original -> (N, 4) xyxy of the prepared picture."""
        return self.to_network_points(np.asarray(boxes).reshape(-1, 2)).reshape(-1, 4)

    def to_original_boxes(self, boxes: NDArray[np.floating]) -> FloatArray:
        """(N, 4) xyxy of the prepared picture -> (N, 4) xyxy of the original."""
        return self.to_original_points(np.asarray(boxes).reshape(-1, 2)).reshape(-1, 4)

    def to_network_mask(self, mask: NDArray[np.integer | np.bool_]) -> NDArray[np.uint8]:
        """HxW labels of the original -> labels of the prepared picture's size, 0 where it is padding."""
        return self._warp(mask, self._matrix(), self.prepared)

    def to_original_mask(self, mask: NDArray[np.integer | np.bool_]) -> NDArray[np.uint8]:
        """HxW labels of the prepared picture -> labels of the original's size, 0 where it was cropped away."""
        return self._warp(mask, cv2.invertAffineTransform(self._matrix()), self.original)

    def _matrix(self) -> NDArray[np.float64]:
        # Continuous coordinates to OpenCV's, where a pixel's centre is the whole number: shift by half a pixel.
        (sx, sy), (dx, dy) = self.scale, self.shift
        return np.array([[sx, 0, dx + (sx - 1) / 2], [0, sy, dy + (sy - 1) / 2]], np.float64)

    @staticmethod
    def _warp(mask: NDArray[np.generic], matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
        warped = cv2.warpAffine(mask.astype(np.uint8), matrix, size[::-1], flags=cv2.INTER_NEAREST)
        return np.asarray(warped, np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocess:
    """What a network wants to see.

    Args:
        size: (height, width) of the prepared picture.
        fit: letterbox (whole picture, padded), crop (filled, the middle kept) or stretch.
        mean, std: per channel, of values in 0..1: prepared = (value - mean) / std.
        pad: color (0..255) around a letterboxed picture.
    """

    size: tuple[int, int]
    fit: Fit = "letterbox"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    pad: tuple[int, int, int] = (255, 255, 255)

    def apply(self, image: ImageArray) -> tuple[FloatArray, Placement]:
        """HWC uint8 -> (CHW float32, normalised; where the picture lies on it)."""
        placed, placement = self.place(image)
        scale = np.float32(1 / 255) / np.asarray(self.std, np.float32)
        shift = np.asarray(self.mean, np.float32) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray((placed * scale - shift).transpose(2, 0, 1)), placement

    def place(self, image: ImageArray) -> tuple[ImageArray, Placement]:
        """HWC uint8 -> (HWC uint8 of `size`, not normalised; where the picture lies on it)."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ImageError(
                f"expected HxWx3 uint8 and got {image.dtype} {image.shape}", cure="read it with catalens.read_image"
            )
        height, width = image.shape[:2]
        inner = self._inner(height, width)
        resized = resize(image, inner)
        top, left = (self.size[0] - inner[0]) // 2, (self.size[1] - inner[1]) // 2
        placement = Placement(
            (height, width), self.size, (inner[1] / width, inner[0] / height), (float(left), float(top))
        )
        if inner == self.size:
            return resized, placement
        canvas = np.full((*self.size, 3), self.pad, np.uint8)
        y, x = max(top, 0), max(left, 0)
        seen = resized[max(-top, 0) :, max(-left, 0) :][: self.size[0] - y, : self.size[1] - x]
        canvas[y : y + seen.shape[0], x : x + seen.shape[1]] = seen
        return canvas, placement

    def _inner(self, height: int, width: int) -> tuple[int, int]:
        """Size of the resized picture before it is padded or cropped."""
        if self.fit == "stretch":
            return self.size
        choose = min if self.fit == "letterbox" else max
        scale = choose(self.size[0] / height, self.size[1] / width)
        return max(1, round(height * scale)), max(1, round(width * scale))


def resize(image: ImageArray, size: tuple[int, int]) -> ImageArray:
    """Resize HWC uint8 to (height, width): area average when shrinking, linear when enlarging."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size[::-1], interpolation=method), np.uint8)

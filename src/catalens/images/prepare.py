"""Prepare a picture for a network: one spec with `apply`, and an exact inverse for points, boxes and masks.

Coordinates are continuous pixels: pixel (row 0, column 0) covers x and y from 0 to 1, its center lies at 0.5. A point
(x, y) of the original picture lands at (x * scale_x + shift_x, y * scale_y + shift_y).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalens import geometry
from catalens.errors import ImageError, UsageError
from catalens.images.limits import require_rgb
from catalens.types import FloatArray, ImageArray

Fit: TypeAlias = Literal["letterbox", "crop", "stretch"]
Mask: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Placement:
    """Transform from the original picture to the prepared one. Sizes are (height, width)."""

    original: tuple[int, int]
    prepared: tuple[int, int]
    scale: tuple[float, float]
    """(x, y): prepared pixels per original pixel."""
    shift: tuple[float, float]
    """(x, y): where the original's top left corner lies, in prepared pixels; negative where it was cropped away."""

    @property
    def matrix(self) -> geometry.Affine:
        """2x3 affine map from original to prepared coordinates."""
        return geometry.scale_and_shift(self.scale, self.shift)

    def to_network_points(self, points: ArrayLike) -> FloatArray:
        """(N, 2) xy of the original -> (N, 2) xy of the prepared picture."""
        return geometry.apply_to_points(self.matrix, points)

    def to_original_points(self, points: ArrayLike) -> FloatArray:
        """(N, 2) xy of the prepared picture -> (N, 2) xy of the original."""
        return geometry.apply_to_points(geometry.invert(self.matrix), points)

    def to_network_boxes(self, boxes: ArrayLike) -> FloatArray:
        """(N, 4) xyxy of the original -> (N, 4) xyxy of the prepared picture, not clipped."""
        return geometry.apply_to_boxes(self.matrix, boxes)

    def to_original_boxes(self, boxes: ArrayLike) -> FloatArray:
        """(N, 4) xyxy of the prepared picture -> (N, 4) xyxy of the original, not clipped."""
        return geometry.apply_to_boxes(geometry.invert(self.matrix), boxes)

    def to_network_mask(self, mask: NDArray[np.integer | np.bool_]) -> Mask:
        """HxW labels 0..255 of the original -> the prepared picture's, 0 where it is padding."""
        return _warp_labels(mask, self.matrix, before=self.original, after=self.prepared)

    def to_original_mask(self, mask: NDArray[np.integer | np.bool_]) -> Mask:
        """HxW labels 0..255 of the prepared picture -> the original's, 0 where it was cropped away."""
        return _warp_labels(mask, geometry.invert(self.matrix), before=self.prepared, after=self.original)


def _warp_labels(
    mask: NDArray[np.integer | np.bool_], matrix: geometry.Affine, *, before: tuple[int, int], after: tuple[int, int]
) -> Mask:
    """Each pixel takes the label under its center: nearest neighbor, exact also where it shrinks."""
    if mask.shape != before:
        raise ImageError(
            f"expected a mask of shape {before} and got {mask.shape}", cure="give the mask of this picture"
        )
    back = geometry.invert(matrix)
    rows = np.floor((np.arange(after[0]) + 0.5) * back[1, 1] + back[1, 2]).astype(np.int64)
    columns = np.floor((np.arange(after[1]) + 0.5) * back[0, 0] + back[0, 2]).astype(np.int64)
    inside = ((rows >= 0) & (rows < before[0]))[:, None] & ((columns >= 0) & (columns < before[1]))[None, :]
    labels = mask[np.clip(rows, 0, before[0] - 1)[:, None], np.clip(columns, 0, before[1] - 1)[None, :]]
    return np.where(inside, labels, 0).astype(np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocess:
    """Preprocessing of a network: size, fit, normalisation.

    Args:
        size: (height, width) of the prepared picture.
        fit: letterbox (whole picture, padded), crop (filled, the middle kept) or stretch.
        mean, std: per channel, of values in 0..1: prepared = (value - mean) / std.
        pad: color (0..255) around a letterboxed picture.

    Raises:
        UsageError: a value that cannot be used.
    """

    size: tuple[int, int]
    fit: Fit = "letterbox"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    pad: tuple[int, int, int] = (255, 255, 255)

    def __post_init__(self) -> None:
        _check_size(self.size)
        if self.fit not in get_args(Fit):
            raise UsageError(f"fit is {self.fit!r}", cure=f"take one of {', '.join(get_args(Fit))}")
        if len(self.mean) != 3 or len(self.std) != 3 or not min(self.std) > 0:
            raise UsageError(f"mean is {self.mean} and std {self.std}", cure="give three of each, std above 0")
        if len(self.pad) != 3 or not all(0 <= value <= 255 for value in self.pad):
            raise UsageError(f"pad is {self.pad}", cure="give three numbers from 0 to 255")

    def apply(self, image: ImageArray) -> tuple[FloatArray, Placement]:
        """HWC uint8 -> (CHW float32, normalised; placement of the original)."""
        placed, placement = self.place(image)
        prepared = np.empty((3, *self.size), np.float32)
        for plane, mean, std in zip(range(3), self.mean, self.std, strict=True):
            # One multiplication and one addition a value, written once into the plane it belongs to.
            np.multiply(placed[:, :, plane], np.float32(1 / (255 * std)), out=prepared[plane])
            prepared[plane] -= np.float32(mean / std)
        return prepared, placement

    def place(self, image: ImageArray) -> tuple[ImageArray, Placement]:
        """HWC uint8 -> (HWC uint8 of `size`, not normalised; placement of the original)."""
        require_rgb(image)
        if self.fit == "letterbox":
            return letterbox(image, self.size, pad=self.pad)
        if self.fit == "stretch":
            height, width = image.shape[:2]
            scale = (self.size[1] / width, self.size[0] / height)
            return resize(image, self.size), Placement((height, width), self.size, scale, (0.0, 0.0))
        return _fill(image, self.size)


def resize(image: ImageArray, size: tuple[int, int]) -> ImageArray:
    """Resize HWC uint8 to (height, width): area average along a side that shrinks, linear along one that grows."""
    require_rgb(image)
    _check_size(size)
    height, width = image.shape[:2]
    smaller = min(height, size[0]), min(width, size[1])
    if smaller != (height, width):
        image = np.asarray(cv2.resize(image, smaller[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    if smaller != size:
        image = np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    return image


def crop(image: ImageArray, box: ArrayLike, *, margin: float = 0.0) -> tuple[ImageArray, Placement]:
    """Cut a box out of HWC uint8.

    Args:
        image: HWC uint8.
        box: xyxy in pixels; rounded outwards to whole pixels and clipped to the picture.
        margin: added on every side, as a share of the box's longer side.

    Returns:
        The cut (a view, not a copy) and where the original lies on it.

    Raises:
        UsageError: nothing of the box lies on the picture.
    """
    require_rgb(image)
    height, width = image.shape[:2]
    corners = geometry.as_boxes(box)
    if len(corners) != 1 or margin < 0:
        raise UsageError(f"{len(corners)} boxes, margin {margin}", cure="give one box and a margin of 0 or more")
    x1, y1, x2, y2 = corners[0].astype(np.float64)
    more = margin * max(x2 - x1, y2 - y1)
    left, top = max(int(np.floor(x1 - more)), 0), max(int(np.floor(y1 - more)), 0)
    right, bottom = min(int(np.ceil(x2 + more)), width), min(int(np.ceil(y2 + more)), height)
    if left >= right or top >= bottom:
        raise UsageError(
            f"the box {corners[0].tolist()} has no pixel of {width}x{height}", cure="give x1 < x2, y1 < y2"
        )
    cut = image[top:bottom, left:right]
    return cut, Placement((height, width), cut.shape[:2], (1.0, 1.0), (-float(left), -float(top)))


def letterbox(
    image: ImageArray, size: tuple[int, int], *, pad: tuple[int, int, int] = (255, 255, 255)
) -> tuple[ImageArray, Placement]:
    """Fit HWC uint8 into (height, width), aspect ratio kept, centred, the rest filled with `pad`."""
    require_rgb(image)
    _check_size(size)
    inner, placement = _placed(image, size, min(size[0] / image.shape[0], size[1] / image.shape[1]))
    resized = resize(image, inner)
    if inner == size:
        return resized, placement
    left, top = int(placement.shift[0]), int(placement.shift[1])
    canvas = np.full((*size, 3), pad, np.uint8)
    canvas[top : top + inner[0], left : left + inner[1]] = resized
    return canvas, placement


def _fill(image: ImageArray, size: tuple[int, int]) -> tuple[ImageArray, Placement]:
    """Scale and centre-crop HWC uint8 to fill (height, width)."""
    inner, placement = _placed(image, size, max(size[0] / image.shape[0], size[1] / image.shape[1]))
    resized = resize(image, inner)
    left, top = -int(placement.shift[0]), -int(placement.shift[1])
    return np.ascontiguousarray(resized[top : top + size[0], left : left + size[1]]), placement


def _placed(image: ImageArray, size: tuple[int, int], scale: float) -> tuple[tuple[int, int], Placement]:
    """Size of the scaled picture in whole pixels, and its placement in the middle of `size`."""
    height, width = image.shape[:2]
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    shift = float((size[1] - inner[1]) // 2), float((size[0] - inner[0]) // 2)
    return inner, Placement((height, width), size, (inner[1] / width, inner[0] / height), shift)


def _check_size(size: tuple[int, int]) -> None:
    if len(size) != 2 or min(size) < 1:
        raise UsageError(f"size is {size}", cure="give (height, width) of at least 1 pixel")

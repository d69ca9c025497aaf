"""Boxes, masks and affine maps, in plain numpy.

Boxes are float32 (N, 4) xyxy in continuous pixels: pixel (row 0, column 0) covers x and y from 0 to 1, so a box around
one pixel has area 1. Points are (N, 2) xy. An affine map is a float64 2x3 matrix A: (x, y) -> A @ (x, y, 1). Sizes are
(height, width).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalens.errors import UsageError
from catalens.types import FloatArray, IntArray

Affine = NDArray[np.float64]

BLOCK = 128
"""Boxes whose overlaps are computed at a time in non-maximum suppression."""


def as_boxes(boxes: ArrayLike) -> FloatArray:
    """Check boxes: (N, 4) or one box (4,), finite -> (N, 4) float32.

    Raises:
        UsageError: another shape, or values that are no numbers.
    """
    array = np.asarray(boxes, np.float32)
    if array.size == 0:
        return np.empty((0, 4), np.float32)
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or array.shape[1] != 4:
        raise UsageError(f"expected boxes of shape (N, 4) and got {array.shape}", cure="give x1, y1, x2, y2 per row")
    if not np.isfinite(array).all():
        raise UsageError("expected finite boxes and got nan or infinity", cure="drop the rows without a box")
    return array


def area(boxes: ArrayLike) -> FloatArray:
    """(N, 4) xyxy -> (N,) area; 0 for inverted boxes."""
    array = as_boxes(boxes)
    sides = np.maximum(array[:, 2:] - array[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def iou(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Intersection over union of every box of `a` with every box of `b`: (N, 4), (M, 4) xyxy -> (N, M) in 0..1.

    Two boxes without area have IoU 0.
    """
    first, second = as_boxes(a), as_boxes(b)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[:, :, 0] * sides[:, :, 1]
    union = area(first)[:, None] + area(second)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float32)


def clip(boxes: ArrayLike, size: tuple[int, int]) -> FloatArray:
    """Clip (N, 4) xyxy boxes to a picture of `size` (height, width)."""
    height, width = size
    limit = np.array([width, height, width, height], np.float32)
    return np.asarray(np.clip(as_boxes(boxes), 0, limit), np.float32)


def nms(boxes: ArrayLike, scores: ArrayLike, *, threshold: float = 0.5) -> IntArray:
    """Greedy non-maximum suppression.

    Args:
        boxes: (N, 4) xyxy.
        scores: (N,), higher is better; equal ones in their order.
        threshold: a box goes where its IoU with a kept, better one is above this, 0..1.

    Returns:
        Indices of the boxes that stay, best first.
    """
    array, values = as_boxes(boxes), np.asarray(scores, np.float32).ravel()
    if len(array) != len(values):
        raise UsageError(f"{len(array)} boxes and {len(values)} scores", cure="give one score per box")
    if not 0 <= threshold <= 1:
        raise UsageError(f"threshold is {threshold}", cure="give a number from 0 to 1")
    order = np.argsort(-values, kind="stable")
    kept = np.zeros(0, np.int64)
    while order.size:
        block, order = order[:BLOCK], order[BLOCK:]
        over = iou(array[block], array[block]) > threshold
        stays = np.ones(len(block), np.bool_)
        for row in range(len(block)):
            if stays[row]:
                stays[row + 1 :] &= ~over[row, row + 1 :]
        kept = np.concatenate([kept, block[stays]])
        order = order[~(iou(array[block[stays]], array[order]) > threshold).any(0)]
    return kept


def mask_to_box(mask: NDArray[np.generic]) -> FloatArray | None:
    """Bounding box, (4,) float32 xyxy, of the non-zero pixels of an HxW mask; None where all are 0."""
    if mask.ndim != 2:
        raise UsageError(f"expected a mask HxW and got shape {mask.shape}", cure="give one mask at a time")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


def scale_and_shift(scale: tuple[float, float], shift: tuple[float, float]) -> Affine:
    """The map (x, y) -> (x * scale_x + shift_x, y * scale_y + shift_y)."""
    return np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]], np.float64)


def compose(second: Affine, first: Affine) -> Affine:
    """The map that applies `first`, then `second`."""
    linear = second[:, :2] @ first
    linear[:, 2] += second[:, 2]
    return linear


def invert(matrix: Affine) -> Affine:
    """The map that undoes `matrix`.

    Raises:
        UsageError: the map flattens the plane.
    """
    try:
        linear = np.linalg.inv(matrix[:, :2])
    except np.linalg.LinAlgError:
        raise UsageError("the map cannot be inverted", cure="give one with an area above 0") from None
    return np.concatenate([linear, -linear @ matrix[:, 2:]], axis=1)


def apply_to_points(matrix: Affine, points: ArrayLike) -> FloatArray:
    """Map points (N, 2) xy; computed in float64, returned as float32."""
    array = np.asarray(points, np.float64).reshape(-1, 2)
    return (array @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def apply_to_boxes(matrix: Affine, boxes: ArrayLike) -> FloatArray:
    """Map boxes (N, 4) xyxy to the axis-aligned boxes around their mapped corners."""
    array = as_boxes(boxes)
    corners = array[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    moved = apply_to_points(matrix, corners).reshape(-1, 4, 2)
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)

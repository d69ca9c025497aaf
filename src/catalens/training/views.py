"""Views of photos: fresh ones at each step, which teachers and student see alike."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray

THUMBNAIL = (48, 100)
"""Sides in pixels that a view may be shrunk to and enlarged from again."""


def random_box(inner: NDArray[np.int32], side: int, rng: np.random.Generator) -> FloatArray:
    """Choose a view: 25-100 % of a photo's area, nearly square.

    Args:
        inner: (4,) xyxy of the photo inside its square; side: of the square; in pixels.

    Returns:
        (3,) left, top and side, in pixels of the square.
    """
    x0, y0, x1, y1 = inner.tolist()
    scale = math.sqrt(rng.uniform(0.25, 1.0))
    width, height = scale * (x1 - x0), scale * (y1 - y0)
    length = min(max(width, height) * rng.uniform(0.85, 1.18), side)
    center_x, center_y = rng.uniform(x0 + width / 2, x1 - width / 2), rng.uniform(y0 + height / 2, y1 - height / 2)
    left = float(np.clip(center_x - length / 2, 0, side - length))
    top = float(np.clip(center_y - length / 2, 0, side - length))
    return np.array((left, top, length), np.float32)


def view(square: ImageArray, box: FloatArray, *, size: int, rng: np.random.Generator) -> ImageArray:
    """A view (left, top, side) of a squared photo at size x size: its box moved by up to 5 %, turned, stretched,
    mirrored, relit, shrunk, partly covered.
    """
    side = float(box[2])
    grown = side * rng.uniform(0.9, 1.1)
    moved = box[:2] + (side - grown) / 2 + rng.uniform(-0.05, 0.05, 2) * side
    angle = math.radians(rng.normal() * 5) if rng.random() < 0.5 else 0.0
    stretch = math.exp(rng.uniform(-0.12, 0.12))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos * stretch * mirror, -sin / stretch], [sin * stretch * mirror, cos / stretch]])
    seen = _warped(square, np.array([*moved, grown], np.float32), size, turn)
    return _covered(_shrunk(_relit(seen, rng), rng), rng)


def blended(views: ImageArray, count: int, rng: np.random.Generator) -> ImageArray:
    """(count, ...) blends of two random views each, at any ratio (mixup, Zhang et al. 2018): between photos there are
    more pictures than there are photos, and a teacher has an answer to each (Beyer et al. 2022, section 3).
    """
    pairs = rng.integers(0, len(views), (2, count))
    ratios = rng.random(count)
    blends = [
        cv2.addWeighted(views[a], ratio, views[b], 1 - ratio, 0)
        for a, b, ratio in zip(*pairs.tolist(), ratios.tolist(), strict=True)
    ]
    return np.asarray(blends, np.uint8)


def _warped(square: ImageArray, box: FloatArray, size: int, turn: NDArray[np.float64]) -> ImageArray:
    scale = float(box[2]) / size
    matrix = turn * scale
    center = np.asarray(box[:2], np.float64) + float(box[2]) / 2
    if scale > 1.4:  # sampling every second pixel would alias: average first
        square = np.asarray(
            cv2.resize(square, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        matrix, center = matrix / scale, center / scale
    # From continuous coordinates to indexes of pixels, whose centers lie at 0.5.
    shift = center - 0.5 - matrix @ np.full(2, size / 2 - 0.5)
    view = cv2.warpAffine(
        square,
        np.hstack([matrix, shift[:, None]]),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255, 255, 255),
    )
    return np.asarray(view, np.uint8)


def _relit(view: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Other saturation, contrast, brightness and a slight cast: gentle, for color is what a product is known by.

    Half of the views are hardly changed: a shop's own pictures of a product are lit alike.
    """
    strength = 1.0 if rng.random() < 0.5 else 0.25
    saturation = float(np.clip(1 + rng.normal() * 0.2 * strength, 0.3, 1.8))
    grey = cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    mixed = cv2.addWeighted(view, saturation, grey, 1 - saturation, 0)
    mean = float(grey.mean())
    contrast, brightness = np.clip(1 + rng.normal(size=2) * 0.2 * strength, 0.5, 1.6)
    curve = (np.arange(256) - mean) * contrast + mean * brightness
    cast = 1 + rng.normal(size=3) * 0.05 * strength
    table = np.clip(curve[:, None] * cast, 0, 255).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(mixed, table), np.uint8)


def _shrunk(view: ImageArray, rng: np.random.Generator) -> ImageArray:
    """A fifth of the views come from a thumbnail."""
    side = int(rng.integers(*THUMBNAIL))
    if rng.random() > 0.2 or side >= len(view):
        return view
    small = cv2.resize(view, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, view.shape[:2], interpolation=cv2.INTER_LINEAR), np.uint8)


def _covered(view: ImageArray, rng: np.random.Generator) -> ImageArray:
    """A quarter of the views lose a square of 15-40 % of their side (random erasing, Zhong et al. 2020)."""
    if rng.random() < 0.25:
        edge = int(len(view) * rng.uniform(0.15, 0.4))
        top, left = rng.integers(0, len(view) - edge, 2)
        view[top : top + edge, left : left + edge] = rng.integers(0, 255, 3)
    return view

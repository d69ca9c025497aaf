"""Shadows that a product throws on what is behind or below it: how dark each pixel is, 0-1."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.synthetic.mesh import Grid
from recipes.synthetic.shading import Light

Floats = NDArray[np.float32]

_SMALL = 4
"""Shadows are soft: they are drawn at a quarter of the picture's size."""


def floor_shadow(pieces: Sequence[tuple[Grid, Grid, Grid]], size: tuple[int, int], pixels_per_unit: float) -> Floats:
    """The shadow on a floor: dark where the product touches it, wide and soft away from the light.

    Args:
        pieces: for each part its points on the floor below, its points' shadows (pixels), and their heights (units).
    """
    small = (max(size[0] // _SMALL, 4), max(size[1] // _SMALL, 4))
    scale = np.array([small[1] / size[1], small[0] / size[0]])
    touching, near, cast = (np.zeros(small, np.uint8) for _ in range(3))
    for below, thrown, high in pieces:
        for rows in range(len(below) - 1):
            band = slice(rows, rows + 2)
            level = float(high[band].min())
            if level < 0.035:
                _fill(touching, below[band] * 1.0, scale)
            if level < 0.22:
                _fill(near, below[band], scale)
            _fill(cast, thrown[band], scale)
    unit = pixels_per_unit * float(scale.mean())
    dark = 0.30 * _soft(cast, 0.07 * unit) + 0.30 * _soft(near, 0.035 * unit) + 0.50 * _soft(touching, 0.010 * unit)
    full = cv2.resize(np.minimum(dark, 0.85), size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.float32)


def wall_shadow(cover: Floats, light: Light, pixels_per_unit: float, *, near: bool) -> Floats:
    """The shadow on a wall behind, or on a table below where it is `near`."""
    away = (0.02 if near else 0.055) * pixels_per_unit
    move = np.array([[1, 0, -light.direction[0] * away], [0, 1, light.direction[1] * away]], np.float32)
    shape = cover.shape[::-1]
    moved = cv2.warpAffine(np.minimum(cover, 1), move, shape)
    sharp, wide = (0.009, 0.035) if near else (0.020, 0.07)
    dark = 0.30 * cv2.GaussianBlur(moved, (0, 0), max(sharp * pixels_per_unit, 0.6))
    dark += 0.28 * cv2.GaussianBlur(np.minimum(cover, 1), (0, 0), max(wide * pixels_per_unit, 0.6))
    return np.asarray(dark, np.float32)


def _fill(canvas: NDArray[np.uint8], points: Grid, scale: Grid) -> None:
    flat = (points[..., :2].reshape(-1, 2) * scale * 16).astype(np.int32)
    cv2.fillConvexPoly(canvas, cv2.convexHull(flat), 255, cv2.LINE_AA, 4)


def _soft(canvas: NDArray[np.uint8], sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), max(sigma, 0.5)), np.float32)

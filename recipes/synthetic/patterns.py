"""Patterns as small periodic tiles of weights: how much of the cloth's three colors lies at each point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Weights = NDArray[np.floating]

TILE = 256
"""Pixels on the side of a tile."""

PATTERNS = ("plain", "striped", "checked", "dotted", "floral")


@lru_cache(maxsize=64)
def pattern_tile(name: str, seed: int) -> Floats:
    """Weights of the main color and two accents: (TILE, TILE, 3), each 0-1, together 1, periodic."""
    rng = np.random.default_rng([seed, sum(name.encode())])
    second, third = _DRAWERS[name](rng)
    second = np.clip(second * (1 - third), 0, 1)
    tile = np.stack([1 - second - third, second, third], -1).astype(np.float32)
    tile.flags.writeable = False
    return tile


def _bands(edges: list[tuple[float, float]]) -> Floats:
    """A line of TILE values: 1 between each (start, stop) of the period 0-1, with soft edges."""
    at = (np.arange(TILE, dtype=np.float32) + 0.5) / TILE
    line = np.zeros(TILE, np.float32)
    for start, stop in edges:
        for turn in (-1, 0, 1):
            line += np.clip(np.minimum(at - start - turn, stop + turn - at) * TILE / 2 + 0.5, 0, 1)
    return np.clip(line, 0, 1)


def _striped(rng: np.random.Generator) -> tuple[Weights, Weights]:
    """Even, thin, or thin beside broad; across the tile, that is horizontal on the cloth."""
    zero = np.zeros((TILE, TILE), np.float32)
    form = int(rng.integers(4))
    if form == 0:
        count, share = int(rng.integers(2, 5)), 0.5
    elif form == 1:
        count, share = int(rng.integers(3, 6)), 0.22
    else:
        count, share = int(rng.integers(2, 4)), 0.42
    line = _bands([((k + 0.25) / count, (k + 0.25 + share) / count) for k in range(count)])
    second = np.repeat(line[:, None], TILE, 1)
    if form == 3:
        thin = _bands([((k + 0.80) / count, (k + 0.92) / count) for k in range(count)])
        return second, np.repeat(thin[:, None], TILE, 1)
    return second, zero


def _checked(rng: np.random.Generator) -> tuple[Weights, Weights]:
    """Gingham, tartan or windowpane."""
    form = int(rng.integers(3))
    if form == 0:
        count = int(rng.integers(2, 4))
        line = _bands([(k / count, (k + 0.5) / count) for k in range(count)])
        return (line[:, None] + line[None]) / 2, np.zeros((TILE, TILE), np.float32)
    if form == 1:
        broad = _bands([(0.1, 0.45)])
        thin = _bands([(0.52, 0.57), (0.70, 0.75)])
        return (broad[:, None] + broad[None]) * 0.45, np.maximum(thin[:, None], thin[None]) * 0.6
    pane = _bands([(0.2, 0.25), (0.7, 0.75)])
    return np.maximum(pane[:, None], pane[None]) * 0.9, np.zeros((TILE, TILE), np.float32)


def _canvas() -> NDArray[np.uint8]:
    return np.zeros((TILE, TILE), np.uint8)


def _disc(canvas: NDArray[np.uint8], x: float, y: float, axes: tuple[float, float], angle: float) -> None:
    """Fill an ellipse, and its copies over the tile's edges."""
    for right in (-TILE, 0, TILE):
        for down in (-TILE, 0, TILE):
            center = (round((x + right) * 16), round((y + down) * 16))
            lengths = (max(round(axes[0] * 16), 8), max(round(axes[1] * 16), 8))
            cv2.ellipse(canvas, center, lengths, np.degrees(angle), 0, 360, 255, -1, cv2.LINE_AA, 4)


def _dotted(rng: np.random.Generator) -> tuple[Weights, Weights]:
    canvas, count = _canvas(), int(rng.choice([2, 3, 4]))
    step = TILE / count
    radius = step * rng.uniform(0.13, 0.24)
    for row in range(count):
        for column in range(count):
            _disc(canvas, (column + 0.25) * step, (row + 0.25) * step, (radius, radius), 0)
            _disc(canvas, (column + 0.75) * step, (row + 0.75) * step, (radius, radius), 0)
    return canvas.astype(np.float32) / 255, np.zeros((TILE, TILE), np.float32)


def _floral(rng: np.random.Generator) -> tuple[Weights, Weights]:
    """Flowers of five or six petals with an eye, and leaves between them."""
    petals, leaves, eyes = _canvas(), _canvas(), _canvas()
    spots = [(0.22, 0.26, 1.0), (0.72, 0.70, 1.0), (0.70, 0.20, 0.62), (0.24, 0.76, 0.62), (0.48, 0.48, 0.4)]
    for x, y, size in spots:
        x, y = (x + rng.uniform(-0.05, 0.05)) * TILE, (y + rng.uniform(-0.05, 0.05)) * TILE
        radius = TILE * 0.085 * size * rng.uniform(0.85, 1.2)
        for turn in rng.uniform(0, 2 * np.pi) + np.array([0.0, 2.3]):
            leaf = (x + np.cos(turn) * radius * 2.1, y + np.sin(turn) * radius * 2.1)
            _disc(leaves, *leaf, (radius * 0.95, radius * 0.36), turn)
        count, start = int(rng.integers(5, 7)), rng.uniform(0, 2 * np.pi)
        for petal in range(count):
            turn = start + petal * 2 * np.pi / count
            _disc(petals, x + np.cos(turn) * radius, y + np.sin(turn) * radius, (radius * 0.85, radius * 0.55), turn)
        _disc(eyes, x, y, (radius * 0.42, radius * 0.42), 0)
    flowers = petals.astype(np.float32) / 255
    # Leaves lie under the petals, eyes over them.
    return flowers, np.maximum(leaves.astype(np.float32) / 255 * (1 - flowers), eyes.astype(np.float32) / 255)


_DRAWERS: Mapping[str, Callable[[np.random.Generator], tuple[Weights, Weights]]] = MappingProxyType(
    {"striped": _striped, "checked": _checked, "dotted": _dotted, "floral": _floral}
)

"""Materials, and the small periodic reliefs that make them: weave, twill, knit, grain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TILE = 128
"""Pixels on the side of a tile."""


@dataclass(frozen=True, slots=True)
class Material:
    """What light does on a surface.

    Args:
        texture: name of the relief.
        period: side of one tile of it, product units.
        relief: its height, product units.
        tone: how much the relief changes the color, as a fraction.
        gloss: strength of the highlight, 0-1.
        shine: its exponent (Blinn-Phong): larger is tighter.
        mirror: how much of the studio it mirrors, 0-1.
        metallic: highlights and mirror take the surface's color.
        sheen: brighter rim of fibres that stand up, 0-1.
        folds: how deep cloth of it folds, relative to cotton.
        clear: how much light goes through, 0-1.
    """

    texture: str
    period: float
    relief: float
    tone: float = 0.0
    gloss: float = 0.05
    shine: float = 12.0
    mirror: float = 0.0
    metallic: bool = False
    sheen: float = 0.0
    folds: float = 0.0
    clear: float = 0.0


MATERIALS: Mapping[str, Material] = MappingProxyType(
    {
        "cotton": Material("weave", 0.06, 0.0007, 0.10, 0.03, 8, folds=1.0),
        "jersey": Material("fuzz", 0.10, 0.0006, 0.06, 0.03, 8, folds=1.0),
        "linen": Material("slub", 0.16, 0.0012, 0.22, 0.03, 8, folds=1.25),
        "denim": Material("twill", 0.085, 0.0016, 0.60, 0.04, 10, folds=0.8),
        "fleece": Material("fuzz", 0.12, 0.0016, 0.14, 0.02, 6, sheen=0.12, folds=0.9),
        "knit": Material("knit", 0.075, 0.0042, 0.35, 0.02, 6, sheen=0.10, folds=0.55),
        "rib": Material("rib", 0.05, 0.0040, 0.30, 0.02, 6, sheen=0.08, folds=0.4),
        "wool": Material("fuzz", 0.09, 0.0022, 0.30, 0.02, 6, sheen=0.16, folds=0.5),
        "silk": Material("smooth", 0.2, 0.0, 0.0, 0.22, 24, sheen=0.05, folds=1.25),
        "satin": Material("smooth", 0.2, 0.0, 0.0, 0.34, 30, sheen=0.05, folds=1.25),
        "velvet": Material("fuzz", 0.08, 0.0008, 0.10, 0.05, 6, sheen=0.40, folds=0.7),
        "polyester": Material("weave", 0.05, 0.0004, 0.05, 0.14, 14, folds=0.9),
        "nylon": Material("weave", 0.04, 0.0006, 0.08, 0.26, 20, folds=0.9),
        "canvas": Material("weave", 0.045, 0.0013, 0.22, 0.03, 8, folds=0.35),
        "leather": Material("grain", 0.10, 0.0011, 0.10, 0.22, 34, mirror=0.035, folds=0.45),
        "suede": Material("fuzz", 0.07, 0.0010, 0.18, 0.02, 6, sheen=0.18, folds=0.3),
        "patent": Material("smooth", 0.2, 0.0, 0.0, 0.7, 90, mirror=0.22, folds=0.2),
        "straw": Material("basket", 0.06, 0.0045, 0.45, 0.06, 10),
        "rubber": Material("fuzz", 0.06, 0.0005, 0.06, 0.10, 12),
        "plastic": Material("smooth", 0.2, 0.0, 0.0, 0.40, 50, mirror=0.08),
        "wood": Material("wood", 0.42, 0.0012, 0.75, 0.14, 22, mirror=0.02),
        "metal": Material("brushed", 0.25, 0.0003, 0.10, 0.8, 60, mirror=0.75, metallic=True),
        "ceramic": Material("smooth", 0.2, 0.0, 0.0, 0.6, 110, mirror=0.10),
        "stoneware": Material("speckle", 0.16, 0.0003, 0.22, 0.16, 22, mirror=0.03),
        "glass": Material("smooth", 0.2, 0.0, 0.0, 0.95, 160, mirror=0.35, clear=0.8),
        "lens": Material("smooth", 0.2, 0.0, 0.0, 0.8, 120, mirror=0.3),
    }
)


def noise(cells: tuple[int, int], size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Smooth periodic noise, mean 0, about 1 at its strongest: `cells` (down, across) bumps over `size` pixels."""
    down, across = max(cells[0], 2), max(cells[1], 2)
    lattice = rng.uniform(-1, 1, (down, across)).astype(np.float32)
    padded = np.pad(lattice, 4, mode="wrap")
    rows = (np.arange(size[0], dtype=np.float32) + 0.5) * (down / size[0]) + 3.5
    columns = (np.arange(size[1], dtype=np.float32) + 0.5) * (across / size[1]) + 3.5
    x, y = np.meshgrid(columns, rows)
    return np.asarray(cv2.remap(padded, x, y, cv2.INTER_CUBIC), np.float32)


@cache
def texture_tile(name: str) -> Floats:
    """A relief by name: (TILE, TILE), 0 to 1, mean about 0.5, periodic."""
    # Every tile has its own fixed seed: the same cloth in every picture, as in life.
    rng = np.random.default_rng(sum(name.encode()))
    tile = np.asarray(_TILES[name](rng), np.float32)
    tile.flags.writeable = False
    return tile


def _axes() -> tuple[Floats, Floats]:
    line = (np.arange(TILE, dtype=np.float32) + 0.5) / TILE
    x, y = np.meshgrid(line, line)
    return x.astype(np.float32), y.astype(np.float32)


def _smooth(rng: np.random.Generator) -> Floats:
    return 0.5 + 0.1 * noise((4, 4), (TILE, TILE), rng)


def _weave(rng: np.random.Generator) -> Floats:
    x, y = _axes()
    warp, weft = np.abs(np.sin(np.pi * 16 * x)), np.abs(np.sin(np.pi * 16 * y))
    over = (np.floor(16 * x) + np.floor(16 * y)) % 2
    return np.asarray(np.where(over == 0, warp, weft) * 0.7 + 0.15 * noise((16, 16), (TILE, TILE), rng), np.float32)


def _slub(rng: np.random.Generator) -> Floats:
    across, down = noise((64, 6), (TILE, TILE), rng), noise((6, 64), (TILE, TILE), rng)
    return np.clip(0.5 + 0.3 * across + 0.25 * down, 0, 1)


def _twill(rng: np.random.Generator) -> Floats:
    x, y = _axes()
    lines = 0.5 + 0.5 * np.sin(2 * np.pi * (8 * x + 8 * y))
    flecks = 0.5 + 0.5 * noise((64, 32), (TILE, TILE), rng)
    return np.asarray(0.45 * lines + 0.55 * flecks, np.float32)


def _knit(rng: np.random.Generator) -> Floats:
    """Columns of V-shaped loops (stockinette): 4 wales and 5 courses a tile."""
    x, y = _axes()
    wale = 4 * x
    side = np.abs(wale % 1 - 0.5) * 2  # 0 in the middle of a wale, 1 between wales
    course = 5 * y - 0.45 * (1 - side)
    loop = 0.5 + 0.5 * np.cos(2 * np.pi * course)
    body = np.sqrt(np.clip(1 - (2 * np.abs(side - 0.5)) ** 2, 0, 1))
    return np.asarray(0.15 + 0.8 * body * (0.45 + 0.55 * loop) + 0.05 * noise((32, 32), (TILE, TILE), rng), np.float32)


def _rib(rng: np.random.Generator) -> Floats:
    x, _ = _axes()
    return np.asarray(0.5 + 0.42 * np.cos(2 * np.pi * 4 * x) + 0.05 * noise((32, 32), (TILE, TILE), rng), np.float32)


def _fuzz(rng: np.random.Generator) -> Floats:
    return 0.5 + 0.28 * noise((48, 48), (TILE, TILE), rng) + 0.22 * noise((20, 20), (TILE, TILE), rng)


def _grain(rng: np.random.Generator) -> Floats:
    """Leather: cells about random points, with creases between them (Worley 1996)."""
    x, y = _axes()
    count = 18
    jitter = rng.uniform(0.1, 0.9, (count, count, 2))
    near = np.full(x.shape, 9.0)
    second = np.full(x.shape, 9.0)
    row, column = np.floor(y * count).astype(int), np.floor(x * count).astype(int)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            i, j = row + down, column + right
            point = jitter[i % count, j % count]
            distance = np.hypot(j + point[..., 0] - x * count, i + point[..., 1] - y * count)
            second = np.minimum(second, np.maximum(distance, near))
            near = np.minimum(near, distance)
    return np.asarray(np.clip((second - near) * 1.6, 0, 1) * 0.7 + 0.15, np.float32)


def _basket(rng: np.random.Generator) -> Floats:
    x, y = _axes()
    over = (np.floor(8 * x) + np.floor(8 * y)) % 2
    strand = np.where(over == 0, np.sin(np.pi * (8 * y % 1)), np.sin(np.pi * (8 * x % 1)))
    return np.asarray(0.1 + 0.7 * np.sqrt(np.abs(strand)) + 0.15 * noise((32, 32), (TILE, TILE), rng), np.float32)


def _wood(rng: np.random.Generator) -> Floats:
    """Fibres along x: rings bent by slow noise, and pores."""
    _, y = _axes()
    bent = 5 * y + 0.55 * noise((4, 2), (TILE, TILE), rng)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * bent + 1.2 * np.sin(2 * np.pi * bent))
    fibres = noise((96, 4), (TILE, TILE), rng)
    return np.asarray(np.clip(0.30 + 0.28 * rings + 0.22 * fibres, 0, 1), np.float32)


def _brushed(rng: np.random.Generator) -> Floats:
    return 0.5 + 0.4 * noise((96, 3), (TILE, TILE), rng)


def _speckle(rng: np.random.Generator) -> Floats:
    spots = noise((40, 40), (TILE, TILE), rng)
    return np.asarray(np.where(spots > 0.55, 0.0, 0.55) + 0.05 * spots, np.float32)


_TILES: Mapping[str, Callable[[np.random.Generator], Floats]] = MappingProxyType(
    {
        "smooth": _smooth,
        "weave": _weave,
        "slub": _slub,
        "twill": _twill,
        "knit": _knit,
        "rib": _rib,
        "fuzz": _fuzz,
        "grain": _grain,
        "basket": _basket,
        "wood": _wood,
        "brushed": _brushed,
        "speckle": _speckle,
    }
)

"""Color, pattern and material of a surface, and how it looks at a coordinate on the cloth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.synthetic.patterns import pattern_tile
from recipes.synthetic.textures import MATERIALS, Material, texture_tile

Floats = NDArray[np.float32]
Linear = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Finish:
    """How a surface looks.

    Args:
        color: linear RGB, 0-1.
        material: a name in `textures.MATERIALS`.
        pattern: a name in `patterns.PATTERNS`.
        accents: two more colors, which patterns use.
        period: side of one tile of the pattern, in product units.
        angle: of the pattern, or of a plain surface's grain, radians.
        seed: chooses among the pattern's forms.
        glow: light it gives off by itself, as a lampshade does, 0-1.
    """

    color: Linear
    material: str
    pattern: str = "plain"
    accents: tuple[Linear, Linear] = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    period: float = 0.12
    angle: float = 0.0
    seed: int = 0
    glow: float = 0.0

    @property
    def kind(self) -> Material:
        return MATERIALS[self.material]


def look(finish: Finish, uv: Floats, *, pixels_per_unit: float) -> tuple[Floats, Floats]:
    """The surface at cloth coordinates (H, W, 2).

    Returns:
        (H, W, 3) albedo, linear 0-1, and (H, W) height of the texture, in product units.
    """
    material = finish.kind
    albedo = np.broadcast_to(np.array(finish.color, np.float32), (*uv.shape[:2], 3))
    if finish.pattern != "plain":
        tile = pattern_tile(finish.pattern, finish.seed)
        weights = _sampled(tile, uv, finish.period, finish.angle, pixels_per_unit)
        albedo = weights @ np.array([finish.color, *finish.accents], np.float32)
    # On patterned cloth the pattern is printed at an angle, the weave is not.
    turned = finish.angle if finish.pattern == "plain" else 0.0
    relief = _sampled(texture_tile(material.texture), uv, material.period, turned, pixels_per_unit)
    if material.tone:
        albedo = albedo * (1 + np.float32(material.tone) * (relief - 0.5))[..., None]
    return np.asarray(albedo, np.float32), relief * np.float32(material.relief)


def _sampled(tile: Floats, uv: Floats, period: float, angle: float, pixels_per_unit: float) -> Floats:
    """Read a periodic tile at cloth coordinates, shrunk first where the screen is coarser than the tile."""
    side = tile.shape[0]
    wanted = max(int(2 ** np.ceil(np.log2(max(period * pixels_per_unit, 2.0)))), 2)
    if wanted < side:
        tile = np.asarray(cv2.resize(tile, (wanted, wanted), interpolation=cv2.INTER_AREA), np.float32)
        side = wanted
    padded = np.pad(tile, ((0, 1), (0, 1)) + ((0, 0),) * (tile.ndim - 2), mode="wrap")
    cos, sin = np.float32(np.cos(angle) * side / period), np.float32(np.sin(angle) * side / period)
    u, v = uv[..., 0], uv[..., 1]
    x, y = u * cos + v * sin, v * cos - u * sin
    return np.asarray(cv2.remap(padded, np.mod(x, side), np.mod(y, side), cv2.INTER_LINEAR), np.float32)

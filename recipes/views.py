"""Views of photos: fresh ones at each step, which teachers and student see alike. They are made for a whole batch at
once, on the device that learns from them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.types import ImageArray

THUMBNAIL = (48, 100)
"""Sides in pixels that a view may be shrunk to and enlarged from again."""
WHITE = 255.0


class Squares:
    """Squared photos on a device, from which views are taken.

    Args:
        squares: N of (S, S, 3) uint8; S may differ.
        inner: (N, 4) xyxy of each photo inside its square, in pixels.
    """

    def __init__(self, squares: Sequence[ImageArray], inner: NDArray[np.int32], *, device: torch.device) -> None:
        sides = np.array([len(square) for square in squares], np.int64)
        self.device = device
        self.sides = torch.from_numpy(sides).float().to(device)
        self.inner = torch.from_numpy(np.asarray(inner, np.float32)).to(device)
        place = np.zeros(len(sides), np.int64)
        self._pixels: dict[int, Tensor] = {}
        for side in np.unique(sides).tolist():
            rows = np.flatnonzero(sides == side)
            place[rows] = np.arange(len(rows))
            self._pixels[side] = torch.from_numpy(np.stack([squares[row] for row in rows.tolist()])).to(device)
        self._place = torch.from_numpy(place).to(device)

    def warped(self, rows: Tensor, theta: Tensor, *, size: int) -> Tensor:
        """(B, 3, size, size) 0..255 float32, white beyond the square.

        Args:
            rows: (B,) of the squares; theta: (B, 2, 3) from a view's coordinates to its square's, both -1..1.
        """
        grid = F.affine_grid(theta, [len(rows), 3, size, size], align_corners=False)
        found = torch.empty((len(rows), 3, size, size), device=self.device)
        for side, pixels in self._pixels.items():
            some = (self.sides[rows] == side).nonzero().flatten()
            if len(some):
                seen = pixels[self._place[rows[some]]].permute(0, 3, 1, 2).float() - WHITE  # beyond there are zeros
                found[some] = F.grid_sample(seen, grid[some], align_corners=False) + WHITE
        return found


class Chance:
    """Random numbers on a device."""

    def __init__(self, seed: int, *, device: torch.device) -> None:
        self._generator = torch.Generator(device).manual_seed(seed)
        self.device = device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Between low and high."""
        return torch.rand(shape, generator=self._generator, device=self.device) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        """Of mean 0 and deviation 1."""
        return torch.randn(shape, generator=self._generator, device=self.device)

    def below(self, high: int, *shape: int) -> Tensor:
        """Whole numbers from 0 to high - 1."""
        return torch.randint(high, shape, generator=self._generator, device=self.device)


def whole_boxes(sides: Tensor) -> Tensor:
    """(B,) sides of squares -> (B, 3) left, top, side of views of all of them."""
    return torch.stack([torch.zeros_like(sides), torch.zeros_like(sides), sides], 1)


def random_boxes(inner: Tensor, sides: Tensor, chance: Chance) -> Tensor:
    """Choose views: 25-100 % of a photo's area, nearly square.

    Args:
        inner: (B, 4) xyxy of the photos inside their squares; sides: (B,) of the squares; in pixels.

    Returns:
        (B, 3) left, top and side, in pixels of the squares.
    """
    count = len(inner)
    scaled = (inner[:, 2:] - inner[:, :2]) * chance.uniform(0.25, 1.0, count, 1).sqrt()
    length = torch.minimum(scaled.amax(1) * chance.uniform(0.85, 1.18, count), sides)
    least, most = inner[:, :2] + scaled / 2, inner[:, 2:] - scaled / 2
    centers = least + (most - least) * chance.uniform(0, 1, count, 2)
    corners = (centers - length[:, None] / 2).clamp(min=0)
    return torch.cat([torch.minimum(corners, (sides - length)[:, None]), length[:, None]], 1)


def views(squares: Squares, rows: Tensor, boxes: Tensor, chance: Chance, *, size: int) -> Tensor:
    """(B, 3, size, size) 0..255 views (left, top, side) of squared photos: their boxes moved by up to 5 %, turned,
    stretched, mirrored, relit, shrunk, partly covered.

    Args:
        rows: (B,) of the squares; boxes: (B, 3) in pixels of the squares.
    """
    count, sides = len(rows), squares.sides[rows]
    lengths = boxes[:, 2:]
    grown = lengths * chance.uniform(0.9, 1.1, count, 1)
    centers = boxes[:, :2] + lengths / 2 + chance.uniform(-0.05, 0.05, count, 2) * lengths
    theta = torch.cat([_turns(count, chance) * (grown / sides[:, None])[..., None],
                       (2 * centers / sides[:, None] - 1)[..., None]], 2)  # fmt: skip
    seen = squares.warped(rows, theta, size=size)
    return _covered(_shrunk(_relit(seen, chance), chance), chance)


def blended(seen: Tensor, count: int, chance: Chance) -> Tensor:
    """(count, ...) blends of two random views each, at any ratio (mixup, Zhang et al. 2018): between photos there are
    more pictures than there are photos, and a teacher has an answer to each (Beyer et al. 2022, section 3).
    """
    first, second = chance.below(len(seen), 2, count)
    ratios = chance.uniform(0, 1, count, 1, 1, 1)
    return torch.lerp(seen[second], seen[first], ratios)


def resized(seen: Tensor, size: int) -> Tensor:
    """(N, 3, S, S) -> (N, 3, size, size), averaged where that is smaller."""
    return F.interpolate(seen, (size, size), mode="bilinear", antialias=True) if seen.shape[-1] != size else seen


def _turns(count: int, chance: Chance) -> Tensor:
    """(count, 2, 2): turned by some degrees, stretched, mirrored."""
    angle = torch.deg2rad(chance.normal(count) * 5) * (chance.uniform(0, 1, count) < 0.5)
    stretch = chance.uniform(-0.12, 0.12, count).exp()
    mirror = torch.where(chance.uniform(0, 1, count) < 0.5, -1.0, 1.0)
    across = torch.stack([angle.cos(), angle.sin()], 1) * (stretch * mirror)[:, None]
    down = torch.stack([-angle.sin(), angle.cos()], 1) / stretch[:, None]
    return torch.stack([across, down], 2)


def _relit(seen: Tensor, chance: Chance) -> Tensor:
    """Other saturation, contrast, brightness and a slight cast: gentle, for color is what a product is known by.

    Half of the views are hardly changed: a shop's own pictures of a product are lit alike.
    """
    count = len(seen)
    strength = torch.where(chance.uniform(0, 1, count, 1, 1, 1) < 0.5, 1.0, 0.25)
    saturation = (1 + chance.normal(count, 1, 1, 1) * 0.2 * strength).clamp(0.3, 1.8)
    grey = (seen * seen.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    mixed = torch.lerp(grey, seen, saturation).clamp(0, WHITE)
    mean = grey.mean((2, 3), keepdim=True)
    contrast, brightness = ((1 + chance.normal(count, 1, 1, 1) * 0.2 * strength).clamp(0.5, 1.6) for _ in range(2))
    cast = 1 + chance.normal(count, 3, 1, 1) * 0.05 * strength
    return ((mixed * contrast + mean * (brightness - contrast)) * cast).clamp(0, WHITE)


def _shrunk(seen: Tensor, chance: Chance) -> Tensor:
    """A fifth of the views come from a thumbnail, those of one batch from such of one size."""
    side = int(chance.uniform(*THUMBNAIL, 1))
    some = (chance.uniform(0, 1, len(seen)) < 0.2).nonzero().flatten()
    if side < seen.shape[-1] and len(some):
        small = F.interpolate(seen[some], (side, side), mode="area")
        seen[some] = F.interpolate(small, seen.shape[2:], mode="bilinear")
    return seen


def _covered(seen: Tensor, chance: Chance) -> Tensor:
    """A quarter of the views lose a square of 15-40 % of their side (random erasing, Zhong et al. 2020)."""
    count = len(seen)
    edge = chance.uniform(0.15, 0.4, count, 1) * (chance.uniform(0, 1, count, 1) < 0.25)
    corner = chance.uniform(0, 1, count, 2) * (1 - edge)
    along = (torch.arange(seen.shape[-1], device=seen.device) + 0.5) / seen.shape[-1]
    inside = (along >= corner[..., None]) & (along < (corner + edge)[..., None])
    hidden = inside[:, 1, :, None] & inside[:, 0, None, :]
    return torch.where(hidden[:, None], chance.uniform(0, WHITE, count, 3, 1, 1), seen)

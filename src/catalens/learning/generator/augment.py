"""Adaptive discriminator augmentation (Karras et al. 2020): the critic's inputs are augmented more as it overfits."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

TARGET = 0.6
"""Mean sign of the critic's answer on real pictures, above which it overfits (section 3.1)."""
ADJUST_EVERY, ADJUST_OVER = 4, 20_000
"""Steps between adjustments; pictures in which the share may rise from 0 to 1 (500,000 there, for longer runs)."""
MOST = 0.8
"""Beyond it changes leak into what is made (section 2.2)."""
TURN, GROW, SHIFT, LIGHT = 0.12, 0.12, 0.12, 0.2
"""Largest turn, radians; change of size, as an exponent; shift, a share of the side; change of light, of -1..1."""


class Augmentation:
    """Changes pictures, each kind of change with a chance of `share`, which follows how the critic does."""

    def __init__(self) -> None:
        self.share = 0.0
        self._signs: list[float] = []

    def __call__(self, pictures: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape, differentiable."""
        if self.share == 0.0:
            return pictures
        return self._lit(self._moved(pictures))

    def adjust(self, on_real: Tensor) -> None:
        """After each step: (N,) what the critic said of real pictures."""
        self._signs.append(float(on_real.detach().sign().mean()))
        if len(self._signs) == ADJUST_EVERY:
            way = 1.0 if sum(self._signs) / ADJUST_EVERY > TARGET else -1.0
            self.share = min(MOST, max(0.0, self.share + way * len(on_real) * ADJUST_EVERY / ADJUST_OVER))
            self._signs.clear()

    def state_dict(self) -> float:
        """What is kept in a checkpoint: the share."""
        return self.share

    def load_state_dict(self, state_dict: float) -> None:
        """Go on from a checkpoint."""
        self.share = state_dict

    def _chosen(self, count: int) -> Tensor:
        return (torch.rand(count) < self.share).float()

    def _moved(self, pictures: Tensor) -> Tensor:
        count = len(pictures)
        turn = (torch.rand(count) * 2 - 1) * TURN * self._chosen(count)
        grow = torch.exp(torch.randn(count) * GROW * self._chosen(count))
        shift = (torch.rand(count, 2) * 2 - 1) * 2 * SHIFT * self._chosen(count)[:, None]
        cos, sin = grow * torch.cos(turn), grow * torch.sin(turn)
        maps = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
        grid = F.affine_grid(maps, list(pictures.shape), align_corners=False)
        return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)

    def _lit(self, pictures: Tensor) -> Tensor:
        count = len(pictures)
        contrast = torch.exp(torch.randn(count) * LIGHT * math.log(2) * self._chosen(count))
        light = torch.randn(count) * LIGHT * self._chosen(count)
        return pictures * contrast[:, None, None, None] + light[:, None, None, None]

"""Mixing pictures of a batch with one another: mixup (Zhang et al. 2018) and cutmix (Yun et al. 2019).

Networks that are tuned see such pictures, with mixed targets: two products in one are no photo that a head on fixed
vectors could use. What the encoder learns from blends needs none: its teachers are asked about them (`views.blended`).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

ALPHA = 0.2
"""Of the beta distribution that mixup draws from: mostly one picture, a little of another (mixup, section 3)."""


def mixed(pixels: Tensor, targets: Tensor, rng: np.random.Generator, *, chance: float) -> tuple[Tensor, Tensor]:
    """The batch mixed with itself in another order, by mixup or cutmix evenly; as it is where `chance` says so.

    Args:
        pixels: (N, 3, H, W); targets: (N, C) that sum to 1, or 0..1 each.

    Returns:
        New tensors of the same shapes.
    """
    if len(pixels) < 2 or rng.random() >= chance:
        return pixels, targets
    other = torch.from_numpy(rng.permutation(len(pixels)))
    if rng.random() < 0.5:
        share = float(rng.beta(ALPHA, ALPHA))
        return _blend(pixels, pixels[other], share), _blend(targets, targets[other], share)
    return _pasted(pixels, targets, other, rng)


def _pasted(pixels: Tensor, targets: Tensor, other: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A rectangle of another picture at its own place; targets by area."""
    height, width = pixels.shape[2:]
    side = float(np.sqrt(rng.random()))
    tall, wide = round(height * side), round(width * side)
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    pasted = pixels.clone()
    pasted[:, :, top : top + tall, left : left + wide] = pixels[other, :, top : top + tall, left : left + wide]
    kept = 1 - tall * wide / (height * width)
    return pasted, _blend(targets, targets[other], kept)


def _blend(first: Tensor, second: Tensor, share: float) -> Tensor:
    return first * share + second * (1 - share)

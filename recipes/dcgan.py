"""DCGAN for 28 x 28 pictures (Radford et al. 2016): what the generator for Fashion-MNIST is measured against."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from catalens.learning.generator.gan import Plan
from catalens.learning.generator.network import LATENT, LEAK, LabelEmbedding

DCGAN = Plan(betas=(0.5, 0.999), slope=0.0, is_adaptive=False)
"""Radford et al. 2016, section 4."""


class DcganGenerator(nn.Module):
    """Latents and words -> 28x28 pictures: transposed convolutions, batch norm, tanh; words beside the latents."""

    def __init__(self, counts: Sequence[int], *, width: int = 64) -> None:
        super().__init__()
        self.latent, self.width = LATENT, 2 * width
        self.said = LabelEmbedding(counts, LATENT)
        self.begin = nn.Linear(2 * LATENT, 2 * width * 49, bias=False)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh(),
        )  # fmt: skip
        self.apply(_as_dcgan)

    def forward(self, latents: Tensor, words: Tensor) -> Tensor:
        start = self.begin(torch.cat([latents, self.said(words)], 1))
        pictures: Tensor = self.layers(start.reshape(-1, self.width, 7, 7))
        return pictures


class DcganCritic(nn.Module):
    """28x28 pictures and words -> (N, 1) how real: strided convolutions, batch norm; the words as a map beside."""

    def __init__(self, counts: Sequence[int], *, width: int = 64) -> None:
        super().__init__()
        self.said = LabelEmbedding(counts, 28 * 28)
        self.layers = nn.Sequential(
            nn.Conv2d(2, width, 4, 2, 1), nn.LeakyReLU(LEAK),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(LEAK),
            nn.Flatten(), nn.Linear(2 * width * 49, 1),
        )  # fmt: skip
        self.apply(_as_dcgan)

    def forward(self, pictures: Tensor, words: Tensor) -> Tensor:
        maps = self.said(words).reshape(-1, 1, 28, 28)
        real: Tensor = self.layers(torch.cat([pictures, maps], 1))
        return real


def _as_dcgan(layer: nn.Module) -> None:
    """Weights from a normal distribution of deviation 0.02 (Radford et al. 2016, section 4)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(layer.weight, std=0.02)

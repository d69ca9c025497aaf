"""The encoder's two networks. Pictures: dense 3x3 residual convolutions (He et al. 2016), few and wide, quick on a CPU.
Words: a weighted mean over vectors of character n-grams, and one hidden layer.

Shapes for a picture of H x W: stem H/4, stages at H/4, H/8, H/16, H/32; a linear map of each place of the last to
`dim`; their mean.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.models.text import BUCKETS

WIDTHS = (32, 96, 192, 320)
BLOCKS = (1, 2, 3, 1)
DIM = 256
GRAM_DIM, HIDDEN = 128, 512


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity; the second's norm starts at zero, the block as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm2.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(y)))


class EncoderNetwork(nn.Module):
    """(N, 3, H, W) normalised pictures -> (N, dim) vectors, not yet of unit length."""

    def __init__(self, *, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS, dim: int = DIM) -> None:
        super().__init__()
        layers = _patches(3, widths[0], 4)
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            if stage:
                layers += _patches(widths[stage - 1], width, 2)
            layers += [Residual(width) for _ in range(count)]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Conv2d(widths[-1], dim, 1)

    def regions(self, x: Tensor) -> Tensor:
        """(N, dim, H/32, W/32): the vector of each place; their mean is the picture's."""
        regions: Tensor = self.head(self.trunk(x))
        return regions

    def forward(self, x: Tensor) -> Tensor:
        return self.regions(x).mean((2, 3))


def _patches(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, stride, stride, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


class TextNetwork(nn.Module):
    """(N, L) n-grams and (N, L) weights (`models.text.text_batch`) -> (N, dim) vectors, not yet of unit length."""

    def __init__(self, *, dim: int = DIM) -> None:
        super().__init__()
        self.grams = nn.Embedding(BUCKETS, GRAM_DIM)
        nn.init.normal_(self.grams.weight, std=0.5)
        self.norm = nn.LayerNorm(GRAM_DIM)
        self.hidden = nn.Linear(GRAM_DIM, HIDDEN)
        self.out = nn.Linear(HIDDEN, dim)
        self.straight = nn.Linear(GRAM_DIM, dim)

    def forward(self, grams: Tensor, weights: Tensor) -> Tensor:
        mean = self.norm((self.grams(grams) * weights[..., None]).sum(1))
        vectors: Tensor = self.out(F.gelu(self.hidden(mean))) + self.straight(mean)
        return vectors


class Average:
    """Exponential moving average of a network's weights and statistics: what is exported."""

    def __init__(self, network: nn.Module, *, decay: float = 0.999) -> None:
        self.network = copy.deepcopy(network)
        self.network.requires_grad_(requires_grad=False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, *, step: int) -> None:
        """Follow the network; quickly at first, when there is little to average."""
        decay = min(self._decay, 1 - 1 / (1 + step / 2))
        for mine, its in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(its, 1 - decay)
            else:
                mine.copy_(its)

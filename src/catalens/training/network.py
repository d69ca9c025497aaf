"""The encoder's network: dense 3x3 residual convolutions (He et al. 2016), few and wide, quick on a CPU.

Shapes for a picture of H x W: stem H/4, stages at H/4, H/8, H/16, H/32; mean over the last; a linear map to `dim`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

WIDTHS = (48, 96, 192, 288)
BLOCKS = (1, 2, 2, 1)
DIM = 256


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
        self.head = nn.Linear(widths[-1], dim)

    def forward(self, x: Tensor) -> Tensor:
        features = self.trunk(x)  # (N, widths[-1], H/32, W/32)
        vectors: Tensor = self.head(features.mean((2, 3)))
        return vectors


def _patches(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, stride, stride, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


class Average:
    """Exponential moving average of a network's weights and statistics: what is exported."""

    def __init__(self, network: EncoderNetwork, *, decay: float = 0.999) -> None:
        self.network = type(network)()
        self.network.load_state_dict(network.state_dict())
        self.network.requires_grad_(requires_grad=False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: EncoderNetwork, *, step: int) -> None:
        """Follow the network; quickly at first, when there is little to average."""
        decay = min(self._decay, 1 - 1 / (1 + step / 2))
        for mine, its in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(its, 1 - decay)
            else:
                mine.copy_(its)

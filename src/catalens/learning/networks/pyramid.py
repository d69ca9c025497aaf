"""Dense prediction: the encoder's trunk and a feature pyramid back up to a quarter of the
picture's size (feature pyramid, Lin et al. 2017) with the mean of the coarsest stage added for context.
"""

from __future__ import annotations

from itertools import accumulate, chain

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.learning.networks.encoder import trunk_stages

WIDTHS, BLOCKS = (32, 96, 192, 320), (1, 2, 3, 1)
"""Those of the encoder that the bundled networks began with, but for its last block: kinds of whole pictures are its
concern."""
WIDTH, FINE = 64, 24
"""Channels on the way up, and at half the picture's size."""


class Pyramid(nn.Module):
    """(N, 3, H, W) normalised pictures -> for each stage, coarsest last, (N, 64, h, w): H/4, H/8, H/16, H/32."""

    def __init__(self, *, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS) -> None:
        super().__init__()
        stages = trunk_stages(widths, blocks)
        self.trunk = nn.Sequential(*chain.from_iterable(stages))
        self._ends = tuple(accumulate(map(len, stages)))
        self.across = nn.ModuleList(nn.Conv2d(width, WIDTH, 1) for width in widths)
        self.context = nn.Conv2d(widths[-1], WIDTH, 1)
        self.smooth = nn.ModuleList(nn.Sequential(*_threes(WIDTH, WIDTH)) for _ in widths)

    def forward(self, x: Tensor) -> list[Tensor]:
        levels: list[Tensor] = []
        start = 0
        for end, across in zip(self._ends, self.across, strict=True):
            x = self.trunk[start:end](x)
            levels.append(across(x))
            start = end
        higher = levels[-1] + self.context(x.mean((2, 3), keepdim=True))
        found = [self.smooth[-1](higher)]
        for level, smooth in zip(levels[-2::-1], list(self.smooth)[-2::-1], strict=True):
            higher = smooth(level + F.interpolate(found[0], scale_factor=2.0, mode="nearest"))
            found.insert(0, higher)
        return found


class DenseNetwork(nn.Module):
    """(N, 3, H, W) normalised pictures, sides multiples of 32 -> (N, outputs, H/4, W/4), before softmax or sigmoid.

    Args:
        fine: look once more at the picture itself, and answer at H/2, W/2: for outlines.
        presence: judge from the whole picture which classes it shows, and add the logarithm of that to each place.
    """

    def __init__(
        self,
        outputs: int,
        *,
        fine: bool = False,
        presence: bool = False,
        widths: tuple[int, ...] = WIDTHS,
        blocks: tuple[int, ...] = BLOCKS,
    ) -> None:
        super().__init__()
        self.pyramid = Pyramid(widths=widths, blocks=blocks)
        last = FINE if fine else WIDTH
        self.head = nn.Sequential(*_threes(WIDTH, last), *([] if fine else [nn.Conv2d(last, outputs, 1)]))
        self.edges = nn.Sequential(*_threes(3, FINE, stride=2)) if fine else None
        self.outline = nn.Sequential(*_threes(2 * FINE, FINE), nn.Conv2d(FINE, outputs, 1)) if fine else None

        self.present = nn.Linear(WIDTH, outputs) if presence else None

    def forward(self, x: Tensor) -> Tensor:
        return self.judged(x)[0]

    def judged(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The answer, and before sigmoid (N, outputs) which classes the picture shows, where that is judged."""
        levels = self.pyramid(x)
        places = self._places(x, levels[0])
        if self.present is None:
            return places, None
        shown: Tensor = self.present(levels[-1].mean((2, 3)))
        return places + F.logsigmoid(shown)[:, :, None, None], shown

    def _places(self, x: Tensor, finest: Tensor) -> Tensor:
        places: Tensor = self.head(finest)
        if self.outline is None or self.edges is None:
            return places
        larger = F.interpolate(places, scale_factor=2.0, mode="bilinear", align_corners=False)
        found: Tensor = self.outline(torch.cat([larger, self.edges(x)], 1))
        return found


def _threes(inputs: int, outputs: int, *, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def normalized(pixels: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32, as `export.PREPROCESS` does it."""
    return pixels.permute(0, 3, 1, 2).float().sub_(127.5).div_(63.75)

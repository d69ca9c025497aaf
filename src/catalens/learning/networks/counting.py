"""Color histograms as layers of the encoder, counted rather than learned; the background is left out.

A color is its value (the largest of red, green and blue) and two chromaticities by that value, so that dark clothes are
told apart by their tint. It counts in the bins around it, in each by how near it is (as in SIFT, Lowe 2004, section
6.1): a little more light moves a little of the count. Bins that the picture's edge fills are taken for the ground, and
count little (back-projection, Swain and Ballard 1991, with the edge as the model).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

VALUES = (0.0, 0.12, 0.25, 0.4, 0.6, 0.8, 1.0)
CHROMAS = (-1.0, -0.7, -0.5, -0.35, -0.22, -0.12, -0.04, 0.04, 0.12, 0.22, 0.35, 0.5, 0.7, 1.0)
"""Middles of the bins; chosen on rendered products seen from two sides. Finer near grey, where most clothes are."""
BINS = len(VALUES) * len(CHROMAS) ** 2
POOL, EDGE = 4, 2
"""Places are means over 4 x 4 pixels; those of the two outermost rows and columns are the edge."""
FILLED, LEFT = 0.2, 0.2
"""A bin that holds this share of the edge is ground; what still counts of such a one."""
DARK = 0.04
"""Added to the value that chromaticities are by: nearly black has none."""


class CountedColors(nn.Module):
    """(N, 3, H, W) pictures normalised to -2..2 -> (N, dim): square roots of the counts, in fewer numbers.

    `fit` chooses these: the directions in which pictures' counts lie. Nothing is learned here, and no gradient passes.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        for name, middles in (("values", VALUES), ("chromas", CHROMAS)):
            up, down = _slopes(middles)
            self.register_buffer(f"{name}_at", torch.tensor(middles), persistent=False)
            self.register_buffer(f"{name}_up", up, persistent=False)
            self.register_buffer(f"{name}_down", down, persistent=False)
        self.out = nn.Conv2d(BINS, dim, 1, bias=False).requires_grad_(requires_grad=False)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # thousands of small numbers are added up
            vectors: Tensor = self.out(self.counts(x.float())[:, :, None, None]).flatten(1)
        return vectors

    def counts(self, x: Tensor) -> Tensor:
        """(N, BINS) square roots of the shares of each bin, of unit length."""
        colors = F.avg_pool2d(x * 0.25 + 0.5, POOL)
        within = colors[:, :, EDGE:-EDGE, EDGE:-EDGE]
        everything, inner = self._counted(colors), self._counted(within)
        places, fewer = (one.shape[2] * one.shape[3] for one in (colors, within))
        edge = (everything - inner) / (places - fewer)
        seen = everything / places * ((1 - edge / FILLED).clamp(min=0) + LEFT)
        return (seen / seen.sum(1, keepdim=True)).sqrt()

    def _counted(self, colors: Tensor) -> Tensor:
        """(N, 3, h, w) in 0..1 -> (N, BINS) how many places are of each bin."""
        red, green, blue = colors.flatten(2).unbind(1)
        value = colors.amax(1).flatten(1)
        first, second = (red - green) / (value + DARK), (blue - (red + green) / 2) / (value + DARK)
        by_value = self._near("values", value)
        by_first, by_second = self._near("chromas", first), self._near("chromas", second)
        pairs = (by_value[:, :, None] * by_first[:, None]).flatten(1, 2)
        return (pairs @ by_second.transpose(1, 2)).flatten(1)

    def _near(self, name: str, found: Tensor) -> Tensor:
        """(N, P) -> (N, K, P) 0..1: how near each is to the middle of each bin; they sum to 1."""
        at, up, down = (getattr(self, f"{name}_{one}")[None, :, None] for one in ("at", "up", "down"))
        off = found[:, None] - at
        return torch.minimum(off * up + 1, 1 - off * down).clamp(0, 1)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Keep the directions in which the counts of these pictures lie (uncentred principal components, so that the
        likeness of two vectors is nearly that of their counts). There are no more than N.
        """
        counts = torch.cat([self.counts(x[start : start + 64]) for start in range(0, len(x), 64)])
        directions = torch.linalg.svd(counts, full_matrices=False).Vh[: len(self.out.weight)]
        self.out.weight.zero_()[: len(directions)] = directions[:, :, None, None]


def _slopes(middles: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """How steeply nearness rises before each middle and falls behind it; beyond the first and the last it stays."""
    steps = 1 / torch.tensor(middles).diff()
    flat = torch.zeros(1)
    return torch.cat([flat, steps]), torch.cat([steps, flat])

"""Patterned cloth: one form in three colors, mixed by a tile of the pattern, as a loom mixes threads.

Small networks learn forms and shades from few pictures, but no stripes: the phase of a pattern is chance, and what is
made again without knowing it is a blur. So tiles (those that rendered products wear) lie over the form, at a size, an
angle and a place that chance says; what they weave is learned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.learning.generator.network import COLOR_COLUMN, LATENT, StyleGenerator
from recipes.synthetic.colors import NEUTRAL, SHADES
from recipes.synthetic.patterns import pattern_tile

PATTERN_COLUMN = 2
CHANCES = 7
"""Numbers of a latent that say how a pattern lies: which tile, two colors, size, angle, place."""
VARIANTS, TILE = 6, 32
"""Tiles of each pattern, and their side."""
SMALLEST, LARGEST = 16.0, 36.0
"""Side of a tile in the picture, in pixels of 128."""
ANGLES = (0.0, 0.0, 0.0, 0.0, math.pi / 4, math.pi / 2)
PARTNERS, LEAST_CONTRAST = 5, 25.0
"""Colors that may be woven into another, and how far apart they are at least, in CIE Lab."""


class Woven(nn.Module):
    """Latents (N, LATENT + CHANCES) and words -> pictures: a generator of plain products, and patterns over them.

    Args:
        colors, patterns: the words; the first pattern is the plain one.
    """

    tiles: Tensor
    partners: Tensor
    angles: Tensor

    def __init__(self, generator: StyleGenerator, *, colors: Sequence[str], patterns: Sequence[str]) -> None:
        super().__init__()
        self.generator, self.shape = generator, generator.shape
        self.latent = LATENT + CHANCES
        self.register_buffer("tiles", torch.from_numpy(_tiles(patterns)))
        self.register_buffer("partners", torch.from_numpy(_partners(colors)))
        self.register_buffer("angles", torch.tensor(ANGLES))

    def forward(self, latents: Tensor, words: Tensor) -> Tensor:
        form, chances = latents[:, :LATENT], latents[:, LATENT:]
        even = (0.5 * (1 + torch.erf(chances / 2**0.5))).clamp(0, 0.9999)  # from a normal distribution to 0..1
        pattern, plain = words[:, PATTERN_COLUMN], _with(words, PATTERN_COLUMN, 0)
        # Where nobody said the pattern the words stay: that is how photos look.
        unsaid = (pattern == self.shape.counts[PATTERN_COLUMN])[:, None]
        plain = torch.where(unsaid, words, plain)
        maps = self.generator.form(form, plain)
        of_color = self.partners[words[:, COLOR_COLUMN]]
        first, second = (torch.gather(of_color, 1, (even[:, at : at + 1] * PARTNERS).long())[:, 0] for at in (1, 2))
        threads = [plain, _with(plain, COLOR_COLUMN, first), _with(plain, COLOR_COLUMN, second)]
        weights = self._weights(pattern, even)
        painted = [self.generator.painted(maps, self.generator.colors(form, one)) for one in threads]
        cloth: Tensor = painted[0] * weights[:, 0:1] + painted[1] * weights[:, 1:2] + painted[2] * weights[:, 2:3]
        return cloth

    def is_plain(self, words: Tensor) -> Tensor:
        """(N,) where no pattern is asked for: such a picture can be made again place by place."""
        pattern = words[:, PATTERN_COLUMN]
        return (pattern == 0) | (pattern == self.shape.counts[PATTERN_COLUMN])

    def _weights(self, pattern: Tensor, even: Tensor) -> Tensor:
        """(N, 3, S, S): of each thread at each place."""
        side = self.shape.side
        tiles = self.tiles[pattern, (even[:, 0] * VARIANTS).long()]
        angle = self.angles[(even[:, 4] * len(ANGLES)).long()]
        pixels = (SMALLEST * (LARGEST / SMALLEST) ** even[:, 3]) * side / 128
        at = torch.arange(side, dtype=torch.float32) - side / 2
        across, down = at[None, None, :], at[None, :, None]
        cos, sin = (angle.cos() / pixels)[:, None, None], (angle.sin() / pixels)[:, None, None]
        x = across * cos - down * sin + even[:, 5, None, None]
        y = across * sin + down * cos + even[:, 6, None, None]
        # Tiles are one pixel larger on each side, so that they go round.
        grid = torch.stack([x - x.floor(), y - y.floor()], -1) * (2 * TILE / (TILE + 2)) + (2 / (TILE + 2) - 1)
        accents = F.grid_sample(tiles, grid, align_corners=False)
        return torch.cat([1 - accents.sum(1, keepdim=True), accents], 1)


def _with(words: Tensor, column: int, value: Tensor | int) -> Tensor:
    """The words with another one in a column."""
    here = torch.arange(words.shape[1]) == column
    return torch.where(here, value[:, None] if isinstance(value, Tensor) else torch.tensor(value), words)


def _tiles(patterns: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(P + 1, VARIANTS, 2, TILE + 2, TILE + 2): weights of two accents; nothing for plain, and where nobody said."""
    found = np.zeros((len(patterns) + 1, VARIANTS, 2, TILE + 2, TILE + 2), np.float32)
    for row, name in enumerate(patterns[1:], start=1):
        for variant in range(VARIANTS):
            small = cv2.resize(pattern_tile(name, variant)[..., 1:], (TILE, TILE), interpolation=cv2.INTER_AREA)
            found[row, variant] = np.pad(small, ((1, 1), (1, 1), (0, 0)), mode="wrap").transpose(2, 0, 1)
    return found


def _partners(colors: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """(C + 1, PARTNERS): colors that stand out from each, quiet ones first; the last row for a color nobody said."""
    dyes = [[int(SHADES[name][0][i : i + 2], 16) for i in (0, 2, 4)] for name in colors]
    lab = cv2.cvtColor(np.array([dyes], np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)[0]
    rows = []
    for own in lab:
        far = np.linalg.norm(lab - own, axis=1)
        order = sorted(range(len(colors)), key=lambda at: (far[at] < LEAST_CONTRAST, colors[at] not in NEUTRAL, at))
        rows.append(order[:PARTNERS])
    return np.array([*rows, rows[0]], np.int64)

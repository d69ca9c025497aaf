"""Training set of a generator: pictures of one product each on white, with their condition labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catalens.images.prepare import Preprocess, resize
from catalens.tasks.cutout import cutout_of, cutter
from catalens.types import FloatArray, ImageArray, IntArray

SIDE = 128
"""Of the pictures, in pixels."""
CUT, MARGIN = 256, 0.06
"""Longer side of photos when they are cut out, in pixels; white around the product, a share of its longer side."""


@dataclass(frozen=True)
class Words:
    """The words that pictures are asked for by, in the order of their numbers."""

    kinds: tuple[str, ...]
    colors: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @property
    def lists(self) -> tuple[tuple[str, ...], ...]:
        """Those that have words, in the order of the columns."""
        return tuple(one for one in (self.kinds, self.colors, self.patterns) if one)

    @property
    def counts(self) -> tuple[int, ...]:
        """Words in each list."""
        return tuple(map(len, self.lists))

    @property
    def classes(self) -> tuple[str, ...]:
        """All of them as a card has them: "kind:dress"."""
        named = zip(("kind", "color", "pattern"), (self.kinds, self.colors, self.patterns), strict=True)
        return tuple(f"{what}:{word}" for what, words in named for word in words)


@dataclass(frozen=True)
class Pictures:
    """images (N, S, S, C) uint8; words (N, L) int64, a list's length where nobody said it."""

    images: NDArray[np.uint8]
    words: IntArray

    def tensor(self, rows: slice | IntArray) -> Tensor:
        """(n, C, S, S) float32 in -1..1."""
        return torch.from_numpy(self.images[rows]).permute(0, 3, 1, 2).float() / 127.5 - 1

    def tints(self, count: int) -> Tensor:
        """(count + 1, C) in -1..1: the usual color of products by their color's number, in the middle of pictures."""
        side = self.images.shape[1]
        middle = self.images[:, side // 3 : -side // 3, side // 3 : -side // 3].reshape(len(self.words), -1, 3)
        usual = np.median(middle, axis=1) / 127.5 - 1
        of = [usual[self.words[:, 1] == number] for number in range(count)]
        rows = [rows.mean(0) if len(rows) else np.zeros(3) for rows in of]
        return torch.from_numpy(np.stack([*rows, usual.mean(0)]).astype(np.float32))

    def of(self, rows: IntArray) -> Pictures:
        """Some of them."""
        return Pictures(self.images[rows], self.words[rows])

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Some of them with their words; none mirrored, for shops show shoes from one side."""
        rows = rng.integers(len(self.words), size=count)
        return self.tensor(rows), torch.from_numpy(self.words[rows])


def on_white(image: ImageArray, *, side: int = SIDE) -> tuple[ImageArray, FloatArray] | None:
    """A product cut out of its photo, in the middle of a white square: (side, side, 3), and how much it covers.

    None where the network finds no product.
    """
    size = image.shape[:2]
    small = resize(image, (max(1, round(size[0] * CUT / max(size))), max(1, round(size[1] * CUT / max(size)))))
    found = cutout_of(small, cutter().alpha(small)).cropped(margin=MARGIN)
    if found.box is None:
        return None
    cover = np.repeat(np.round(found.alpha * 255).astype(np.uint8)[..., None], 3, 2)
    covered = Preprocess(size=(side, side), pad=(0, 0, 0)).place(cover)[0][..., 0] / np.float32(255)
    return Preprocess(size=(side, side)).place(found.on((255, 255, 255)))[0], covered.astype(np.float32)

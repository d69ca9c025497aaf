"""Training batches of the outfit network: positive outfits, negatives, fill-in-the-blank queries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalens.evaluation.outfits import Rows, Wardrobe
from catalens.learning.outfits.pairs import PADDING
from catalens.tasks.outfit import KINDS, MOST
from catalens.types import FloatArray

BATCH = 96
OTHERS = 31
"""Garments of the kind that the missing one is told from."""


@dataclass(frozen=True)
class Batch:
    """Outfits: vectors, colors, kinds; truth (N,) 1 where worn together.

    `asked` are the true ones again, each with one garment looked for, at `places` (n,); `candidates` (n, C, D) are
    vectors of such garments, the first the right one.
    """

    vectors: FloatArray
    colors: FloatArray
    kinds: NDArray[np.int64]
    truth: FloatArray
    asked: tuple[FloatArray, FloatArray, NDArray[np.int64]]
    places: NDArray[np.int64]
    candidates: FloatArray


class OutfitSampler:
    """Draws outfits that were worn, and such with garments exchanged for others of their kind."""

    def __init__(self, wardrobe: Wardrobe) -> None:
        self._wardrobe = wardrobe
        rows = [outfit[:MOST] for outfit in wardrobe.outfits]
        self._rows = np.full((len(rows), MOST), -1, np.int64)
        for number, outfit in enumerate(rows):
            self._rows[number, : len(outfit)] = outfit

    def draw(self, rng: np.random.Generator) -> Batch:
        rows = self._some(rng, BATCH // 2)
        false = self._exchanged(rows, rng)
        vectors, colors, kinds = self._stacked(np.concatenate([rows, false]), rng)
        sizes = (rows >= 0).sum(1)
        places = (rng.random(len(rows)) * sizes).astype(np.int64)
        each = np.arange(len(rows))
        wanted = rows[each, places]
        kind = self._wardrobe.kinds[wanted]
        asked = self._stacked(rows, rng)
        asked[0][each, places], asked[1][each, places], asked[2][each, places] = 0, 0, len(KINDS) + kind
        others = self._wardrobe.others(np.repeat(wanted[:, None], OTHERS, 1), rng)
        offered = np.concatenate([wanted[:, None], others], 1)
        version = int(rng.integers(self._wardrobe.vectors.shape[1]))
        truth = np.repeat([1.0, 0.0], len(rows)).astype(np.float32)
        return Batch(vectors, colors, kinds, truth, asked, places, self._wardrobe.vectors[offered, version])

    def _some(self, rng: np.random.Generator, count: int) -> Rows:
        """(count, L) outfits in any order, at times only parts of them; -1 where nothing is."""
        rows = self._rows[rng.integers(len(self._rows), size=count)]
        order = np.where(rows >= 0, rng.random(rows.shape), 2).argsort(1)
        rows = np.take_along_axis(rows, order, 1)
        sizes = (rows >= 0).sum(1)
        kept = np.where(rng.random(count) < 0.5, 2 + (rng.random(count) * (sizes - 1)).astype(np.int64), sizes)
        rows = np.where(np.arange(MOST) < kept[:, None], rows, -1)
        return rows[:, : int(kept.max())]

    def _exchanged(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """All garments but one, or fewer, exchanged for others of their kind."""
        sizes = (rows >= 0).sum(1)
        count = 1 + (rng.random(len(rows)) * (sizes - 1)).astype(np.int64)
        chosen = np.where(rows >= 0, rng.random(rows.shape), 2).argsort(1).argsort(1) < count[:, None]
        found = rows.copy()
        chosen &= rows >= 0
        found[chosen] = self._wardrobe.others(rows[chosen], rng)
        return found

    def _stacked(self, rows: Rows, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
        """Vectors, colors and kinds, each garment in a version of its own."""
        worn, there = self._wardrobe, rows >= 0
        version = rng.integers(worn.vectors.shape[1], size=rows.shape)
        vectors = worn.vectors[rows, version] * there[..., None]
        colors = worn.colors[rows, version] * there[..., None]
        return vectors, colors, np.where(there, worn.kinds[rows], PADDING)

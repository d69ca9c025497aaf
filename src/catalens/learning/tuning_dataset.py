"""Dataset of fine-tuning: batches of augmented photos, reproducible by seed and step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.images.prepare import Preprocess
from catalens.learning.augment import Policy
from catalens.types import FloatArray, ImageArray

BATCH = 32


@dataclass(frozen=True)
class TuningDataset:
    """The photos, and how batches are drawn from those to learn from.

    Args:
        squares: (N, S, S, 3); targets: (N, C), 0 or 1; rows: of the photos to learn from.
    """

    squares: NDArray[np.uint8]
    targets: FloatArray
    rows: NDArray[np.int64]
    preprocess: Preprocess
    policy: Policy
    seed: int

    @property
    def steps(self) -> int:
        """Steps to an epoch."""
        return max(1, math.ceil(len(self.rows) / BATCH))

    def batch(self, step: int) -> tuple[FloatArray, FloatArray]:
        """(N, 3, H, W) prepared views and their (N, C) targets; the same step always draws the same ones."""
        epoch, place = divmod(step, self.steps)
        order = np.random.default_rng([self.seed, 5, epoch]).permutation(self.rows)
        chosen = order[place :: self.steps]
        rng = np.random.default_rng([self.seed, 6, step])
        views = [self.policy.apply(np.asarray(self.squares[row]), rng) for row in chosen.tolist()]
        return np.stack([self.prepared(view) for view in views]), self.targets[chosen]

    def prepared(self, square: ImageArray) -> FloatArray:
        """A square at the network's size, normalised."""
        size = self.preprocess.size
        small = cv2.resize(square, size[::-1], interpolation=cv2.INTER_AREA)
        return self.preprocess.apply(np.asarray(small, np.uint8))[0]

    def batches(self, first: int) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Batches from this step on, each made while the one before is learned from."""
        with ThreadPoolExecutor(1) as pool:
            step, coming = first, pool.submit(self.batch, first)
            while True:
                ready = coming.result()
                step += 1
                coming = pool.submit(self.batch, step)
                yield ready

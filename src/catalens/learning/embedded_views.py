"""Embeddings of augmented views of photos, computed on first use and cached."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from catalens.images.read import read_image
from catalens.learning.policies import policy as find_policy
from catalens.tasks.embed import Encoder, decode_target
from catalens.types import FloatArray

BATCH = 32


class EmbeddedViews:
    """Views of photos by policy.

    Args:
        photos: that can be read.
        seed: view v of photo p is the same for the same seed.
    """

    def __init__(self, photos: Sequence[Path], encoder: Encoder, *, seed: int) -> None:
        self._photos = tuple(photos)
        self._encoder = encoder
        self._seed = seed
        self._known: dict[str, list[FloatArray]] = {}

    def of(self, policy: str, count: int) -> list[FloatArray]:
        """`count` arrays (N, D), one view of each photo in each; the photos are read again for each new view."""
        known = self._known.setdefault(policy, [])
        while len(known) < count:
            known.append(self._embed(policy, len(known)))
        return known[:count]

    def _embed(self, name: str, number: int) -> FloatArray:
        policy, encoder = find_policy(name), self._encoder
        target = decode_target(encoder)
        vectors = [np.empty((0, encoder.dim), np.float32)]
        for start in range(0, len(self._photos), BATCH):
            batch = [
                encoder.prepare(
                    policy.apply(read_image(path, target=target), np.random.default_rng([self._seed, number, row]))
                )
                for row, path in enumerate(self._photos[start : start + BATCH], start)
            ]
            vectors.append(encoder.encode_prepared(np.stack(batch)))
        return np.concatenate(vectors)

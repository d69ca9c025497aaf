"""Embed pictures: photos in, unit vectors out; near vectors are similar products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from catalens.errors import ImageError
from catalens.images.read import ImageLike, read_image
from catalens.models.card import Card
from catalens.models.onnx import OnnxNetwork
from catalens.models.zoo import DEFAULT_ENCODER, find_card
from catalens.types import FloatArray, ImageArray

BATCH = 32


class Encoder(Protocol):
    """Turns pictures into vectors of one space. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Identity of the vector space: vectors may be compared only where this is equal."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) that the network sees; readers may decode photos at a reduced scale for it."""

    def prepare(self, image: ImageArray) -> FloatArray:
        """One picture, HWC uint8 sRGB -> what `encode_prepared` stacks."""

    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        """(N, ...) stacked prepared pictures -> (N, dim) float32 of unit length."""

    def encode_images(self, images: Sequence[ImageLike]) -> FloatArray:
        """Paths, bytes or arrays -> (N, dim) float32 of unit length, in order; (0, dim) for none."""


class OnnxEncoder:
    """An encoder of a card's ONNX network."""

    def __init__(self, card: Card, *, threads: int | None = None) -> None:
        self._card = card
        self._network = OnnxNetwork(card, threads=threads)

    @property
    def name(self) -> str:
        return self._card.identity

    @property
    def dim(self) -> int:
        return self._card.dim

    @property
    def size(self) -> tuple[int, int]:
        return self._card.preprocess.size

    def prepare(self, image: ImageArray) -> FloatArray:
        return self._card.preprocess.apply(image)[0]

    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        if not len(batch):
            return np.empty((0, self.dim), np.float32)
        vectors = self._network(batch)
        lengths: FloatArray = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)

    def encode_images(self, images: Sequence[ImageLike]) -> FloatArray:
        if isinstance(images, str | bytes | Path):
            raise ImageError("expected a list of pictures and got one", cure="put it in a list: [picture]")
        batches = (np.stack([*self._prepared(images[start : start + BATCH])]) for start in range(0, len(images), BATCH))
        return np.concatenate([np.empty((0, self.dim), np.float32), *map(self.encode_prepared, batches)])

    def _prepared(self, images: Sequence[ImageLike]) -> Iterator[FloatArray]:
        target = decode_target(self)
        for image in images:
            yield self.prepare(read_image(image, target=target))

    def __repr__(self) -> str:
        return f"OnnxEncoder({self.name}, dim={self.dim}, size={self.size})"


def decode_target(encoder: Encoder) -> int:
    """Longest side in pixels at which photos are read for an encoder: half as much again as it sees.

    JPEGs are decoded at the half, quarter or eighth of their size next above it; the rest of the way is averaged.
    """
    return max(encoder.size) * 3 // 2


@lru_cache(maxsize=4)
def encoder(name: str | None = None, *, threads: int | None = None) -> Encoder:
    """Load an encoder: the bundled one, another by its name, or a folder with a card. It is kept for the next call.

    Raises:
        NotFoundError: no such encoder.
        ModelError: its card or weights cannot be used.
    """
    return OnnxEncoder(find_card(name or DEFAULT_ENCODER), threads=threads)

"""Calls of a network from several threads go through it together: what came while it was busy is one batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from catalens.images.read import ImageLike, read_image
from catalens.models.known_words import DoubtfulWord
from catalens.tasks.embed import Encoder, decode_target
from catalens.types import FloatArray, ImageArray

MOST = 16
"""Pictures to a batch: beyond that a picture more takes as much time as one alone."""


@dataclass
class _Call:
    batch: FloatArray
    answer: FloatArray | None = None
    error: Exception | None = None


class BatchingEncoder:
    """An encoder like the one given; one thread at a time runs its network, for all that wait.

    Nobody waits for a batch to fill: a lone call goes at once.

    Args:
        encoder: what does the work.
        told: called with the pictures of each batch and its seconds.
    """

    def __init__(self, encoder: Encoder, *, told: Callable[[int, float], None]) -> None:
        self._encoder, self._told = encoder, told
        self._guard, self._turn = threading.Lock(), threading.Lock()
        self._waiting: list[_Call] = []

    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        """As `Encoder` says."""
        call = _Call(batch)
        with self._guard:
            self._waiting.append(call)
        with self._turn:
            while call.answer is None and call.error is None:
                self._run()
        if call.error is not None:
            raise call.error
        assert call.answer is not None
        return call.answer

    def _run(self) -> None:
        with self._guard:
            taken = self._waiting[:1]
            for call in self._waiting[1:]:
                if sum(len(one.batch) for one in taken) + len(call.batch) > MOST:
                    break
                taken.append(call)
            del self._waiting[: len(taken)]
        started = time.perf_counter()
        try:
            found = self._encoder.encode_prepared(np.concatenate([call.batch for call in taken]))
        except Exception as error:  # of each of them
            for call in taken:
                call.error = error
            return
        self._told(len(found), time.perf_counter() - started)
        for call in taken:
            call.answer, found = found[: len(call.batch)], found[len(call.batch) :]

    def encode_images(self, images: Sequence[ImageLike]) -> FloatArray:
        """As `Encoder` says."""
        if not images:
            return np.empty((0, self.dim), np.float32)
        side = decode_target(self)
        return self.encode_prepared(np.stack([self.prepare(read_image(image, target=side)) for image in images]))

    @property
    def name(self) -> str:
        """As `Encoder` says."""
        return self._encoder.name

    @property
    def dim(self) -> int:
        """As `Encoder` says."""
        return self._encoder.dim

    @property
    def size(self) -> tuple[int, int]:
        """As `Encoder` says."""
        return self._encoder.size

    def prepare(self, image: ImageArray) -> FloatArray:
        """As `Encoder` says."""
        return self._encoder.prepare(image)

    @property
    def has_text(self) -> bool:
        """As `Encoder` says."""
        return self._encoder.has_text

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """As `Encoder` says."""
        return self._encoder.encode_texts(texts)

    def doubtful_words(self, text: str) -> tuple[DoubtfulWord, ...]:
        """As `Encoder` says."""
        return self._encoder.doubtful_words(text)

    @property
    def has_regions(self) -> bool:
        """As `Encoder` says."""
        return self._encoder.has_regions

    def encode_regions(self, images: Sequence[ImageLike]) -> FloatArray:
        """As `Encoder` says."""
        return self._encoder.encode_regions(images)

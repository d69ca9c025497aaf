"""Dynamic batching: calls that arrive while the network is busy form the next batch."""

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

MAX_BATCH = 16
"""Pictures to a batch: larger batches save no further time per picture."""


@dataclass
class _Call:
    batch: FloatArray
    answer: FloatArray | None = None
    error: Exception | None = None


class BatchingEncoder:
    """Wraps an encoder; one thread at a time runs the network for all waiting calls.

    No call waits for a batch to fill: a lone call runs at once.

    Args:
        encoder: the wrapped encoder.
        on_batch: called with the number of pictures and the seconds of each batch.
    """

    def __init__(self, encoder: Encoder, *, on_batch: Callable[[int, float], None]) -> None:
        self._encoder, self._on_batch = encoder, on_batch
        self._guard, self._turn = threading.Lock(), threading.Lock()
        self._waiting: list[_Call] = []

    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        """See `Encoder`."""
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
                if sum(len(one.batch) for one in taken) + len(call.batch) > MAX_BATCH:
                    break
                taken.append(call)
            del self._waiting[: len(taken)]
        started = time.perf_counter()
        try:
            found = self._encoder.encode_prepared(np.concatenate([call.batch for call in taken]))
        except Exception as error:  # raised in every waiting call
            for call in taken:
                call.error = error
            return
        self._on_batch(len(found), time.perf_counter() - started)
        for call in taken:
            call.answer, found = found[: len(call.batch)], found[len(call.batch) :]

    def encode_images(self, images: Sequence[ImageLike]) -> FloatArray:
        """See `Encoder`."""
        if not images:
            return np.empty((0, self.dim), np.float32)
        side = decode_target(self)
        return self.encode_prepared(np.stack([self.prepare(read_image(image, target=side)) for image in images]))

    @property
    def name(self) -> str:
        """See `Encoder`."""
        return self._encoder.name

    @property
    def dim(self) -> int:
        """See `Encoder`."""
        return self._encoder.dim

    @property
    def device(self) -> str:
        """As `Encoder` says."""
        return self._encoder.device

    @property
    def size(self) -> tuple[int, int]:
        """See `Encoder`."""
        return self._encoder.size

    def prepare(self, image: ImageArray) -> FloatArray:
        """See `Encoder`."""
        return self._encoder.prepare(image)

    @property
    def has_text(self) -> bool:
        """See `Encoder`."""
        return self._encoder.has_text

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `Encoder`."""
        return self._encoder.encode_texts(texts)

    def doubtful_words(self, text: str) -> tuple[DoubtfulWord, ...]:
        """See `Encoder`."""
        return self._encoder.doubtful_words(text)

    @property
    def known_words(self) -> frozenset[str]:
        """See `Encoder`."""
        return self._encoder.known_words

    @property
    def has_regions(self) -> bool:
        """See `Encoder`."""
        return self._encoder.has_regions

    def encode_regions(self, images: Sequence[ImageLike]) -> FloatArray:
        """See `Encoder`."""
        return self._encoder.encode_regions(images)

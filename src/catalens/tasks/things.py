"""Everyday things, furniture and people by NanoDet (RangiLyu 2021): its outputs as boxes on the photo."""

from __future__ import annotations

import numpy as np

from catalens.errors import ModelError
from catalens.geometry import clip
from catalens.images.blank import is_blank
from catalens.models.card import Card
from catalens.models.device import AUTO, RunsOn
from catalens.models.runtimes.onnx import OnnxDenseNetwork
from catalens.tasks.segment import canvas_for
from catalens.tasks.two_stage import one_each
from catalens.types import Detections, FloatArray, ImageArray

BINS = 11
"""Of each distance's distribution, in strides 0 to 10 (generalised focal loss, Li et al. 2020)."""
STRIDES = (8, 16, 32)
LEAST = 0.2
"""Score below which nothing is looked at: below, as many are wrong as there are boxes."""


class ThingFinder:
    """A one-stage detector with distributed distances, by its card. Calls from several threads are safe.

    Raises:
        ModelError: the card is for something else, or its weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        if not finds_things(card):
            raise ModelError(f"{card.name} is no one-stage detector", cure="name nanodet-g")
        self.labels = card.classes
        self._preprocess = card.preprocess
        self._network = OnnxDenseNetwork(card, threads=threads, device=device, dtype=dtype)

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""
        return self._network.runs_on

    def __call__(self, image: ImageArray, *, min_score: float = LEAST) -> Detections:
        """HWC uint8 -> what is on it, the surest first."""
        size = (image.shape[0], image.shape[1])
        if is_blank(image):
            return Detections.empty(size)
        x, placement = canvas_for(self._preprocess, size).apply(image)
        boxes, scores = places_of(self._network(x[None])[0], placement.prepared, min_score=min_score)
        boxes = clip(placement.to_original_boxes(boxes), size)
        return one_each(boxes[:, None].repeat(len(self.labels), 1), scores, self.labels, size, min_score=min_score)


def finds_things(card: Card) -> bool:
    """Whether a card is of a network whose answers `places_of` reads."""
    return card.task == "detect" and card.dim == len(card.classes) + 4 * BINS


def places_of(places: FloatArray, size: tuple[int, int], *, min_score: float) -> tuple[FloatArray, FloatArray]:
    """Read a network's answer on a prepared picture.

    Args:
        places: (C + 44, N), of each place the logits of C labels, then of the bins of its distances to the left, top,
            right and bottom; row by row, of the finest stride first.
        size: (height, width) of the prepared picture, multiples of 32.

    Returns:
        (K, 4) xyxy in its pixels, and (K, C) scores 0..1 of the places where any reaches `min_score`.
    """
    count = len(places) - 4 * BINS
    some = np.flatnonzero(places[:count].max(0) >= np.log(min_score / (1 - min_score)))
    scores = 1 / (1 + np.exp(-places[:count, some]))
    likely = np.exp(places[count:, some].reshape(4, BINS, -1))
    distances = np.tensordot(np.arange(BINS), likely, axes=(0, 1)) / likely.sum(1)
    middles, strides = _grid(size)
    x, y = middles[some].T
    left, top, right, bottom = distances * strides[some]
    boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1)
    return boxes.astype(np.float32), np.asarray(scores.T, np.float32)


def _grid(size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """(N, 2) middles of all places (x, y), and (N,) their strides, in pixels."""
    middles, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: size[0] // stride, : size[1] // stride]
        # Its makers count from pixel middles: a place lies at (stride - 1) / 2.
        middles.append(np.stack([columns, rows], axis=-1).reshape(-1, 2) * stride + (stride - 1) / 2)
        strides.append(np.full(rows.size, stride))
    return np.concatenate(middles).astype(np.float32), np.concatenate(strides).astype(np.float32)

"""The bundled two-stage detector: its outputs as boxes on the photo, one box for each thing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from catalens.errors import ModelError
from catalens.geometry import clip, nms
from catalens.images.blank import is_blank
from catalens.images.prepare import Placement
from catalens.models.card import Card
from catalens.models.device import AUTO, RunsOn
from catalens.models.runtimes.onnx import OnnxDetectorNetwork
from catalens.tasks.segment import canvas_for
from catalens.types import Detections, FloatArray, ImageArray

OVERLAP = 0.5
"""IoU from which the less sure of two boxes of one label goes."""
ACROSS = 0.8
"""The same for boxes of different labels: a thing has one name."""
LEAST, MOST = 0.05, 100
"""Scores below are not looked at; things on a photo, at most."""


class TwoStageDetector:
    """A detector by its card. Calls from several threads are safe.

    Raises:
        ModelError: the card is for something else, or its weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        if card.task != "detect":
            raise ModelError(f"{card.name} is for {card.task!r}, not for 'detect'", cure="name a detector")
        self.labels = card.classes
        self._preprocess = card.preprocess
        self._network = OnnxDetectorNetwork(card, threads=threads, device=device, dtype=dtype)

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""
        return self._network.runs_on

    def __call__(self, image: ImageArray) -> Detections:
        """HWC uint8 -> what is on it, the surest first."""
        if is_blank(image):
            return Detections.empty((image.shape[0], image.shape[1]))
        x, placement = canvas_for(self._preprocess, image.shape[:2]).apply(image)
        return answers_of(self._network(x[None]), placement, self.labels)

    def proposals(self, image: ImageArray) -> tuple[FloatArray, FloatArray]:
        """HWC uint8 -> (K, 4) boxes that may show anything, xyxy in pixels, and (K,) scores 0..1, best first."""
        x, placement = canvas_for(self._preprocess, image.shape[:2]).apply(image)
        boxes, logits, _, _ = self._network(x[None])
        return clip(placement.to_original_boxes(boxes), image.shape[:2]), np.asarray(
            1 / (1 + np.exp(-logits)), np.float32
        )


def answers_of(
    answers: Sequence[FloatArray], placement: Placement, names: Sequence[str], *, min_score: float = LEAST
) -> Detections:
    """Read a network's answers on one picture.

    Args:
        answers: proposals (K, 4), their logits (K,), logits of the labels (K, names + 1), boxes (K, names, 4).
        placement: of the picture on the prepared one.
    """
    _, _, logits, boxes = answers
    likely = np.exp(logits - logits.max(1, keepdims=True, initial=-np.inf))
    likely = likely / likely.sum(1, keepdims=True)
    boxes = placement.to_original_boxes(boxes.reshape(-1, 4)).reshape(boxes.shape)
    return one_each(clip_all(boxes, placement.original), likely[:, :-1], names, placement.original, min_score=min_score)


def one_each(
    boxes: FloatArray,
    scores: FloatArray,
    names: Sequence[str],
    size: tuple[int, int],
    *,
    min_score: float = LEAST,
) -> Detections:
    """Of many boxes one for each thing, the surest first.

    Args:
        boxes: (K, names, 4) xyxy in pixels; scores: (K, names), 0..1; size: (height, width) of the picture.
    """
    rows, labels = np.nonzero(scores >= min_score)
    sure, chosen = scores[rows, labels].astype(np.float32), boxes[rows, labels]
    kept: list[int] = []
    for label in np.unique(labels).tolist():
        mine = np.flatnonzero(labels == label)
        kept += mine[nms(chosen[mine], sure[mine], threshold=OVERLAP)].tolist()
    some = np.array(kept, np.int64)
    some = some[nms(chosen[some], sure[some], threshold=ACROSS)][:MOST]
    return Detections(chosen[some], sure[some], tuple(names[label] for label in labels[some].tolist()), size)


def clip_all(boxes: FloatArray, size: tuple[int, int]) -> FloatArray:
    """(..., 4) xyxy cut to a picture of (height, width)."""
    return clip(boxes.reshape(-1, 4), size).reshape(boxes.shape)

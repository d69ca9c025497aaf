"""What a box shows: a linear classifier over three networks' evidence, with a reject option."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from catalens.geometry import iou
from catalens.images.prepare import crop
from catalens.models.card import Card
from catalens.models.runtimes.onnx import OnnxVectorNetwork
from catalens.tasks.embed import Encoder
from catalens.taxonomy import classes, kinds
from catalens.types import Detections, FloatArray, ImageArray

MARGIN = 0.06
"""Of a box that the encoder sees around it, as a share of its longer side."""
PRODUCT = "product"
NAMED_FROM = 0.8
"""Probability from which a box is called by its likeliest name, else it is a product: of such names at least .85 are
right on products that the classifier did not learn from (its card)."""
(WIDE,) = classes("wide")
"""Name of a box of which is sure that it is furniture, but not which."""
SAME = 0.5
"""IoU from which a detector's box counts as evidence about another one."""


class Namer:
    """Names boxes of a photo by the encoder's vector of each and by what detectors say at that place.

    Args:
        card: of the classifier; its first class is "product", which stands for all that has no class of its own.
        encoder: the one whose vectors it learned from.
        heard: labels of each detector whose boxes are evidence, in the order that the classifier learned.
    """

    def __init__(
        self, card: Card, encoder: Encoder, *, heard: Sequence[Sequence[str]], threads: int | None = None
    ) -> None:
        self.labels = card.classes
        self._encoder, self._heard = encoder, heard
        self._wide = [
            column for column, name in enumerate(self.labels) if name in {one.name for one in kinds(group=WIDE)}
        ]
        self._network = OnnxVectorNetwork(card, threads=threads)

    def __call__(
        self, image: ImageArray, boxes: FloatArray, others: Sequence[Detections]
    ) -> tuple[list[str], FloatArray]:
        """The name of each of N boxes, "product" where none is sure, and its probability, (N,) in 0..1.

        Args:
            image: HWC uint8; boxes: (N, 4) xyxy in its pixels.
            others: what each of those detectors found on it.
        """
        if not len(boxes):
            return [], np.zeros(0, np.float32)
        likely = self._network(evidence_of(image, boxes, others, self._heard, self._encoder))
        best, wide = likely.max(1), likely[:, self._wide].sum(1)
        names = [self.labels[column] for column in likely.argmax(1).tolist()]
        for row in np.flatnonzero(best < NAMED_FROM).tolist():
            names[row] = WIDE if wide[row] >= NAMED_FROM else PRODUCT
        return names, np.where(best < NAMED_FROM, wide, best).astype(np.float32)


def evidence_of(
    image: ImageArray,
    boxes: FloatArray,
    others: Sequence[Detections],
    heard: Sequence[Sequence[str]],
    encoder: Encoder,
) -> FloatArray:
    """(N, D) float32, what the classifier sees of boxes (N, 4): their vectors, and each detector's scores there.

    Args:
        others, heard: of each detector what it found, and its labels.
    """
    crops = [np.ascontiguousarray(crop(image, box, margin=MARGIN)[0]) for box in boxes]
    said = [votes(boxes, found, labels) for found, labels in zip(others, heard, strict=True)]
    return np.concatenate([encoder.encode_images(crops), *said], axis=1)


def votes(boxes: FloatArray, found: Detections, labels: Sequence[str]) -> FloatArray:
    """(N, C) the highest score with which a detector gives each of C labels at boxes (N, 4), 0 where it does not."""
    said = np.zeros((len(boxes), len(labels)), np.float32)
    if len(found) and len(boxes):
        columns = [labels.index(label) for label in found.labels]
        scores = np.where(iou(boxes, found.boxes) >= SAME, found.scores, 0)
        for row, column in enumerate(columns):
            said[:, column] = np.maximum(said[:, column], scores[:, row])
    return said

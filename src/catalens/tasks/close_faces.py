"""Faces that fill much of a photo: found at a reduced size, and confirmed by a second network.

The face detector was trained on street photos, where faces are small; a close-up has that size in a reduced photo.
There it also takes fruit and barrels for faces. So each candidate is cut out and shown to BlazeFace short range
(Bazarevsky et al. 2019, arXiv 1907.05047), which was made for close-ups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.geometry import clip
from catalens.images.prepare import Preprocess
from catalens.models.card import Card
from catalens.models.device import AUTO
from catalens.models.runtimes.onnx import OnnxDenseNetwork
from catalens.types import FloatArray, ImageArray

SIZES = (0.64, 0.36, 0.27)
"""Sides of what the face detector sees, as shares of its card's size."""
SMALLEST = 0.2
"""Height of a close-up, as a share of the picture's longer side."""
CANDIDATE, CONFIRMED, ALONE = 0.5, 0.7, 0.75
"""Scores: of a candidate; of the second network on its cut-out; of the second network on the whole picture."""
CUTS = (1.6, 2.4)
"""Sides of the squares that are cut out around a candidate, as multiples of its longer side."""
OFF_CENTRE = 0.22
"""How far from the middle of such a square a face may lie, as a share of its side."""

Find = Callable[[ImageArray, Preprocess, float], tuple[FloatArray, FloatArray]]
"""The face detector: HWC uint8, how to prepare it, and a confidence threshold -> (N, 4) xyxy, (N,) scores."""


class CloseUps:
    """Finds faces that fill at least a fifth of a picture. Calls from several threads are safe.

    Args:
        card: of BlazeFace short range, as `recipes/blazeface.py` writes it.

    Raises:
        ModelError: the weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO) -> None:
        self._preprocess = card.preprocess
        self._network = OnnxDenseNetwork(card, threads=threads, device=device)
        self._centres = anchors(card.preprocess.size[0])

    def __call__(self, image: ImageArray, *, find: Find, preprocess: Preprocess) -> tuple[FloatArray, FloatArray]:
        """HWC uint8 -> (N, 4) xyxy in pixels of the picture and (N,) scores 0..1, overlapping ones included.

        Args:
            find: the face detector, asked at reduced sizes.
            preprocess: of its full size.
        """
        boxes, scores = self._confirmed(image, find, preprocess)
        whole, sure = self._at(image)
        alone = (sure >= ALONE) & _are_close_ups(whole, image)
        return np.concatenate([boxes, whole[alone]]), np.concatenate([scores, sure[alone]])

    def _confirmed(self, image: ImageArray, find: Find, preprocess: Preprocess) -> tuple[FloatArray, FloatArray]:
        """The detector's candidates at reduced sizes that the second network confirms, with its scores."""
        height, width = preprocess.size
        found = [
            find(image, replace(preprocess, size=(round(height * share), round(width * share))), CANDIDATE)[0]
            for share in SIZES
        ]
        candidates = np.concatenate(found)
        boxes = candidates[_are_close_ups(candidates, image)]
        scores = np.array([self._confirm(image, box) for box in boxes], np.float32)
        kept = scores >= CONFIRMED
        return boxes[kept], scores[kept]

    def _confirm(self, image: ImageArray, box: FloatArray) -> float:
        """Highest score of a face in the middle of squares around a box."""
        side = self._preprocess.size[0]
        (x, y), reach = (box[:2] + box[2:]) / 2, float(max(box[2:] - box[:2]))
        best = 0.0
        for share in CUTS:
            scale = side / max(reach * share, 1.0)
            matrix = np.array([[scale, 0, side / 2 - x * scale], [0, scale, side / 2 - y * scale]])
            flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            square = cv2.warpAffine(image, matrix, (side, side), flags=flags, borderValue=self._preprocess.pad)
            boxes, scores = self._at(square)
            off = np.abs((boxes[:, :2] + boxes[:, 2:]) / 2 - side / 2).max(axis=1, initial=0)
            best = max(best, float(scores[off < OFF_CENTRE * side].max(initial=0)))
        return best

    def _at(self, image: ImageArray) -> tuple[FloatArray, FloatArray]:
        """What the second network says of a picture: (896, 4) xyxy in its pixels, (896,) scores."""
        x, placement = self._preprocess.apply(image)
        rows = self._network(x[None])[0]
        side = np.float32(self._preprocess.size[0])
        middles, half = rows[1:3].T + self._centres * side, rows[3:5].T / 2
        boxes = placement.to_original_boxes(np.hstack([middles - half, middles + half]).astype(np.float32))
        return clip(boxes, image.shape[:2]), (1 / (1 + np.exp(-np.clip(rows[0], -50, 50)))).astype(np.float32)


def _are_close_ups(boxes: FloatArray, image: ImageArray) -> NDArray[np.bool_]:
    """Whether each of the boxes (N, 4) fills enough of the picture."""
    return np.asarray(boxes[:, 3] - boxes[:, 1] >= SMALLEST * max(image.shape[:2]), np.bool_)


def anchors(side: int) -> FloatArray:
    """Middles (896, 2) of BlazeFace's anchors, x and y in 0..1: two at each place of stride 8, six of stride 16."""
    grids = []
    for stride, count in ((8, 2), (16, 6)):
        y, x = np.mgrid[0 : side // stride, 0 : side // stride] + 0.5
        grids.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2) * stride / side, count, axis=0))
    return np.concatenate(grids).astype(np.float32)

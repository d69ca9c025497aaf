"""Detect furniture on a photo of a room: salient boxes, classified zero-shot."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.geometry import iou, nms
from catalens.images.prepare import crop
from catalens.images.read import ImageLike, read_image
from catalens.tasks.embed import Encoder
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.proposals import Proposer, SelectiveSearch, proposer
from catalens.tasks.zero_shot import label_vectors
from catalens.taxonomy import classes
from catalens.types import Detections, FloatArray, ImageArray

THINGS = classes("room")
"""For the home, of which the encoder knows words."""
SIDE = 360
"""Longer side that a room is looked at, in pixels."""
SMALLEST, LARGEST = 0.04, 0.75
"""Sides of a thing, as shares of the picture's."""
CONTRAST = 0.35
"""Distance (Hellinger, 0..1) of the colors in a box from those around it, below which it holds no thing (an objectness
cue of Alexe, Deselaers and Ferrari 2012)."""
MOST = 60
"""Boxes that are named, those first that stick out most."""
CLOSED = 0.35
"""IoU that a box has at least with one that the bundled detector's first stage proposes."""
LEAST, AHEAD = 0.3, 0.06
"""Cosine with the words of a thing, and how far it must lie before those of the next one."""
MARGIN = 0.04
OVERLAP = 0.3


def things_in_room(image: ImageLike, *, encoder: Encoder | None = None) -> Detections:
    """Find furniture and other things for the home on a photo of a room: `THINGS`, no others.

    Args:
        image: path, bytes, open file, array or PIL picture.

    Returns:
        Detections in pixels of the picture, the surest first; scores are cosines with words, not probabilities.

    Raises:
        ImageError: the picture cannot be read.
        ModelError: the encoder knows no words.
    """
    pixels = read_image(image)
    used = encoder or load_encoder()
    words = label_vectors(THINGS, encoder=used)
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    size = (max(2, round(pixels.shape[1] * scale)), max(2, round(pixels.shape[0] * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    boxes = _promising(small)
    if not len(boxes):
        return Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), (), pixels.shape[:2])
    likeness = used.encode_images([np.ascontiguousarray(crop(small, box, margin=MARGIN)[0]) for box in boxes]) @ words.T
    ordered = np.sort(likeness, axis=1)
    sure = (ordered[:, -1] >= LEAST) & (ordered[:, -1] - ordered[:, -2] >= AHEAD)
    boxes, scores, named = boxes[sure], ordered[sure, -1], likeness[sure].argmax(1)
    kept = nms(boxes, scores, threshold=OVERLAP)
    kept = _not_inside(boxes, kept)
    return Detections(
        np.asarray(boxes[kept] / scale, np.float32), np.asarray(scores[kept], np.float32),
        tuple(THINGS[row] for row in named[kept].tolist()), pixels.shape[:2],
    )  # fmt: skip


def _promising(image: ImageArray) -> FloatArray:
    """(K, 4) boxes of a fitting size whose colors differ from those around, the most different first."""
    boxes = SelectiveSearch()(image)
    sides = (boxes[:, 2:] - boxes[:, :2]) / np.array(image.shape[1::-1])
    boxes = boxes[((sides >= SMALLEST) & (sides <= LARGEST)).all(1)]
    codes = _color_codes(image)
    contrasts = np.array([_contrast(codes, box) for box in boxes.round().astype(int).tolist()], np.float32)
    boxes, contrasts = boxes[contrasts >= CONTRAST], contrasts[contrasts >= CONTRAST]
    if not len(boxes):
        return np.empty((0, 4), np.float32)
    boxes = boxes[nms(boxes, contrasts, threshold=0.8)[:MOST]]
    closed = iou(boxes, _first_stage()(image)).max(1, initial=0) >= CLOSED
    return np.asarray(boxes[closed], np.float32)


@cache
def _first_stage() -> Proposer:
    return proposer("rpn")


def _color_codes(image: ImageArray) -> NDArray[np.int64]:
    """(H, W) colors in 256 steps of Lab."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.int64)
    return np.asarray(
        (lab[..., 0] // 64) * 64 + (lab[..., 1] // 16 - 4).clip(0, 7) * 8 + (lab[..., 2] // 16 - 4).clip(0, 7)
    )


def _contrast(codes: NDArray[np.int64], box: list[int]) -> float:
    """How much the colors in a box differ from those in a ring around it."""
    left, top, right, bottom = box
    wide, high = max(2, (right - left) // 5), max(2, (bottom - top) // 5)
    outer = codes[max(0, top - high) : bottom + high, max(0, left - wide) : right + wide]
    inside = np.bincount(codes[top:bottom, left:right].ravel(), minlength=256).astype(np.float64)
    around = np.bincount(outer.ravel(), minlength=256) - inside
    if inside.sum() == 0 or around.sum() <= 0:
        return 0.0
    alike = np.sqrt(inside / inside.sum() * around.clip(0) / around.sum()).sum()
    return float(np.sqrt(max(0.0, 1 - alike)))


def _not_inside(boxes: FloatArray, kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of boxes, the surest first, those that do not mostly lie in a surer one, nor hold one."""
    found: list[int] = []
    for row in kept.tolist():
        one = boxes[row]
        others = boxes[found]
        sides = np.minimum(one[2:], others[:, 2:]) - np.maximum(one[:2], others[:, :2])
        shared = sides.clip(0).prod(1)
        smaller = np.minimum((one[2:] - one[:2]).prod(), (others[:, 2:] - others[:, :2]).prod(1))
        if not (shared > 0.7 * smaller).any():
            found.append(row)
    return np.array(found, np.int64)

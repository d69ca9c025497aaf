"""The default detector: garments on people by one network, people and things by another, one name for each box.

The garment network was trained on street photos: without a person it takes lipsticks for shoes. So its names count only
on people. Of everything else the boxes are taken, and a classifier with a reject option names them (`naming`).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.geometry import area, iou, nms
from catalens.images.blank import is_blank
from catalens.images.even import even_alpha
from catalens.images.prepare import crop
from catalens.tasks.fusion import fused
from catalens.tasks.naming import PRODUCT, Namer
from catalens.tasks.things import ThingFinder
from catalens.tasks.two_stage import TwoStageDetector
from catalens.taxonomy import rules
from catalens.types import Detections, FloatArray, ImageArray

PERSON = "person"
PERSON_FROM, DRESSED_FROM = 0.6, 0.4
"""Score from which a person is one, and from which one that wears `DRESSED` different garments is."""
DRESSED, GARMENT_FROM = 2, 0.6
CLOSER = 0.06
"""Of a person's box that is kept around it in a closer look, as a share of its longer side."""
WORN = 0.6
"""Share of a garment's box that lies within a person's (`AROUND` larger on each side) where it is worn."""
AROUND = 0.15
BOX_FROM = 0.3
"""Score from which a detector's box is looked at as a thing of whatever kind."""
HOLDS = 2
"""Other things from which a box without a name is one of a group, not of a thing."""
FURNISHED, IN_ROOM = 2, 0.45
"""Pieces of furniture from which a photo shows a room, and the score from which they are called so there: among others
of their sort, the detector's own name is better than that of a classifier which learned from single products."""
WHOLE = 0.6
"""IoU from which a detector's box is that of all pieces within it."""
SAME, INSIDE = 0.5, 0.75
"""IoU from which two boxes are one thing; share of a box within another where it is part of it."""
SEEN, EVEN_SIDE = 0.1, 320
"""Least score of evidence; longer side, in pixels, at which an even background is followed."""
SMALLEST = 0.002
"""Share of the picture below which a thing on an even background is a speck."""
BEYOND = 0.1
"""Pieces smaller than this share of the largest are specks, too, or shadows that it casts."""
LEFT = 0.6
"""Share of what differs from an even ground that is left without its shadows, where they are shadows."""
MOST = 24
"""Boxes of a photo that are named, at most, the surest first."""


class EnsembleDetector:
    """Garments that people wear, and things of any sort. Calls from several threads are safe.

    Args:
        outlines: HWC uint8 -> HxW in 0..1, what stands out; asked where nothing else finds a thing.
    """

    def __init__(
        self,
        garments: TwoStageDetector,
        things: ThingFinder,
        namer: Namer,
        outlines: Callable[[ImageArray], FloatArray],
    ) -> None:
        self._garments, self._things, self._namer, self._outlines = garments, things, namer, outlines
        room = [rules()["datasets"]["coco"][name] for name in rules()["datasets"]["coco_room"]]
        self.labels = tuple(dict.fromkeys((*garments.labels, *namer.labels, *room)))

    def __call__(self, image: ImageArray) -> Detections:
        """HWC uint8 -> what is on it, the surest first."""
        size = (image.shape[0], image.shape[1])
        if is_blank(image):
            return Detections.empty(size)
        garments, things = self._garments(image), self._things(image, min_score=SEEN)
        people = _people(things, garments)
        worn = _worn(self._closer(image, garments, people), people)
        if not (worn.scores >= BOX_FROM).any():  # a hoodie on white has the shape of a person
            people, worn = people[:0], worn[:0]
        boxes, scores = self._candidates(image, garments, things, people, worn)
        named = self._named(image, boxes, scores, (things, garments))
        if len(people):  # what stands behind them is sold only where it has a name
            named = named[np.array([one.label != PRODUCT for one in named], bool)]
        return _joined(worn, _without_parts(named), size)

    def _closer(self, image: ImageArray, garments: Detections, people: Detections) -> Detections:
        """The garments, and those of a closer look at the largest person, as one."""
        if not len(people):
            return garments
        box = people.boxes[int(area(people.boxes).argmax())]
        seen, placement = crop(image, box, margin=CLOSER)
        found = self._garments(seen)
        moved = placement.to_original_boxes(found.boxes)
        return fused([garments, Detections(moved, found.scores, found.labels, garments.size)])

    def _candidates(
        self, image: ImageArray, garments: Detections, things: Detections, people: Detections, worn: Detections
    ) -> tuple[FloatArray, FloatArray]:
        """(N, 4) boxes that show a thing nobody wears, and (N,) how sure that is, the surest first."""
        alone = _on_even_ground(image) if not len(people) else np.zeros((0, 4), np.float32)
        if len(alone):
            seen = np.concatenate([one.boxes[one.scores >= BOX_FROM] for one in (things, garments)])
            alone = _put_together(alone, seen)
            return alone, np.ones(len(alone), np.float32)
        sold = rules()["datasets"]["coco"]
        some = things[np.array([one.label in sold for one in things], bool) & (things.scores >= BOX_FROM)]
        other = garments[(garments.scores >= BOX_FROM) & (not len(people))]
        boxes, scores = np.concatenate([some.boxes, other.boxes]), np.concatenate([some.scores, other.scores])
        if not len(boxes) and not len(people):
            boxes = _pieces(self._outlines(image) > 0.5)
            scores = np.full(len(boxes), BOX_FROM, np.float32)
        free = _largest_iou(boxes, worn.boxes) < SAME
        boxes, scores = boxes[free], scores[free]
        kept = nms(boxes, scores, threshold=SAME)[:MOST]
        return boxes[kept], scores[kept]

    def _named(
        self, image: ImageArray, boxes: FloatArray, scores: FloatArray, others: tuple[Detections, Detections]
    ) -> Detections:
        names, likely = self._namer(image, boxes, others)
        furniture = self._furniture(others[0])
        at = iou(boxes, furniture.boxes) >= SAME
        for row in range(len(boxes)):
            if at[row].any():
                one = furniture[int(at[row].argmax())]
                names[row], likely[row] = rules()["datasets"]["coco"][one.labels[0]], one.scores[0]
            elif names[row] == PRODUCT:
                likely[row] = scores[row]
        return Detections(boxes, likely, tuple(names), (image.shape[0], image.shape[1]))

    def _furniture(self, things: Detections) -> Detections:
        """What furnishes a room; nothing where the photo shows none."""
        is_one = [one.label in rules()["datasets"]["coco_room"] for one in things]
        found = things[np.array(is_one, bool) & (things.scores >= IN_ROOM)]
        return found if len(found) >= FURNISHED else found[:0]


def _people(things: Detections, garments: Detections) -> Detections:
    """Those of whom it is sure, and those less sure who wear different garments."""
    found = things[np.array([one.label == PERSON for one in things], bool) & (things.scores >= DRESSED_FROM)]
    sure = [
        one.score >= PERSON_FROM
        or len({g.label for g in _worn(garments, found[row]) if g.score >= GARMENT_FROM}) >= DRESSED
        for row, one in enumerate(found)
    ]
    return found[np.array(sure, bool)]


def _worn(garments: Detections, people: Detections) -> Detections:
    """Of garments those that lie within a person's box."""
    named = np.array([one.label != PRODUCT for one in garments], bool)
    return garments[named & (_share_within(garments.boxes, people.boxes) >= WORN)]


def _share_within(boxes: FloatArray, people: FloatArray) -> FloatArray:
    """(N,) of each box the largest share that lies within one of the people's, made a little larger."""
    more = AROUND * (people[:, 2:] - people[:, :2])
    low = np.maximum(boxes[:, None, :2], (people[:, :2] - more)[None])
    high = np.minimum(boxes[:, None, 2:], (people[:, 2:] + more)[None])
    shared = np.maximum(high - low, 0).prod(2)
    return np.asarray((shared / np.maximum(area(boxes), 1e-6)[:, None]).max(1, initial=0), np.float32)


def _largest_iou(boxes: FloatArray, others: FloatArray) -> FloatArray:
    return np.asarray(iou(boxes, others).max(1, initial=0), np.float32)


def _on_even_ground(image: ImageArray) -> FloatArray:
    """(N, 4) what stands on a plain background, largest first; none where the border is not even."""
    scale = min(1.0, EVEN_SIDE / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    guess = np.zeros(small.shape[:2], np.float32)
    with_shadow = even_alpha(small, guess + 1)
    without = even_alpha(small, guess)
    if with_shadow is None or without is None:
        return np.zeros((0, 4), np.float32)
    # What is as grey as a shadow all through is a product, where it ends as a product does: within the picture.
    if (without > 0.5).sum() > LEFT * (with_shadow > 0.5).sum() or _is_cut(with_shadow):
        return np.asarray(_pieces(without > 0.5) / np.float32(scale))
    boxes = _pieces(with_shadow > 0.5)
    inside = [(without[top:bottom, left:right] > 0.5).any() for left, top, right, bottom in boxes.astype(int).tolist()]
    return np.asarray(boxes[np.array(inside, bool)] / np.float32(scale))


def _put_together(pieces: FloatArray, seen: FloatArray) -> FloatArray:
    """Pieces of one thing, of which a detector saw the whole, as one box: seat and foot of a chair on white."""
    for box in seen:
        mine = np.array([float(_inside(one, box[None])[0]) >= INSIDE for one in pieces], bool)
        if mine.sum() > 1:
            whole = np.concatenate([pieces[mine, :2].min(0), pieces[mine, 2:].max(0)])
            if float(iou(whole[None], box[None])[0, 0]) >= WHOLE:
                pieces = np.concatenate([whole[None], pieces[~mine]])
    return pieces


def _is_cut(alpha: FloatArray) -> bool:
    """Whether anything reaches the picture's border."""
    return bool(max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) > 0.5)


def _pieces(mask: NDArray[np.bool_]) -> FloatArray:
    """(N, 4) boxes of the connected pieces of a mask that are no specks and not within another, largest first."""
    reach = max(3, round(0.015 * max(mask.shape)))
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    stats = cv2.connectedComponentsWithStats(closed, connectivity=8)[2][1:]
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = stats[areas >= max(SMALLEST * mask.size, BEYOND * areas.max(initial=0))]
    left, top, width, height = kept[np.argsort(-kept[:, 2] * kept[:, 3], kind="stable"), :4].T
    boxes = np.stack([left, top, left + width, top + height], axis=1).astype(np.float32)
    alone = [row for row in range(len(boxes)) if _inside(boxes[row], boxes[:row]).max(initial=0) < INSIDE]
    return boxes[alone]


def _without_parts(named: Detections) -> Detections:
    """The surest first, without products that are parts or groups of others, and without one thing twice."""
    named = named[np.argsort(-named.scores, kind="stable")]
    whole = named[[row for row in range(len(named)) if not _is_part(row, named.boxes, named.labels)]]
    single = [one.label != PRODUCT or not _is_group(whole.boxes[row], whole.boxes) for row, one in enumerate(whole)]
    return whole[np.array(single, bool)]


def _joined(worn: Detections, named: Detections, size: tuple[int, int]) -> Detections:
    """Both as one, the surest first."""
    boxes, scores = np.concatenate([worn.boxes, named.boxes]), np.concatenate([worn.scores, named.scores])
    found = Detections(boxes, scores, (*worn.labels, *named.labels), size)
    return found[np.argsort(-scores, kind="stable")]


def _is_part(row: int, boxes: FloatArray, labels: tuple[str, ...]) -> bool:
    """Whether a box lies mostly in one before it: of any name where it is a product, else of its own."""
    around = np.flatnonzero(_inside(boxes[row], boxes[:row]) >= INSIDE).tolist()
    return any(labels[row] in (PRODUCT, labels[other]) for other in around)


def _is_group(box: FloatArray, others: FloatArray) -> bool:
    """Whether a box holds several of the others."""
    held = [float(_inside(other, box[None])[0]) >= INSIDE and bool((other != box).any()) for other in others]
    return sum(held) >= HOLDS


def _inside(box: FloatArray, others: FloatArray) -> FloatArray:
    """(N,) which share of a box lies in each of the others."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(1) / max(float((box[2:] - box[:2]).prod()), 1e-6), np.float32)

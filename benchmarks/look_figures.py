"""Evaluation of shop the look: do the matches of each item on a photo have the item's category?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from catalens.evaluation.detection import Truth
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.geometry import iou
from catalens.styling.look import LookPart, shop_the_look
from catalens.tasks.detect import Detector
from catalens.types import ImageArray, Matches

PLACES = 5
HIT = 0.5
"""IoU from which a box matches an item."""
WAYS = ("look", "boxes without categories", "whole photo")


@dataclass(frozen=True)
class LookFigures:
    """Precision of the first five, by way of searching; photos are drawn whole for the intervals.

    Args:
        things: over all things on the photos that the catalog sells the like of; one that was not found counts 0, but
            for the whole photo, which needs no boxes.
        found: over those of them that were found, by what they truly are.
        boxes: over all boxes, by what the detector calls them.
    """

    things: Mapping[str, Estimate]
    found: Mapping[str, Estimate]
    boxes: Mapping[str, Estimate]

    def to_dict(self) -> dict[str, object]:
        return {
            "things": {way: one.to_dict() for way, one in self.things.items()},
            "things found": {way: one.to_dict() for way, one in self.found.items()},
            "boxes": {way: one.to_dict() for way, one in self.boxes.items()},
        }


def look_figures(
    search: Callable[..., Matches],
    photos: Iterable[tuple[ImageArray, Truth]],
    *,
    sold: Mapping[str, AbstractSet[str]],
    finder: Detector | None = None,
) -> LookFigures:
    """Category-consistent precision at 5.

    Args:
        search: that of the catalog.
        photos: each with the boxes and names of what is on it.
        sold: name of a thing -> categories of the catalog, in small letters, that are right for it; things and boxes of
            other names are left out.
        finder: of `shop_the_look`.

    Raises:
        UsageError: nothing on the photos is sold, or nothing of it was found.
    """
    rows: dict[str, dict[str, list[float]]] = {name: {way: [] for way in WAYS} for name in ("things", "found", "boxes")}
    groups: dict[str, list[str]] = {name: [] for name in rows}

    def note(name: str, photo: int, values: Mapping[str, float]) -> None:
        groups[name].append(str(photo))
        for way, value in values.items():
            rows[name][way].append(value)

    for number, (image, truth) in enumerate(photos):
        parts = shop_the_look(search, image, k=PLACES, finder=finder).parts
        whole = search(image=image, k=PLACES)
        alone = [search(image=part.picture, k=PLACES) for part in parts]
        answers = [
            dict(zip(WAYS, (part.matches, near, whole), strict=True)) for part, near in zip(parts, alone, strict=True)
        ]
        for part, ways in zip(parts, answers, strict=True):
            if part.found.label in sold:
                note("boxes", number, _right(ways, sold[part.found.label]))
        for label, row in zip(truth.labels, _parts_of(truth, parts), strict=True):
            if label not in sold:
                continue
            if row is None:
                note("things", number, {**dict.fromkeys(WAYS, 0.0), **_right({WAYS[-1]: whole}, sold[label])})
            else:
                values = _right(answers[row], sold[label])
                note("things", number, values)
                note("found", number, values)
    return LookFigures(
        *({way: bootstrap_mean(values, groups=groups[name]) for way, values in rows[name].items()} for name in rows)
    )


def _right(ways: Mapping[str, Matches], categories: AbstractSet[str]) -> dict[str, float]:
    """By method: share of five ranks with a product of a right category; empty ranks count as wrong."""
    return {
        way: sum(str(match.attributes.get("category", "")).lower() in categories for match in found.items[:PLACES])
        / PLACES
        for way, found in ways.items()
    }


def _parts_of(truth: Truth, parts: tuple[LookPart, ...]) -> list[int | None]:
    """For each item the detected part with the best IoU, whatever its label; None where none overlaps."""
    if not parts:
        return [None] * len(truth.labels)
    table = iou(truth.boxes, np.array([part.found.box for part in parts], np.float32))
    return [int(row.argmax()) if row.max() >= HIT else None for row in table]

"""The one-stage detector: boxes against values worked out by hand, and what ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalens.errors import ModelError
from catalens.images.read import read_image
from catalens.models.zoo import DEFAULT_FACES, THINGS, find_card
from catalens.tasks.detect import detector
from catalens.tasks.things import BINS, ThingFinder, places_of
from catalens.taxonomy import find, kinds, rules

CHAIR = Path(__file__).parents[1] / "examples" / "shop" / "pictures" / "CHA-105-1.jpg"


def answer(size: tuple[int, int], *, place: int, label: int, distances: tuple[int, ...]) -> np.ndarray:
    """Of two labels: one place that is sure, all of whose distances lie in one bin."""
    count = sum((size[0] // stride) * (size[1] // stride) for stride in (8, 16, 32))
    said = np.full((2 + 4 * BINS, count), -20, np.float32)
    said[label, place] = 20
    for side, steps in enumerate(distances):
        said[2 + side * BINS + steps, place] = 20
    return said


@pytest.mark.parametrize(
    ("place", "distances", "box"),
    [
        (0, (0, 0, 1, 2), (3.5, 3.5, 11.5, 19.5)),  # stride 8, its middle at (8 - 1) / 2
        (33, (1, 1, 1, 1), (11.5 - 8, 11.5 - 8, 11.5 + 8, 11.5 + 8)),  # second row of 32 places, second column
        (1024 - 0, (0, 0, 1, 1), (7.5, 7.5, 23.5, 23.5)),  # the first of stride 16, after 32 * 32 places
        (1024 + 256, (0, 0, 10, 1), (15.5, 15.5, 335.5, 47.5)),  # the first of stride 32
    ],
)
def test_a_place_by_hand(place: int, distances: tuple[int, ...], box: tuple[float, ...]) -> None:
    said = answer((256, 256), place=place, label=1, distances=distances)
    boxes, scores = places_of(said, (256, 256), min_score=0.3)
    np.testing.assert_allclose(boxes, [box], atol=1e-3)
    np.testing.assert_allclose(scores, [[0, 1]], atol=1e-6)


def test_nothing_is_nothing() -> None:
    boxes, scores = places_of(np.full((2 + 4 * BINS, 84), -20, np.float32), (64, 64), min_score=0.2)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0, 2)
    assert len(detector(THINGS)(np.full((40, 30, 3), 255, np.uint8))) == 0


def test_another_card_is_refused() -> None:
    with pytest.raises(ModelError, match="one-stage"):
        ThingFinder(find_card(DEFAULT_FACES))


def test_what_ships_sees_a_chair() -> None:
    found = detector(THINGS)(read_image(CHAIR))
    assert "chair" in found[found.scores > 0.3].labels


def test_names_of_its_classes_are_of_the_taxonomy() -> None:
    classes, known = find_card(THINGS).classes, {one.name for one in kinds()}
    assert len(set(classes)) == 80
    assert set(rules()["datasets"]["coco"]) <= set(classes)
    assert set(rules()["datasets"]["coco"].values()) <= known
    assert set(rules()["datasets"]["coco_room"]) <= set(rules()["datasets"]["coco"])
    assert find("chair")

"""The default detector: which network is believed where, with networks that answer as they are told; and what ships."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from catalens.models.zoo import DEFAULT_DETECTOR, NAMER, THINGS, find_card
from catalens.tasks.detect import detector
from catalens.tasks.ensemble import EnsembleDetector
from catalens.tasks.naming import Namer, votes
from catalens.tasks.things import ThingFinder
from catalens.tasks.two_stage import TwoStageDetector
from catalens.taxonomy import kinds
from catalens.types import Detections, FloatArray, ImageArray

SIZE = (200, 200)
BODY, CHEST, LEGS, BESIDE, FAR = (
    (50, 10, 110, 190),
    (55, 40, 105, 90),
    (60, 100, 100, 180),
    (120, 100, 180, 180),
    (5, 5, 30, 40),
)
Found = tuple[str, float, tuple[int, int, int, int]]


def seen(*found: Found) -> Detections:
    boxes = np.array([box for _, _, box in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score, _ in found], np.float32)
    return Detections(boxes, scores, tuple(name for name, _, _ in found), SIZE)


class Garments:
    """Answers for a whole photo; nothing for a closer look."""

    labels = ("top", "trousers", "shoes", "product")

    def __init__(self, *found: Found) -> None:
        self._found = seen(*found)

    def __call__(self, image: ImageArray) -> Detections:
        return self._found if image.shape[:2] == SIZE else Detections.empty((image.shape[0], image.shape[1]))


class Things:
    labels = ("person", "couch", "chair", "cup")

    def __init__(self, *found: Found) -> None:
        self._found = seen(*found)

    def __call__(self, image: ImageArray, *, min_score: float = 0.2) -> Detections:
        return self._found[self._found.scores >= min_score]


class Names:
    """Calls all boxes the same."""

    labels = ("product", "bag")

    def __init__(self, name: str = "product", likely: float = 0.5) -> None:
        self._name, self._likely = name, likely

    def __call__(
        self, image: ImageArray, boxes: FloatArray, others: Sequence[Detections]
    ) -> tuple[list[str], FloatArray]:
        return [self._name] * len(boxes), np.full(len(boxes), self._likely, np.float32)


def uneven() -> ImageArray:
    return np.random.default_rng(0).integers(0, 255, (25, 25, 3), np.uint8).repeat(8, 0).repeat(8, 1)


def find(garments: Garments, things: Things, names: Names, image: ImageArray, outline: float = 0.0) -> Detections:
    made = EnsembleDetector(
        cast(TwoStageDetector, garments), cast(ThingFinder, things), cast(Namer, names),
        lambda one: np.full(one.shape[:2], outline, np.float32),
    )  # fmt: skip
    return made(image)


DRESSED = (("top", 0.9, CHEST), ("trousers", 0.8, LEGS))


@pytest.mark.parametrize(
    ("garments", "things", "names", "expected"),
    [
        ((), (), Names(), []),
        (DRESSED, (("person", 0.9, BODY),), Names(), ["top", "trousers"]),
        (DRESSED, (("person", 0.45, BODY),), Names(), ["top", "trousers"]),  # two garments make the person sure
        (DRESSED[:1], (("person", 0.45, BODY),), Names(), ["product"]),  # one does not
        (DRESSED, (), Names(), ["product", "product"]),  # without a person names are not believed
        ((("shoes", 0.9, BESIDE),), (), Names("bag", 0.9), ["bag"]),
        ((), (("cup", 0.9, BESIDE),), Names(), ["product"]),
        ((), (("couch", 0.6, BESIDE),), Names(), ["product"]),  # one piece makes no room
        ((), (("couch", 0.6, BESIDE), ("chair", 0.5, FAR)), Names(), ["sofa", "chair"]),
        (DRESSED, (("person", 0.9, BODY), ("cup", 0.9, BESIDE)), Names("bag", 0.9), ["top", "bag", "trousers"]),
    ],
)  # fmt: skip
def test_who_is_believed(
    garments: tuple[Found, ...], things: tuple[Found, ...], names: Names, expected: list[str]
) -> None:
    found = find(Garments(*garments), Things(*things), names, uneven())
    assert sorted(found.labels) == sorted(expected)
    assert (np.diff(found.scores) <= 0).all()


def test_plain_ground_gives_the_box() -> None:
    image = np.full((*SIZE, 3), 250, np.uint8)
    image[60:140, 40:90] = (180, 30, 40)
    found = find(Garments(("shoes", 0.9, BESIDE)), Things(), Names("bag", 0.9), image)
    assert found.labels == ("bag",)
    np.testing.assert_allclose(found.boxes, [[40, 60, 90, 140]], atol=4)


def test_pieces_that_a_detector_saw_as_one_are_one() -> None:
    image = np.full((*SIZE, 3), 250, np.uint8)
    image[60:90, 40:120] = image[120:150, 40:120] = (20, 30, 140)
    whole: Found = ("chair", 0.6, (38, 58, 122, 152))
    assert len(find(Garments(), Things(), Names(), image)) == 2
    found = find(Garments(), Things(whole), Names(), image)
    assert len(found) == 1
    np.testing.assert_allclose(found.boxes, [[40, 60, 120, 150]], atol=4)


def test_an_outline_is_the_last_resort() -> None:
    found = find(Garments(), Things(), Names(), uneven(), outline=1.0)
    assert found.labels == ("product",)
    np.testing.assert_allclose(found.boxes, [[0, 0, 200, 200]])


def test_parts_and_groups_are_left_out() -> None:
    inside = ("product", 0.4, (130, 110, 170, 170))
    assert len(find(Garments(("product", 0.9, BESIDE), inside), Things(), Names(), uneven())) == 1
    all_of_it = ("product", 0.35, (0, 0, 200, 200))
    found = find(Garments(("product", 0.9, BESIDE), ("product", 0.8, FAR), all_of_it), Things(), Names(), uneven())
    assert len(found) == 2


def test_votes_are_of_boxes_that_overlap() -> None:
    found = seen(("top", 0.9, CHEST), ("top", 0.4, CHEST), ("shoes", 0.8, FAR))
    boxes = np.array([CHEST, FAR, BESIDE], np.float32)
    np.testing.assert_allclose(
        votes(boxes, found, Garments.labels), np.array([[0.9, 0, 0, 0], [0, 0, 0.8, 0], [0, 0, 0, 0]])
    )
    assert votes(boxes, Detections.empty(SIZE), ("a", "b")).tolist() == [[0, 0]] * 3


def test_what_ships_fits_together() -> None:
    namer, known = find_card(NAMER), {one.name for one in kinds()}
    assert namer.dim == 576 + len(find_card(THINGS).classes) + len(find_card(DEFAULT_DETECTOR).classes)
    assert namer.classes[0] == "product"
    assert set(namer.classes[1:]) <= known
    assert set(detector().labels) - {"product", "accessory", "legwear"} <= known

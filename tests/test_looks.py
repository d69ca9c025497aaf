"""Category-consistent precision of shop the look, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.look_figures import look_figures
from catalens.errors import UsageError
from catalens.evaluation.detection import Truth
from catalens.types import Detections, ImageArray, Match, Matches

IMAGE = np.full((60, 60, 3), 200, np.uint8)
SHOE, HAT = (10, 10, 40, 40), (0, 0, 5, 5)
SHOP = ["Shoes", "Shirts", "Shirts", "Shirts", "Shirts", "Shoes", "Shoes", "Hats"]
SOLD = {"shoes": {"shoes"}, "top": {"shirts"}, "hat": {"hats"}}


def search(*, image: ImageArray, k: int, where: str | None = None) -> Matches:
    """The first three without a filter; with one all of its words."""
    del image
    found = [Match(str(row), 0.5, {}, attributes={"category": name}) for row, name in enumerate(SHOP)]
    if where is None:
        return Matches(tuple(found[: min(k, 3)]))
    words = where.split('"')[1::2]
    return Matches(tuple(one for one in found if any(word in SHOP[int(one.sku)].lower() for word in words))[:k])


def finder(label: str) -> object:
    def find(image: ImageArray) -> Detections:
        size = (image.shape[0], image.shape[1])
        mask = np.ones((1, *size), np.bool_)
        return Detections(np.array([SHOE], np.float32), np.ones(1, np.float32), (label,), size, mask)

    find.labels = (label,)  # type: ignore[attr-defined]
    return find


def truth(*things: tuple[str, tuple[int, ...]]) -> Truth:
    return Truth(np.array([box for _, box in things], np.float32).reshape(-1, 4), tuple(name for name, _ in things))


@pytest.mark.parametrize(
    ("called", "things", "found", "boxes"),
    [
        # look: three shoes fill three of five places; the others: one of the three nearest is a shoe. The hat is not
        # found, and none of the three nearest is one; the bag is not sold.
        ("shoes", [0.3, 0.1, 0.1], [0.6, 0.2, 0.2], [0.6, 0.2, 0.2]),
        # Called a top, the shoe gets four shirts: wrong for what it is, right for what it is called.
        ("top", [0.0, 0.1, 0.1], [0.0, 0.2, 0.2], [0.8, 0.4, 0.4]),
    ],
)
def test_by_hand(called: str, things: list[float], found: list[float], boxes: list[float]) -> None:
    photo = (IMAGE, truth(("shoes", SHOE), ("hat", HAT), ("bag", SHOE)))
    figures = look_figures(search, [photo, photo], sold=SOLD, finder=finder(called))  # type: ignore[arg-type]
    assert [one.value for one in figures.things.values()] == pytest.approx(things)
    assert [one.value for one in figures.found.values()] == pytest.approx(found)
    assert [one.value for one in figures.boxes.values()] == pytest.approx(boxes)
    assert [one["look"].n for one in (figures.things, figures.found, figures.boxes)] == [4, 2, 2]
    whole = figures.things["look"]  # photos are drawn whole, and both are alike; two of two say little of all
    assert (whole.low, whole.high) == pytest.approx((things[0], things[0] or 1 - 0.025**0.5))


@pytest.mark.parametrize("photos", [[], [(IMAGE, truth())], [(IMAGE, truth(("bag", SHOE)))]])
def test_nothing_that_is_sold(photos: list[tuple[ImageArray, Truth]]) -> None:
    with pytest.raises(UsageError, match="at least one"):
        look_figures(search, photos, sold=SOLD, finder=finder("bag"))  # type: ignore[arg-type]

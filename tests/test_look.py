"""Shop the look: each part of a photo in its own category, or nothing where the shop has no such thing."""

from __future__ import annotations

import numpy as np
import pytest

from catalens.catalog.look import shop_the_look
from catalens.types import Detections, ImageArray, Match, Matches

SHOP = {
    "that-hatchet": "That Hatchets", "string": "Spring Strings", "pants": "Men > Pants", "jacket": "Jackets & Coats",
    "cap": "Caps", "laptop": "Laptops",
}  # fmt: skip


def finder(label: str) -> object:
    def find(image: ImageArray) -> Detections:
        size = (image.shape[0], image.shape[1])
        box = np.array([[10, 10, 40, 40]], np.float32)
        return Detections(box, np.ones(1, np.float32), (label,), size, np.ones((1, *size), np.bool_))

    find.labels = (label,)  # type: ignore[attr-defined]
    return find


def searcher(shop: dict[str, str], *, near: int) -> object:
    """A search that finds the first few of a shop, and with a filter all whose category has a word of it."""

    def search(*, image: ImageArray, k: int, where: str | None) -> Matches:
        del image
        found = [Match(sku, 0.5, {}, title=sku, attributes={"category": name} if name else {}) for sku, name in
                 shop.items()]  # fmt: skip
        if where is None:
            return Matches(tuple(found[:near]))
        words = [part.strip('"') for part in where.split('"')[1::2]]
        return Matches(tuple(one for one in found if any(w in shop[one.sku].lower() for w in words))[:k])

    return search


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("shoes", []),  # the shop has none, and names what it has
        ("trousers", ["pants"]),
        ("outerwear", ["jacket"]),
        ("hat", ["cap"]),  # no hatchet
        ("accessory", []),  # no string
        ("top", []),  # no laptop
        ("product", ["that-hatchet", "string"]),
    ],
)
@pytest.mark.parametrize("near", [3, 6])
def test_each_part_in_its_own_category(label: str, wanted: list[str], near: int) -> None:
    image = np.full((60, 60, 3), 200, np.uint8)
    look = shop_the_look(searcher(SHOP, near=near), image, k=2, finder=finder(label))  # type: ignore[arg-type]
    assert [match.sku for match in look.parts[0].matches] == wanted


def test_a_shop_without_categories_is_searched_whole() -> None:
    image = np.full((60, 60, 3), 200, np.uint8)
    search = searcher({"SKU-1": "", "SKU-2": "", "SKU-3": "红色"}, near=3)
    look = shop_the_look(search, image, k=2, finder=finder("shoes"))  # type: ignore[arg-type]
    assert [match.sku for match in look.parts[0].matches] == ["SKU-1", "SKU-2"]

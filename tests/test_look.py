"""Shop the look: each part of a photo in its own category, or nothing where the shop has no such thing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from catalens.errors import UsageError
from catalens.images.draw import label_color
from catalens.models.parts import CLASSES, PRODUCTS
from catalens.styling.look import Look, shop_the_look
from catalens.styling.look_page import look_page, save_look
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


class Tags(HTMLParser):
    """Tags with their attributes, and which tag each stands in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, dict[str, str | None]]] = []
        self._open = [""]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, self._open[-1], dict(attrs)))
        if tag not in {"img", "meta", "br"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_a_page_is_called_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="html"):
        save_look(Look(np.full((60, 40, 3), 200, np.uint8), ()), tmp_path / "look.png")
    assert not (tmp_path / "look.png").exists()


def test_a_page_of_no_product() -> None:
    page = look_page(Look(np.full((60, 40, 3), 200, np.uint8), ()))
    assert "No product was found" in page
    assert not [tag for tag, _, _ in Tags(page).found if tag in {"a", "ol", "script"}]


@pytest.mark.parametrize("size", [(60, 60), (60, 3000), (400, 60)], ids=str)
def test_a_page_leads_from_each_box_to_its_matches(size: tuple[int, int], tmp_path: Path) -> None:
    image = np.full((*size, 3), 200, np.uint8)
    look = shop_the_look(searcher(SHOP, near=6), image, k=2, finder=finder("trousers"))  # type: ignore[arg-type]
    evil = "<script>alert(1)</script>"
    first = replace(
        look.parts[0].matches.items[0], title=evil, attributes={"price": 12.5}, picture=tmp_path / "gone.jpg"
    )
    parts = (replace(look.parts[0], matches=Matches((first,))), replace(look.parts[0], matches=Matches()))
    page = look_page(Look(image, parts))
    tags = Tags(page).found
    assert not [tag for tag, _, _ in tags if tag in {"script", "link", "iframe"}]
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    links = [attributes["href"] for tag, _, attributes in tags if tag == "a" and attributes.get("aria-label")]
    assert links == [f"#{attributes['id']}" for tag, _, attributes in tags if tag == "section"] == ["#part0", "#part1"]
    assert {inside for tag, inside, _ in tags if tag == "li"} == {"ol"}
    assert {tag for tag, inside, _ in tags if inside == "ol"} == {"li"}
    for said in ("12.50", "0.50 alike", "100% sure", "picture missing", "nothing like it"):
        assert said in page


@pytest.mark.parametrize(
    ("labels", "least"),
    [(("top", "outerwear", "dress", "skirt", "trousers", "shoes", "bag"), 60), ({*CLASSES, *PRODUCTS}, 8)],
)
def test_colors_of_labels_can_be_told_apart(labels: Iterable[str], least: int) -> None:
    colors = [label_color(label) for label in labels]
    away = [max(abs(a - b) for a, b in zip(one, two, strict=True)) for one, two in combinations(colors, 2)]
    assert min(away) >= least


DEPARTMENTS = {
    "w1": ("dress", "female"), "w2": ("dress", "women"), "m1": ("dress", "male"), "w3": ("dress", "female"),
    "any": ("dress", ""), "m2": ("dress", "Herren"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("genders", "wanted"),
    [
        ({}, ["w1", "w2", "w3", "any"]),  # three of four best that say it are for women
        ({"w1": "male", "w2": "male"}, ["w1", "w2", "m1", "any", "m2"]),
        ({"w1": "", "w2": ""}, ["w1", "w2", "m1", "w3", "any", "m2"]),  # too few say it
    ],
)
def test_what_is_worn_stays_in_the_department(genders: dict[str, str], wanted: list[str]) -> None:
    said = {sku: (name, genders.get(sku, who)) for sku, (name, who) in DEPARTMENTS.items()}

    def search(*, image: ImageArray, k: int, where: str | None) -> Matches:
        return Matches(
            tuple(
                Match(sku, 0.5, {}, title=sku, attributes={"category": name, "gender": who})
                for sku, (name, who) in said.items()
            )
        )

    image = np.full((60, 60, 3), 200, np.uint8)
    look = shop_the_look(search, image, k=6, finder=finder("dress"))  # type: ignore[arg-type]
    assert [match.sku for match in look.parts[0].matches] == wanted

"""A listing photo held against a catalog: there already, and of the category it should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from catalens.images.draw import save_image
from catalens.search.listing import Against, hold_against
from catalens.types import Match, Matches
from tests.painted import painted


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    save_image(tmp_path / "photo.png", painted((90, 90), ("bag", (20, 10, 60, 80))))
    save_image(tmp_path / "again.jpg", painted((90, 90), ("bag", (20, 10, 60, 80))))
    save_image(tmp_path / "other.png", painted((90, 90), ("top", (5, 50, 85, 70))))
    return tmp_path / "photo.png"


def match(sku: str, score: float, category: object, picture: Path | None = None) -> Match:
    return Match(sku, score, {}, attributes={"category": category} if category else {}, picture=picture)  # type: ignore[dict-item]


def held(photo: Path, *found: Match, category: str | None = None) -> Against:
    return hold_against(lambda **_: Matches(found), photo, category=category)


def test_an_empty_catalog_says_nothing(photo: Path) -> None:
    assert str(held(photo)) == ""
    assert held(photo, category="Bags") == Against(category="Bags", goods="Bags")


@pytest.mark.parametrize(
    ("score", "file", "twin"),
    [(0.99, "again.jpg", "A"), (0.5, "again.jpg", None), (0.99, "other.png", None), (0.99, "gone.png", None)],
)
def test_a_picture_is_the_same_where_network_and_hash_agree(
    photo: Path, score: float, file: str, twin: str | None
) -> None:
    assert held(photo, match("A", score, "Bags", photo.parent / file)).twin == twin


@pytest.mark.parametrize(
    ("neighbours", "said"),
    [
        (["Bags"] * 10, None),
        (["Hats"] * 9 + ["Bags"], None),  # one of its own is enough to doubt
        (["Hats"] * 5 + ["Tops"] * 5, None),  # nobody agrees
        (["Hats"] * 6 + ["Tops"] * 4, "Hats"),
        ([("Hats", "New")] * 6, "Hats"),
        ([""] * 10, None),
    ],
)
def test_what_looks_like_another_category_is_said(photo: Path, neighbours: list[object], said: str | None) -> None:
    found = [match(str(number), 0.6, name) for number, name in enumerate(neighbours)]
    assert held(photo, *found, category="Bags").looks_like == said
    twin = match("twin", 0.99, "Bags", photo.parent / "again.jpg")
    assert held(photo, twin, *found) == Against("twin", said, "Bags", "Bags")
    assert held(photo, *found).looks_like is None  # nobody said what it should be


def test_googles_category_says_of_which_goods_a_photo_is(photo: Path) -> None:
    twin = match("twin", 0.99, "Jacken", photo.parent / "again.jpg")
    named = replace(twin, attributes={**twin.attributes, "google_product_category": "Apparel & Accessories"})
    assert held(photo, twin).goods == "Jacken"
    assert (held(photo, named).goods, held(photo, named).category) == ("Apparel & Accessories", "Jacken")
    assert held(photo, named, category="Furniture").goods == "Furniture"
    assert held(photo).goods is None

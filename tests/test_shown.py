"""A filtered search shows values that pass the filter."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalens.catalog import Catalog
from catalens.types import Product, Variant, Where
from tests.fakes import FakeEncoder, write_photo

HERE = Where("test")


@pytest.fixture
def shop(tmp_path: Path) -> Catalog:
    pictures = {
        name: (write_photo(tmp_path / f"{name}.png", seed=seed),) for seed, name in enumerate(("red", "blue"), start=1)
    }
    shop = Catalog.open(tmp_path / "shop", encoder=FakeEncoder())
    shop.add(
        [
            Product("plain", HERE, title="plain shirt", attributes={"price": 30.0}),
            Product(
                "shirt",
                HERE,
                title="shirt",
                attributes={"price": 15.0, "brand": "Ours"},
                variants=(
                    Variant("shirt-red", "", {"color": "red", "price": 25.0}, pictures["red"]),
                    Variant("shirt-blue", "", {"color": "blue", "price": 18.0}, pictures["blue"]),
                    Variant("shirt-green", "", {"color": "green", "price": 40.0}),
                ),
            ),
        ]
    )
    return shop


@pytest.mark.parametrize(
    ("where", "variant", "price"),
    [
        ("brand = Ours", "shirt-red", 25.0),  # the best picture's
        ("price < 20", "shirt-blue", 18.0),
        ("price < 16", None, 15.0),  # only the product's own
        ("price > 30 and color = green", "shirt-green", 40.0),  # has no picture of its own
        ("color = blue or price > 100", "shirt-blue", 18.0),
        ("not color = red and color != blue", None, None),  # as a product it does not pass
        ("color in (green, blue)", "shirt-blue", 18.0),
        ('color ~ "LU"', "shirt-blue", 18.0),
        ("color = red and price < 20", "shirt-red", 25.0),  # no variant passes by itself
    ],
)
def test_the_values_shown_pass(
    where: str, variant: str | None, price: float | None, shop: Catalog, tmp_path: Path
) -> None:
    found = [match for match in shop.search(image=tmp_path / "red.png", where=where) if match.sku == "shirt"]
    if price is None:
        assert found == []
        return
    (match,) = found
    assert (match.variant, match.attributes["price"]) == (variant, price)
    expected = "blue.png" if variant == "shirt-blue" else "red.png"
    assert match.picture is not None
    assert match.picture.name == expected


def test_a_sheet_of_prices_counts_the_products_whose_variants_keep_theirs(shop: Catalog, tmp_path: Path) -> None:
    sheet = tmp_path / "prices.csv"
    sheet.write_text("sku,price\nplain,10\nshirt,12\n")
    assert [note for note in shop.add(sheet).notes if "keep theirs" in note] == [
        "1 product has a new price and variants of different prices, which keep theirs; give a row for each variant"
    ]
    assert not [note for note in shop.add(sheet).notes if "keep theirs" in note]
    found = {match.sku: match.attributes["price"] for match in shop.search(text="shirt", where="price < 13")}
    assert found == {"plain": 10.0, "shirt": 12.0}

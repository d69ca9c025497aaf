"""A catalog's CSV export, added again, gives the same products with their variants."""

from __future__ import annotations

from pathlib import Path

import catalens
from catalens.types import Product, Variant, Where


def test_an_export_as_csv_is_read_back_with_its_variants(tmp_path: Path) -> None:
    products = [
        Product("A", Where("test"), title="plain shoe", attributes={"price": 20.0}),
        Product(
            "B",
            Where("test"),
            title="dress, in sizes",
            description='two lines\nand "quotes"',
            attributes={"price": 59.0, "brand": "Ours"},
            variants=(
                Variant("B-s", attributes={"size": "S", "price": 59.0}),
                Variant("B-m", attributes={"size": "M", "price": 61.5}),
            ),
        ),
    ]
    out = tmp_path / "products.csv"
    with catalens.open(tmp_path / "first") as shop:
        shop.add(products)
        shop.export(out, format="csv")
        before = [product.to_dict() for product in shop]
    with catalens.open(tmp_path / "second") as shop:
        shop.add(out)  # neither has a picture, which it says
        assert [product.to_dict() for product in shop] == before

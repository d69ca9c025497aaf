"""The sample shop and the demo that searches it."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import pytest

from catalens.cli import demo
from catalens.errors import NotFoundError
from catalens.feeds import open_feed
from catalens.types import Product

SHOP = demo.CHECKOUT


def rows(name: str) -> list[dict[str, str]]:
    with (SHOP / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def products() -> list[Product]:
    return [item for item in open_feed(SHOP / "shopify.csv").items if isinstance(item, Product)]


def test_every_product_of_the_feed_has_three_pictures_that_are_there(products: list[Product]) -> None:
    assert len(products) == 439
    for product in products:
        assert product.title
        assert [Path(picture.location).is_file() for picture in product.pictures] == [True] * 3


def test_queries_show_products_of_the_shop_and_are_not_in_it(products: list[Product]) -> None:
    titles = {product.title for product in products}
    shown = {Path(picture.location) for product in products for picture in product.pictures}
    queries = rows("queries.csv")
    assert len(queries) == 20
    for query in queries:
        assert query["title"] in titles
        assert (SHOP / query["photo"]).is_file()
        assert SHOP / query["photo"] not in shown


def test_every_picture_says_whose_it_is() -> None:
    sources = {row["sku"]: row["source"] for row in rows("ATTRIBUTION.csv")}
    pictures = {path.stem.rpartition("-")[0] for path in (SHOP / "pictures").glob("*.jpg")}
    assert pictures == set(sources)
    assert all(sources.values())


def test_without_the_sample_shop_the_demo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CHECKOUT", tmp_path)
    with pytest.raises(NotFoundError, match=r"no sample shop.*examples/shop.*--shop"):
        demo.find_sample_shop()


def test_the_sample_shop_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CHECKOUT", tmp_path / "none")
    assert demo.find_sample_shop(SHOP) == SHOP
    with pytest.raises(NotFoundError, match="no sample shop at"):
        demo.find_sample_shop(tmp_path)


def test_a_wheel_does_not_carry_it() -> None:
    project = tomllib.loads((SHOP.parents[1] / "pyproject.toml").read_text("utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["src/catalens"]}

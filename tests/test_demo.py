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
from recipes import photo_shop

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
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError, match=r"no sample shop.*examples/shop.*--shop"):
        demo.find_sample_shop()


def test_in_a_checkout_it_is_found_wherever_the_package_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CHECKOUT", tmp_path)
    monkeypatch.chdir(SHOP.parents[1])
    assert demo.find_sample_shop().resolve() == SHOP


def test_the_sample_shop_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CHECKOUT", tmp_path / "none")
    assert demo.find_sample_shop(SHOP) == SHOP
    with pytest.raises(NotFoundError, match="no sample shop at"):
        demo.find_sample_shop(tmp_path)


def test_a_wheel_does_not_carry_it() -> None:
    project = tomllib.loads((SHOP.parents[1] / "pyproject.toml").read_text("utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["src/catalens"]}


@pytest.fixture
def photo_sets(tmp_path: Path) -> Path:
    """The tables of the photo sets, with one product each but for those that the test writes."""
    for name, table in photo_shop.TABLES.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / table).write_text("id,image,title,price\n1,images/1.jpg,boot,9.99\n")
    return tmp_path


def test_the_last_of_several_views_is_a_query_and_colours_are_variants(photo_sets: Path) -> None:
    (photo_sets / "saleor" / "photos.csv").write_text(
        "id,image,product_id,title\na-1,1.jpg,a-0,hat\na-2,2.jpg,a-0,hat\na-3,3.jpg,a-0,hat\n"
    )
    (photo_sets / "spree" / "photos.csv").write_text(
        "id,image,product_id,title,colour\nb,1.jpg,b-0,kettle,\nb-r,2.jpg,b-0,kettle,Red\nb-b,3.jpg,b-0,kettle,Blue\n"
    )
    products, queries = photo_shop.read_shop(photo_sets)
    found = {product.sku: product for product in products}
    assert len(products) == len(photo_shop.TABLES)
    assert found["eshop-1"].attributes == {"price": 9.99, "shop": "eshop"}
    assert [Path(picture.location).name for picture in found["a-0"].pictures] == ["1.jpg", "2.jpg"]
    assert [(one.title, Path(one.pictures[0].location).name) for one in found["b-0"].variants] == [
        ("Red", "2.jpg"), ("Blue", "3.jpg"),
    ]  # fmt: skip
    assert queries == [(photo_sets / "saleor" / "3.jpg", "hat")]


def test_without_the_photo_sets_the_demo_names_the_variable(photo_sets: Path) -> None:
    (photo_sets / "retail" / "products.csv").unlink()
    with pytest.raises(NotFoundError, match=r"no photos of the set retail.*CATALENS_DATA.*docs/data\.md") as error:
        photo_shop.read_shop(photo_sets)
    assert error.value.exit_code == 3

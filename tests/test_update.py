"""Changing some fields of a product: the rest stays, and nobody overwrites what somebody else has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalens.catalog import Catalog
from catalens.errors import ConflictError, NotFoundError, StorageError, UsageError
from catalens.types import Product, Where
from tests.fakes import FakeEncoder, make_products
from tests.test_store_contract import KINDS, new_store


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(new_store(request.param, tmp_path / "shop"), encoder=FakeEncoder()) as shop:
        shop.add(make_products(tmp_path / "photos", 2))
        yield shop


CHANGES: dict[str, tuple[dict[str, Any], Callable[[Product], Product]]] = {
    "nothing": ({}, lambda old: old),
    "title": ({"title": "New"}, lambda old: replace(old, title="New")),
    "cleared": ({"title": "", "description": ""}, lambda old: replace(old, title="", description="")),
    "set": (
        {"attributes": {"price": 3, "size": ("L",)}},
        lambda old: replace(old, attributes={**old.attributes, "price": 3, "size": ("L",)}),
    ),
    "removed": (
        {"attributes": {"color": None, "unknown": None}},
        lambda old: replace(old, attributes={k: v for k, v in old.attributes.items() if k != "color"}),
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_only_what_is_named_changes(shop: Catalog, case: str) -> None:
    before, pictures, info = shop["sku-1"], shop.pictures("sku-1"), shop.info().to_dict()
    change, expected = CHANGES[case]
    after = shop.update("sku-1", **change)
    assert after == shop["sku-1"] == expected(before)
    assert shop.pictures("sku-1") == pictures
    counted = ("products", "variants", "pictures", "unread", "spaces")
    assert {name: shop.info().to_dict()[name] for name in counted} == {name: info[name] for name in counted}
    assert shop["sku-0"].title == "Thing 0"
    assert (shop.version("sku-1") == shop.version("sku-1-m")) is True
    assert shop.doctor().healthy


def test_a_variant_by_its_sku(shop: Catalog) -> None:
    before = shop["sku-1"]
    shop.update("sku-1-m", title="M", attributes={"price": 5.0})
    (old,) = before.variants
    expected = replace(old, title="M", attributes={"size": "M", "price": 5.0})
    assert shop["sku-1"] == replace(before, variants=(expected,))
    assert [match.sku for match in shop.search(where="price = 5")] == ["sku-1"]


@pytest.mark.parametrize(
    ("sku", "change"),
    [
        ("sku-1", {"title": 7}),
        ("sku-1", {"attributes": {"x": object()}}),
        ("sku-1", {"attributes": {"x": {"y": 1}}}),
        ("sku-1", {"description": "\udfff"}),
        ("sku-1-m", {"description": "a variant has none"}),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(shop: Catalog, sku: str, change: dict[str, Any]) -> None:
    before = shop["sku-1"]
    with pytest.raises(UsageError):
        shop.update(sku, **change)
    assert shop["sku-1"] == before


def test_an_unknown_sku_is_not_found(shop: Catalog) -> None:
    with pytest.raises(NotFoundError):
        shop.update("nope", title="x")
    with pytest.raises(NotFoundError):
        shop.version("nope")


def test_compare_and_set(shop: Catalog) -> None:
    first = shop.version("sku-1")
    shop.update("sku-1", title="one", expected_version=first)
    second = shop.version("sku-1")
    assert first != second
    for write in (
        lambda: shop.update("sku-1", title="two", expected_version=first),
        lambda: shop.put(Product("sku-1", Where("x")), expected_version=first),
        lambda: shop.put(Product("sku-1", Where("x")), expected_version=""),
        lambda: shop.remove("sku-1", expected_version=first),
        lambda: shop.remove("sku-0", "sku-1", expected_version=second),
    ):
        with pytest.raises(ConflictError, match="has changed"):
            write()
        assert (shop["sku-1"].title, len(shop)) == ("one", 2)
    shop.update("sku-1", title=shop["sku-1"].title)
    assert shop.version("sku-1") == second  # the same record has the same version
    assert shop.put(Product("new", Where("x")), expected_version="").added == 1
    assert shop.remove("sku-1", expected_version=second) == 1


def test_put_is_the_whole_product(shop: Catalog) -> None:
    bare = Product("sku-1", Where("x"), title="Only this")
    assert shop.put(bare).updated == 1
    assert shop["sku-1"] == bare
    assert shop.pictures("sku-1") == ()


def test_an_update_needs_no_encoder_and_the_right_to_write(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add(make_products(tmp_path / "photos", 1))
    with Catalog.open(tmp_path / "shop", encoder="no-such-encoder") as shop:
        assert shop.update("sku-0", title="x").title == "x"
    with Catalog.open(tmp_path / "shop", readonly=True) as shop, pytest.raises(StorageError, match="read-only"):
        shop.update("sku-0", title="y")

"""What a source does not mention, or cannot deliver now, stays as it was: the rule by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalens.storage.merge import keeps_prices, merged, with_stand_ins
from catalens.types import AttributeValue, PictureSource, Product, Variant, Where

HERE, THERE = Where("feed.csv", 2), Where("sheet.csv", 9)


def pictures(*locations: str) -> tuple[PictureSource, ...]:
    return tuple(PictureSource(location, HERE) for location in locations)


def places(product: Product | Variant) -> list[str]:
    return [picture.location for picture in product.pictures]


OLD = Product(
    "tee",
    HERE,
    "Big tee",
    "Soft",
    {"price": 19.0, "brand": "Norr"},
    pictures("/a.jpg", "/b.jpg"),
    (Variant("S", "small", {"size": "S", "price": 19.0}, pictures("/s.jpg")), Variant("M", "", {"size": "M"})),
)

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # what the source says of "tee": what becomes of it
    "nothing": ({}, {}),
    "title": ({"title": "Tee"}, {"title": "Tee"}),
    "attribute": ({"attributes": {"stock": 3}}, {"attributes": {"price": 19.0, "brand": "Norr", "stock": 3}}),
    "attribute again": ({"attributes": {"brand": "Sur"}}, {"attributes": {"price": 19.0, "brand": "Sur"}}),
    "pictures": ({"pictures": pictures("/c.jpg")}, {"pictures": pictures("/c.jpg")}),
    "a variant": (
        {"variants": (Variant("M", attributes={"stock": 3}),)},
        {"variants": (OLD.variants[0], Variant("M", "", {"size": "M", "stock": 3}))},
    ),
    "another variant": (
        {"variants": (Variant("L", "large"),)},
        {"variants": (*OLD.variants, Variant("L", "large"))},
    ),
    "all variants in another order": (
        {"variants": (Variant("M"), Variant("S"))},
        {"variants": (OLD.variants[1], OLD.variants[0])},
    ),
    "the price of one variant, which is the product's in the source": (
        {"attributes": {"price": 21.0}, "variants": (Variant("M", attributes={"price": 21.0}),)},
        {"variants": (OLD.variants[0], Variant("M", "", {"size": "M", "price": 21.0}))},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_only_what_is_said_changes(case: str) -> None:
    said, expected = CASES[case]
    after = merged(OLD, Product("tee", THERE, **said))
    assert after == replace(OLD, where=THERE if "pictures" in said else HERE, **expected)
    assert merged(after, Product("tee", THERE, **said)) == after


PRICES: dict[str, tuple[float | None, list[float | None], list[float | None], bool]] = {
    # price before, prices of the variants, those after a sheet says 15, whether it is said that they differ
    "no variants": (20.0, [], [], False),
    "all have the product's": (20.0, [20.0, 20.0], [15.0, 15.0], False),
    "one has none": (20.0, [20.0, None], [15.0, None], False),
    "none has one": (20.0, [None, None], [None, None], False),
    "they differ": (20.0, [20.0, 25.0], [20.0, 25.0], True),
    "all have another than the product": (18.0, [20.0, 20.0], [20.0, 20.0], True),
    "the product had none": (None, [20.0, 20.0], [20.0, 20.0], True),
    "it is the old price": (15.0, [15.0, 25.0], [15.0, 25.0], False),
}


@pytest.mark.parametrize("case", PRICES)
def test_variants_of_one_price_follow_a_sheet_of_prices(case: str) -> None:
    before, own, expected, is_said = PRICES[case]

    def priced(price: float | None) -> dict[str, AttributeValue]:
        return {} if price is None else {"price": price}

    old = Product("p", HERE, attributes=priced(before), variants=tuple(
        Variant(f"v{number}", attributes=priced(price)) for number, price in enumerate(own)
    ))  # fmt: skip
    sheet = Product("p", THERE, attributes={"price": 15.0})
    after = merged(old, sheet)
    assert [variant.attributes.get("price") for variant in after.variants] == expected
    assert after.attributes["price"] == 15.0
    assert keeps_prices(old, sheet) is is_said
    assert merged(after, sheet) == after


CLEARING: dict[str, tuple[frozenset[str] | None, dict[str, Any]]] = {
    # names of the source's columns: what an empty row of it clears
    "no columns": (frozenset(), {}),
    "title": (frozenset({"title"}), {"title": ""}),
    "description, pictures": (frozenset({"description", "pictures"}), {"description": "", "pictures": ()}),
    "price": (
        frozenset({"price"}),
        {"attributes": {"brand": "Norr"}},
    ),
    "an unknown one": (frozenset({"stock"}), {}),
    "all there is": (None, {"title": "", "description": "", "attributes": {}, "pictures": (), "variants": ()}),
}


@pytest.mark.parametrize("case", CLEARING)
def test_an_empty_cell_clears_where_it_is_asked_for(case: str) -> None:
    columns, cleared = CLEARING[case]
    empty = Product("tee", HERE)
    assert merged(OLD, empty, mentions=columns) == OLD
    assert merged(OLD, empty, mentions=columns, clear_empty=True) == replace(OLD, **cleared)


def test_pictures_that_are_lost_are_not_cleared() -> None:
    after = merged(OLD, Product("tee", HERE, lost=("x.jpg",)), mentions=frozenset({"pictures"}), clear_empty=True)
    assert after.pictures == OLD.pictures


STAND_INS: dict[str, tuple[list[str], list[str], list[str], list[str], list[str]]] = {
    # old, new, names that are lost: pictures then, those of them that stand in
    "nothing": ([], [], [], [], []),
    "all there": (["/a"], ["/b"], [], ["/b"], []),
    "no old one": ([], ["/b"], ["/b"], ["/b"], []),
    "the same place": (["/a"], ["/a"], ["/a"], ["/a"], ["/a"]),
    "another folder": (["/1/a.jpg"], ["/2/a.jpg"], ["/2/a.jpg"], ["/1/a.jpg"], ["/1/a.jpg"]),
    "a name alone": (["/1/a.jpg", "/1/b.jpg"], [], ["a.jpg"], ["/1/a.jpg"], ["/1/a.jpg"]),
    "one of two": (["/1/a", "/1/b"], ["/1/b"], ["a"], ["/1/a", "/1/b"], ["/1/a"]),
    "the nearer of two": (["/x/1/a", "/x/2/a"], [], ["2/a"], ["/x/2/a"], ["/x/2/a"]),
    "an address with another query": (["https://x/a.jpg?v=1"], [], ["https://x/a.jpg?v=2"], ["https://x/a.jpg?v=1"],
                                      ["https://x/a.jpg?v=1"]),
    "another name": (["/a", "/b"], ["/c"], ["/c"], ["/a", "/b", "/c"], ["/a", "/b"]),
    "another name beside one that is there": (["/a", "/b"], ["/b", "/c"], ["/c"], ["/a", "/b", "/c"], ["/a"]),
    "two of one name": (["/1/a"], [], ["2/a", "3/a"], ["/1/a"], ["/1/a"]),
}  # fmt: skip


@pytest.mark.parametrize("case", STAND_INS)
@pytest.mark.parametrize("of_variant", [False, True])
def test_old_pictures_stand_in_for_those_that_are_lost(case: str, of_variant: bool) -> None:
    old, new, gone, expected, stale = STAND_INS[case]
    unreadable, lost = {name for name in gone if name in new}, tuple(name for name in gone if name not in new)
    if of_variant:
        before = Product("p", HERE, variants=(Variant("v", pictures=pictures(*old)),))
        after = Product("p", HERE, variants=(Variant("v", pictures=pictures(*new), lost=lost),))
    else:
        before = Product("p", HERE, pictures=pictures(*old))
        after = Product("p", HERE, pictures=pictures(*new), lost=lost)
    filled, kept = with_stand_ins(before, after, unreadable)
    assert (places(filled.variants[0] if of_variant else filled), sorted(kept)) == (expected, stale)


texts = st.sampled_from(["", "x", "y"])
attributes = st.dictionaries(st.sampled_from(["a", "b", "price"]), st.sampled_from([1, 2.5, "z"]), max_size=3)
named = st.lists(st.sampled_from(["/1/a", "/1/b", "/2/a", "/2/c"]), unique=True, max_size=3).map(lambda p: pictures(*p))
variants = st.lists(
    st.builds(Variant, st.sampled_from(["S", "M", "L"]), texts, attributes, named),
    max_size=3,
    unique_by=lambda one: one.sku,
).map(tuple)
products = st.builds(Product, st.just("p"), st.just(HERE), texts, texts, attributes, named, variants)
mentions = st.none() | st.frozensets(st.sampled_from(["title", "description", "pictures", "a", "b", "price"]))


@given(old=products, new=products, columns=mentions, clear=st.booleans())
def test_the_same_again_changes_nothing(
    old: Product, new: Product, columns: frozenset[str] | None, clear: bool
) -> None:
    once = merged(old, new, mentions=columns, clear_empty=clear)
    assert merged(once, new, mentions=columns, clear_empty=clear) == once


@given(old=products, new=products, columns=mentions)
def test_nothing_is_lost_that_is_not_said(old: Product, new: Product, columns: frozenset[str] | None) -> None:
    after = merged(old, new, mentions=columns)
    assert (after.title, after.description) == (new.title or old.title, new.description or old.description)
    assert after.attributes.keys() == old.attributes.keys() | new.attributes.keys()
    assert after.pictures == (new.pictures or old.pictures)
    both = {variant.sku: variant for variant in after.variants}
    assert both.keys() == {variant.sku for variant in (*old.variants, *new.variants)}
    for variant in old.variants:
        assert both[variant.sku].attributes.keys() >= variant.attributes.keys()
        assert both[variant.sku].title or not variant.title
        assert both[variant.sku].pictures or not variant.pictures


@given(old=products, new=products, columns=mentions, clear=st.booleans())
def test_what_is_said_is_there(old: Product, new: Product, columns: frozenset[str] | None, clear: bool) -> None:
    after = merged(old, new, mentions=columns, clear_empty=clear)
    told = {name: value for name, value in new.attributes.items() if name != "price"}
    assert {name: after.attributes.get(name) for name in told} == told
    both = {variant.sku: variant for variant in after.variants}
    for variant in new.variants:
        assert {name: both[variant.sku].attributes[name] for name in variant.attributes} == dict(variant.attributes)


@given(old=products, new=products, dead=st.sets(st.sampled_from(["/1/a", "/1/b", "/2/a", "/2/c"])))
def test_what_can_be_read_is_taken_and_a_product_with_pictures_never_loses_all(
    old: Product, new: Product, dead: set[str]
) -> None:
    filled, kept = with_stand_ins(old, new, dead)
    assert [place for place in places(new) if place not in dead] == [
        place for place in places(filled) if place in places(new) and place not in dead
    ] or old.pictures
    assert set(places(new)) - dead <= set(places(filled))
    if old.pictures and new.pictures and set(places(new)) <= dead:
        assert set(places(filled)) & set(places(old))
    assert kept <= set(places(old)).union(*(places(variant) for variant in old.variants))


def test_a_value_that_a_source_gives_is_no_longer_predicted() -> None:
    predicted: dict[str, AttributeValue] = {
        "color": "blue",
        "color_predicted_by": "paints",
        "color_probability": 0.9,
        "size": "M",
    }
    old = Product("a", Where("x"), attributes=predicted)
    assert merged(old, Product("a", Where("x"), title="A")).attributes == predicted
    given = merged(old, Product("a", Where("x"), attributes={"color": "red"}))
    assert given.attributes == {"color": "red", "size": "M"}
    again: dict[str, AttributeValue] = {"color": "green", "color_predicted_by": "paints", "color_probability": 0.8}
    assert merged(old, Product("a", Where("x"), attributes=again)).attributes == {**again, "size": "M"}

"""Products as rows: what goes in comes out again, whatever text it is made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalens.storage.records import MAX_ATTRIBUTES, MAX_VALUES, checked, cleaned, digest, facets, searchable
from catalens.storage.schema import TABLES
from catalens.storage.sqlite_products import read_product
from catalens.storage.sqlite_write import write_product
from catalens.types import Failure, PictureSource, Product, Variant, Where

WHERE = Where("feed.csv", 3)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(TABLES)
    yield db
    db.close()


def put(db: sqlite3.Connection, product: Product, shown: dict[str, int] | None = None) -> Product:
    write_product(db, product, shown or {})
    (id,) = db.execute("SELECT id FROM product WHERE sku = ?", (product.sku,)).fetchone()
    return read_product(db, id)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = texts.filter(bool)
values = st.one_of(
    texts, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.tuples(texts)
)
attributes = st.dictionaries(names, values, max_size=4)
pictures = st.lists(
    st.sampled_from(["/a.jpg", "/b c.jpg", "/ü.jpg", "https://x.example/1.jpg"]).map(lambda p: PictureSource(p, WHERE)),
    max_size=3,
).map(tuple)
skus = texts.filter(str.strip)
products = st.builds(
    Product,
    sku=skus,
    where=st.just(WHERE),
    title=texts,
    description=texts,
    attributes=attributes,
    pictures=pictures,
    variants=st.lists(
        st.builds(Variant, sku=skus, title=texts, attributes=attributes, pictures=pictures),
        max_size=3,
        unique_by=lambda variant: variant.sku,
    ).map(tuple),
)


@settings(max_examples=60)
@given(product=products)
def test_every_product_comes_back_as_it_went_in(product: Product) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(TABLES)
    product = cleaned(product)
    back = put(db, product)
    assert back.to_dict() == product.to_dict()
    assert digest(back) == digest(product)
    db.close()


def test_a_product_with_nothing_but_a_sku(db: sqlite3.Connection) -> None:
    back = put(db, Product("a", WHERE))
    assert back == Product("a", WHERE)
    assert facets(back) == []
    assert searchable(back) == ("", "", "a")


def test_pictures_keep_their_order_read_or_not(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO picture (id, hash, height, width) VALUES (7, x'01', 1, 1)")
    places = tuple(PictureSource(f"/{name}.jpg", WHERE) for name in "cab")
    product = Product("a", WHERE, pictures=places, variants=(Variant("v", pictures=places[:1]),))
    back = put(db, product, {"/a.jpg": 7})
    assert back == product
    assert db.execute("SELECT location FROM shown").fetchall() == [("/a.jpg",)]
    assert db.execute("SELECT location FROM unread ORDER BY position").fetchall() == [
        ("/c.jpg",),
        ("/b.jpg",),
        ("/c.jpg",),
    ]


def test_writing_again_replaces(db: sqlite3.Connection) -> None:
    put(db, Product("a", WHERE, title="old", attributes={"x": 1}, variants=(Variant("v"), Variant("w"))))
    after = Product("a", WHERE, title="new", variants=(Variant("w"),))
    assert put(db, after) == after
    for table, count in {"product": 1, "variant": 1, "facet": 0, "words": 1}.items():
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (count,), table


def test_a_variant_moves_to_the_product_that_names_it_last(db: sqlite3.Connection) -> None:
    first = Product("a", WHERE, variants=(Variant("v", attributes={"size": "M"}), Variant("w")))
    put(db, first)
    put(db, Product("b", WHERE, variants=(Variant("v"),)))
    (id, written) = db.execute("SELECT id, digest FROM product WHERE sku = 'a'").fetchone()
    assert [variant.sku for variant in read_product(db, id).variants] == ["w"]
    assert db.execute("SELECT count(*) FROM facet").fetchone() == (0,)
    assert written != digest(first)  # counts as changed: its source brings it back


FACETS: dict[str, tuple[Any, list[tuple[float | None, str]]]] = {
    "text": ("Red", [(None, "red")]),
    "sharp s": ("Straße", [(None, "strasse")]),
    "whole number": (7, [(7.0, "7")]),
    "float that is whole": (49.0, [(49.0, "49")]),
    "float": (9.99, [(9.99, "9.99")]),
    "number in a text": (" 42 ", [(42.0, "42")]),
    "number with a unit": ("42 cm", [(None, "42 cm")]),
    "arabic digits": ("٤٢", [(None, "٤٢")]),
    "underscores": ("1_000", [(None, "1_000")]),
    "not a number": ("nan", [(None, "nan")]),
    "infinite": ("1e999", [(None, "1e999")]),
    "huge": (10**400, [(None, str(10**400))]),
    "yes": (True, [(None, "true")]),
    "several": (("b", "A", "b"), [(None, "a"), (None, "b")]),
    "none": ((), []),
}


@pytest.mark.parametrize("case", FACETS)
def test_facets(case: str) -> None:
    value, expected = FACETS[case]
    found = facets(Product("a", WHERE, attributes={"Name": value}))
    assert found == [("name", number, text) for number, text in expected]


def test_facets_and_words_of_variants_belong_to_the_product() -> None:
    product = Product("a", WHERE, "Title", "Text", {"size": "S"}, variants=(Variant("v-1", "Long", {"size": "M"}),))
    assert facets(product) == [("size", None, "m"), ("size", None, "s")]
    assert searchable(product) == ("Title", "Text", "a\nS\nM\nv-1\nLong")


def test_numbers_that_are_none_become_text() -> None:
    assert cleaned(Product("a", WHERE, attributes={"p": float("nan")})).attributes == {"p": "nan"}


BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "no sku": (Product("", WHERE), ValueError, "sku"),
    "blank sku": (Product(" ", WHERE), ValueError, "sku"),
    "sku of another type": (Product(7, WHERE), ValueError, "sku"),  # type: ignore[arg-type]
    "title of another type": (Product("a", WHERE, title=None), TypeError, "title"),  # type: ignore[arg-type]
    "attribute of another type": (Product("a", WHERE, attributes={"x": object()}), TypeError, "x"),  # type: ignore[dict-item]
    "half a character": (Product("a", WHERE, title="\ud800"), ValueError, "Unicode"),
    "two variants of one sku": (Product("a", WHERE, variants=(Variant("v"), Variant("v"))), ValueError, "variants"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_written_is_refused(case: str) -> None:
    product, kind, mention = BAD[case]
    with pytest.raises(kind, match=mention):
        cleaned(product)


def test_a_picture_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    product = cleaned(Product("a", WHERE, pictures=(PictureSource("x.jpg", WHERE),)))
    assert product.pictures[0].location == str(tmp_path / "x.jpg")


SHORT, MANY = ("x",) * (MAX_VALUES // MAX_ATTRIBUTES), {f"n{n}": 1 for n in range(MAX_ATTRIBUTES)}


@pytest.mark.parametrize(
    ("product", "why"),
    [
        (Product("s" * 501, WHERE), "501 characters in a sku"),
        (Product("s", WHERE, title="t" * 20_001), "20,001 characters in a title"),
        (Product("s", WHERE, attributes={**MANY, "one more": 1}), "1,001 attributes"),
        (Product("s", WHERE, attributes={"n" * 201: 1}), "201 characters in the name of an attribute"),
        (Product("s", WHERE, attributes={"a": "v" * 100_001}), "100,001 characters in a value of the attribute a"),
        (Product("s", WHERE, attributes={"a": ("v" * 100_001,)}), "100,001 characters in a value of the attribute a"),
        (Product("s", WHERE, attributes={"a": 10**4000}), "more than 300 digits"),
        (Product("s", WHERE, attributes={"a": -(10**5000)}), "more than 300 digits"),
        (Product("s", WHERE, attributes=dict.fromkeys(MANY, ("x",) * 101)), "101,000 values of attributes"),
        (Product("s", WHERE, pictures=(PictureSource("/a.jpg", WHERE),) * 10_001), "10,001 pictures"),
        (Product("s", WHERE, pictures=(PictureSource("/" * 4_001, WHERE),)), "4,001 characters in the place"),
        (Product("s", WHERE, variants=(Variant("v"),) * 10_001), "10,001 variants"),
        (Product("s", WHERE, variants=(Variant("v", attributes={**MANY, "one more": 1}),)), "1,001 attributes"),
        (Product("s", WHERE, description="d" * 2**21), "bytes in all; a product may have at most 2,097,152"),
    ],
)
def test_a_product_beyond_a_limit_says_which(product: Product, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        cleaned(product)
    found = checked(product)
    assert isinstance(found, Failure)
    assert why in str(found)
    assert len(str(found)) < 500


@pytest.mark.parametrize(
    "product",
    [
        Product("s" * 500, WHERE, title="t" * 20_000, description="d" * 1_000_000),
        Product("s", WHERE, attributes=dict.fromkeys(MANY, SHORT)),
        Product("s", WHERE, attributes={"n" * 200: "v" * 100_000, "number": 10**300 - 1, "below": -(10**300) + 1}),
        Product("s", WHERE, variants=tuple(Variant(str(n), attributes={"size": n}) for n in range(10_000))),
    ],
)
def test_a_product_within_the_limits_stays_as_it_is(product: Product) -> None:
    assert cleaned(product) == product
    assert checked(Failure(WHERE, "row", "why", "cure")) == Failure(WHERE, "row", "why", "cure")
    assert len(facets(product)) <= MAX_VALUES

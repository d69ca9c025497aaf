"""Cells that are not of the type that their column promises are left out and named, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalens.feeds import open_feed
from catalens.feeds.typed import keeps, type_of
from catalens.types import Failure, Product

TYPES = [
    ("", ""), ("title", ""), ("price", "price"), ("sale_price", "price"), ("price_eur", "price"), ("price_unit", ""),
    ("price_note", ""), ("stock", "stock"), ("inventory_quantity", "stock"), ("weight", "weight"),
    ("package_weight", "weight"), ("weight_unit", ""), ("created_at", "date"), ("release_date", "date"),
    ("material", ""), ("published", ""), ("slip_on", ""),
]  # fmt: skip
VALUES: list[tuple[str, str | float, bool]] = [
    ("stock", "", False), ("stock", "3", True), ("stock", "-2", True), ("stock", "10+", True), ("stock", "abc", False),
    ("stock", "1e400", False), ("stock", 3, True), ("stock", float("inf"), False), ("weight", "0,5 kg", True),
    ("weight", "12", True), ("weight", "1 lb.", True), ("weight", "-5 kg", False), ("weight", "heavy", False),
    ("weight", -0.5, False), ("date", "2026-02-28", True), ("date", "2026-02-30", False), ("date", "28.02.2026", True),
    ("date", "2/28/26", True), ("date", "2026年2月28日", True), ("date", "2026-02-28T10:00:00+01:00", True),
    ("date", "28 Feb 2026", True), ("date", "20260228", True), ("date", "yesterday", False),
    ("date", "32.01.2026", False),
    ("date", "2026-01-01T00:00Z/2026-02-01T00:00Z", True), ("date", "9" * 5000, False),
]  # fmt: skip
HEAD = "sku,title,price,stock,weight,created_at,image\n"
ROWS = HEAD + "a,A,12.50,3,0.5 kg,2026-01-01,\nb,B,abc,lots,heavy,yesterday,\nc,C,-5,7,2,2026-01-02,\n"


@pytest.mark.parametrize(("name", "kind"), TYPES)
def test_what_a_column_promises(name: str, kind: str) -> None:
    assert type_of(name) == kind


@pytest.mark.parametrize(("kind", "value", "expected"), VALUES)
def test_whether_a_cell_keeps_it(kind: str, value: str | float, expected: bool) -> None:
    assert keeps(kind, value) is expected


def test_an_empty_table_has_no_notes_on_cells(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(HEAD + "a,A,,,,,\n")
    reading = open_feed(path)
    list(reading)
    assert not [note for note in reading.notes if "cell" in note]


def test_what_cannot_be_read_is_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(ROWS)
    reading = open_feed(path)
    products = {item.sku: dict(item.attributes) for item in reading if isinstance(item, Product)}
    assert products == {
        "a": {"price": 12.5, "stock": 3, "weight": "0.5 kg", "created_at": "2026-01-01"},
        "b": {},
        "c": {"stock": 7, "weight": 2, "created_at": "2026-01-02"},
    }
    notes = [note for note in reading.notes if note.startswith("column ")]
    assert notes == [
        "column price: 2 cells are no price and left out (line 3: 'abc'; line 4: '-5')",
        "column stock: 1 cell is no number and left out (line 3: 'lots')",
        "column weight: 1 cell is no weight and left out (line 3: 'heavy')",
        "column created_at: 1 cell is no date and left out (line 3: 'yesterday')",
    ]


def test_only_the_first_are_named_and_shortly(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    bad = ['"abc"', "-1", '{"amount": "x", "currency": "EUR"}', "true", f'"{"z" * 999}"']
    path.write_text("".join(f'{{"sku": "{at}", "title": "T", "price": {one}}}\n' for at, one in enumerate(bad)))
    reading = open_feed(path)
    assert all("price" not in item.attributes for item in reading if isinstance(item, Product))
    (note,) = [note for note in reading.notes if "price" in note]
    assert note.startswith("column price: 5 cells are no price and left out (line 1: 'abc'; line 2: '-1'; ")
    assert note.endswith("; ...)")
    assert len(note) < 200


def test_a_column_of_words_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("sku,title,stock\n" + "".join(f"{one},T,{one}\n" for one in ("low", "high", "sold out")))
    reading = open_feed(path)
    assert [item.attributes["stock"] for item in reading if isinstance(item, Product)] == ["low", "high", "sold out"]
    assert not [note for note in reading.notes if "cell" in note]
    path.write_text(path.read_text() + "x,T,7\n")
    reading = open_feed(path)
    assert [item.attributes["stock"] for item in reading if isinstance(item, Product)] == ["low", "high", "sold out", 7]
    assert any("3 cells are no number and kept as texts" in note for note in reading.notes)


@pytest.mark.parametrize(
    "address", ["ftp://shop.example/a.jpg", "htp:/shop.example/a.jpg", "https://", "http://[x/a.jpg",
                "http://a b/c.jpg",
                "https://shop.example:port/a.jpg", "https://shop.example:99999/a.jpg", "javascript://alert(1)"],
)  # fmt: skip
def test_an_address_that_is_none_is_a_failure_of_its_line(address: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(f"sku,title,image\na,A,{address}\n")
    product, failure = open_feed(path)
    assert isinstance(product, Product)
    assert product.lost == (address,)
    assert isinstance(failure, Failure)
    assert failure.where.line == 2
    assert "address" in failure.why

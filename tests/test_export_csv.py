"""A catalog's CSV export, added again, gives the same products."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import UsageError
from catalens.feeds import open_feed
from catalens.storage import export
from catalens.types import AttributeValue, Failure, PictureSource, Product, Variant, Where

HERE = Where("test")
PICTURES = Path(__file__).parents[1] / "examples" / "shop" / "pictures"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["=1+1", "'=1+1", "+49", "-", "@home", "'", "''-x", "\tx", "\rx", "007", "1e5", "true", "20", "20.0", "1,299.00",
     "a|b", '["a"]', "[x", " blank ", "two\nlines", 'say "so"', "<b>bold</b>", "ﬁ", "#1", "x,y;z\t|"]
)  # fmt: skip
VALUES: st.SearchStrategy[AttributeValue] = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(TEXTS, max_size=3).map(tuple),
)
NAMES = TEXTS | st.sampled_from(
    ["price", "sale_price", "gtin", "sku", "title", "types", "variants", "attribute:x", "color"]
)
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=4)
SKUS = TEXTS.filter(str.strip)
VARIANTS = st.lists(st.builds(Variant, SKUS, TEXTS, ATTRIBUTES), max_size=2, unique_by=lambda one: one.sku).map(tuple)
PRODUCTS = st.lists(
    st.builds(Product, SKUS, st.just(HERE), TEXTS, TEXTS, ATTRIBUTES, st.just(()), VARIANTS),
    max_size=4,
    unique_by=lambda one: one.sku,
)


def written(products: list[Product], path: Path) -> Path:
    names = [name for product in products for name in product.attributes]
    export.write(path, export.lines(products, format="csv", attribute_names=names))
    return path


def exact(value: object) -> str:
    """A value as text that keeps 1, 1.0, "1" and True apart."""
    return repr(sorted(value.items()) if isinstance(value, dict) else value)


def known(product: Product) -> list[object]:
    each = [(one.sku, one.title, exact(one.attributes)) for one in product.variants]
    return [product.sku, product.title, product.description, exact(product.attributes), each]


@given(PRODUCTS)
@settings(max_examples=300, deadline=None)
def test_whatever_is_exported_is_read_back(products: list[Product]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reading = open_feed(written(products, Path(folder) / "products.csv"))
        items = list(reading)
    assert reading.name == "catalens"
    assert [item for item in items if isinstance(item, Failure)] == []
    assert [known(item) for item in items if isinstance(item, Product)] == [known(product) for product in products]


@pytest.mark.parametrize(
    "text", ["", "plain", "=1+1", "'=1+1", "''=1+1", "+49 30", "-5", "@home", "\tx", "'s-Hertogenbosch", "'"]
)
def test_no_cell_starts_as_a_formula_does_and_the_title_is_the_same_afterwards(text: str, tmp_path: Path) -> None:
    path = written([Product("A", HERE, title=text)], tmp_path / "products.csv")
    with path.open(encoding="utf-8", newline="") as file:
        cell = list(csv.reader(file))[1][1]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    (item,) = open_feed(path)
    assert isinstance(item, Product)
    assert item.title == text


def test_a_catalog_added_from_the_export_of_another_is_the_same(tmp_path: Path) -> None:
    image_file = sorted(PICTURES.glob("*.jpg"))[0]
    products = [
        Product("A", HERE, title="plain shoe", attributes={"price": 20.0}),  # no picture, which is no failure
        Product(
            "B",
            HERE,
            title="dress, in sizes",
            description='two lines\nand "quotes"',
            attributes={"price": 59.0, "brand": "Ours", "tags": ("new", "summer"), "code": "007", "new": True},
            pictures=(PictureSource(str(image_file), HERE),),
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
        again = shop.add(out)
        assert (again.unchanged, again.failed) == (2, ())
    with catalens.open(tmp_path / "second") as shop:
        assert shop.add(out).failed == ()
        assert [product.to_dict() for product in shop] == before


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("price", "24.50", 24.5),
        ("price", "24,50", 24.5),
        ("tags", "new|winter", ("new", "winter")),
        ("code", "008", "008"),
        ("new", "FALSE", False),
        ("new", "perhaps", "perhaps"),
        ("stock", "8", 8),
    ],
)
def test_a_cell_that_was_edited_keeps_its_type(column: str, cell: str, expected: object, tmp_path: Path) -> None:
    attributes: dict[str, AttributeValue] = {"price": 20.0, "tags": ("a", "b"), "code": "7", "new": True, "stock": 7}
    path = written([Product("A", HERE, attributes=attributes)], tmp_path / "products.csv")
    with path.open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    row[header.index(column)] = cell
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row])
    (item,) = open_feed(path)
    assert isinstance(item, Product)
    assert item.attributes[column] == expected


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",a title,,,,,", "no sku"),
        ("A,t,,,,,\nA,t,,,,,", "came before"),
        ("A,t,,,,,,one,two", "9 cells where the header has 7"),
        ("A,t,,,,[{},", "not the JSON"),
        ('A,t,,,,"[{""title"": ""x""}]",', "not the JSON"),
        ("A,t,,,,7,", "not the JSON"),
        ("A,t,,,,,7", "not the JSON"),
        ("A,t,,nowhere.jpg,,,", "no such file"),
        ("A,t,,photos,,,", "a folder and no picture"),
    ],
)
def test_a_broken_row_is_named(row: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    path = tmp_path / "products.csv"
    path.write_text(f"sku,title,description,image,additional_images,variants,types\n{row}\n")
    failures = [item for item in open_feed(path) if isinstance(item, Failure)]
    assert len(failures) == 1
    assert why in str(failures[0])


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("out.csv", "sku,title,"),
        ("OUT.CSV", "sku,title,"),
        ("out.jsonl", '{"sku"'),
        ("out", '{"sku"'),
        ("out.json", '{"sku"'),
    ],
)
def test_the_ending_of_a_file_names_its_format(tmp_path: Path, name: str, first: str) -> None:
    with catalens.open(tmp_path / "shop") as shop:
        shop.add([Product("A-1", Where("made"), "Lamp")])
    found = CliRunner().invoke(app, ["catalog", "export", "-c", str(tmp_path / "shop"), "--out", str(tmp_path / name)])
    assert found.exit_code == 0
    assert (tmp_path / name).read_text("utf-8").startswith(first)


def test_an_ending_that_names_no_format_is_refused(tmp_path: Path) -> None:
    with catalens.open(tmp_path / "shop"):
        pass
    found = CliRunner().invoke(
        app, ["catalog", "export", "-c", str(tmp_path / "shop"), "--out", str(tmp_path / "a.xml")]
    )
    assert isinstance(found.exception, UsageError)
    assert not (tmp_path / "a.xml").exists()

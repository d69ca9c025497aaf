"""Filters: the language, the mapping, and that SQL and plain Python agree."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalens.errors import FilterError, UsageError
from catalens.search.filters import read_filter
from catalens.storage.filter_terms import And, Compare, Contains, Filter, Has, In, Not, Or
from catalens.storage.records import Facet
from catalens.storage.schema import TABLES
from catalens.storage.sqlite_filters import to_sql
from tests.memory_store import passes

PRICE, DRESS = Compare("price", "<", 50.0), Compare("category", "=", "dress")


@pytest.mark.parametrize(
    ("written", "term"),
    [
        ("price<50", PRICE),
        ("  price  <  50.0 ", PRICE),
        ("price < 5e1", PRICE),
        ("price>=-1.5", Compare("price", ">=", -1.5)),
        ("discount=.5", Compare("discount", "=", 0.5)),
        ("category=dress", DRESS),
        ("category = 'dress'", DRESS),
        ('category="50"', Compare("category", "=", "50")),
        ("size != 4XL", Compare("size", "!=", "4XL")),
        ("size = 10-12", Compare("size", "=", "10-12")),
        ('price<50 and category="dress"', And((PRICE, DRESS))),
        ("price<50 AND category=dress Or has price", Or((And((PRICE, DRESS)), Has("price")))),
        ("price<50 and (category=dress or has price)", And((PRICE, Or((DRESS, Has("price")))))),
        ("((price<50))", PRICE),
        ("not price<50 and category=dress", And((Not(PRICE), DRESS))),
        ("not (price<50 and category=dress)", Not(And((PRICE, DRESS)))),
        ('color in ("red", blue,3)', In("color", ("red", "blue", 3.0))),
        ("color not in (red)", And((Has("color"), Not(In("color", ("red",)))))),
        ("HAS color", Has("color")),
        ("color exists", Has("color")),
        ("title contains silk", Contains("title", "silk")),
        ('title~"a \\"b\\" \\\\ c"', Contains("title", 'a "b" \\ c')),
        ("'shoe size' = 42", Compare("shoe size", "=", 42.0)),
        ('"and" = 1', Compare("and", "=", 1.0)),
        ('größe = "Größe L"', Compare("größe", "=", "Größe L")),
        ("颜色 = 红色", Compare("颜色", "=", "红色")),
    ],
)
def test_written_form(written: str, term: Filter) -> None:
    assert read_filter(written) == term


@pytest.mark.parametrize(
    ("mapping", "term"),
    [
        ({"category": "dress"}, DRESS),
        ({"price": {"lt": 50}}, PRICE),
        ({"price": {"lt": 50}, "category": "dress"}, And((PRICE, DRESS))),
        ({"price": {"gte": 1, "lte": 2}}, And((Compare("price", ">=", 1.0), Compare("price", "<=", 2.0)))),
        ({"price": {"gt": 1}}, Compare("price", ">", 1.0)),
        ({"color": ["red", "blue"]}, In("color", ("red", "blue"))),
        ({"color": {"in": ("red",)}}, In("color", ("red",))),
        ({"color": {"nin": ["red"]}}, And((Has("color"), Not(In("color", ("red",)))))),
        ({"color": {"ne": "red"}}, Compare("color", "!=", "red")),
        ({"color": {"eq": "red"}}, Compare("color", "=", "red")),
        ({"color": {"exists": True}}, Has("color")),
        ({"color": {"exists": False}}, Not(Has("color"))),
        ({"title": {"contains": "silk"}}, Contains("title", "silk")),
        ({"new": True}, Compare("new", "=", "true")),
        ({"or": [{"category": "dress"}, {"price": {"lt": 50}}]}, Or((DRESS, PRICE))),
        ({"and": [{"category": "dress"}]}, DRESS),
        ({"not": {"price": {"lt": 50}}}, Not(PRICE)),
    ],
)
def test_mapping_form(mapping: dict[str, object], term: Filter) -> None:
    assert read_filter(mapping) == term


@pytest.mark.parametrize(
    ("written", "column", "says"),
    [
        ("", 1, "expected a filter"),
        ("   ", 4, "expected a filter"),
        ("price <", 8, "expected a value, got the end"),
        ("price", 6, "expected = != < <= > >= ~ in, not in or exists after price"),
        ("< 50", 1, "expected the name of an attribute"),
        ("price == 50", 8, "written with one ="),
        ("price < 50 category = dress", 12, "expected and, or, or the end"),
        ("color = light blue", 15, "quotes"),
        ("(price < 50", 12, r"expected \)"),
        ("price < 50)", 11, "expected and, or, or the end"),
        ("color in red", 10, r"A list is written"),
        ("color in ()", 11, "expected a value"),
        ("color in (red blue)", 15, "commas"),
        ("color not red", 11, "expected in after not"),
        ("and price < 50", 1, "keyword into quotes"),
        ("color = or", 9, "got the keyword or"),
        ('color = "red', 9, 'Close it with "'),
        ("a=1 && b=2", 5, "Write and"),
        ("!a=1", 1, "Write != or not"),
        ("a=1;DROP TABLE product", 10, "expected and, or, or the end"),
        ("price < 1e999", 9, "too large"),
        ("\ud800", 1, "unexpected"),
        ("a = '\ud800'", None, "not valid Unicode"),
        ("(" * 5000 + "a=1" + ")" * 5000, 33, "at most 32"),
        ("not " * 4000 + "a=1", 129, "at most 32"),
        ("a=1" + " or a=1" * 600, None, "at most 500 terms"),
        ("a in (" + "1," * 600 + "1)", None, "at most 500 values"),
        ("a" * 30_000, None, "at most 20000 characters"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_read_is_pointed_at(written: str, column: int | None, says: str) -> None:
    with pytest.raises(FilterError, match=says) as caught:
        read_filter(written)
    if column is not None:
        assert f"at column {column}:" in str(caught.value)
        shown, pointer = str(caught.value).splitlines()[1:3]
        assert len(pointer.split("^")[0]) <= len(shown)


def test_an_error_reads_like_this() -> None:
    with pytest.raises(UsageError) as caught:
        read_filter("price < 50 and color in red")
    assert str(caught.value) == (
        "the filter cannot be read at column 25:\n"
        "  price < 50 and color in red\n"
        '                          ^ expected ( and got red. A list is written ("a", "b").'
    )


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        (7, "expected a text or a mapping"),
        (None, "expected a text or a mapping"),
        ({}, "empty mapping"),
        ({"price": {}}, "expected a comparison for price"),
        ({"price": {"less": 5}}, "expected one of eq, ne"),
        ({"price": None}, "expected a number or a text for price"),
        ({"price": float("nan")}, "expected a number or a text"),
        ({"price": 10**400}, "expected a number or a text"),
        ({"price": {"lt": [1]}}, "expected a number or a text"),
        ({"color": []}, "expected a list"),
        ({"color": {"in": "red"}}, "expected a list"),
        ({"color": [["red"]]}, "expected a number or a text"),
        ({"color": {"exists": 1}}, "expected True or False"),
        ({"title": {"contains": 1}}, "expected a text after contains"),
        ({3: "a"}, "expected names of attributes"),
        ({"or": {"a": 1}}, "expected a list for or"),
        ({"or": []}, "expected a list for or"),
        ({"not": "a"}, "expected a mapping for not"),
        ({"a": "\ud800"}, "not valid Unicode"),
        ({"or": [{"or": [{"a": i} for i in range(400)]}] * 400}, "at most 500 terms"),
        ({"or": [{"a": list(range(500))}] * 30}, "with 10000 values"),
    ],
)
def test_mappings_that_cannot_be_read(mapping: Any, says: str) -> None:
    with pytest.raises(FilterError, match=says):
        read_filter(mapping)


def test_a_mapping_within_itself_is_refused() -> None:
    endless: dict[str, object] = {}
    endless["not"] = endless
    with pytest.raises(FilterError, match="at most 32"):
        read_filter(endless)


NAMES = st.sampled_from(["price", "Color", "größe", "shoe size", "in", "a.b", "x"])
TEXTS = st.sampled_from(["red", "Dark Red", "50", "10-12", "straße", "STRASSE", "", 'say "hi"', "a\\b", "2024-05-01"])
NUMBERS = st.one_of(st.integers(-3, 60).map(float), st.sampled_from([0.5, 49.99, 1e300, -2.5e-7]))
VALUES = st.one_of(TEXTS, NUMBERS)
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Compare, NAMES, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), VALUES),
    st.builds(In, NAMES, st.lists(VALUES, min_size=1, max_size=4).map(tuple)),
    st.builds(Contains, NAMES, TEXTS),
    st.builds(Has, NAMES),
)


def _branches(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(And, several), st.builds(Or, several))


FILTERS = st.recursive(LEAVES, _branches, max_leaves=8)


@given(FILTERS)
def test_what_is_written_is_read_back(term: Filter) -> None:
    assert read_filter(str(term)) == term


@given(st.one_of(st.text(max_size=60), st.text(alphabet="ab=<>!~()\"', \\inotr1.-", max_size=40)))
@settings(max_examples=300)
def test_any_text_is_a_filter_or_a_filter_error(written: str) -> None:
    try:
        term = read_filter(written)
    except FilterError:
        return
    assert read_filter(str(term)) == term


def facet(name: str, value: str | float) -> Facet:
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip().casefold()
    try:
        return name.lower(), float(text), text
    except ValueError:
        return name.lower(), None, text


PRODUCTS = st.lists(st.lists(st.builds(facet, NAMES, VALUES), max_size=4), max_size=6)


class Memory:
    """A database in memory with the tables of a catalog."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:")
        self.db.executescript(TABLES)

    def fill(self, products: list[list[Facet]]) -> None:
        self.db.execute("DELETE FROM facet")
        self.db.execute("DELETE FROM product")
        for number, facets in enumerate(products, start=1):
            row = (number, f"P{number}", "", "", "{}", "[]", b"")
            columns = "id, sku, title, description, attributes, source, digest"
            self.db.execute(f"INSERT INTO product ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            self.db.executemany("INSERT INTO facet VALUES (?, ?, ?, ?)", [(number, *each) for each in facets])

    def passing(self, term: Filter) -> list[int]:
        return [row[0] for row in self.db.execute(*to_sql(term))]


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    made = Memory()
    yield made
    made.db.close()


@given(term=FILTERS, products=PRODUCTS)
@settings(max_examples=300)
def test_sql_says_what_plain_python_says(memory: Memory, term: Filter, products: list[list[Facet]]) -> None:
    memory.fill(products)
    expected = [number for number, facets in enumerate(products, start=1) if passes(term, facets)]
    assert memory.passing(term) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("price < 50", [1, 3]),
        ("PRICE < 50", [1, 3]),
        ("price <= 49.99", [1, 3]),
        ("price > 100", [2]),
        ("price = 120", [2]),
        ('price < "50"', [1, 3]),
        ("color = RED", [1, 2]),
        ("color != red", [3]),
        ("not color = red", [3, 4]),
        ("color not in (red, green)", []),
        ("color in (blue, green)", [1, 3]),
        ("color ~ ree", [3]),
        ("has price and not price > 100", [1, 3]),
        ('launched < "2024-06"', [1]),
        ('launched >= "2024-06"', [2]),
        ("nothing = 1", []),
        ("not nothing = 1", [1, 2, 3, 4]),
        ("color = \"red' OR '1'='1\"", []),
    ],
)
def test_meaning_on_four_products(memory: Memory, where: str, expected: list[int]) -> None:
    memory.fill(
        [
            [facet("price", 49.99), facet("color", "Red"), facet("color", "blue"), facet("launched", "2024-05-01")],
            [facet("price", 120.0), facet("color", "red"), facet("launched", "2024-07-01")],
            [facet("price", 5.0), facet("color", "green")],
            [],
        ]
    )
    assert memory.passing(read_filter(where)) == expected


def test_sql_binds_all_that_the_user_wrote() -> None:
    sql, parameters = to_sql(read_filter('"x\' y" = "\'; DROP TABLE product; --"'))
    assert "DROP" not in sql
    assert parameters == ("x' y", "'; drop table product; --")


def test_the_largest_filters_run(memory: Memory) -> None:
    memory.fill([[facet("a", 1.0)]])
    deep = "(" * 30 + "a=1" + ")" * 30
    for where in (
        "not " * 30 + "a=1",
        deep,
        "a=1" + " or a=2" * 498,
        "a in (" + ",".join(map(str, range(500))) + ")",
        " or ".join(["a in (" + ",".join(map(str, range(100))) + ")"] * 50),
    ):
        assert memory.passing(read_filter(where)) == [1]

"""Filters: which products may be found. Read from text or from a mapping, run as one SQL statement over `facet`.

>>> str(read_filter('price<50 and category="dress"'))
'(price < 50) and (category = "dress")'
>>> str(read_filter({"price": {"lt": 50}, "color": ["red", "blue"]}))
'(price < 50) and (color in ("red", "blue"))'
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from catalens.errors import FilterError
from catalens.search.filter_mapping import FilterMapping, from_mapping
from catalens.search.filter_parser import parse
from catalens.storage.filter_terms import And, Compare, Contains, Filter, Has, In, Not, Or, Value, read_number
from catalens.types import IntArray

MAX_TERMS = 500
"""Terms in one filter: SQLite takes an expression 1,000 deep, and a chain of terms is as deep as it is long."""

MAX_BOUND = 10_000
"""Values in one filter, all lists together: SQLite binds 32,766."""

Facet: TypeAlias = tuple[str, float | None, str]
"""(name in lower case, number or None, text case-folded), as the table `facet` holds them."""


class Reader(Protocol):
    """What a filter needs of a store."""

    def fetch_all(self, sql: str, parameters: tuple[object, ...], /) -> list[tuple[Any, ...]]: ...


def read_filter(where: str | FilterMapping) -> Filter:
    """Read a filter from the written form (`filter_parser`) or from a mapping (`filter_mapping`).

    Raises:
        FilterError: it cannot be understood; says where and the cure.
    """
    if isinstance(where, str):
        found = parse(where)
    elif isinstance(where, Mapping):
        found = from_mapping(where)
    else:
        raise FilterError(
            f"expected a text or a mapping as filter, got {type(where).__name__}", cure='as in: where="price < 50"'
        )
    terms, values = _size(found)
    if terms > MAX_TERMS or values > MAX_BOUND:
        raise FilterError(
            f"expected at most {MAX_TERMS} terms with {MAX_BOUND} values, got {terms} with {values}",
            cure='put values of one attribute into one list: name in ("a", "b")',
        )
    try:
        str(found).encode("utf-8")
    except UnicodeEncodeError:
        raise FilterError("the filter is not valid Unicode", cure="write it again") from None
    return found


def _size(term: Filter) -> tuple[int, int]:
    """How many terms without terms in them there are, and how many values they name."""
    match term:
        case Not(inner):
            return _size(inner)
        case And(terms) | Or(terms):
            sizes = [_size(inner) for inner in terms]
            return sum(size[0] for size in sizes), sum(size[1] for size in sizes)
        case In(_, values):
            return 1, len(values)
        case _:
            return 1, 1


def names_in(term: Filter) -> tuple[str, ...]:
    """The attributes that a filter asks about, each once, in its order."""
    match term:
        case Not(inner):
            return names_in(inner)
        case And(terms) | Or(terms):
            return tuple(dict.fromkeys(name for one in terms for name in names_in(one)))
        case _:
            return (term.name,)


def passing_products(term: Filter, store: Reader) -> IntArray:
    """Return the ids (N,) of the products that a filter lets pass, ascending."""
    sql, parameters = to_sql(term)
    rows = store.fetch_all(sql, parameters)
    return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))


def to_sql(term: Filter) -> tuple[str, tuple[object, ...]]:
    """Write a filter as a statement that selects ids of products in order; all that the user wrote is bound."""
    condition, parameters = _condition(term)
    return f"SELECT id FROM product WHERE {condition} ORDER BY id", tuple(parameters)


def _condition(term: Filter) -> tuple[str, list[object]]:
    match term:
        case Has(name):
            return _some_facet(name, "1", [])
        case Compare(name, "!=", value):
            return _condition(And((Has(name), Not(Compare(name, "=", value)))))
        case Compare(name, sign, str(text)) if sign != "=":
            number = read_number(text.strip())
            if number is not None:
                return _some_facet(name, f"number {sign} ?", [number])
            return _some_facet(name, f"number IS NULL AND text {sign} ?", [_folded(text)])
        case Compare(name, sign, value):
            if isinstance(value, str):
                return _some_facet(name, "text = ?", [_folded(value)])
            return _some_facet(name, f"number {sign} ?", [value])
        case In(name, values):
            texts = [_folded(value) for value in values if isinstance(value, str)]
            numbers = [value for value in values if not isinstance(value, str)]
            either = f"(text IN ({_marks(texts)}) OR number IN ({_marks(numbers)}))"
            return _some_facet(name, either, [*texts, *numbers])
        case Contains(name, text):
            return _some_facet(name, "instr(text, ?) > 0", [text.casefold()])
        case Not(inner):
            condition, parameters = _condition(inner)
            return f"NOT ({condition})", parameters
        case And(terms):
            return _joined(" AND ", terms)
        case Or(terms):
            return _joined(" OR ", terms)


def _some_facet(name: str, condition: str, parameters: list[object]) -> tuple[str, list[object]]:
    return f"id IN (SELECT product_id FROM facet WHERE name = ? AND {condition})", [name.lower(), *parameters]


def _marks(values: Sequence[Value]) -> str:
    return ", ".join("?" * len(values))


def _folded(text: str) -> str:
    return text.strip().casefold()


def _joined(word: str, terms: Iterable[Filter]) -> tuple[str, list[object]]:
    conditions, parameters = [], []
    for term in terms:
        condition, bound = _condition(term)
        conditions.append(f"({condition})")
        parameters += bound
    return word.join(conditions), parameters


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def passes(term: Filter, facets: Iterable[Facet]) -> bool:
    """Whether a product with these facets passes: the meaning of a filter without a database."""
    return _passes(term, tuple(facets))


def _passes(term: Filter, facets: tuple[Facet, ...]) -> bool:
    match term:
        case Has(name):
            return any(facet[0] == name.lower() for facet in facets)
        case Compare(name, "!=", value):
            return _passes(Has(name), facets) and not _passes(Compare(name, "=", value), facets)
        case Compare(name, sign, value):
            return any(facet[0] == name.lower() and _compares(facet, sign, value) for facet in facets)
        case In(name, values):
            return any(_passes(Compare(name, "=", value), facets) for value in values)
        case Contains(name, text):
            return any(facet[0] == name.lower() and text.casefold() in facet[2] for facet in facets)
        case Not(inner):
            return not _passes(inner, facets)
        case And(terms):
            return all(_passes(inner, facets) for inner in terms)
        case Or(terms):
            return any(_passes(inner, facets) for inner in terms)


def _compares(facet: Facet, sign: str, value: Value) -> bool:
    _, number, text = facet
    if isinstance(value, str) and sign != "=":
        as_number = read_number(value.strip())
        if as_number is None:
            return number is None and _COMPARISONS[sign](text, _folded(value))
        value = as_number
    if isinstance(value, str):
        return text == _folded(value)
    return number is not None and _COMPARISONS[sign](number, value)

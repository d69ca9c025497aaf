"""Filters: which products may be found. Read from text or from a mapping; a store runs them.

>>> str(read_filter('price<50 and category="dress"'))
'(price < 50) and (category = "dress")'
>>> str(read_filter({"price": {"lt": 50}, "color": ["red", "blue"]}))
'(price < 50) and (color in ("red", "blue"))'
"""

from __future__ import annotations

from collections.abc import Mapping

from catalens.errors import FilterError
from catalens.search.filter_mapping import FilterMapping, from_mapping
from catalens.search.filter_parser import parse
from catalens.storage.filter_terms import And, Filter, In, Not, Or

MAX_TERMS = 500
"""Terms in one filter: SQLite takes an expression 1,000 deep, and a chain of terms is as deep as it is long."""

MAX_BOUND = 10_000
"""Values in one filter, all lists together: SQLite binds 32,766."""


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

"""Filters as mappings: `{"price": {"lt": 50}, "category": "dress", "color": ["red", "blue"]}`.

Entries are joined with and. A value stands for equality, a list for membership, and a mapping names its comparisons:
eq, ne, lt, lte, gt, gte, in, nin, contains, exists. The keys `and` and `or` take a list of such mappings, `not` takes
one. An attribute that is called like one of these three keys needs the written form, with its name in quotes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from catalens.errors import FilterError
from catalens.storage.filter_terms import (
    MAX_DEPTH,
    MAX_VALUES,
    And,
    Compare,
    Contains,
    Filter,
    Has,
    In,
    Not,
    Operator,
    Or,
    Value,
)

FilterMapping: TypeAlias = Mapping[str, object]

_OPERATORS: Mapping[str, Operator] = {"eq": "=", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_CONDITIONS = (*_OPERATORS, "in", "nin", "contains", "exists")


def from_mapping(mapping: FilterMapping) -> Filter:
    """Read a filter from a mapping.

    Raises:
        FilterError: a key or a value that is not known; says where, with the cure.
    """
    return _entries(mapping, where="the filter", depth=1)


def _entries(mapping: object, *, where: str, depth: int) -> Filter:
    if depth > MAX_DEPTH:
        raise FilterError(f"expected at most {MAX_DEPTH} mappings within each other", cure="write it flatter")
    if not isinstance(mapping, Mapping):
        raise FilterError(f"expected a mapping for {where}, got {_shown(mapping)}", cure='as in: {"price": {"lt": 50}}')
    if not mapping:
        raise FilterError(f"expected at least one entry in {where}, got an empty mapping", cure="leave it out")
    if len(mapping) > MAX_VALUES:
        raise FilterError(f"expected at most {MAX_VALUES} entries in {where}, got {len(mapping)}", cure="ask for less")
    terms: list[Filter] = []
    for key, value in mapping.items():
        if not isinstance(key, str):
            raise FilterError(f"expected names of attributes as keys of {where}, got {_shown(key)}", cure="use texts")
        terms.extend(_entry(key, value, depth=depth))
    return terms[0] if len(terms) == 1 else And(tuple(terms))


def _entry(key: str, value: object, *, depth: int) -> list[Filter]:
    if key == "not":
        return [Not(_entries(value, where="not", depth=depth + 1))]
    if key in {"and", "or"}:
        inner = tuple(_entries(item, where=key, depth=depth + 1) for item in _list(value, where=key))
        if len(inner) == 1:
            return [inner[0]]
        return [And(inner) if key == "and" else Or(inner)]
    if isinstance(value, Mapping):
        if not value:
            raise FilterError(f"expected a comparison for {key}, got an empty mapping", cure='as in: {"lt": 50}')
        return [_condition(key, condition, operand) for condition, operand in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [In(key, _values(value, where=key))]
    return [Compare(key, "=", _value(value, where=key))]


def _condition(name: str, condition: object, operand: object) -> Filter:
    if condition in _OPERATORS:
        return Compare(name, _OPERATORS[cast("str", condition)], _value(operand, where=name))
    readers: Mapping[object, Callable[[str, object], Filter]] = {
        "in": lambda name, operand: In(name, _values(operand, where=name)),
        "nin": lambda name, operand: And((Has(name), Not(In(name, _values(operand, where=name))))),
        "contains": _contains,
        "exists": _exists,
    }
    if condition not in readers:
        raise FilterError(
            f"expected one of {', '.join(_CONDITIONS)} for {name}, got {_shown(condition)}", cure='as in: {"lt": 50}'
        )
    return readers[condition](name, operand)


def _contains(name: str, operand: object) -> Filter:
    if not isinstance(operand, str):
        raise FilterError(f"expected a text after contains for {name}, got {_shown(operand)}", cure="give a text")
    return Contains(name, operand)


def _exists(name: str, operand: object) -> Filter:
    if not isinstance(operand, bool):
        raise FilterError(f"expected True or False after exists for {name}, got {_shown(operand)}", cure="give one")
    return Has(name) if operand else Not(Has(name))


def _list(value: object, *, where: str) -> Sequence[object]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not value:
        raise FilterError(f"expected a list for {where}, got {_shown(value)}", cure="give at least one entry")
    if len(value) > MAX_VALUES:
        raise FilterError(f"expected at most {MAX_VALUES} entries for {where}, got {len(value)}", cure="split it")
    return value


def _values(value: object, *, where: str) -> tuple[Value, ...]:
    return tuple(_value(item, where=where) for item in _list(value, where=where))


def _value(value: object, *, where: str) -> Value:
    if isinstance(value, bool):  # as the store keeps them
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise FilterError(f"expected a number or a text for {where}, got {_shown(value)}", cure="give one of these")


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."

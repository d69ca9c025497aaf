"""What a filter is once it is understood: a tree of frozen terms. `str(term)` writes it in the filter language.

Filter
├── Compare    price < 50          at least one value of the attribute compares so
├── In         color in ("red", "blue")
├── Contains   title ~ "dress"     a value has this text in it
├── Has        has price           the attribute is there
├── Not
├── And
└── Or

An attribute may have several values (a list, or one per variant): a term passes where any of them does. `!=` and
`not in` pass where the attribute is there and none of its values is the one named. `not` is the plain complement, so
`not color = red` also passes what has no color. Texts compare without regard to case, names of attributes too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
OPERATORS: tuple[Operator, ...] = get_args(Operator)

Value: TypeAlias = str | float
"""A number compares with numbers, a text with texts. (An ordering with a text that reads as a number is of numbers.)"""

MAX_DEPTH = 32
"""Terms within terms. SQLite's parser and Python's stack both allow several times as many."""

MAX_VALUES = 500
"""Values in one list."""

KEYWORDS = frozenset({"and", "or", "not", "in", "has", "exists", "contains"})

_BARE = re.compile(r"[^\W\d_]\w*")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_number(text: str) -> float | None:
    """Return the number that a text is, or None: decimal digits with sign, point and exponent as one writes them."""
    return float(text) if _NUMBER.fullmatch(text) else None


def quoted(text: str) -> str:
    """Return a text in double quotes, as the filter language reads it back."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) and name.lower() not in KEYWORDS else quoted(name)


def _value(value: Value) -> str:
    if isinstance(value, str):
        return quoted(value)
    return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


@dataclass(frozen=True, slots=True)
class Compare:
    """At least one value of the attribute compares so; for `!=`, the attribute is there and no value is this one."""

    name: str
    operator: Operator
    value: Value

    def __str__(self) -> str:
        return f"{_name(self.name)} {self.operator} {_value(self.value)}"


@dataclass(frozen=True, slots=True)
class In:
    """At least one value of the attribute is one of these."""

    name: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        return f"{_name(self.name)} in ({', '.join(_value(value) for value in self.values)})"


@dataclass(frozen=True, slots=True)
class Contains:
    """At least one value of the attribute has this text in it."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{_name(self.name)} ~ {quoted(self.text)}"


@dataclass(frozen=True, slots=True)
class Has:
    """The attribute is there."""

    name: str

    def __str__(self) -> str:
        return f"has {_name(self.name)}"


@dataclass(frozen=True, slots=True)
class Not:
    """What the term does not let pass."""

    term: Filter

    def __str__(self) -> str:
        return f"not ({self.term})"


@dataclass(frozen=True, slots=True)
class And:
    """What all terms (two or more) let pass."""

    terms: tuple[Filter, ...]

    def __str__(self) -> str:
        return " and ".join(f"({term})" for term in self.terms)


@dataclass(frozen=True, slots=True)
class Or:
    """What any of the terms (two or more) lets pass."""

    terms: tuple[Filter, ...]

    def __str__(self) -> str:
        return " or ".join(f"({term})" for term in self.terms)


Filter: TypeAlias = Compare | In | Contains | Has | Not | And | Or

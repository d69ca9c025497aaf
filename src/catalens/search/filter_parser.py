r"""The filter language: a tokeniser and a parser by recursive descent, one function a rule.

    filter     = conjunction { "or" conjunction }
    conjunction= term { "and" term }
    term       = "not" term | "(" filter ")" | "has" name | name condition
    condition  = ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
               | [ "not" ] "in" "(" value { "," value } ")"
               | ( "contains" | "~" ) value
               | "exists"
    name       = word | text
    value      = number | word | text
    text       = '"' characters '"' | "'" characters "'"      with \" \' \\ for quote and backslash

Keywords may be written in any case. A word begins with a letter, a digit or an underscore and goes on to the next
space, quote, bracket, comma or operator; a word that reads as a number is one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, NoReturn, cast

from catalens.errors import FilterError
from catalens.storage.filter_terms import (
    KEYWORDS,
    MAX_DEPTH,
    MAX_VALUES,
    OPERATORS,
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
    read_number,
)

MAX_LENGTH = 20_000
"""Characters of one filter."""

_SHOWN = 60
"""Characters of a filter that an error shows, around the place."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<text>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
    | (?P<operator>!=|<=|>=|=|<|>|~)
    | (?P<mark>[(),])
    | (?P<word>[+-]?(?:\w|\.\d)[^\s"'(),=<>!~]*)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_FOREIGN = {
    "&": "write and",
    "|": "write or",
    "!": 'write != or not, as in: not color = "red"',
    "[": "use (",
    "]": "use )",
}
_VALUE_CURE = 'a value is a number, a word or a text in quotes, as in: category = "dress"'

Kind = Literal["text", "operator", "mark", "word", "end"]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Kind
    text: str
    column: int

    @property
    def keyword(self) -> str:
        """The word in lower case where it is a keyword, else nothing."""
        return self.text.lower() if self.kind == "word" and self.text.lower() in KEYWORDS else ""


def parse(source: str) -> Filter:
    """Read a filter.

    Raises:
        FilterError: it is not in the language above; names the column (from 1) and points at it, with the cure.
    """
    if len(source) > MAX_LENGTH:
        raise FilterError(
            f"expected a filter of at most {MAX_LENGTH} characters, got {len(source)}",
            cure='put long lists of values into: name in ("a", "b")',
        )
    return _Parser(source).whole()


def _fail(source: str, column: int, what: str, cure: str) -> NoReturn:
    start = max(0, column - _SHOWN // 2)
    shown = "".join(mark if mark.isprintable() else " " for mark in source[start : start + _SHOWN])
    pointer = " " * (column - start) + "^"
    raise FilterError(f"the filter cannot be read at column {column + 1}:\n  {shown}\n  {pointer} {what}", cure=cure)


def _tokens(source: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            _fail_at_character(source, position)
        kind = match.lastgroup
        if kind != "space":
            found.append(_Token(cast("Kind", kind), match.group(), position))
        position = match.end()
    return [*found, _Token("end", "", len(source))]


def _fail_at_character(source: str, position: int) -> NoReturn:
    mark = source[position]
    if mark in "\"'":
        _fail(source, position, "a text that is not closed", f"close it with {mark}")
    _fail(source, position, f"unexpected {mark!r}", _FOREIGN.get(mark, 'put texts into quotes: "..."'))


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = _tokens(source)
        self._at = 0
        self._depth = 0

    def whole(self) -> Filter:
        if self._at_end():
            self._fail("expected a filter, got nothing", "write one, as in: price < 50")
        found = self._filter()
        if not self._at_end():
            cure = "put a text of several words into quotes" if self._next.kind == "word" else "join terms with and, or"
            self._fail(f"expected and, or, or the end, got {self._shown}", cure)
        return found

    # Rules, from the outside in

    def _filter(self) -> Filter:
        terms = [self._conjunction()]
        while self._take_keyword("or"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _conjunction(self) -> Filter:
        terms = [self._term()]
        while self._take_keyword("and"):
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _term(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"expected at most {MAX_DEPTH} terms within each other", "write it flatter")
        found = self._one_term()
        self._depth -= 1
        return found

    def _one_term(self) -> Filter:
        if self._take_keyword("not"):
            return Not(self._term())
        if self._take_keyword("has"):
            return Has(self._name())
        if self._take_mark("("):
            inner = self._filter()
            self._expect_mark(")", "close the bracket")
            return inner
        return self._condition(self._name())

    def _condition(self, name: str) -> Filter:
        if self._take_keyword("exists"):
            return Has(name)
        if self._take_keyword("contains") or self._take_operator("~"):
            return Contains(name, self._text_of_value())
        if self._take_keyword("not"):
            if not self._take_keyword("in"):
                self._fail(f"expected in after not, got {self._shown}", f'as in: {name} not in ("a", "b")')
            return And((Has(name), Not(In(name, self._list()))))
        if self._take_keyword("in"):
            return In(name, self._list())
        operator = next((sign for sign in OPERATORS if self._take_operator(sign)), None)
        if operator is None:
            self._fail(
                f"expected = != < <= > >= ~ in, not in or exists after {name}, got {self._shown}",
                f'as in: {name} = "..."',
            )
        return Compare(name, operator, self._value(after=operator))

    def _list(self) -> tuple[Value, ...]:
        self._expect_mark("(", 'a list is written ("a", "b")')
        values = [self._value(after="(")]
        while self._take_mark(","):
            if len(values) == MAX_VALUES:
                self._fail(f"expected at most {MAX_VALUES} values", "split the list with or")
            values.append(self._value(after=","))
        self._expect_mark(")", "separate values with commas and close the list")
        return tuple(values)

    def _name(self) -> str:
        token = self._next
        if token.kind not in {"word", "text"} or token.keyword:
            cure = "put a name that is also a keyword into quotes" if token.keyword else "as in: price < 50"
            self._fail(f"expected the name of an attribute, got {self._shown}", cure)
        self._at += 1
        return _unquoted(token.text) if token.kind == "text" else token.text

    def _value(self, *, after: Operator | Literal["(", ","]) -> Value:
        token = self._next
        if token.kind == "operator" and after == "=" and token.text == "=":
            self._fail("expected a value, got a second =", "equality is written with one =")
        text = self._text_of_value()
        number = read_number(text) if token.kind == "word" else None
        if number is not None and not math.isfinite(number):
            self._at -= 1
            self._fail(f"{token.text} is too large for a number", "put it into quotes if it is a text")
        return text if number is None else number

    def _text_of_value(self) -> str:
        token = self._next
        if token.kind not in {"word", "text"}:
            self._fail(f"expected a value, got {self._shown}", _VALUE_CURE)
        if token.keyword:
            self._fail(f"expected a value, got the keyword {token.text}", f'put it into quotes: "{token.text}"')
        self._at += 1
        return _unquoted(token.text) if token.kind == "text" else token.text

    # Tokens

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _at_end(self) -> bool:
        return self._next.kind == "end"

    @property
    def _shown(self) -> str:
        token = self._next
        if self._at_end():
            return "the end"
        return token.text if len(token.text) <= 30 else token.text[:27] + "..."

    def _take_keyword(self, keyword: str) -> bool:
        return self._take(self._next.keyword == keyword)

    def _take_operator(self, operator: str) -> bool:
        return self._take(self._next.kind == "operator" and self._next.text == operator)

    def _take_mark(self, mark: str) -> bool:
        return self._take(self._next.kind == "mark" and self._next.text == mark)

    def _take(self, it_is: bool) -> bool:
        self._at += it_is
        return it_is

    def _expect_mark(self, mark: str, cure: str) -> None:
        if not self._take_mark(mark):
            self._fail(f"expected {mark} and got {self._shown}", cure)

    def _fail(self, what: str, cure: str) -> NoReturn:
        _fail(self._source, self._next.column, what, cure)


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(r"\1", text[1:-1])

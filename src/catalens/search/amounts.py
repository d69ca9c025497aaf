"""Prices and sizes in a query: "under 50", "between 20 and 40", "less than £30", "50元以下", "size 42", "xl"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalens.search.lexicon import Token, fold, tokens_of
from catalens.storage.filter_terms import And, Compare, Filter, In, Operator, Value


def listed(text: str) -> tuple[str, ...]:
    """Phrases of a text apart by commas."""
    return tuple(one.strip() for one in text.split(","))


_BELOW = {
    "<": listed(
        """under, below, less than, cheaper than, lower than, <, unter, weniger als, billiger als, gunstiger als,
        menos de, por menos de, por debajo de, moins de, a moins de, en dessous de, 低于, 少于, 不到"""
    ),
    "<=": listed(
        """up to, at most, no more than, not more than, maximum, max, <=, ≤, bis, bis zu, hochstens, maximal, hasta,
        como maximo, maximo, jusqu'a, jusqu a, au plus, 不超过, 最多, 最高"""
    ),
    ">": listed(
        "over, above, more than, >, uber, mehr als, teurer als, mas de, por encima de, plus de, au dessus de, 高于"
    ),
    ">=": listed(
        """at least, minimum, min, starting at, from, >=, ≥, ab, mindestens, desde, a partir de, como minimo, al menos,
        au moins, des, 至少, 最低"""
    ),
    "~": listed(
        """around, about, approximately, circa, ca, etwa, rund, ungefahr, alrededor de, aproximadamente, unos, environ,
        autour de, 大约, 大概"""
    ),
}
"""What stands before a sum of money -> what it asks for; "~" is about as much."""
_BEHIND = {
    "<": listed("以下, 以内, 之内, 以里"),
    ">": listed("以上, 起, 往上"),
    "~": listed("左右, 上下"),
    "<=": listed("max, maximum, oder weniger, or less, o menos, ou moins, maximo"),
    ">=": listed("or more, oder mehr, o mas, ou plus, and up"),
}
_RANGES = (
    ("between", "and"), ("from", "to"), ("zwischen", "und"), ("von", "bis"), ("entre", "y"), ("entre", "et"),
    ("de", "a"), ("从", "到"), ("", "-"), ("", "–"), ("", "~"), ("", "to"), ("", "bis"), ("", "到"), ("", "至"),
    ("", "a"),
)  # fmt: skip
"""(before, between) two sums."""
_SURE = frozenset(("from", "des", "de", "von", "", "about", "min", "unos", "从", "起"))
"""Words that say a price only beside a currency or a word for price."""
_NEED_MONEY = _SURE | set(
    listed(
        "ab, bis, max, ca, rund, maximum, minimum, hasta, desde, circa, around, up to, at least, bis zu, over, above"
    )
)
"""Those that need one of these, or the query's end: "jacket max 50"."""
_FILLERS = frozenset(
    listed("price, priced, prices, for, cost, costs, costing, preis, fur, precio, por, prix, pour, 价格, 价钱, 价位")
)
_CURRENCIES: Mapping[str, str] = {
    **dict.fromkeys(("€", "eur", "euro", "euros", "欧元"), "EUR"),
    **dict.fromkeys(("£", "gbp", "pound", "pounds", "quid", "英镑"), "GBP"),
    **dict.fromkeys(("$", "usd", "dollar", "dollars", "dolares", "美元", "us$"), "USD"),
    **dict.fromkeys(("元", "块", "块钱", "人民币", "rmb", "cny", "yuan"), "CNY"),
    **dict.fromkeys(("jpy", "yen", "円", "日元"), "JPY"),
    **dict.fromkeys(("chf", "franken", "francs"), "CHF"),
    **dict.fromkeys(("₹", "inr", "rs", "rupees", "rupee"), "INR"),
    **dict.fromkeys(("kr", "sek"), "SEK"), **dict.fromkeys(("zl", "pln"), "PLN"), "¥": "", "￥": "", "bucks": "USD",
}  # fmt: skip
"""Sign or word -> ISO 4217; "" where several currencies have it."""
_UNITS = frozenset(
    listed(
        """cm, mm, m, km, inch, inches, in, ft, kg, g, mg, lb, lbs, oz, ml, l, cl, litre, litres, liter, liters, w, kw,
        v, watt, watts, %, years, year, yrs, months, month, days, hours, h, mah, gb, tb, mb, mp, hz, jahre, jahren,
        anos, ans, meter, metre, metres, cm2, pieces, pcs, people, personen,
        厘米, 毫米, 米, 公斤, 克, 升, 毫升, 岁,
        寸, 英寸, mph, rpm, denier, karat, carat, ct, x"""
    )
)
"""Behind a number these say that it is no price."""
_SIZES = frozenset(
    listed(
        "size, sizes, sz, grosse, grossen, groesse, talla, tallas, talle, taille, pointure, 尺码, 尺寸, 码数, 码, 号"
    )
)
SIZE_NAMES = listed("size, sizes, größe, groesse, talla, taille, pointure, shoe_size, shoe size, shoesize, 尺码, 尺寸")
"""Names of attributes that hold sizes."""
_LETTERS = re.compile(r"(?:[2-6]?x{1,5}[sl]|xx?s)")
_AREAS = frozenset(("eu", "uk", "us", "fr", "de", "it", "eur"))
_MOST_DIGITS = 9
_ABOUT = 0.2
"""Share by which "around 50" may be missed."""


@dataclass(frozen=True, slots=True)
class Goods:
    """What a catalog has that an amount may become a filter of.

    Args:
        price: name of its attribute of prices, "" where there is none.
        currencies: in which it has prices, ISO 4217.
        sizes: name of an attribute -> its values.
    """

    price: str = ""
    currencies: tuple[str, ...] = ()
    sizes: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens `start` to `stop` that say a price or a size; `filter` is None where none is made, and `note` says why."""

    kind: str
    start: int
    stop: int
    filter: Filter | None
    note: str = ""
    stays: bool = False


def amount_at(tokens: Sequence[Token], at: int, goods: Goods) -> Amount | None:
    """The price or size that begins at a token."""
    start = at
    while at < len(tokens) and at - start < 2 and tokens[at].folded in _FILLERS:
        at += 1
    if at < len(tokens):
        if found := _price(
            tokens, at, goods, sure=at > start and tokens[start].folded not in ("for", "fur", "por", "pour")
        ):
            return Amount("price", start, found[0], *found[1:])
        if at == start:
            return _size(tokens, at, goods)
    return None


def _price(tokens: Sequence[Token], at: int, goods: Goods, *, sure: bool) -> tuple[int, Filter | None, str] | None:
    for before, between in _RANGES:
        first = _phrase(tokens, at, before)
        low = None if first is None else _money(tokens, first)
        second = None if low is None else _phrase(tokens, low.stop, between)
        high = None if second is None else _money(tokens, second)
        if (
            low
            and high
            and high.number >= low.number
            and (sure or before not in _NEED_MONEY or high.currency is not None or low.currency is not None)
        ):
            behind = _phrase(tokens, high.stop, "之间")
            return high.stop if behind is None else behind, *_between(
                goods, low.number, high.number, high.currency or low.currency
            )
    for sign, phrases in _BELOW.items():
        for phrase in phrases:
            after = _phrase(tokens, at, phrase)
            sum = None if after is None else _money(tokens, after)
            if sum and (
                sure
                or phrase not in _NEED_MONEY
                or sum.currency is not None
                or (sum.stop == len(tokens) and phrase not in _SURE)
            ):
                return sum.stop, *_compared(goods, sign, sum.number, sum.currency)
    sum = _money(tokens, at)
    if sum is not None:
        for sign, phrases in _BEHIND.items():
            for phrase in phrases:
                stop = _phrase(tokens, sum.stop, phrase)
                if stop is not None and (sure or not phrase.isascii() or sum.currency is not None):
                    return stop, *_compared(goods, sign, sum.number, sum.currency)
    return None


@dataclass(frozen=True, slots=True)
class _Money:
    number: float
    stop: int
    currency: str | None


def _money(tokens: Sequence[Token], at: int) -> _Money | None:
    currency: str | None = None
    if at < len(tokens) and tokens[at].folded in _CURRENCIES:
        currency, at = _CURRENCIES[tokens[at].folded], at + 1
    if at >= len(tokens) or not tokens[at].is_number:
        return None
    number = read_amount(tokens[at].text)
    stop = at + 1
    if number is None:
        return None
    for length in range(min(3, len(tokens) - stop), 0, -1):
        word = "".join(token.folded for token in tokens[stop : stop + length])
        if currency is None and word in _CURRENCIES and (length == 1 or not word.isascii()):
            return _Money(number, stop + length, _CURRENCIES[word])
        if word in _UNITS and (length == 1 or not word.isascii()):
            return None
    return _Money(number, stop, currency)


def read_amount(text: str) -> float | None:
    """The number of "1,299.50", "1.299,00", "1'299" or "49,90"; None for one of more than nine digits."""
    digits = re.sub(r"[.,'’]", "", text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > _MOST_DIGITS:
        return None
    last = max(text.rfind("."), text.rfind(","))
    behind = len(text) - last - 1
    has_both = "." in text and "," in text
    if last >= 0 and (behind != 3 or has_both) and text.count(text[last]) == 1:
        return float(digits[: len(digits) - behind] + "." + digits[len(digits) - behind :])
    return float(digits)


def _phrase(tokens: Sequence[Token], at: int, phrase: str) -> int | None:
    """Where a phrase that begins at a token ends; None where it does not stand there."""
    if not phrase:
        return at
    for wanted in _split(phrase):
        if at >= len(tokens) or tokens[at].folded != wanted:
            return None
        at += 1
    return at


_PHRASES: dict[str, tuple[str, ...]] = {}


def _split(phrase: str) -> tuple[str, ...]:
    if phrase not in _PHRASES:
        _PHRASES[phrase] = tuple(token.folded for token in tokens_of(phrase))
    return _PHRASES[phrase]


def _compared(goods: Goods, sign: str, number: float, currency: str | None) -> tuple[Filter | None, str]:
    if sign == "~":
        return _between(goods, (1 - _ABOUT) * number, (1 + _ABOUT) * number, currency)
    operator: Operator = "<" if sign == "<" else "<=" if sign == "<=" else ">" if sign == ">" else ">="
    return _in_currency(goods, [Compare(goods.price, operator, number)], currency)


def _between(goods: Goods, low: float, high: float, currency: str | None) -> tuple[Filter | None, str]:
    low, high = round(low, 2), round(high, 2)
    return _in_currency(goods, [Compare(goods.price, ">=", low), Compare(goods.price, "<=", high)], currency)


def _in_currency(goods: Goods, terms: list[Filter], currency: str | None) -> tuple[Filter | None, str]:
    if not goods.price:
        return None, "the catalog has no prices"
    note = ""
    if currency and goods.currencies:
        if currency not in goods.currencies:
            note = f"prices are in {', '.join(goods.currencies)} and were not converted"
        elif len(goods.currencies) > 1:
            terms = [*terms, Compare("currency", "=", currency)]
    return (terms[0] if len(terms) == 1 else And(tuple(terms))), note


def _size(tokens: Sequence[Token], at: int, goods: Goods) -> Amount | None:
    word = tokens[at].folded
    for length in range(min(2, len(tokens) - at), 0, -1):
        named = "".join(token.folded for token in tokens[at : at + length])
        if named in _SIZES and (length == 1 or not named.isascii()):
            at_value = at + length
            while at_value < len(tokens) and tokens[at_value].folded in (":", "=", "in", *_AREAS):
                at_value += 1
            if at_value < len(tokens) and (tokens[at_value].is_number or len(tokens[at_value].folded) <= 4):
                return _sized(tokens, at, at_value, at_value + 1, goods)
    if tokens[at].is_number and at + 1 < len(tokens) and tokens[at + 1].folded in ("码", "号"):
        return _sized(tokens, at, at, at + 2, goods)
    spelled, stop = word, at + 1
    if tokens[at].is_number and stop < len(tokens) and tokens[stop].start == tokens[at].end:
        spelled, stop = word + tokens[stop].folded, stop + 1  # "2xl"
    if _LETTERS.fullmatch(spelled):
        found = _sized(tokens, at, at, stop, goods)
        return found if found is not None and found.filter is not None else None
    return None


def _sized(tokens: Sequence[Token], start: int, at: int, stop: int, goods: Goods) -> Amount | None:
    value = "".join(token.folded for token in tokens[at:stop] if token.folded not in ("码", "号"))
    if tokens[at].is_number and stop < len(tokens) and _LETTERS.fullmatch(value + tokens[stop].folded):
        value, stop = value + tokens[stop].folded, stop + 1
    if not goods.sizes:
        return Amount("size", start, stop, None, "the catalog has no sizes", stays=True)
    fitting: list[tuple[str, tuple[str, ...]]] = []
    for name, values in goods.sizes.items():
        having = tuple(sorted(one for one in values if _is_size(one, value)))
        if having:
            fitting.append((name, having))
    if not fitting:
        return Amount("size", start, stop, None, f'no product has the size "{value}"', stays=True)
    name, having = max(fitting, key=lambda one: len(one[1]))
    texts: tuple[Value, ...] = having
    return Amount("size", start, stop, In(name, texts))


def _is_size(written: str, wanted: str) -> bool:
    """Whether a value is a size: "EU 42" and "42.0" are 42."""
    parts = {part for part in re.split(r"[\s/()]+", fold(written)) if part and part not in _AREAS}
    return parts == {wanted} or parts == {f"{wanted}.0"}

"""Columns that promise a type by their names: a price, a stock, a weight, a date; and which cells keep the promise."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from itertools import permutations

from catalens.feeds.columns import key_of
from catalens.feeds.draft import Draft
from catalens.feeds.prices import is_price
from catalens.types import Failure

LONGEST = 200
"""Characters of a cell that may hold a stock, a weight or a date."""
EMPTY = frozenset({"", "-", "--", "n/a", "na", "null", "none", "nan", "–", "—", "0000-00-00", "0000-00-00 00:00:00"})
"""What stands for nothing; the last two are MySQL's."""
_PRICE_WORDS = frozenset(
    [
        "eur", "usd", "gbp", "chf", "jpy", "cny", "inr", "pln", "sek", "dkk", "nok", "aud", "cad", "czk", "gross",
        "net", "brutto", "netto", "min", "max", "from", "to", "amount", "value",
    ]
)  # fmt: skip
"""What follows `price_` where the cell is an amount; `price_unit` or `price_note` hold texts."""
_STOCK = frozenset(
    [
        "stock", "qty", "quantity", "inventory", "stock_quantity", "inventory_quantity", "available_quantity",
        "stock_level", "stock_qty", "in_stock_quantity", "variant_inventory_qty", "bestand", "lagerbestand",
        "existencias", "cantidad", "quantité", "voorraad", "giacenza", "库存", "数量", "在庫数",
    ]
)  # fmt: skip
_WEIGHT = frozenset(
    [
        "weight", "gewicht", "poids", "peso", "重量", "重さ",
    ]
)  # fmt: skip
_WEIGHT_ENDS = (
    "_weight",
    "_weight_kg",
    "_weight_g",
    "_weight_lb",
    "_weight_oz",
    "_grams",
    "weight_kg",
    "weight_g",
    "weight_lb",
)
_DATE_ENDS = ("_date", "_at", "_datum")
_DATES = frozenset(["date", "datum", "fecha", "日期", "日付"])
_STOCK_CELL = re.compile(r"[+-]?\d{1,12}(?:[.,]\d{1,6})?\+?", re.ASCII)
_WEIGHT_CELL = re.compile(r"\+?(?:\d{1,12}(?:[.,' ]\d{1,6})*|[.,]\d{1,6})\s*[^\W\d_]{0,12}\.?")
_DAY = re.compile(r"(\d{1,4})[-./ 年](\d{1,2})[-./ 月](\d{1,4})日?(?:[T ,].*)?", re.ASCII)
_WRITTEN_DAY = re.compile(r"(?=.*\b\d{1,2}\b)(?=.*\b\d{4}\b)(?=.*[^\W\d_]{3})[\w ,.:+-]{6,40}")
_STAMP = re.compile(r"\d{8}|\d{9,13}|\d{14}|\d{5}(?:\.\d+)?", re.ASCII)
"""20260131, seconds or milliseconds since 1970, 20260131120000, days of a spreadsheet."""


def type_of(name: str) -> str:
    """What a cell of an attribute of this name is: price, stock, weight or date; "" where it promises nothing."""
    if is_price(name):
        return "price" if name == "price" or name.endswith("_price") or name[6:] in _PRICE_WORDS else ""
    if name in _STOCK:
        return "stock"
    if name in _WEIGHT or name.endswith(_WEIGHT_ENDS):
        return "weight"
    return "date" if name in _DATES or name.endswith(_DATE_ENDS) else ""


def keeps(kind: str, value: str | float) -> bool:
    """Whether the value of a cell is of a type ("stock", "weight" or "date")."""
    if not isinstance(value, str):
        return kind == "date" or (math.isfinite(value) and (kind == "stock" or value >= 0))
    text = value.strip()
    if len(text) > LONGEST:
        return False
    if kind == "stock":
        return _STOCK_CELL.fullmatch(text) is not None
    if kind == "weight":
        return _WEIGHT_CELL.fullmatch(text) is not None
    return all(map(_is_day, re.split(r"(?<=\S)/(?=\d{4}-)", text)))  # a period has two


def _is_day(text: str) -> bool:
    if found := _DAY.fullmatch(text):
        return any(_exists(*parts) for parts in permutations(map(int, found.groups())))
    return _STAMP.fullmatch(text) is not None or _WRITTEN_DAY.fullmatch(text) is not None


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return False
    return True


def columns_of_words(drafts: Iterable[Draft | Failure]) -> dict[str, bool]:
    """Names of stocks, weights and dates whose cells are texts of the shop's own ("low", "midweight"): most of three.

    True where some of the cells keep the promise all the same.
    """
    kept: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for draft in drafts:
        if isinstance(draft, Draft):
            for one in (draft, *draft.variants):
                for column, value in one.cells:
                    name = key_of(column)
                    kind = type_of(name)
                    if kind in {"", "price"} or not isinstance(value, str) or value.strip().lower() in EMPTY:
                        continue
                    (kept if keeps(kind, value) else other)[name] += 1
    return {name: kept[name] > 0 for name, count in other.items() if count >= 3 and count > kept[name]}

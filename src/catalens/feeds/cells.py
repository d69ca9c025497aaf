"""The one reader of cells: drafts of all formats become products, by one set of rules for all values."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from catalens.feeds.base import Item, Notes
from catalens.feeds.columns import alias_of, key_of
from catalens.feeds.draft import Draft
from catalens.feeds.markup import plain_text
from catalens.feeds.pictures import Pictures
from catalens.feeds.prices import UNKNOWN, Convention, is_price, price_of
from catalens.feeds.typed import EMPTY, columns_of_words, keeps, type_of
from catalens.types import AttributeValue, Failure, Product, Variant, Where

MOST_ATTRIBUTES = 1000
"""Of one product or variant."""
MOST_VARIANTS = 10_000
"""Of one product."""
LONGEST_NAME = 200
"""Characters of an attribute's name."""
LONGEST_SKU = 500
"""Characters of a sku."""
SAMPLED = 500
"""Products whose prices say how a feed writes them."""
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?", re.ASCII)
_CODES = frozenset(
    [
        "sku", "id", "gtin", "gtin8", "gtin12", "gtin13", "gtin14", "ean", "upc", "isbn", "mpn", "barcode", "zip",
        "item_group_id", "handle", "asin", "hs_code", "postcode", "article_number", "model_number", "parent_sku",
        "ean13",
    ]
)  # fmt: skip
_BAD = re.compile("[\x00\ud800-\udfff]")


_CALLED = {"stock": "number", "weight": "weight", "date": "date"}


def attribute_name(column: str) -> str:
    """A column's name as an attribute's: lower case with underscores, cut to `LONGEST_NAME`."""
    return key_of(column)[:LONGEST_NAME]


def value_of(name: str, text: str) -> AttributeValue:
    """A number where the text is one and is no code (a leading zero or a code's name keeps it text)."""
    if name in _CODES or len(text) > 15 or not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def clean(text: str) -> str:
    """A text as it may be stored: HTML as plain text, nothing that no database takes."""
    return plain_text(_BAD.sub("\ufffd", text) if not text.isascii() or "\0" in text else text)


class Reader:
    """Reads the drafts of one source.

    Args:
        source: its name, for places.
        pictures: where its picture paths start from.
        notes: what is counted goes here.
        hint: decimal mark of the language that it is in, where known.
        adds_aliases: whether attributes are given under the names that filters ask for too.
    """

    def __init__(
        self, source: str, pictures: Pictures, notes: Notes, *, hint: str = "", adds_aliases: bool = True
    ) -> None:
        self._source, self._pictures, self._notes = source, pictures, notes
        self._hint, self._adds_aliases = hint, adds_aliases
        self._convention = UNKNOWN
        self._lines: dict[int, int] = {}
        self._words: Mapping[str, bool] = {}

    def products(self, drafts: Iterable[Draft | Failure]) -> Iterator[Item]:
        """Products and failures. No draft is lost: one whose sku came before is named."""
        rest = iter(drafts)
        first = list(islice(rest, SAMPLED))
        self._convention = Convention.of(_price_texts(first), currency=_currency(first), hint=self._hint)
        self._words = columns_of_words(first)
        for part in (first, rest):
            for draft in part:
                if isinstance(draft, Failure):
                    yield draft
                else:
                    yield from self._product(draft)

    def _where(self, draft: Draft, column: str | None = None) -> Where:
        return Where(self._source, draft.line, column)

    def _product(self, draft: Draft) -> Iterator[Item]:
        where = self._where(draft, draft.column)
        sku = self._sku(draft.sku) or self._called(draft)
        if not sku:
            yield Failure(where, "row", "no sku", "give every product a sku of its own")
            return
        before = self._lines.get(hash(sku))
        if before is not None and draft.group and draft.variants:
            sku = self._free(sku, "group")
            self._notes.count("{} group has the id of an item; it is called ID-group", "{} groups have ids of items")
        elif before is not None:
            why = f"the sku came before, on line {before}" if before else "the sku came before"
            yield Failure(where, sku, why, "give every product a sku of its own")
            return
        self._lines[hash(sku)] = draft.line or 0
        if len(draft.variants) == 1 and draft.variants[0].is_plain:
            draft = self._collapsed(draft)
            if draft.sku and (draft.sku == sku or hash(draft.sku) not in self._lines):
                sku = draft.sku
                self._lines[hash(sku)] = draft.line or 0
        failures: list[Failure] = []
        own: set[str] = set()
        variants = [self._variant(sku, variant, draft, own, failures) for variant in draft.variants[:MOST_VARIANTS]]
        if len(draft.variants) > MOST_VARIANTS:
            why = f"{len(draft.variants)} variants; the first {MOST_VARIANTS} are read"
            failures.append(Failure(where, sku, why, "divide the product"))
        attributes = self._attributes(draft, failures)
        if draft.variants and "price" not in attributes:
            attributes |= lowest_price(variant.attributes for variant in variants)
        if "currency" in attributes:
            variants = [_without_currency(variant, attributes["currency"]) for variant in variants]
        pictures, dead = self._pictures.find_all(self._named(draft), base=draft.page)
        yield Product(
            sku=sku,
            where=self._where(draft),
            title=clean(draft.title),
            description=clean(draft.description),
            attributes=attributes,
            pictures=pictures,
            variants=tuple(variants),
            lost=tuple(failure.what for failure in dead),
            mentions=draft.mentions,
        )
        yield from (*failures, *dead)

    def _sku(self, text: str) -> str:
        return _BAD.sub("\ufffd", text.strip())[:LONGEST_SKU]

    def _called(self, draft: Draft) -> str:
        """What a product without a sku is called by: its title's letters, each product by its own."""
        made = re.sub(r"\W+", "-", clean(draft.title).casefold()).strip("-")[:100]
        if not made:
            return ""
        self._notes.count(
            "{} product has no sku and is called by its title", "{} products have no sku and are called by their titles"
        )
        return self._free(made, "2") if hash(made) in self._lines else made

    def _free(self, sku: str, more: str) -> str:
        made, number = f"{sku}-{more}", 1
        while hash(made) in self._lines:
            number += 1
            made = f"{sku}-{more}-{number}"
        return made

    @staticmethod
    def _collapsed(draft: Draft) -> Draft:
        """A product whose only variant has no options is that variant."""
        only = draft.variants[0]
        names = {name for name, _ in draft.cells}
        draft.sku = only.sku or draft.sku
        draft.cells += [cell for cell in only.cells if cell[0] not in names]
        draft.pictures += only.pictures
        draft.title = draft.title or only.title
        draft.variants = []
        return draft

    def _variant(self, product: str, draft: Draft, parent: Draft, own: set[str], failures: list[Failure]) -> Variant:
        sku = self._sku(draft.sku)
        if not sku:
            sku = self._free(product, _slug(draft.title) or str(len(own) + 1))
        elif sku in own or (sku != product and hash(sku) in self._lines):
            sku = self._free(sku, _slug(draft.title) or "2")
            self._notes.count(
                "{} variant has the sku of another and got one of its own",
                "{} variants have the sku of another and got one of their own",
            )
        own.add(sku)
        self._lines[hash(sku)] = draft.line or 0
        pictures, dead = self._pictures.find_all(self._named(draft), base=draft.page or parent.page)
        attributes = self._attributes(draft, failures)
        failures += dead
        lost = tuple(failure.what for failure in dead)
        return Variant(sku, clean(draft.title), attributes, pictures, lost)

    def _named(self, draft: Draft) -> list[tuple[object, Where]]:
        return [(value, Where(self._source, line or draft.line, column)) for column, value, line in draft.pictures]

    def _attributes(self, draft: Draft, failures: list[Failure]) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        for column, value in draft.cells:
            name = attribute_name(column)
            if name and len(found) <= MOST_ATTRIBUTES:
                self._take(found, name, value, draft.line)
        if self._adds_aliases:
            for name in list(found):
                canonical = alias_of(name)
                if canonical is not None:
                    found.setdefault(canonical, found[name])
        for name, value in islice(draft.own.items(), MOST_ATTRIBUTES + 1):
            kept = _kept(value)
            if kept is not None:
                found[_BAD.sub("\ufffd", str(name))[:LONGEST_NAME]] = kept
        if len(found) > MOST_ATTRIBUTES or len(draft.own) > MOST_ATTRIBUTES:
            why = f"more than {MOST_ATTRIBUTES} attributes; the first {MOST_ATTRIBUTES} are read"
            failures.append(Failure(self._where(draft), draft.sku or "row", why, "leave out what nobody asks for"))
            found = dict(islice(found.items(), MOST_ATTRIBUTES))
        return found

    def _take(self, found: dict[str, AttributeValue], name: str, value: object, line: int | None) -> None:
        """Add an attribute: a price with its currency, a text or number, several values as a tuple.

        A cell that is not of the type that its column promises is left out and named.
        """
        kind = type_of(name)
        if kind == "price" and value is not None and value != []:
            self._take_price(found, name, value, line)
            return
        if isinstance(value, str):
            text = clean(value)
            kept: AttributeValue | None = value_of(name, text) if text else None
        else:
            kept = _kept(value)
        if kept is None:
            return
        if kind and isinstance(kept, str | int | float):
            if isinstance(kept, str) and kept.lower() in EMPTY:
                return
            if self._words.get(name) is not False and not keeps(kind, kept):
                is_text = name in self._words
                self._notes.unread(
                    name, f"{_CALLED[kind]} and {'kept as texts' if is_text else 'left out'}", kept, line
                )
                if not is_text:
                    return
        before = found.setdefault(name, kept)
        if before != kept:  # columns of one name: none hides another
            values = (*_several(before), *_several(kept))
            found[name] = tuple(dict.fromkeys(map(str, values)))

    def _take_price(self, found: dict[str, AttributeValue], name: str, value: object, line: int | None) -> None:
        """Add a price, the first of several; what is none, or below zero, is left out and named."""
        currency = ""
        while isinstance(value, list | tuple) and value:
            value = value[0]
        if isinstance(value, dict):
            value, currency = _money(value)
        text = clean(value) if isinstance(value, str) else ""
        if isinstance(value, str) and text.lower() in EMPTY:
            return
        price = price_of(text, self._convention)
        amount = price[0] if price is not None else value
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount <= sys.float_info.max:
            self._notes.unread(name, "price and left out", value, line)
        elif name not in found:
            found[name] = float(amount)
            if currency := currency or (price[1] if price is not None else ""):
                found.setdefault("currency", currency)


def lowest_price(each: Iterable[Mapping[str, AttributeValue]]) -> dict[str, AttributeValue]:
    """The price of a product by those of its variants: the lowest, with its currency; nothing where none has one."""
    priced = [one for one in each if isinstance(one.get("price"), float)]
    if not priced:
        return {}
    least = min(priced, key=lambda one: one["price"])
    return {name: least[name] for name in ("price", "currency") if name in least}


def _money(value: dict[str, object]) -> tuple[str | float, str]:
    """Amount and currency of an object such as {"value": "12.50", "currency": "EUR"}."""
    amount = next((value[key] for key in ("amount", "value", "price", "centAmount") if value.get(key) is not None), "")
    currency = next((value[key] for key in ("currency", "currency_code", "currencyCode") if value.get(key)), "")
    if "centAmount" in value and isinstance(amount, int):
        amount = amount / 100
    return amount if isinstance(amount, str | int | float) else "", currency if isinstance(currency, str) else ""


def _kept(value: object) -> AttributeValue | None:
    """A value that is no text of a cell, as an attribute; None where it is none."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value) if value.bit_length() < 400 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        texts = [clean(item) if isinstance(item, str) else _dumped(item) for item in value[:MOST_ATTRIBUTES]]
        return tuple(text for text in texts if text) or None
    return None if value is None else _dumped(value)


def _dumped(value: object) -> str:
    return _BAD.sub("\ufffd", json.dumps(value, ensure_ascii=False, default=str))


def _without_currency(variant: Variant, currency: AttributeValue) -> Variant:
    """A variant that does not repeat the currency of its product."""
    if variant.attributes.get("currency") != currency:
        return variant
    rest = {name: value for name, value in variant.attributes.items() if name != "currency"}
    return replace(variant, attributes=rest)


def _several(value: AttributeValue) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text).strip("-")[:80]


def _price_texts(drafts: Iterable[Draft | Failure]) -> Iterator[str]:
    for draft in drafts:
        if isinstance(draft, Draft):
            yield from (value for column, value in draft.cells if isinstance(value, str) and is_price(key_of(column)))
            yield from _price_texts(draft.variants)


def _currency(drafts: Iterable[Draft | Failure]) -> str:
    """The currency that a column of its own names."""
    for draft in drafts:
        if isinstance(draft, Draft):
            for column, value in draft.cells:
                if key_of(column) == "currency" and isinstance(value, str) and value:
                    return value
    return ""

"""Product feeds for agents: the Agentic Commerce Protocol's JSON, and OpenAI's flat table of items.

Prices of the JSON are in minor units (`{"amount": 1999, "currency": "USD"}` is 19.99), by ISO 4217.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from catalens.feeds.base import Notes, Options, Reading, Sample
from catalens.feeds.cells import Reader
from catalens.feeds.draft import Draft, grouped
from catalens.feeds.google import field_name, read_table
from catalens.feeds.jsonlines import object_drafts, values
from catalens.feeds.pictures import Pictures
from catalens.feeds.text import encoding_of
from catalens.types import Failure, Where

_FLAGS = frozenset({"is_eligible_search", "is_eligible_checkout", "enable_search", "enable_checkout"})
_RENAMED = {
    "item_id": "id",
    "url": "link",
    "image_url": "image_link",
    "additional_image_urls": "additional_image_link",
    "group_id": "item_group_id",
}
_MINOR = re.compile(r"\"amount\"\s{0,20}:\s{0,20}\d")
_EXPONENTS = dict.fromkeys(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0
) | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
"""Decimals of currencies that have not two, by ISO 4217."""


class AcpFeed:
    """Products with their variants, or items that a group joins."""

    name = "acp"

    def recognises(self, sample: Sample) -> bool:
        if sample.header:
            return bool({field_name(column) for column in sample.header} & _FLAGS)
        head = sample.head
        marks = ('"media"', '"variant_options"', '"list_price"', '"barcodes"', '"availability"')
        return '"variants"' in head and (
            (bool(_MINOR.search(head)) and '"currency"' in head and any(mark in head for mark in marks))
            or '"variant_options"' in head
        )

    def read(self, source: Path, options: Options) -> Reading:
        if source.suffix.lower() in {".csv", ".tsv", ".txt"} or not _is_json(source):
            return read_table(source, options, self.name, _RENAMED)
        notes = Notes()
        name = options.name or source.name
        reader = Reader(name, Pictures.of(options.beside or source, options.media), notes)
        found = values(source, encoding_of(source, options.encoding), name)
        return Reading(self.name, notes, reader.products(grouped(_drafts(found, name))))


def decimals_of(currency: str) -> int:
    """Decimals of a currency's minor unit, by ISO 4217."""
    return _EXPONENTS.get(currency.upper(), 2)


def _is_json(source: Path) -> bool:
    with source.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"{", b"["}


def _drafts(found: Iterator[tuple[int, object]], name: str) -> Iterator[Draft | Failure]:
    for line, value in found:
        where = Where(name, line)
        if isinstance(value, Failure):
            yield value
        elif not isinstance(value, Mapping):
            yield Failure(where, "product", "no JSON object", "write one object per product")
        else:
            for draft in object_drafts(_in_major_units(value), line, where, {}):
                yield _whole(draft) if isinstance(draft, Draft) else draft


def _in_major_units(value: Mapping[str, object]) -> dict[str, object]:
    """The object with its prices, and those of its variants, in the unit that people write."""
    found: dict[str, object] = {}
    for key, item in value.items():
        if isinstance(item, Mapping) and isinstance(item.get("amount"), int) and "currency" in item:
            found[str(key)] = {
                "amount": item["amount"] / 10 ** decimals_of(str(item["currency"])),
                "currency": item["currency"],
            }
        elif key == "variants" and isinstance(item, list):
            found[str(key)] = [_in_major_units(one) if isinstance(one, Mapping) else one for one in item]
        else:
            found[str(key)] = item
    return found


def _whole(draft: Draft) -> Draft:
    """A product takes the description and category of its first variant where it has none."""
    if not draft.variants:
        return draft
    first = draft.variants[0]
    return replace(draft, title=draft.title or first.title, description=draft.description or first.description)

"""JSON Lines or a JSON array: one object a product; what `catalens export --format jsonl` writes comes back whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from catalens.errors import FeedError
from catalens.feeds.base import Item, Reading, Sample
from catalens.feeds.cells import Pictures, attribute_name
from catalens.feeds.text import LINE_CAP, encoding_note, encoding_of, physical_lines
from catalens.types import AttributeValue, Failure, PictureSource, Product, Variant, Where

_SKU, _TITLE = ("sku", "id", "product_id"), ("title", "name", "product_name")
_TEXT = ("description", "text")
_PICTURES = ("pictures", "images", "image", "picture", "photo", "image_link", "additional_images")
_TAKEN = frozenset({*_SKU, *_TITLE, *_TEXT, *_PICTURES, "attributes", "variants"})
ARRAY_CAP = 64 * 1024 * 1024

Record = dict[str, object]


class JsonLinesFeed:
    """Keys that are no field become attributes; `attributes` may also hold them."""

    name = "jsonlines"

    def recognises(self, sample: Sample) -> bool:
        return sample.head.lstrip().startswith(("{", "["))

    def read(self, source: Path, *, media: Path | None, mapping: Mapping[str, str] | None) -> Reading:
        encoding = encoding_of(source)
        pictures = Pictures.of(source, media, absolute=True)
        return Reading(self.name, encoding_note(encoding), _items(source, encoding, pictures, mapping or {}))


def _items(source: Path, encoding: str, pictures: Pictures, mapping: Mapping[str, str]) -> Iterator[Item]:
    first_line: dict[str, int] = {}
    for line, value in _values(source, encoding):
        where = Where(source.name, line)
        if isinstance(value, Failure):
            yield value
            continue
        if not isinstance(value, dict):
            yield Failure(where, "line", "no JSON object", "write one object a line")
            continue
        record: Record = {str(key): item for key, item in value.items()}
        record |= {field: record.pop(column) for field, column in mapping.items() if column in record}
        sku = _text(record, _SKU)
        if not sku:
            yield Failure(where, "line", "no sku", 'give every object a "sku"')
        elif sku in first_line:
            why = f"the sku came before, on line {first_line[sku]}"
            yield Failure(where, sku, why, "give every product a sku of its own")
        else:
            first_line[sku] = line
            yield from _product(record, sku, where, pictures)


def _values(source: Path, encoding: str) -> Iterator[tuple[int, object]]:
    """(line, value or failure) of JSON Lines, or of the elements of one array (their ordinal as the line)."""
    for line, text in enumerate(physical_lines(source, encoding), start=1):
        if line == 1 and text.lstrip().startswith("["):
            yield from enumerate(_array(source, encoding), start=1)
            return
        where = Where(source.name, line)
        if len(text) > LINE_CAP:
            yield line, Failure(where, "line", f"more than {LINE_CAP} characters", "split it")
        elif text.strip():
            try:
                yield line, json.loads(text)
            except (ValueError, RecursionError) as error:
                yield line, Failure(where, "line", f"not JSON: {error}", "write one object a line")


def _array(source: Path, encoding: str) -> list[object]:
    if source.stat().st_size > ARRAY_CAP:
        raise FeedError(f"{source} is one JSON array of more than {ARRAY_CAP // 2**20} MB", cure="write JSON Lines")
    try:
        found = json.loads(source.read_text(encoding))
    except (ValueError, RecursionError) as error:
        raise FeedError(f"{source} is not JSON: {error}", cure="write one object a line") from None
    return found if isinstance(found, list) else [found]


def _product(record: Record, sku: str, where: Where, pictures: Pictures) -> Iterator[Item]:
    found, failures = _pictures(record, where, pictures)
    variants = []
    for number, item in enumerate(_list(record.get("variants"))):
        if not isinstance(item, dict) or not _text(item, _SKU):
            failures.append(Failure(where, f"{sku}, variant {number + 1}", "no object with a sku", "give it a sku"))
            continue
        own, dead = _pictures(item, where, pictures)
        failures += dead
        variants.append(Variant(_text(item, _SKU), _text(item, _TITLE), _attributes(item), own))
    yield Product(
        sku=sku,
        where=where,
        title=_text(record, _TITLE),
        description=_text(record, _TEXT),
        attributes=_attributes(record),
        pictures=found,
        variants=tuple(variants),
    )
    yield from failures


def _text(record: Record, names: tuple[str, ...]) -> str:
    value = next((record[name] for name in names if record.get(name) not in (None, "")), "")
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _pictures(record: Record, where: Where, pictures: Pictures) -> tuple[tuple[PictureSource, ...], list[Failure]]:
    named: list[str] = []
    for key in _PICTURES:
        value = record.get(key)
        named += [value] if isinstance(value, str) else [item for item in _list(value) if isinstance(item, str)]
    return pictures.find_all((text.strip(), where) for text in named)


def _attributes(record: Record) -> dict[str, AttributeValue]:
    """Attributes under `attributes` by their own names; other keys that are no fields by the usual ones."""
    own = record.get("attributes")
    pairs = [(str(key), value) for key, value in own.items()] if isinstance(own, dict) else []
    pairs += [(attribute_name(key), value) for key, value in record.items() if key not in _TAKEN]
    found: dict[str, AttributeValue] = {}
    for name, value in pairs:
        if isinstance(value, str | int | float):
            found.setdefault(name, value)
        elif isinstance(value, list) and value:
            found.setdefault(name, tuple(map(str, value)))
        elif value is not None and name:
            found.setdefault(name, json.dumps(value, ensure_ascii=False))
    return found

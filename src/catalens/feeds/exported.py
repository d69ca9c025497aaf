"""The CSV that `catalens catalog export` writes: its columns and cells, and the feed that reads them back unchanged.

A cell holds a value as text. Where the text alone would be read as another value (a text "20", a list, "true"), the
column `types` says what it is, as JSON: `{"tags": "list"}`. A cell that was edited keeps its type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from catalens.feeds.base import Item, Notes, Options, Reading, Sample
from catalens.feeds.cells import value_of
from catalens.feeds.pictures import Pictures
from catalens.feeds.prices import is_price, price_of
from catalens.feeds.tables import Table
from catalens.json_text import parse_json
from catalens.types import AttributeValue, Failure, PictureSource, Product, Variant, Where

FIRST_COLUMNS = ("sku", "title", "description", "image", "additional_images", "variants")
"""Of every export; the attributes follow."""
TYPES = "types"
_ATTRIBUTE = "attribute:"
"""In front of the name, as JSON, of an attribute that cannot be a column's: one of the first columns', say."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that starts so for a formula (OWASP, CSV injection)."""


def safe(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would run it as a formula; `plain` takes it off."""
    return "'" + text if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def plain(text: str) -> str:
    """The text that `safe` was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA_STARTS) else text


def column_of(attribute: str) -> str:
    """The name of an attribute's column."""
    is_taken = attribute in {"", *FIRST_COLUMNS, TYPES} or attribute.startswith((_ATTRIBUTE, "\ufeff"))
    is_clear = not is_taken and attribute == attribute.strip() and attribute.isprintable()
    return safe(attribute if is_clear else _ATTRIBUTE + json.dumps(attribute))


def attribute_of(column: str) -> str:
    """The attribute that `column_of` was given."""
    name = plain(column)
    if not name.startswith(_ATTRIBUTE):
        return name
    try:
        return str(parse_json(name.removeprefix(_ATTRIBUTE)))
    except ValueError:
        return name


def text_of(value: AttributeValue) -> str:
    """A value as the text of a cell."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, str) else joined(value)


def joined(texts: tuple[str, ...]) -> str:
    """Texts with bars between them; as JSON where that could not be divided again."""
    text = "|".join(texts)
    is_clear = tuple(text.split("|")) == texts and not text.startswith("[")
    return text if is_clear else json.dumps(texts, ensure_ascii=False)


def divided(text: str) -> tuple[str, ...]:
    """The texts that `joined` was given; one that is no valid JSON is divided at its bars."""
    if text.startswith("["):
        try:
            found = parse_json(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return tuple(map(str, found))
    return tuple(text.split("|"))


def type_of(name: str, value: AttributeValue) -> str:
    """The type of a value that its text alone does not say; "" where it does."""
    read = _value(name, text_of(value), "")
    if type(read) is type(value) and read == value:
        return ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    return "text" if isinstance(value, str) else "list"


def _value(name: str, text: str, type: str) -> AttributeValue | None:
    """The value of a cell; None where it is empty. A text that is not of its type is read as if it had none."""
    if type == "text":
        return text
    if type == "list":
        return divided(text)
    if type == "boolean" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if type in {"integer", "number"}:
        try:
            return int(text) if type == "integer" else float(text)
        except ValueError:
            pass
    if not text:
        return None
    if is_price(name) and (price := price_of(text)) is not None:
        return price[0]
    return value_of(name, text)


class ExportedFeed:
    """One row a product, nothing guessed: texts stay as they are, and a product may have no picture."""

    name = "catalens"

    def recognises(self, sample: Sample) -> bool:
        return sample.header[: len(FIRST_COLUMNS) + 1] == (*FIRST_COLUMNS, TYPES)

    def read(self, source: Path, options: Options) -> Reading:
        table = Table(source, name=options.name, encoding=options.encoding)
        pictures = Pictures.of(options.beside or source, options.media, absolute=True)
        names = {attribute_of(column) for column in table.header} - {*FIRST_COLUMNS, TYPES}
        mentions = frozenset({"title", "description", "pictures", "variants"} | names)
        return Reading(self.name, Notes(list(table.notes)), _items(table, pictures), mentions)


def _items(table: Table, pictures: Pictures) -> Iterator[Item]:
    lines: dict[int, int] = {}
    for line, cells in table.records():
        where = Where(table.name, line)
        if isinstance(cells, str):
            yield Failure(where, "row", cells, "fix this line, or export the file again")
            continue
        if not any(cells):
            continue
        row = dict(zip(table.header, map(plain, cells), strict=False))
        sku = row.get("sku", "")
        before = lines.setdefault(hash(sku), line)
        if len(cells) > len(table.header) or not sku.strip() or before != line:
            why = "no sku" if not sku.strip() else f"the sku came before, on line {before}"
            if len(cells) > len(table.header):
                why = f"{len(cells)} cells where the header has {len(table.header)}"
            yield Failure(where, sku or "row", why, "fix this line, or export the file again")
            continue
        try:
            yield from _product(row, where, pictures)
        except (ValueError, TypeError, KeyError, AttributeError):
            cure = "leave the columns variants and types as the export wrote them"
            yield Failure(where, sku, "its variants or types are not the JSON of an export", cure)


def _product(row: Mapping[str, str], where: Where, pictures: Pictures) -> Iterator[Item]:
    dead: list[Failure] = []

    def found(texts: list[str]) -> tuple[PictureSource, ...]:
        items = [pictures.find(text, where) for text in texts]
        dead.extend(item for item in items if isinstance(item, Failure))
        return tuple(item for item in items if isinstance(item, PictureSource))

    types = parse_json(row.get(TYPES) or "{}")
    if not isinstance(types, dict):
        raise TypeError
    attributes: dict[str, AttributeValue] = {}
    for column in [column for column in row if column not in {*FIRST_COLUMNS, TYPES}]:
        name = attribute_of(column)
        value = _value(name, row[column], types.get(name, ""))
        if value is not None:
            attributes[name] = value
    named = [row.get("image", "")] if row.get("image") else []
    own = found(named + (list(divided(row["additional_images"])) if row.get("additional_images") else []))
    lost = tuple(failure.what for failure in dead)
    variants = []
    for each in parse_json(row.get("variants") or "[]"):
        before = len(dead)
        shown = found([str(location) for location in each.get("pictures", ())])
        given = {
            str(name): tuple(map(str, value)) if isinstance(value, list) else value
            for name, value in each.get("attributes", {}).items()
        }
        gone = tuple(failure.what for failure in dead[before:])
        variants.append(Variant(str(each["sku"]), str(each.get("title", "")), given, shown, gone))
    yield Product(
        row["sku"], where, row.get("title", ""), row.get("description", ""), attributes, own, tuple(variants), lost
    )
    yield from dead

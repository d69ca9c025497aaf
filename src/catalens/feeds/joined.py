"""A second table beside a feed: pictures, prices or other attributes, a row or several for each sku."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalens.errors import FeedError, UsageError
from catalens.feeds.base import Item, Notes, Options, Reading
from catalens.feeds.cells import MOST_ATTRIBUTES, Reader
from catalens.feeds.columns import field_of, key_of, mentioned, picture_columns
from catalens.feeds.draft import Draft
from catalens.feeds.pictures import Pictures
from catalens.feeds.tables import Table
from catalens.types import Failure, PictureSource, Product, Variant

MOST_COLUMNS = 12
"""Columns of a table that is taken for a second one unasked."""
_POSITIONS = frozenset({"position", "image_position", "sort", "sort_order", "order", "rank"})
_SELDOM = frozenset({"title", "description", "category"})


@dataclass(slots=True)
class Side:
    """What a second table says: pictures and attributes by sku."""

    name: str
    products: dict[str, Product]
    failures: list[Failure]
    notes: Notes
    mentions: frozenset[str]


def is_side(path: Path, options: Options) -> bool:
    """Whether a file is a table of pictures or prices only: with a sku, and without titles or descriptions."""
    try:
        table = Table(path, encoding=options.encoding)
    except (FeedError, UsageError, OSError):
        return False
    fields = {field_of(column) for column in table.header}
    says = bool(picture_columns(table.header, looks_right=())) or bool({"price", "currency"} & fields)
    return table.has_header and len(table.header) <= MOST_COLUMNS and "sku" in fields and says and not fields & _SELDOM


def read_side(path: Path, options: Options) -> Side:
    """Read a second table.

    Raises:
        FeedError: it is no table, or has no column of skus.
    """
    table = Table(path, name=options.name, encoding=options.encoding)
    named = options.mapping.get("sku")
    at = next(
        (at for at, column in enumerate(table.header) if (column == named if named else field_of(column) == "sku")),
        None,
    )
    if at is None:
        raise FeedError(
            f"{path} has no column of skus: {', '.join(table.header)}", cure="name it --map sku=COLUMN, in both tables"
        )
    pictures = set(picture_columns(table.header, looks_right=()))
    order = next((one for one, column in enumerate(table.header) if key_of(column) in _POSITIONS), None)
    drafts: dict[str, Draft] = {}
    failures: list[Failure] = []
    said: set[tuple[str, int, str]] = set()
    for row in table.rows():
        if isinstance(row, Failure):
            failures.append(row)
            continue
        sku = row.cells[at]
        if not sku:
            failures.append(Failure(table.where(row, table.header[at]), "row", "no sku", "give every row a sku"))
            continue
        draft = drafts.setdefault(sku, Draft(row.line, sku, column=table.header[at]))
        place = row.cells[order] if order is not None else ""
        for column, text in enumerate(row.cells):
            if not text or column in (at, order):
                continue
            if column in pictures:
                draft.pictures.append((f"{int(place):09}" if place.isdecimal() else "", text, row.line))
            elif len(draft.cells) < MOST_ATTRIBUTES and (sku, column, text) not in said:
                said.add((sku, column, text))
                draft.cells.append((table.header[column], text))
    for draft in drafts.values():
        draft.pictures = [
            ("image", text, line) for _, text, line in sorted(draft.pictures, key=lambda one: one[0] or "~")
        ]
    notes = Notes(list(table.notes))
    reader = Reader(table.name, Pictures.of(options.beside or path, options.media, absolute=True), notes)
    products: dict[str, Product] = {}
    for item in reader.products(drafts.values()):
        if isinstance(item, Product):
            products[item.sku] = item
        else:
            failures.append(item)
    names = mentioned(table.header) | ({"pictures"} if pictures else set())
    return Side(path.name, products, failures, notes, frozenset(names - {"title", "description"}))


def joined(reading: Reading, sides: Sequence[Side]) -> Reading:
    """A reading with what second tables say of its products and variants, by their skus."""
    mentions = reading.mentions
    if mentions is not None:
        mentions = mentions.union(*(side.mentions for side in sides))
    return replace(reading, items=_joined(reading, sides), mentions=mentions)


def _joined(reading: Reading, sides: Sequence[Side]) -> Iterator[Item]:
    used: list[set[str]] = [set() for _ in sides]
    for item in reading:
        if isinstance(item, Failure):
            yield item
            continue
        product = item
        for side, seen in zip(sides, used, strict=True):
            product = _with(product, side, seen)
        yield product
    for side, seen in zip(sides, used, strict=True):
        for note in side.notes.told():
            reading.told.say(note)
        left = len(side.products) - len(seen)
        reading.told.say(
            f"{side.name} joined by sku: {len(seen)} found"
            + (f", {left} are in no product, such as {next(iter(set(side.products) - seen))}" if left else "")
        )
        yield from side.failures


def _with(product: Product, side: Side, seen: set[str]) -> Product:
    variants = tuple(_variant(one, side, seen) for one in product.variants)
    found = side.products.get(product.sku)
    if found is None:
        return replace(product, variants=variants)
    seen.add(product.sku)
    return replace(
        product,
        variants=variants,
        attributes={**product.attributes, **found.attributes},
        pictures=_pictures(product.pictures, found.pictures),
        lost=(*product.lost, *found.lost),
    )


def _variant(variant: Variant, side: Side, seen: set[str]) -> Variant:
    found = side.products.get(variant.sku)
    if found is None:
        return variant
    seen.add(variant.sku)
    return replace(
        variant,
        attributes={**variant.attributes, **found.attributes},
        pictures=_pictures(variant.pictures, found.pictures),
        lost=(*variant.lost, *found.lost),
    )


def _pictures(first: tuple[PictureSource, ...], second: tuple[PictureSource, ...]) -> tuple[PictureSource, ...]:
    return tuple({one.location: one for one in (*first, *second)}.values())

"""Shopify's product CSV, both generations of headers; variants and more pictures come on rows of the same handle."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from catalens.feeds.base import Item, Reading, Sample
from catalens.feeds.cells import Pictures, attributes_of, lowest_price, value_of
from catalens.feeds.markup import plain_text
from catalens.feeds.tables import Row, Table
from catalens.types import AttributeValue, Failure, PictureSource, Product, Variant, Where

NAMES: dict[str, tuple[str, ...]] = {
    "handle": ("handle", "url handle"),
    "title": ("title",),
    "description": ("body (html)", "description", "body html"),
    "vendor": ("vendor",),
    "type": ("type",),
    "tags": ("tags",),
    "sku": ("variant sku", "sku"),
    "price": ("variant price", "price"),
    "image": ("image src", "product image url"),
    "position": ("image position",),
    "alt": ("image alt text",),
    "variant_image": ("variant image", "variant image url"),
}
"""Fields by the old and the new column names, in lower case."""

_OPTION = re.compile(r"option[123] (name|value)", re.IGNORECASE)
_DEFAULT = "Default Title"


class ShopifyFeed:
    """Rows of one handle are one product; each row with options, a SKU or a price is a variant of it."""

    name = "shopify"

    def recognises(self, sample: Sample) -> bool:
        columns = {column.lower() for column in sample.header}
        has = {field for field, names in NAMES.items() if columns & set(names)}
        return {"handle", "title"} <= has and bool(has & {"image", "sku"})

    def read(self, source: Path, *, media: Path | None, mapping: Mapping[str, str] | None) -> Reading:  # noqa: ARG002
        table = Table(source)
        columns = {column.lower(): column for column in table.header}
        named = {field: next((columns[n] for n in names if n in columns), "") for field, names in NAMES.items()}
        return Reading(self.name, table.notes, _Export(table, named, Pictures.of(source, media)).items())


@dataclass
class _Group:
    """The rows of one handle; `first` is the one with the product's own texts."""

    first: Row
    rows: list[Row] = field(default_factory=list)


class _Export:
    def __init__(self, table: Table, named: Mapping[str, str], pictures: Pictures) -> None:
        self._table, self._named, self._pictures = table, named, pictures
        fields = {column for column in named.values() if column}
        self._more = [c for c in table.header if c not in fields and not _OPTION.fullmatch(c)]

    def items(self) -> Iterator[Item]:
        groups: dict[str, _Group] = {}
        for row in self._table.rows():
            if isinstance(row, Failure):
                yield row
                continue
            handle = self._cell(row, "handle") or re.sub(r"\W+", "-", self._cell(row, "title").lower()).strip("-")
            if not handle:
                where = self._table.where(row, self._named["handle"])
                yield Failure(where, "row", "neither handle nor title", "give the product a title")
                continue
            group = groups.setdefault(handle, _Group(row))
            if self._cell(row, "title") and not self._cell(group.first, "title"):
                group.first = row
            group.rows.append(row)
        taken: dict[str, int] = {}
        for handle, group in groups.items():
            yield from self._product(handle, group, taken)

    def _cell(self, row: Row, name: str) -> str:
        return row[self._named[name]]

    def _product(self, handle: str, group: _Group, taken: dict[str, int]) -> Iterator[Item]:
        pictures, failures = self._pictures.find_all(self._images(group.rows))
        variants: list[Variant] = []
        for row in group.rows:
            if not self._is_variant(row):
                continue
            variant, dead = self._variant(row, handle, len(variants), group.first)
            failures += dead
            if variant.sku in taken:
                why = f"the sku came before, on line {taken[variant.sku]}"
                where = self._table.where(row, self._named["sku"])
                failures.append(Failure(where, variant.sku, why, "give every variant a sku of its own"))
            else:
                taken[variant.sku] = row.line
                variants.append(variant)
        attributes = {**self._attributes(group.first), **lowest_price(variant.attributes for variant in variants)}
        sku = handle
        if len(variants) == 1 and not self._options(group.first, group.first):
            sku = self._cell(group.first, "sku") or handle
            attributes = {**variants[0].attributes, **attributes}
            variants = []
        yield Product(
            sku=sku,
            where=self._table.where(group.first),
            title=self._cell(group.first, "title"),
            description=plain_text(self._cell(group.first, "description")),
            attributes=attributes,
            pictures=pictures,
            variants=tuple(variants),
        )
        yield from failures

    def _images(self, rows: list[Row]) -> list[tuple[str, Where]]:
        found = []
        for order, row in enumerate(rows):
            if image := self._cell(row, "image"):
                position = self._cell(row, "position")
                rank = int(position) if position.isdecimal() else len(rows) + order
                found.append((rank, order, image, self._table.where(row, self._named["image"])))
        return [(image, where) for _, _, image, where in sorted(found, key=lambda entry: entry[:2])]

    def _options(self, row: Row, first: Row) -> dict[str, str]:
        """Option name -> value; the names stand on the product's first row only."""
        columns = {column.lower(): column for column in self._table.header}
        found: dict[str, str] = {}
        for number in (1, 2, 3):
            name = first[columns.get(f"option{number} name", "")]
            value = row[columns.get(f"option{number} value", "")]
            if value and value != _DEFAULT:
                found[name or f"option{number}"] = value
        return found

    def _is_variant(self, row: Row) -> bool:
        return bool(self._options(row, row) or self._cell(row, "sku") or self._cell(row, "price"))

    def _variant(self, row: Row, handle: str, number: int, first: Row) -> tuple[Variant, list[Failure]]:
        options = self._options(row, first)
        where = self._table.where(row, self._named["variant_image"])
        pictures: tuple[PictureSource, ...]
        pictures, failures = self._pictures.find_all([(self._cell(row, "variant_image"), where)])
        cells = [*options.items(), ("price", self._cell(row, "price"))]
        if row is not first:
            cells += [(column, row[column]) for column in self._more]
        sku = self._cell(row, "sku") or "-".join([handle, *options.values()] if options else [handle, str(number + 1)])
        return Variant(sku, " / ".join(options.values()), attributes_of(cells), pictures), failures

    def _attributes(self, row: Row) -> dict[str, AttributeValue]:
        found = attributes_of((column, row[column]) for column in self._more)
        for name, column in (("brand", "vendor"), ("category", "type")):
            if text := self._cell(row, column):
                found[name] = value_of(name, text)
        tags = tuple(tag.strip() for tag in self._cell(row, "tags").split(",") if tag.strip())
        return {**found, "tags": tags} if tags else found

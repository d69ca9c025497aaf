"""Magento's product CSV: configurable products, their variants in rows of their own, HTML, `additional_attributes`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from catalens.feeds.base import Notes, Options, Reading, Sample
from catalens.feeds.cells import attribute_name
from catalens.feeds.draft import Draft
from catalens.feeds.shops import category_cells, opened, reading
from catalens.feeds.tables import Row, Table
from catalens.types import Failure

_COLUMNS = ("price", "special_price", "weight", "url_key", "attribute_set_code")
_NEXT_ATTRIBUTE = re.compile(r",(?=[A-Za-z0-9_]{1,100}=)")
_EMPTY = "__EMPTY__VALUE__"
_ROOT = "Default Category"


class MagentoFeed:
    """A configurable product and its simple rows are one product with variants; other rows are products themselves."""

    name = "magento"

    def recognises(self, sample: Sample) -> bool:
        columns = set(sample.header)
        return {"sku", "product_type"} <= columns and bool(
            columns & {"additional_attributes", "configurable_variations"}
        )

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        notes = Notes()
        beside = ("media", "media/catalog/product", "pub/media/catalog/product")
        return reading(self.name, table, _drafts(table, notes), source, options, notes=notes, beside=beside)


def _drafts(table: Table, notes: Notes) -> Iterator[Draft | Failure]:
    """Drafts of all rows: a configurable product comes after the rows of its variants, so that all are held."""
    rows: dict[str, Row] = {}
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        sku, where = row["sku"], table.where(row, "sku")
        if row["store_view_code"] and sku:
            notes.count("{} row of store views left out", "{} rows of store views left out")
        elif not sku:
            yield Failure(where, "row", "no sku", "give every product a sku")
        elif sku in rows:
            why = f"the sku came before, on line {rows[sku].line}"
            yield Failure(where, sku, why, "give every product a sku of its own")
        else:
            rows[sku] = row
    variants_of = {sku: _variations(row) for sku, row in rows.items() if row["product_type"] == "configurable"}
    claimed = {variant for variations in variants_of.values() for variant in variations if variant in rows}
    for sku, row in rows.items():
        if sku not in claimed:
            yield from _product(table, row, variants_of.get(sku, {}), rows)


def _product(
    table: Table, row: Row, variations: Mapping[str, Mapping[str, str]], rows: Mapping[str, Row]
) -> Iterator[Draft | Failure]:
    draft = _draft(row)
    draft.own = {"product_type": row["product_type"]} if row["product_type"] else {}
    failures = []
    for sku, options in variations.items():
        own = rows.get(sku)
        if own is None:
            where = table.where(row, "configurable_variations")
            failures.append(Failure(where, sku, "the variant has no row of its own", "export all rows"))
            continue
        variant = _draft(own)
        chosen = {attribute_name(name): value for name, value in options.items()}
        rest = [cell for cell in variant.cells if cell not in draft.cells and attribute_name(cell[0]) not in chosen]
        variant.cells = [*rest, *chosen.items()]
        if own["price"] and ("price", own["price"]) not in variant.cells:
            variant.cells.append(("price", own["price"]))
        variant.description = ""
        draft.variants.append(variant)
    yield draft
    yield from failures


def _draft(row: Row) -> Draft:
    draft = Draft(row.line, row["sku"], row["name"], row["description"] or row["short_description"], column="sku")
    draft.pictures = [(column, row[column], None) for column in ("base_image", "additional_images") if row[column]]
    draft.cells = [(column, row[column]) for column in _COLUMNS if row[column] not in {"", _EMPTY}]
    draft.cells += category_cells(row["categories"], between=",", within="/", root=_ROOT)
    for name, text in _pairs(row["additional_attributes"]):
        values = [value for value in text.split("|") if value]
        draft.cells.append((name, text if len(values) < 2 else values))
    return draft


def _variations(row: Row) -> dict[str, dict[str, str]]:
    """Variant sku -> its options, of `sku=A,size=XS,color=Black|sku=B,...`."""
    found: dict[str, dict[str, str]] = {}
    for text in row["configurable_variations"].split("|"):
        options = dict(_pairs(text))
        sku = options.pop("sku", "").strip()
        if sku:
            found[sku] = options
    return found


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """`a=b,c=d`, where a value may have commas in it."""
    for pair in _NEXT_ATTRIBUTE.split(text):
        name, equals, value = pair.partition("=")
        if equals and name.strip() and value.strip() not in {"", _EMPTY}:
            yield name.strip(), value.strip()

"""BigCommerce's product CSV, both generations: a product's variants and pictures come on the rows below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from catalens.feeds.base import Options, Reading, Sample
from catalens.feeds.columns import key_of
from catalens.feeds.draft import Draft
from catalens.feeds.shops import Fields, category_cells, opened, reading
from catalens.feeds.tables import Row, Table
from catalens.types import Failure

NAMES: dict[str, tuple[str, ...]] = {
    "kind": ("item", "item_type"),
    "id": ("id", "product_id"),
    "title": ("name", "product_name"),
    "sku": ("sku", "product_code_sku", "code"),
    "description": ("description", "product_description"),
    "brand": ("brand_name", "brand"),
    "price": ("price",),
    "sale": ("sale_price",),
    "categories": ("categories", "category", "category_string"),
    "options": ("options",),
    "images": (
        *("image_url_import", "variant_image_url", "image_file", "internal_image_url_export"),
        *(f"product_image_{what}_{number}" for number in range(1, 31) for what in ("file", "url")),
    ),
}
_SKU_OPTION = re.compile(r"(?:\[[^\]=]{0,20}\])?([^=,\[\]]{1,100})=([^,]{0,200})")


class BigCommerceFeed:
    """`Product` rows begin a product; `Variant` or `SKU` and `Image` rows below belong to it; `Rule` rows are none."""

    name = "bigcommerce"

    def recognises(self, sample: Sample) -> bool:
        columns = {key_of(column) for column in sample.header}
        is_new = {"item", "id", "name", "sku"} <= columns and bool(columns & {"options", "image_url_import"})
        return is_new or ("item_type" in columns and bool(columns & {"product_name", "product_code_sku"}))

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        return reading(self.name, table, _drafts(table, Fields(table, NAMES)), source, options)


def _drafts(table: Table, fields: Fields) -> Iterator[Draft | Failure]:
    group, number = "", 0
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        kind = fields(row, "kind").strip().lower()
        if kind in {"product", ""}:
            number += 1
            sku = fields(row, "sku") or fields(row, "id")
            group = f"{sku or fields(row, 'title')}\n{number}"
            draft = Draft(
                row.line,
                sku,
                fields(row, "title"),
                fields(row, "description"),
                column=fields.column("sku"),
                group=group,
            )
            draft.cells = _cells(row, fields)
            draft.pictures = fields.named(row, "images")
            yield draft
        elif not group:
            yield Failure(table.where(row), kind, "a row of no product", "export it with its product above")
        elif kind == "image":
            yield Draft(row.line, group=group, pictures=fields.named(row, "images"))
        elif kind in {"variant", "sku"}:
            chosen = _options(fields(row, "options") or fields(row, "title"))
            variant = Draft(row.line, fields(row, "sku"), " / ".join(value for _, value in chosen))
            variant.cells = [*chosen, ("price", fields(row, "sale") or fields(row, "price"))]
            variant.pictures = fields.named(row, "images")
            yield Draft(row.line, group=group, variants=[variant])


def _cells(row: Row, fields: Fields) -> list[tuple[str, object]]:
    sale, price = fields(row, "sale"), fields(row, "price")
    is_free = sale.strip("0.,") == ""
    cells: list[tuple[str, object]] = [("price", price if is_free else sale), ("brand", fields(row, "brand"))]
    if not is_free:
        cells.append(("regular_price", price))
    return [*cells, *category_cells(fields(row, "categories"), between=";", within="/"), *fields.rest(row)]


def _options(text: str) -> list[tuple[str, str]]:
    """`Type=Rectangle|Name=Size|Value=S` (several with line breaks), or `[RT]Color=Red,[S]Size=M`."""
    if "|" in text:
        parts = [
            dict(part.partition("=")[::2] for part in line.split("|"))
            for line in re.split(r"(?=Type=)|\n", text)
            if line
        ]
        return [(part["Name"], part["Value"]) for part in parts if part.get("Name") and part.get("Value")]
    return [(name.strip(), value.strip().partition(":")[0]) for name, value in _SKU_OPTION.findall(text)]

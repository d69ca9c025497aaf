"""Medusa's product CSV, of version 1 (`Product Handle`) and 2 (`product_handle`): a row for each variant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from catalens.feeds.base import Options, Reading, Sample
from catalens.feeds.columns import key_of
from catalens.feeds.draft import Draft
from catalens.feeds.shops import Fields, opened, reading
from catalens.feeds.tables import Table
from catalens.types import Failure

NAMES: dict[str, tuple[str, ...]] = {
    "handle": ("product_handle",),
    "id": ("product_id",),
    "title": ("product_title",),
    "description": ("product_description", "product_subtitle"),
    "type": ("product_type", "product_type_id"),
    "tags": ("product_tags", *(f"product_tag_{number}" for number in range(1, 21))),
    "images": (
        "product_thumbnail",
        *(
            f"{before}image_{number}{after}"
            for number in range(1, 31)
            for before in ("", "product_")
            for after in ("", "_url")
        ),
    ),
    "sku": ("variant_sku",),
    "variant_id": ("variant_id",),
    "variant_title": ("variant_title",),
}
_OPTION = re.compile(r"(?:variant_)?option_(\d{1,2})_(name|value)")
_PRICE = re.compile(r"(?:variant_)?price_(?:.*_)?([a-z]{3})")
_PRODUCT = re.compile(r"product_(.+)")


class MedusaFeed:
    """Rows of one handle are one product."""

    name = "medusa"

    def recognises(self, sample: Sample) -> bool:
        columns = {key_of(column) for column in sample.header}
        return {"product_handle", "product_title"} <= columns and bool(
            columns & {"variant_title", "variant_sku", "variant_id"}
        )

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        return reading(self.name, table, _drafts(table, Fields(table, NAMES)), source, options)


def _drafts(table: Table, fields: Fields) -> Iterator[Draft | Failure]:
    names: dict[tuple[str, str], str] = {}
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        handle = fields(row, "handle") or fields(row, "id") or fields(row, "title")
        if not handle:
            yield Failure(table.where(row, fields.column("handle")), "row", "no handle", "give the product a handle")
            continue
        draft = Draft(row.line, handle, fields(row, "title"), fields(row, "description"), group=handle)
        draft.column = fields.column("handle")
        draft.pictures = fields.named(row, "images")
        tags = [tag.strip() for _, text, _ in fields.named(row, "tags") for tag in str(text).split(",") if tag.strip()]
        draft.cells = [("category", fields(row, "type")), ("tags", tags)]
        variant = Draft(row.line, fields(row, "sku") or fields(row, "variant_id"), column=fields.column("sku"))
        for column, text in fields.rest(row):
            _cell(draft, variant, handle, key_of(column), text, names)
        values = [str(value) for name, value in variant.cells if not name.startswith("price")]
        variant.is_plain = not values or fields(row, "variant_title").lower() in {"default", "default variant"}
        variant.title = " / ".join(values) or fields(row, "variant_title")
        draft.variants = [variant]
        yield draft


def _cell(draft: Draft, variant: Draft, handle: str, key: str, text: object, names: dict[tuple[str, str], str]) -> None:
    """Put one cell where it belongs: an option or price to the variant, what is the product's to it."""
    if option := _OPTION.fullmatch(key):
        if option[2] == "name":
            names[handle, option[1]] = str(text)
        else:
            variant.cells.append((names.get((handle, option[1]), f"option{option[1]}"), text))
    elif price := _PRICE.fullmatch(key):
        has_price = any(name == "price" for name, _ in variant.cells)
        variant.cells.append((f"price_{price[1]}", text) if has_price else ("price", f"{text} {price[1].upper()}"))
    elif product := _PRODUCT.fullmatch(key):
        draft.cells.append((product[1], text))

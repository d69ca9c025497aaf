"""Spree's and Solidus's product CSV: variants come on rows of the same slug, without a name of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from catalens.feeds.base import Options, Reading, Sample
from catalens.feeds.columns import key_of
from catalens.feeds.draft import Draft
from catalens.feeds.shops import Fields, opened, reading
from catalens.feeds.tables import Row, Table
from catalens.types import Failure

NAMES: dict[str, tuple[str, ...]] = {
    "slug": ("slug", "permalink"),
    "id": ("product_id",),
    "sku": ("sku", "master_sku", "variant_sku"),
    "title": ("name", "product_name"),
    "description": ("description",),
    "price": ("price", "master_price"),
    "currency": ("currency", "cost_currency"),
    "brand": ("brand_name", "brand"),
    "taxons": ("category1", "category2", "category3", "taxons"),
    "images": (
        "images",
        *(f"image{number}_{what}" for number in range(1, 21) for what in ("src", "url")),
        *(f"image_{n}" for n in range(1, 21)),
    ),
} | {f"option{number}_{what}": (f"option{number}_{what}",) for number in (1, 2, 3) for what in ("name", "value")}
_MARKS = frozenset(
    {"master_price", "option1_name", "image1_src", "shipping_category", "taxons", "category1", "tax_category"}
)


class SpreeFeed:
    """Rows of one slug are one product."""

    name = "spree"

    def recognises(self, sample: Sample) -> bool:
        columns = {key_of(column) for column in sample.header}
        return bool(columns & set(NAMES["slug"])) and {"sku", "name"} <= columns and bool(columns & _MARKS)

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        return reading(self.name, table, _drafts(table, Fields(table, NAMES)), source, options)


def _drafts(table: Table, fields: Fields) -> Iterator[Draft | Failure]:
    names: dict[str, tuple[str, ...]] = {}
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        group = fields(row, "slug") or fields(row, "id") or fields(row, "sku") or fields(row, "title")
        if not group:
            yield Failure(table.where(row, fields.column("slug")), "row", "no slug", "give the product a slug")
            continue
        own = tuple(fields(row, f"option{number}_name") for number in (1, 2, 3))
        if any(own) or group not in names:
            names[group] = own
        yield _draft(row, group, fields, names[group])


def _draft(row: Row, group: str, fields: Fields, names: tuple[str, ...]) -> Draft:
    values = [fields(row, f"option{number}_value") for number in (1, 2, 3)]
    options = [
        (name or f"option{at + 1}", value) for at, (name, value) in enumerate(zip(names, values, strict=True)) if value
    ]
    price: list[tuple[str, object]] = [("price", fields(row, "price")), ("currency", fields(row, "currency"))]
    draft = Draft(
        row.line, group, fields(row, "title"), fields(row, "description"), group=group, column=fields.column("slug")
    )
    pictures = fields.named(row, "images")
    if draft.title:
        taxons = [str(text) for _, text, _ in fields.named(row, "taxons")]
        leaf = [taxons[0].replace(">", "->").rpartition("->")[2].strip()] if taxons else []
        draft.cells = [
            ("brand", fields(row, "brand")),
            ("category", leaf),
            ("category_path", taxons),
            *fields.rest(row),
        ]
        draft.cells = [
            (name, value[0] if isinstance(value, list) and len(value) == 1 and name == "category" else value)
            for name, value in draft.cells
        ]
    if options or not draft.title:
        variant = Draft(
            row.line, fields(row, "sku"), " / ".join(value for _, value in options), cells=[*options, *price]
        )
        variant.column = fields.column("sku")
        variant.pictures = [] if draft.title else pictures
        if not draft.title:
            variant.cells += [cell for cell in fields.rest(row) if key_of(cell[0]) not in {"status", "product_id"}]
        draft.variants = [variant]
    else:
        draft.sku = fields(row, "sku") or group
        draft.cells += price
    draft.pictures = pictures if draft.title else []
    return draft

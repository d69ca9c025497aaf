"""Shopify's product CSV, both generations of headers; variants and more pictures come on rows of the same handle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from catalens.errors import FeedError
from catalens.feeds.base import Options, Reading, Sample
from catalens.feeds.columns import alias_of, key_of
from catalens.feeds.draft import Draft
from catalens.feeds.shops import Fields, opened, reading
from catalens.feeds.tables import Row, Table
from catalens.types import Failure

NAMES: dict[str, tuple[str, ...]] = {
    "handle": ("handle", "url_handle"),
    "title": ("title",),
    "description": ("body_html", "description"),
    "vendor": ("vendor",),
    "type": ("type",),
    "tags": ("tags",),
    "sku": ("variant_sku", "sku"),
    "price": ("variant_price", "price"),
    "image": ("image_src", "product_image_url"),
    "position": ("image_position",),
    "alt": ("image_alt_text",),
    "variant_image": ("variant_image", "variant_image_url"),
    "options": tuple(f"option{number}_{what}" for number in (1, 2, 3) for what in ("name", "value", "linked_to")),
} | {f"option{number}_{what}": (f"option{number}_{what}",) for number in (1, 2, 3) for what in ("name", "value")}
"""Fields by the old and the new column names."""

_DEFAULT = "Default Title"
_STOCK = frozenset({"location", "on_hand", "available", "on_hand_current", "on_hand_new", "available_not_editable"})


class ShopifyFeed:
    """Rows of one handle are one product; each row with options, a SKU or a price is a variant of it."""

    name = "shopify"

    def recognises(self, sample: Sample) -> bool:
        columns = {key_of(column) for column in sample.header}
        has = {field for field, names in NAMES.items() if columns & set(names)}
        return {"handle", "title"} <= has and bool(has & {"image", "sku", "options"})

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        columns = {key_of(column) for column in table.header}
        if len(columns & _STOCK) > 1 and not columns & {"image_src", "product_image_url", "body_html", "description"}:
            raise FeedError(
                f"{source} is an export of stock by location, no list of products", cure="export Products from Shopify"
            )
        fields = Fields(table, NAMES)
        return reading(self.name, table, _drafts(table, fields), source, options)


def _drafts(table: Table, fields: Fields) -> Iterator[Draft | Failure]:
    names: dict[str, tuple[str, ...]] = {}
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        handle = fields(row, "handle") or re.sub(r"\W+", "-", fields(row, "title").lower()).strip("-")
        if not handle:
            where = table.where(row, fields.column("handle"))
            yield Failure(where, "row", "neither handle nor title", "give the product a title")
            continue
        is_first = handle not in names
        own_names = tuple(fields(row, f"option{number}_name") for number in (1, 2, 3))
        if is_first or (any(own_names) and not any(names[handle])):
            names[handle] = own_names
        yield _draft(row, handle, fields, names[handle], is_first=is_first or bool(fields(row, "title")))


def _draft(row: Row, handle: str, fields: Fields, names: tuple[str, ...], *, is_first: bool) -> Draft:
    draft = Draft(row.line, handle, fields(row, "title"), fields(row, "description"), group=handle)
    if fields(row, "image"):
        position = fields(row, "position")
        draft.pictures = fields.named(row, "image")
        draft.order = int(position) if position.isdecimal() and len(position) < 9 else None
    if is_first:
        draft.cells = fields.rest(row)
        draft.cells += [
            (name, text) for name, field in (("brand", "vendor"), ("category", "type")) if (text := fields(row, field))
        ]
        tags = [tag.strip() for tag in fields(row, "tags").split(",") if tag.strip()]
        draft.cells += [("tags", tags)] if tags else []
    values = [fields(row, f"option{number}_value") for number in (1, 2, 3)]
    options = {
        name or f"option{at + 1}": value
        for at, (name, value) in enumerate(zip(names, values, strict=True))
        if value and value != _DEFAULT
    }
    if options or fields(row, "sku") or fields(row, "price"):
        cells: list[tuple[str, object]] = [*options.items(), ("price", fields(row, "price"))]
        if not is_first:
            cells += fields.rest(row)
        sku = fields(row, "sku") or ("-".join([handle, *options.values()]) if options else "")
        variant = Draft(row.line, sku, " / ".join(options.values()), cells=cells, is_plain=not options)
        variant.column = fields.column("sku")
        if text := fields(row, "variant_image"):
            variant.pictures = [(fields.column("variant_image") or "", text, None)]
        elif fields.column("variant_image") is None and any(_is_color(name) for name in options):
            variant.pictures = list(draft.pictures)  # a file of one's own: a color's row has its picture
        draft.variants = [variant]
    return draft


def _is_color(name: str) -> bool:
    key = key_of(name)
    return (alias_of(key) or key) == "color"

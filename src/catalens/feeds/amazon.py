"""Amazon's flat files of both generations, with three or more rows of header: children join their parent by its sku."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from catalens.feeds.base import Options, Reading, Sample
from catalens.feeds.columns import key_of
from catalens.feeds.draft import Draft
from catalens.feeds.shops import opened, reading
from catalens.feeds.tables import Row, Table
from catalens.types import Failure

_FIELDS = {
    "contribution_sku": "item_sku",
    "seller_sku": "item_sku",
    "parentage_level": "parent_child",
    "child_parent_sku_relationship": "parent_sku",
    "main_product_image_locator": "main_image_url",
    "purchasable_offer": "standard_price",
    "list_price": "list_price",
    "product_type": "feed_product_type",
}
_NAMED = {
    "standard_price": "price",
    "feed_product_type": "category",
    "color_name": "color",
    "size_name": "size",
    "brand_name": "brand",
}
_SILENT = frozenset(
    {
        "item_sku",
        "item_name",
        "product_description",
        "parent_child",
        "parent_sku",
        "relationship_type",
        "update_delete",
        "record_action",
    }
)


class AmazonFeed:
    """A parent and its children are one product; a child whose parent is not in the file stands under its sku too."""

    name = "amazon"

    def recognises(self, sample: Sample) -> bool:
        columns = {_simple(column) for column in sample.header}
        return {"item_sku", "item_name"} <= columns and bool(
            columns & {"main_image_url", "parent_child", "standard_price", "feed_product_type"}
        )

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        return reading(self.name, table, _drafts(table), source, options)


def _simple(column: str) -> str:
    """`item_name[marketplace_id=A][language_tag=en_US]#1.value` is `item_name`; those of prices and parents too."""
    bare = re.match(r"[A-Za-z0-9_]+", column)
    name = key_of(bare[0]) if bare and re.search(r"[\[#]", column) else key_of(column)
    return _FIELDS.get(name, name)


def _drafts(table: Table) -> Iterator[Draft | Failure]:
    names = [_simple(column) for column in table.header]
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        cells = _first(names, row)
        draft = _draft(row, names, cells)
        parent, level = cells.get("parent_sku", ""), cells.get("parent_child", "").lower()
        if not draft.sku and not draft.title:
            yield Failure(table.where(row, table.header[0]), "row", "neither sku nor name", "give it a sku")
        elif parent and level != "parent":
            yield Draft(row.line, group=parent, variants=[draft])
        else:
            draft.group = draft.sku if level == "parent" else ""
            yield draft


def _first(names: list[str], row: Row) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, text in zip(names, row.cells, strict=True):
        if text:
            cells.setdefault(name, text)
    return cells


def _draft(row: Row, names: list[str], cells: dict[str, str]) -> Draft:
    draft = Draft(row.line, cells.get("item_sku", ""), cells.get("item_name", ""), cells.get("product_description", ""))
    draft.column = next((row.header[at] for at, name in enumerate(names) if name == "item_sku"), None)
    points = [text for name, text in zip(names, row.cells, strict=True) if name.startswith("bullet_point") and text]
    draft.description = "\n".join([draft.description, *points] if draft.description else points)
    for column, name, text in zip(row.header, names, row.cells, strict=True):
        if not text or name in _SILENT or name.startswith("bullet_point"):
            continue
        if ("image_url" in name or "image_locator" in name) and "swatch" not in name:
            place = 0 if name == "main_image_url" else len(draft.pictures)
            draft.pictures.insert(place, (column, text, row.line))
        elif name == "standard_price" and "[" in column and not re.search(r"our_price|value_with_tax", column):
            draft.cells.append(("currency", text) if "currency" in column else (column, text))
        else:
            draft.cells.append((_NAMED.get(name, name), text))
    return draft

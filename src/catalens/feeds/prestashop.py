"""PrestaShop's CSV of products or of combinations, as its import knows them and its catalogue exports them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from catalens.feeds.base import Options, Reading, Sample
from catalens.feeds.columns import key_of
from catalens.feeds.draft import Draft
from catalens.feeds.shops import Fields, category_cells, opened, reading
from catalens.feeds.tables import Row, Table
from catalens.types import Failure

NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "product_id", "id_product", "product_id_id"),
    "title": ("name", "product_name"),
    "sku": ("reference", "product_reference", "supplier_reference"),
    "description": ("description", "summary", "short_description"),
    "price": ("price_tax_included", "price_tax_incl", "final_price", "price_tax_excluded", "price_tax_excl", "price"),
    "categories": ("categories_x_y_z", "categories", "category"),
    "images": ("image_urls_x_y_z", "image_urls_x_y_z_1", "image_urls", "image_url", "image", "cover"),
    "features": ("feature_name_value_position_customized", "feature_name_value_position"),
    "attribute": ("attribute_name_type_position",),
    "value": ("value_value_position",),
    "tags": ("tags_x_y_z",),
    "brand": ("manufacturer", "brand"),
}
_MARKS = frozenset(
    [
        "active_0_1", "image_urls_x_y_z", "feature_name_value_position_customized", "feature_name_value_position",
        "price_tax_excluded", "price_tax_included", "price_tax_excl", "attribute_name_type_position",
        "categories_x_y_z", "id_product",
    ]
)  # fmt: skip


class PrestaShopFeed:
    """One row a product; of combinations one row a variant, joined by the product's id."""

    name = "prestashop"

    def recognises(self, sample: Sample) -> bool:
        columns = {key_of(column) for column in sample.header}
        return bool(columns & set(NAMES["id"])) and bool(columns & _MARKS)

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        return reading(self.name, table, _drafts(table, Fields(table, NAMES)), source, options)


def _drafts(table: Table, fields: Fields) -> Iterator[Draft | Failure]:
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        draft = Draft(
            row.line, fields(row, "sku") or fields(row, "id"), fields(row, "title"), fields(row, "description")
        )
        draft.column = fields.column("sku") or fields.column("id")
        draft.pictures = fields.named(row, "images")
        draft.cells = _cells(row, fields)
        if fields(row, "attribute"):
            names = [part.split(":")[0].strip() for part in fields(row, "attribute").split(",")]
            values = [part.split(":")[0].strip() for part in fields(row, "value").split(",")]
            chosen = [(name, value) for name, value in zip(names, values, strict=False) if name and value]
            draft.cells = [*chosen, *draft.cells]
            draft.title = draft.title or " / ".join(value for _, value in chosen)
            yield Draft(row.line, group=fields(row, "id"), variants=[draft])
        else:
            yield draft


def _cells(row: Row, fields: Fields) -> list[tuple[str, object]]:
    cells: list[tuple[str, object]] = [("price", fields(row, "price")), ("brand", fields(row, "brand"))]
    cells += category_cells(fields(row, "categories"), between=",", within="/", root="Home")
    for feature in fields(row, "features").split(","):
        name, _, value = feature.partition(":")
        cells.append((name, value.split(":")[0].strip()))
    tags = [tag.strip() for tag in fields(row, "tags").split(",") if tag.strip()]
    return [*cells, ("tags", tags), *fields.rest(row)]

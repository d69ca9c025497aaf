"""WooCommerce's product CSV, in English, German, French and Spanish: variations in rows of their own, by `Parent`."""

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
    "id": ("id",),
    "type": ("type", "typ", "tipo"),
    "sku": ("sku", "artikelnummer", "ugs"),
    "title": ("name", "nom", "nombre"),
    "description": ("description", "beschreibung", "descripción"),
    "summary": ("short_description", "kurzbeschreibung", "description_courte", "descripción_corta"),
    "sale": ("sale_price", "angebotspreis", "tarif_promo", "precio_rebajado"),
    "price": ("regular_price", "regulärer_preis", "normaler_preis", "tarif_régulier", "precio_normal"),
    "categories": ("categories", "kategorien", "catégories", "categorías"),
    "tags": ("tags", "schlagwörter", "étiquettes", "etiquetas"),
    "images": ("images", "bilder", "imágenes"),
    "parent": ("parent", "übergeordnetes_produkt", "superior"),
}
_OPTION = re.compile(
    r"(?:attribute?|attribut|atributo|nom_de_l_attribut|nombre_del_atributo|valeur_s_de_l_attribut"
    r"|valor_es_del_atributo|attributwert_e|name_des_attributs|wert_e_des_attributs)_(\d{1,3})(?:_(.*))?"
)
_VALUE = ("value", "wert", "valeur", "valor", "attributwert")
_SPENT = ("visible", "global", "default", "sichtbar")


class WooCommerceFeed:
    """A variable product and its variations are one product; the sale price, where there is one, is the price."""

    name = "woocommerce"

    def recognises(self, sample: Sample) -> bool:
        columns = {key_of(column) for column in sample.header}
        has = {field for field, names in NAMES.items() if columns & set(names)}
        return {"type", "title", "sku"} <= has and bool(has & {"parent", "price"}) and bool(
            any(_OPTION.fullmatch(column) for column in columns) or {"parent", "images", "categories"} <= has
        )  # fmt: skip

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        return reading(self.name, table, _drafts(table, Fields(table, NAMES)), source, options)


def _drafts(table: Table, fields: Fields) -> Iterator[Draft | Failure]:
    parents = {}
    for row in table.rows():
        if not isinstance(row, Failure) and "variation" not in fields(row, "type"):
            parents[f"id:{fields(row, 'id')}"] = fields(row, "sku") or fields(row, "id")
    option_columns = frozenset(column for column in table.header if _OPTION.fullmatch(key_of(column)))
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        kind, parent = fields(row, "type"), fields(row, "parent")
        draft = _draft(row, fields, option_columns)
        if not draft.sku and not draft.title:
            yield Failure(table.where(row, fields.column("sku")), "row", "neither sku nor name", "give it a name")
        elif "variation" in kind and parent:
            draft.description = draft.description if draft.description != draft.title else ""
            yield Draft(row.line, group=parents.get(parent, parent), variants=[draft])
        else:
            draft.group = draft.sku if "variable" in kind else ""
            yield draft


def _draft(row: Row, fields: Fields, option_columns: frozenset[str]) -> Draft:
    is_variation = "variation" in fields(row, "type")
    draft = Draft(row.line, fields(row, "sku") or fields(row, "id"), fields(row, "title"), column=fields.column("sku"))
    draft.description = fields(row, "description") or fields(row, "summary")
    draft.pictures = fields.named(row, "images")
    sale, regular = fields(row, "sale"), fields(row, "price")
    draft.cells.append(("price", sale or regular))
    if sale and regular:
        draft.cells.append(("regular_price", regular))
    draft.cells += _options(row, is_variation=is_variation)
    if not is_variation:
        draft.cells += category_cells(fields(row, "categories"), between=",", within=">")
        tags = [tag.strip() for tag in fields(row, "tags").split(",") if tag.strip()]
        draft.cells += [("tags", tags)] if tags else []
        draft.cells += fields.rest(row, but=option_columns)
    return draft


def _options(row: Row, *, is_variation: bool) -> list[tuple[str, object]]:
    """Attributes by their own names; of a product, all values that its variations have."""
    names: dict[str, str] = {}
    values: dict[str, str] = {}
    for column, text in row.items():
        found = _OPTION.fullmatch(key_of(column))
        if found is None or not text:
            continue
        key = key_of(column)
        if any(word in key for word in _VALUE):
            values[found[1]] = text
        elif not any(word in key for word in _SPENT):
            names[found[1]] = text
    cells: list[tuple[str, object]] = []
    for number, name in names.items():
        if text := values.get(number, ""):
            several = [value.strip().replace("\\,", ",") for value in re.split(r"(?<!\\),", text) if value.strip()]
            cells.append((name, text if is_variation or len(several) < 2 else several))
    return cells

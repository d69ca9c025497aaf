"""Vendure's product CSV: the rows without a name are further variants of the product above them."""

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
    name: (name, f"{name}_en")
    for name in ("name", "slug", "description", "facets", "optiongroups", "optionvalues", "variantfacets")
} | {"assets": ("assets",), "variantassets": ("variantassets",), "sku": ("sku",), "price": ("price",)}  # fmt: skip


class VendureFeed:
    """`optionGroups` name the options whose `optionValues` each row has, divided by bars, as facets and assets are."""

    name = "vendure"

    def recognises(self, sample: Sample) -> bool:
        columns = {key_of(column).removesuffix("_en") for column in sample.header}
        return {"name", "optiongroups", "optionvalues"} <= columns

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        return reading(self.name, table, _drafts(table, Fields(table, NAMES)), source, options)


def _drafts(table: Table, fields: Fields) -> Iterator[Draft | Failure]:
    group, names, number = "", [""], 0
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        title = fields(row, "name")
        if title:
            number += 1
            names = fields(row, "optiongroups").split("|")
            group = f"{fields(row, 'slug') or title}\n{number}"
        elif not group:
            yield Failure(table.where(row), "row", "a variant of no product", "export it with its product above")
            continue
        yield _draft(row, fields, group, names)


def _draft(row: Row, fields: Fields, group: str, names: list[str]) -> Draft:
    title = fields(row, "name")
    draft = Draft(row.line, group.rpartition("\n")[0], title, fields(row, "description"), group=group)
    draft.pictures = fields.named(row, "assets") if title else []
    draft.cells = [*_facets(fields(row, "facets")), *fields.rest(row)] if title else []
    values = fields(row, "optionvalues").split("|")
    options = [
        (name.strip(), value.strip())
        for name, value in zip(names, values, strict=False)
        if name.strip() and value.strip()
    ]
    variant = Draft(
        row.line, fields(row, "sku"), " / ".join(value for _, value in options), column=fields.column("sku")
    )
    variant.cells = [*options, ("price", fields(row, "price")), *_facets(fields(row, "variantfacets"))]
    variant.pictures = fields.named(row, "variantassets")
    variant.is_plain = not options
    draft.variants = [variant]
    return draft


def _facets(text: str) -> list[tuple[str, object]]:
    """`category:Electronics|brand:Logitech`."""
    pairs = (part.partition(":") for part in text.split("|"))
    return [(name.strip(), value.strip()) for name, _, value in pairs if name.strip() and value.strip()]

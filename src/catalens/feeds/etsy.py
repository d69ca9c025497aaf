"""Etsy's listings CSV: a row for each listing, its variations as lists in cells."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

from catalens.feeds.base import Options, Reading, Sample
from catalens.feeds.columns import key_of
from catalens.feeds.draft import Draft
from catalens.feeds.shops import Fields, opened, reading
from catalens.feeds.tables import Row, Table
from catalens.types import Failure

NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "description": ("description",),
    "sku": ("sku",),
    "tags": ("tags",),
    "materials": ("materials",),
    "images": tuple(f"image{gap}{number}" for number in range(1, 21) for gap in ("", "_")),
} | {f"{what}{number}": (f"variation_{number}_{what}",) for number in (1, 2) for what in ("name", "type", "values")}
_MOST = 400
"""Variants of a listing; Etsy itself allows 400."""


class EtsyFeed:
    """A listing with as many skus as variations has variants; with fewer, its variations are attributes."""

    name = "etsy"

    def recognises(self, sample: Sample) -> bool:
        columns = {key_of(column) for column in sample.header}
        return {"title", "price", "image1"} <= columns and bool(
            columns & {"variation_1_values", "currency_code", "materials"}
        )

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        return reading(self.name, table, _drafts(table, Fields(table, NAMES)), source, options)


def _drafts(table: Table, fields: Fields) -> Iterator[Draft | Failure]:
    for row in table.rows():
        yield row if isinstance(row, Failure) else _draft(row, fields)


def _draft(row: Row, fields: Fields) -> Draft:
    draft = Draft(
        row.line, title=fields(row, "title"), description=fields(row, "description"), column=fields.column("sku")
    )
    draft.pictures = fields.named(row, "images")
    draft.cells = [
        *(("currency", text) if key_of(name) == "currency_code" else (name, text) for name, text in fields.rest(row)),
        *(
            (name, [part.strip().replace("_", " ") for part in fields(row, name).split(",") if part.strip()])
            for name in ("tags", "materials")
        ),
    ]
    names, values = [], []
    for number in (1, 2):
        if text := fields(row, f"values{number}"):
            names.append(fields(row, f"name{number}") or fields(row, f"type{number}") or f"variation {number}")
            values.append([value.strip() for value in text.split(",") if value.strip()][:_MOST])
    skus = [sku.strip() for sku in fields(row, "sku").split(",") if sku.strip()]
    chosen = list(islice(product(*values), _MOST)) if values else []
    if len(skus) > 1 and len(skus) == len(chosen):
        draft.variants = [
            Draft(row.line, sku, " / ".join(one), cells=list(zip(names, one, strict=True)))
            for sku, one in zip(skus, chosen, strict=True)
        ]
    else:
        draft.sku = skus[0] if skus else ""
        draft.cells += [(name, several) for name, several in zip(names, values, strict=True)]
    return draft

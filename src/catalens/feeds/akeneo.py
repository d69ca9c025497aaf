"""Akeneo's product CSV: locales and channels in the columns' names, variants by the column `parent`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from catalens.feeds.base import Notes, Options, Reading, Sample
from catalens.feeds.columns import candidates, field_of, key_of, picture_rank
from catalens.feeds.draft import Draft
from catalens.feeds.shops import opened, reading
from catalens.feeds.tables import Row, Table
from catalens.types import Failure

_LOCALE = re.compile(r"(.+?)-([a-z]{2,3}_[A-Z]{2})(?:-.+)?")
_PRICE = re.compile(r"(.*price.*|cost|msrp)-(?:.+-)?([A-Z]{3})", re.IGNORECASE)
_SILENT = frozenset(
    {"sku", "identifier", "code", "parent", "family", "family_variant", "categories", "groups", "enabled"}
)


class AkeneoFeed:
    """Texts of one locale are read: English where there is one, else the one with the most columns."""

    name = "akeneo"

    def recognises(self, sample: Sample) -> bool:
        columns = set(sample.header)
        if {"code", "family_variant", "categories"} <= columns:
            return True
        return (bool(columns & {"sku", "identifier", "code"}) and {"family", "categories"} <= columns) or (
            {"family", "sku"} <= columns and any(_LOCALE.fullmatch(column) for column in columns)
        )  # fmt: skip

    def read(self, source: Path, options: Options) -> Reading:
        table = opened(source, options)
        notes = Notes()
        locales = Counter(found[2] for column in table.header if (found := _LOCALE.fullmatch(column)))
        chosen = next(
            (name for name in locales if name.startswith("en_")), next((n for n, _ in locales.most_common(1)), "")
        )
        others = sorted(set(locales) - {chosen})
        if others:
            notes.say(f"texts of {chosen} are read, those of {', '.join(others)} left out")
        return reading(self.name, table, _drafts(table, _columns(table, chosen)), source, options, notes=notes)


def _columns(table: Table, locale: str) -> list[str]:
    """The attribute of each column, "" of one that is not read."""
    found = []
    for column in table.header:
        in_locale = _LOCALE.fullmatch(column)
        price = _PRICE.fullmatch(column)
        if in_locale:
            found.append(in_locale[1] if in_locale[2] == locale else "")
        elif price:
            found.append(f"{price[1]}-{price[2]}")
        else:
            found.append(column)
    return found


def _drafts(table: Table, columns: list[str]) -> Iterator[Draft | Failure]:
    titles = [at for at in candidates(columns, "title") if columns[at]]
    texts = [at for at in candidates(columns, "description") if columns[at]]
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        draft = Draft(row.line, row["sku"] or row["identifier"] or row["code"], column="sku")
        draft.title = next((row.cells[at] for at in titles if row.cells[at]), "")
        draft.description = next((row.cells[at] for at in texts if row.cells[at]), "")
        _fill(draft, row, columns, {*titles[:1], *texts[:1]})
        parent = row["parent"]
        if not draft.sku and not draft.title:
            yield Failure(table.where(row), "row", "no identifier", "give every product an identifier")
        elif parent:
            yield Draft(row.line, group=parent, variants=[draft])
        elif row["family_variant"]:
            draft.group = draft.sku
            yield draft
        else:
            yield draft


def _fill(draft: Draft, row: Row, columns: list[str], taken: set[int]) -> None:
    categories = [part.strip() for part in row["categories"].split(",") if part.strip()]
    if categories:
        draft.cells += [("category", categories[-1]), ("category_path", categories)]
    draft.cells.append(("family", row["family"]))
    for at, (column, text) in enumerate(zip(columns, row.cells, strict=True)):
        if not text or not column or at in taken or column in _SILENT:
            continue
        price = _PRICE.fullmatch(column)
        if price:
            name = key_of(price[1])
            is_first = all(known != name for known, _ in draft.cells)
            draft.cells.append(
                (name, f"{text} {price[2].upper()}") if is_first else (f"{name}_{price[2].lower()}", text)
            )
        elif picture_rank(column) is not None or field_of(column) in {"image", "additional_images"}:
            draft.pictures.append((row.header[at], text, row.line))
        else:
            draft.cells.append((column, text))

"""Google Merchant feeds: TSV (or CSV), and RSS 2.0 or Atom XML with `g:`. `item_group_id` joins variants.

Other XML of products (`<products><product>...`) is read the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from catalens.feeds.base import Notes, Options, Reading, Sample
from catalens.feeds.cells import Reader
from catalens.feeds.columns import key_of, mentioned
from catalens.feeds.draft import Draft, grouped
from catalens.feeds.objects import draft_of
from catalens.feeds.pictures import Pictures
from catalens.feeds.tables import Row, Table
from catalens.feeds.xmlitems import items
from catalens.types import Failure, Where

_STRICT = frozenset({"item", "entry"})


class GoogleFeed:
    """Items without a group are products as they come; those of a group come when the feed has been read."""

    name = "google"

    def recognises(self, sample: Sample) -> bool:
        return is_merchant(sample) or sample.head.lstrip("\ufeff \r\n\t").startswith("<")

    def read(self, source: Path, options: Options) -> Reading:
        with source.open("rb") as file:
            is_xml = b"<" in file.read(256).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")[:1]
        if not is_xml:
            return read_table(source, options, self.name)
        notes = Notes()
        name = options.name or source.name
        reader = Reader(name, Pictures.of(options.beside or source, options.media), notes)
        return Reading(self.name, notes, reader.products(grouped(_xml_drafts(source, name, options))))


def is_merchant(sample: Sample) -> bool:
    """Whether a table has the columns of Google Merchant Center, which others have taken over."""
    columns = {field_name(column) for column in sample.header}
    return {"id", "title"} <= columns and bool(columns & {"image_link", "image_0_url"}) and bool(
        columns & {"link", "price", "availability"}
    )  # fmt: skip


def read_table(source: Path, options: Options, name: str, renamed: dict[str, str] | None = None) -> Reading:
    """Read a table of items, one a row.

    Args:
        name: of the format.
        renamed: column -> Google's name, of formats that have others.
    """
    table = Table(source, name=options.name, encoding=options.encoding)
    notes = Notes(list(table.notes))
    reader = Reader(table.name, Pictures.of(options.beside or source, options.media), notes)
    columns = [(renamed or {}).get(field_name(column), field_name(column)) for column in table.header]
    return Reading(name, notes, reader.products(grouped(_table_drafts(table, columns))), mentioned(columns))


def field_name(name: str) -> str:
    """`g:image link`, `image_link` and `Image Link` are one."""
    return key_of(name.strip().removeprefix("g:").removeprefix("c:"))


def _table_drafts(table: Table, columns: list[str]) -> Iterator[Draft | Failure]:
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
        else:
            yield from item_drafts(_record(row, columns), row.line, table.name)


def _record(row: Row, columns: Iterable[str]) -> dict[str, object]:
    record: dict[str, object] = {}
    for column, text in zip(columns, row.cells, strict=True):
        if text:
            before = record.setdefault(column, text)
            if before is not text:
                record[column] = [*(before if isinstance(before, list) else [before]), text]
    return record


def _xml_drafts(source: Path, name: str, options: Options) -> Iterator[Draft | Failure]:
    for line, tag, tree in items(source, name, options.encoding):
        if isinstance(tree, Failure):
            yield tree
        else:
            yield from item_drafts(tree, line, name, strict=tag in _STRICT)


def item_drafts(record: dict[str, object], line: int, source: str, *, strict: bool = True) -> Iterator[Draft | Failure]:
    """The draft of one item; of a group it is a variant.

    Args:
        strict: whether an item must have an id, as Google asks; else it may have a sku, or a title only.
    """
    draft = draft_of(record, line, mapping={"sku": "id"} if "id" in record and strict else None)
    draft.column = "id"
    if not draft.sku and strict:
        yield Failure(Where(source, line, "id"), "item", "no id", "give every item an id")
        return
    names = {key_of(name) for name, _ in draft.cells}
    if "category" not in names and "product_type" not in names:
        draft.cells += [("category", value) for name, value in draft.cells if key_of(name) == "google_product_category"]
    if not draft.group or draft.variants:
        draft.group = ""
        yield draft
    else:
        yield Draft(line, group=draft.group, column="item_group_id", variants=[replace(draft, group="", column="id")])

"""Google Merchant feeds: TSV (or CSV), and RSS 2.0 or Atom XML with `g:`. `item_group_id` joins variants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalens.errors import FeedError
from catalens.feeds.base import Item, Reading, Sample
from catalens.feeds.cells import Pictures, attributes_of, lowest_price
from catalens.feeds.markup import plain_text
from catalens.feeds.table import split_list
from catalens.feeds.tables import Table
from catalens.types import AttributeValue, Failure, PictureSource, Product, Variant, Where

DEPTH = 16
"""Elements inside one another; a feed has four or five."""
TEXT_CAP = 1_000_000
"""Characters of one element."""
_ITEMS = frozenset({"item", "entry"})
_FIELDS = frozenset({"id", "title", "description", "summary", "image_link", "additional_image_link", "item_group_id"})
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Entry:
    """One item: its line, and its fields in order (a field may come several times)."""

    line: int
    fields: list[tuple[str, str]] = field(default_factory=list)

    def first(self, name: str) -> str:
        return next((text for key, text in self.fields if key == name and text), "")


class GoogleFeed:
    """Items without a group are products as they come; those of a group are held until the feed ends."""

    name = "google"

    def recognises(self, sample: Sample) -> bool:
        columns = {_field(column) for column in sample.header}
        is_table = {"id", "title", "image_link"} <= columns and bool(columns & {"link", "price", "availability"})
        return is_table or sample.head.lstrip("\ufeff \r\n\t").startswith("<")

    def read(self, source: Path, *, media: Path | None, mapping: Mapping[str, str] | None) -> Reading:  # noqa: ARG002
        pictures = Pictures.of(source, media)
        with source.open("rb") as file:
            is_xml = b"<" in file.read(64).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")[:1]
        if is_xml:
            return Reading(self.name, (), _products(source.name, _xml_entries(source), pictures))
        table = Table(source)
        return Reading(self.name, table.notes, _products(source.name, _table_entries(table), pictures))


def _field(name: str) -> str:
    """`g:image link`, `image_link` and `Image Link` are one."""
    return name.strip().lower().removeprefix("g:").replace(" ", "_")


def _table_entries(table: Table) -> Iterator[_Entry | Failure]:
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
        else:
            yield _Entry(row.line, [(_field(column), text) for column, text in row.cells.items()])


def _products(source: str, entries: Iterable[_Entry | Failure], pictures: Pictures) -> Iterator[Item]:
    groups: dict[str, list[_Entry]] = {}
    first_line: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry, Failure):
            yield entry
            continue
        sku, where = entry.first("id"), Where(source, entry.line, "id")
        if not sku:
            yield Failure(where, "item", "no id", "give every item an id")
        elif sku in first_line:
            why = f"the id came before, on line {first_line[sku]}"
            yield Failure(where, sku, why, "give every item an id of its own")
        else:
            first_line[sku] = entry.line
            group = entry.first("item_group_id")
            if group:
                groups.setdefault(group, []).append(entry)
            else:
                yield from _single(source, sku, entry, pictures)
    for group, members in groups.items():
        if group in first_line and all(member.first("id") != group for member in members):
            why = f"the group has the id of the item on line {first_line[group]}"
            where = Where(source, members[0].line, "item_group_id")
            yield Failure(where, group, why, "give the group an id of its own")
        else:
            yield from _group(source, group, members, pictures)


def _single(source: str, sku: str, entry: _Entry, pictures: Pictures) -> Iterator[Item]:
    found, failures = _pictures(source, entry, pictures)
    yield Product(
        sku=sku,
        where=Where(source, entry.line),
        title=plain_text(entry.first("title")),
        description=_description(entry),
        attributes=_attributes(entry),
        pictures=found,
    )
    yield from failures


def _group(source: str, group: str, members: list[_Entry], pictures: Pictures) -> Iterator[Item]:
    """One product of the items of a group: what all share is the product's, the rest each variant's."""
    each = [_attributes(member) for member in members]
    shared = {name: value for name, value in each[0].items() if all(own.get(name) == value for own in each)}
    shared |= lowest_price(each)
    variants, failures = [], []
    for member, own in zip(members, each, strict=True):
        found, dead = _pictures(source, member, pictures)
        failures += dead
        rest = {name: value for name, value in own.items() if shared.get(name) != value or name == "price"}
        variants.append(Variant(member.first("id"), plain_text(member.first("title")), rest, found))
    yield Product(
        sku=group,
        where=Where(source, members[0].line),
        title=plain_text(members[0].first("title")),
        description=_description(members[0]),
        attributes=shared,
        pictures=variants[0].pictures[:1],
        variants=tuple(variants),
    )
    yield from failures


def _description(entry: _Entry) -> str:
    return plain_text(entry.first("description") or entry.first("summary"))


def _attributes(entry: _Entry) -> dict[str, AttributeValue]:
    found = attributes_of((name, text) for name, text in entry.fields if name not in _FIELDS)
    if "category" not in found and "google_product_category" in found:
        found["category"] = found["google_product_category"]
    return found


def _pictures(source: str, entry: _Entry, pictures: Pictures) -> tuple[tuple[PictureSource, ...], list[Failure]]:
    named = [(entry.first("image_link"), Where(source, entry.line, "image_link"))]
    more = [text for name, text in entry.fields if name == "additional_image_link"]
    column = Where(source, entry.line, "additional_image_link")
    named += [(part.strip(), column) for text in more for part in split_list(text)]
    return pictures.find_all(named)


class _Collector:
    """Target of the XML parser: collects the leaves of each item, with the line it starts on."""

    def __init__(self, source: Path) -> None:
        self.done: list[_Entry] = []
        self.parser: Any = None
        self._source = source
        self._path: list[str] = []
        self._entry: _Entry | None = None
        self._text: list[str] = []
        self._length = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = _field(tag.rpartition("}")[2])
        self._path.append(name)
        if len(self._path) > DEPTH:
            raise FeedError(f"{self._source} nests elements more than {DEPTH} deep", cure="export a product feed")
        if name in _ITEMS and self._entry is None:
            self._entry = _Entry(self.parser.parser.CurrentLineNumber)
        self._text, self._length = [], 0
        if self._entry is not None and name == "link" and attributes.get("href"):
            self._entry.fields.append(("link", attributes["href"]))

    def data(self, text: str) -> None:
        self._length += len(text)
        if self._length > TEXT_CAP:
            raise FeedError(f"{self._source} has an element of more than {TEXT_CAP} characters", cure="shorten it")
        self._text.append(text)

    def end(self, tag: str) -> None:  # noqa: ARG002
        name = self._path.pop()
        if self._entry is None:
            return
        if name in _ITEMS:
            self.done.append(self._entry)
            self._entry = None
        elif text := "".join(self._text).strip():
            self._entry.fields.append((name, text))
        self._text, self._length = [], 0

    def close(self) -> None:
        """Nothing is left to do."""


def _xml_entries(source: Path) -> Iterator[_Entry | Failure]:
    """Items in chunks of the file: memory does not grow with it. Entities and DTDs are refused by defusedxml."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    collector = _Collector(source)
    collector.parser = parser = DefusedXMLParser(target=collector, forbid_dtd=True)
    count = 0
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            failure = None
            try:
                parser.feed(chunk)
            except DefusedXmlException as error:
                raise FeedError(f"{source} declares entities: {error}", cure="export it without a DTD") from None
            except ParseError as error:
                line = error.position[0]
                why = f"the XML is broken here and not read further: {error}"
                failure = Failure(Where(source.name, line), "file", why, "mend it there, or export it again")
            count += len(collector.done)
            yield from collector.done
            collector.done.clear()
            if failure is not None:
                yield failure
                return
    if not count:
        raise FeedError(f"{source} has no item or entry", cure="give a Google Merchant feed, RSS 2.0 or Atom")

"""Plain CSV or TSV of any shop: which column is what is guessed from names and values, said, and can be given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from catalens.errors import FeedError, UsageError
from catalens.feeds.base import Item, Reading, Sample
from catalens.feeds.cells import Pictures, attribute_name, attributes_of, is_there
from catalens.feeds.tables import DELIMITERS, Row, Table
from catalens.images.folder import SUFFIXES
from catalens.types import Failure, Product

FIELDS: dict[str, tuple[str, ...]] = {
    "sku": ("sku", "product_id", "id", "item_id", "article", "article_number", "code", "handle", "asin", "uid"),
    "title": ("title", "name", "product_name", "product_title", "productdisplayname", "display_name", "product"),
    "description": ("description", "body", "text", "details", "long_description", "short_description"),
    "image": ("image", "picture", "photo", "image_path", "image_file", "img", "filename", "file", "path", "image_link",
              "main_image", "base_image", "image_url", "image_src", "picture_url", "photo_url", "images", "pictures"),
    "additional_images": ("additional_images", "additional_image_link", "other_images", "more_images", "gallery"),
    "category": ("category", "product_category", "product_type", "categories", "articletype", "type", "class", "label"),
}  # fmt: skip
"""Column names that each field goes by, the likeliest first."""

GUESSED_ROWS = 50


class TableFeed:
    """One row a product. Columns that are no field become attributes."""

    name = "table"

    def recognises(self, sample: Sample) -> bool:
        suffix = sample.path.suffix.lower()
        return suffix in {".csv", ".tsv", ".txt"} or any(mark in sample.head.split("\n")[0] for mark in DELIMITERS)

    def read(self, source: Path, *, media: Path | None, mapping: Mapping[str, str] | None) -> Reading:
        table = Table(source)
        pictures = Pictures.of(source, media, absolute=True)
        columns = _columns(table, pictures, mapping or {})
        told = ", ".join(f"{field} from {column}" for field, column in columns.items())
        notes = (*table.notes, f"columns read: {told}")
        return Reading(self.name, notes, _products(table, columns, pictures))


def _columns(table: Table, pictures: Pictures, given: Mapping[str, str]) -> dict[str, str]:
    """Field -> column: as given, else by name, the picture's by its values too."""
    known = {attribute_name(column): column for column in reversed(table.header)}
    found: dict[str, str] = {}
    for field, column in given.items():
        if field not in FIELDS and field != "price":
            raise UsageError(f"{field!r} is no field", cure=f"map one of {', '.join([*FIELDS, 'price'])}")
        if column not in table.header:
            raise UsageError(f"{table.path} has no column {column!r}", cure=f"name one of {', '.join(table.header)}")
        found[field] = column
    for field, names in FIELDS.items():
        candidates = [known[name] for name in names if name in known and known[name] not in found.values()]
        if field not in found and candidates:
            found[field] = _most_distinct(table, candidates) if field == "sku" else candidates[0]
    if "image" not in found:
        by_value = _picture_column(table, pictures)
        if by_value is None:
            raise FeedError(
                f"{table.path} has no column of pictures; its columns are {', '.join(table.header)}",
                cure="name the column with --map image=COLUMN",
            )
        found["image"] = by_value
    return found


def _most_distinct(table: Table, columns: list[str]) -> str:
    """The first of the columns whose values all differ in the first rows: ids of photos, not of what they show."""
    rows = [row for row in islice(table.rows(), GUESSED_ROWS) if isinstance(row, Row)]
    return max(columns, key=lambda column: len({row[column] for row in rows}))


def _picture_column(table: Table, pictures: Pictures) -> str | None:
    """The column whose values look like picture files in most of the first rows."""
    rows = [row for row in islice(table.rows(), GUESSED_ROWS) if isinstance(row, Row)]
    counts = {column: sum(_looks_like_picture(row[column], pictures) for row in rows) for column in table.header}
    best = max(counts, key=lambda column: counts[column])
    return best if rows and counts[best] * 2 > len(rows) else None


def _looks_like_picture(text: str, pictures: Pictures) -> bool:
    if Path(text.partition("?")[0]).suffix.lower() in SUFFIXES:
        return True
    return bool(text) and any(is_there(folder / text.lstrip("/")) for folder in pictures.folders)


def _products(table: Table, columns: Mapping[str, str], pictures: Pictures) -> Iterator[Item]:
    first_line: dict[str, int] = {}
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        sku = row[columns["sku"]] if "sku" in columns else row[columns["image"]]
        column = columns.get("sku", columns["image"])
        if not sku:
            yield Failure(table.where(row, column), "row", "no sku", "give every product a sku of its own")
        elif sku in first_line:
            why = f"the sku came before, on line {first_line[sku]}"
            yield Failure(table.where(row, column), sku, why, "give every product a sku of its own")
        else:
            first_line[sku] = row.line
            yield from _product(table, row, sku, columns, pictures)


def _product(table: Table, row: Row, sku: str, columns: Mapping[str, str], pictures: Pictures) -> Iterator[Item]:
    named = [(row[columns["image"]], table.where(row, columns["image"]))]
    if "additional_images" in columns:
        column = columns["additional_images"]
        named += [(text.strip(), table.where(row, column)) for text in split_list(row[column])]
    elif not Path(named[0][0]).suffix or "," in named[0][0]:  # several pictures in one cell
        named = [(text.strip(), named[0][1]) for text in split_list(named[0][0])]
    found, failures = pictures.find_all(named)
    if not named or not any(text for text, _ in named):
        failures.append(Failure(table.where(row, columns["image"]), sku, "no picture named", "name its picture"))
    fields = {
        columns[field] for field in ("sku", "title", "description", "image", "additional_images") if field in columns
    }
    renamed = {columns[field]: field for field in ("category", "price") if field in columns}
    cells = [(renamed.get(column, column), text) for column, text in row.cells.items() if column not in fields]
    yield Product(
        sku=sku,
        where=table.where(row),
        title=row[columns["title"]] if "title" in columns else "",
        description=row[columns["description"]] if "description" in columns else "",
        attributes=attributes_of(cells),
        pictures=found,
    )
    yield from failures


def split_list(text: str) -> list[str]:
    """Split a cell with several paths or addresses: by | or ; or newline, else by commas (not those in an address)."""
    for mark in ("|", "\n", ";"):
        if mark in text:
            return [part for part in text.split(mark) if part.strip()]
    if "://" in text:
        return [part for part in re.split(r",\s*(?=https?://)", text) if part.strip()]
    return [part for part in text.split(",") if part.strip()]

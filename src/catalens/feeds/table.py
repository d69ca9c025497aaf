"""Plain tables of any shop: which column is what is guessed from names and values, said, and can be given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalens.errors import FeedError, UsageError
from catalens.feeds.base import Notes, Options, Reading, Sample
from catalens.feeds.cells import Reader, attribute_name
from catalens.feeds.columns import FIELDS, Columns, candidates, field_of, is_known, key_of, mentioned, picture_columns
from catalens.feeds.delimited import DELIMITERS
from catalens.feeds.draft import Draft
from catalens.feeds.pictures import Pictures, is_there, split
from catalens.feeds.prices import price_of
from catalens.feeds.tables import Row, Table
from catalens.images.folder import SUFFIXES
from catalens.types import Failure

GUESSED_ROWS = 50
EXAMPLE = 80
"""Characters of a value that is shown."""
_MAPPED = tuple(FIELDS)


class TableFeed:
    """One row a product. Columns that are no field become attributes."""

    name = "table"

    def recognises(self, sample: Sample) -> bool:
        suffix = sample.path.suffix.lower()
        return (
            suffix in {".csv", ".tsv", ".txt"}
            or any(mark in sample.head.split("\n")[0] for mark in DELIMITERS)
            or len(sample.header) > 1
        )

    def read(self, source: Path, options: Options) -> Reading:
        table = Table(source, name=options.name, encoding=options.encoding)
        pictures = Pictures.of(options.beside or source, options.media, absolute=True)
        rows = table.sample(GUESSED_ROWS)
        columns = understood(table, rows, pictures, options.mapping)
        notes = Notes([*table.notes, f"columns read: {columns.told()}"])
        if not columns.pictures:
            notes.say("no column of pictures: products go in with their texts only; --map image=COLUMN names one")
        reader = Reader(table.name, pictures, notes, hint=columns.hint)
        mapped = frozenset({*columns.fields, *(["pictures"] if columns.pictures else [])} - {"sku"})
        return Reading(self.name, notes, reader.products(_drafts(table, columns)), mentioned(table.header) | mapped)


@dataclass(frozen=True, slots=True)
class ColumnRead:
    """A column of a table as it is understood: the field ("" where it is an attribute), and a value of it."""

    column: str
    field: str
    example: str


def columns_read(source: Path, options: Options) -> tuple[ColumnRead, ...]:
    """The columns of a table as they are understood, also where that is not enough to read it.

    Raises:
        FeedError: it is no table.
        UsageError: a mapping of fields or columns that there are not.
    """
    table = Table(source, name=options.name, encoding=options.encoding)
    rows = table.sample(GUESSED_ROWS)
    pictures = Pictures.of(options.beside or source, options.media, absolute=True)
    columns = _guessed(table, rows, pictures, options.mapping) if table.has_header else Columns(table.header)
    read = {at: field for field, at in columns.fields.items()} | dict.fromkeys(columns.pictures, "image")
    if not table.has_header:
        read = {table.header.index(column): name for name, column in options.mapping.items() if column in table.header}
    examples = [next((row.cells[at] for row in rows if row.cells[at]), "") for at in range(len(table.header))]
    return tuple(ColumnRead(column, read.get(at, ""), examples[at][:EXAMPLE]) for at, column in enumerate(table.header))


def understood(table: Table, rows: list[Row], pictures: Pictures, given: Mapping[str, str]) -> Columns:
    """Which column is what: as given, else by exact names, the pictures' by their values too.

    Raises:
        UsageError: a mapping of fields or columns that there are not.
        FeedError: neither sku nor title is found, or what is found may well be wrong.
    """
    columns = _guessed(table, rows, pictures, given)
    _refuse_doubtful(table, rows, columns, given)
    return columns


def _guessed(table: Table, rows: list[Row], pictures: Pictures, given: Mapping[str, str]) -> Columns:
    fields: dict[str, int] = {}
    for field, column in given.items():
        if field not in _MAPPED:
            raise UsageError(f"{field!r} is no field", cure=f"map one of {', '.join(_MAPPED)}")
        if column and column not in table.header:
            raise UsageError(f"{table.path} has no column {column!r}", cure=f"name one of {', '.join(table.header)}")
        if column:
            fields[field] = table.header.index(column)
    if not table.has_header and not ({"sku", "title"} & set(fields)):
        raise _without_header(table, rows, pictures)
    for field in ("sku", "title", "description", "category", "price", "currency"):
        found = [at for at in candidates(table.header, field) if at not in fields.values()]
        if found and field not in given:
            fields[field] = _key_column(rows, table.header, found) if field == "sku" else found[0]
    main = [fields.pop(field) for field in ("image", "additional_images") if field in fields]
    taken = set(fields.values())
    right = [at for at in range(len(table.header)) if at not in taken and _holds_pictures(rows, at, pictures)]
    chosen = tuple(main)
    if "image" not in given:
        named = picture_columns(table.header, looks_right=right)
        chosen = tuple(dict.fromkeys([*(at for at in named if at not in taken), *main])) or tuple(right[:1])
    return Columns(table.header, fields, chosen)


def _key_column(rows: list[Row], header: tuple[str, ...], found: list[int]) -> int:
    """The first of the columns whose values all differ in the first rows; one called sku that is filled, always."""
    if (
        field_of(header[found[0]]) == "sku"
        and header[found[0]].strip().lower() == "sku"
        and any(row.cells[found[0]] for row in rows)
    ):
        return found[0]
    return max(found, key=lambda at: len({row.cells[at] for row in rows if row.cells[at]}))


def _holds_pictures(rows: list[Row], at: int, pictures: Pictures) -> bool:
    """Whether most cells of a column that are not empty look like pictures."""
    cells = [row.cells[at] for row in rows if row.cells[at]]
    return sum(_looks_like_picture(cell, pictures) for cell in cells) * 2 > len(cells)


def _looks_like_picture(text: str, pictures: Pictures) -> bool:
    for name in split(text[:4000])[:3] or [text]:
        if Path(name.partition("?")[0]).suffix.lower() in SUFFIXES:
            return True
    return bool(text) and len(text) < 400 and any(is_there(folder / text.lstrip("/")) for folder in pictures.folders)


def _refuse_doubtful(table: Table, rows: list[Row], columns: Columns, given: Mapping[str, str]) -> None:
    """Ask rather than guess: without sku and title, and where a column not understood may be the missing one."""
    missing = [field for field in ("sku", "title") if field not in columns.fields and field not in given]
    unknown = [
        at
        for at, column in enumerate(table.header)
        if at not in columns.fields.values() and at not in columns.pictures and not is_known(column)
    ]
    likely = {field: at for field in missing if (at := _likely(rows, unknown, field)) is not None}
    if len(missing) == 2 or (likely and unknown):
        if "sku" in missing and "sku" not in likely:
            likely.update(("sku", at) for at in reversed(unknown) if at != likely.get("title"))
        raise FeedError(
            f"{table.path}: which column is what is not clear: {_shown(table, rows, columns)}",
            cure="name them: " + " ".join(_map(table, field, likely.get(field)) for field in missing),
        )


def _map(table: Table, field: str, at: int | None) -> str:
    column = "COLUMN" if at is None else table.header[at]
    return f"--map {field}={column}" if " " not in column else f'--map "{field}={column}"'


def _likely(rows: list[Row], unknown: list[int], field: str) -> int | None:
    """The first column that is not understood whose values look like titles, or like skus."""
    for at in unknown:
        cells = [row.cells[at] for row in rows if row.cells[at]]
        if len(cells) * 2 <= len(rows) or len(set(cells)) * 10 < len(cells) * 9:
            continue
        has_digits = any(any(map(str.isdigit, cell)) for cell in cells)
        blanks = sum(" " in cell for cell in cells)
        if field == "title":
            letters = sum(sum(map(str.isalpha, cell)) >= 3 for cell in cells)
            if letters * 2 > len(cells) and (blanks * 3 >= len(cells) or not has_digits):
                return at
        elif has_digits and not blanks and all(len(cell) < 40 and price_of(cell) is None for cell in cells):
            return at
    return None


def _shown(table: Table, rows: list[Row], columns: Columns) -> str:
    """The columns, what was understood of each, and a value of it."""
    read = {at: field for field, at in columns.fields.items()} | dict.fromkeys(columns.pictures, "image")
    parts = []
    for at, column in enumerate(table.header[:40]):
        value = next((row.cells[at] for row in rows if row.cells[at]), "")[:30].replace("\n", " ")
        meant = read.get(at, attribute_name(column)[:30] if is_known(column) else "?")
        parts.append(f'{column[:30]} = {meant} ("{value}")')
    return ", ".join(parts)


def _without_header(table: Table, rows: list[Row], pictures: Pictures) -> FeedError:
    image = next((at for at in range(len(table.header)) if _holds_pictures(rows, at, pictures)), None)
    rest = [at for at in range(len(table.header)) if at != image]
    title = max(rest, key=lambda at: sum(len(row.cells[at]) for row in rows) if rows else 0, default=None)
    sku = next((at for at in rest if at != title), None)
    named = {"sku": sku, "title": title, "image": image}
    maps = " ".join(f"--map {field}={table.header[at]}" for field, at in named.items() if at is not None)
    return FeedError(
        f"{table.path} has no header line, its first line is a product: {_shown(table, rows, Columns(table.header))}",
        cure=f"write the columns' names above it, or name them by their numbers: {maps}",
    )


def _drafts(table: Table, columns: Columns) -> Iterator[Draft | Failure]:
    fields = columns.fields
    taken = {at for field, at in fields.items() if field in {"sku", "title", "description"}} | set(columns.pictures)
    renamed = {fields[field]: field for field in ("category", "price", "currency") if field in fields}
    spare = [at for at in candidates(table.header, "sku") if at != fields.get("sku")]
    keys = [key_of(column) for column in table.header]
    same = {
        field: [at for at, key in enumerate(keys) if field in fields and key == keys[fields[field]]]
        for field in ("title", "description")
    }
    again = {at for places in same.values() for at in places}
    sku_column = table.header[fields["sku"]] if "sku" in fields else None
    for row in table.rows():
        if isinstance(row, Failure):
            yield row
            continue
        cells = row.cells
        sku = cells[fields["sku"]] if "sku" in fields else ""
        if not sku and "sku" not in fields and columns.pictures:
            sku = cells[columns.pictures[0]]
        sku = sku or next((cells[at] for at in spare if cells[at]), "")
        draft = Draft(row.line, sku, column=sku_column)
        draft.title = next((cells[at] for at in same["title"] if cells[at]), "")
        draft.description = next((cells[at] for at in same["description"] if cells[at]), "")
        draft.pictures = [(table.header[at], cells[at], None) for at in columns.pictures if cells[at]]
        for at, text in enumerate(cells):
            if text and at not in taken and not (at in again and text in {draft.title, draft.description}):
                draft.cells.append((renamed.get(at, table.header[at]), text))
        yield draft
        if columns.pictures and not draft.pictures and (sku or draft.title):
            where = table.where(row, table.header[columns.pictures[0]])
            yield Failure(where, sku or draft.title, "no picture named", "name its picture")

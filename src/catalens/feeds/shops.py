"""What the exports of shop systems have in common: columns under several names, a product over several rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from catalens.feeds.base import Notes, Options, Reading
from catalens.feeds.cells import Reader
from catalens.feeds.columns import key_of, mentioned
from catalens.feeds.draft import Draft, Named, grouped
from catalens.feeds.pictures import Pictures
from catalens.feeds.tables import Row, Table
from catalens.types import Failure


class Fields:
    """The columns of a table by a format's own names: the first column of several spellings that has a value counts."""

    def __init__(self, table: Table, names: Mapping[str, tuple[str, ...]]) -> None:
        self._at: dict[str, list[int]] = {}
        keys = [key_of(column) for column in table.header]
        for field, spellings in names.items():
            self._at[field] = [at for name in spellings for at, key in enumerate(keys) if key == name]
        taken = {at for places in self._at.values() for at in places}
        self._rest = [at for at in range(len(keys)) if at not in taken]
        self.header = table.header

    def __call__(self, row: Row, field: str) -> str:
        """The cell of a field."""
        return next((row.cells[at] for at in self._at[field] if row.cells[at]), "")

    def column(self, field: str) -> str | None:
        """The name of a field's first column."""
        places = self._at[field]
        return self.header[places[0]] if places else None

    def named(self, row: Row, field: str) -> list[Named]:
        """What all columns of a field name, as pictures of a draft."""
        return [(self.header[at], row.cells[at], row.line) for at in self._at[field] if row.cells[at]]

    def rest(self, row: Row, *, but: frozenset[str] = frozenset()) -> list[tuple[str, object]]:
        """(Column, cell) of the columns that are no field and have a value."""
        return [(self.header[at], row.cells[at]) for at in self._rest if row.cells[at] and self.header[at] not in but]


def reading(
    name: str,
    table: Table,
    drafts: Iterator[Draft | Failure],
    source: Path,
    options: Options,
    *,
    notes: Notes | None = None,
    beside: tuple[str, ...] = (),
    hint: str = "",
) -> Reading:
    """The reading of a table whose rows have been made drafts."""
    notes = notes or Notes()
    notes.said = [*table.notes, *notes.said]
    pictures = Pictures.of(options.beside or source, options.media, beside=beside)
    reader = Reader(table.name, pictures, notes, hint=hint)
    return Reading(name, notes, reader.products(grouped(drafts)), mentioned(table.header))


def opened(source: Path, options: Options) -> Table:
    """The table of a source."""
    return Table(source, name=options.name, encoding=options.encoding)


def category_cells(text: str, *, between: str, within: str, root: str = "") -> list[tuple[str, object]]:
    """Category and path of a cell with several: the last step of the deepest path, and all paths."""
    paths = [path.strip().removeprefix(root).strip(f"{within} ") for path in text.split(between)]
    paths = [path for path in paths if path]
    if not paths:
        return []
    deepest = max(paths, key=lambda path: path.count(within))
    return [("category", deepest.rpartition(within)[2].strip()), ("category_path", paths)]

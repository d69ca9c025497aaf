"""Tables of products, whatever carries them (text, a workbook, Parquet): rows by column name, with their places."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catalens.errors import FeedError, NotFoundError
from catalens.feeds import parquet, xlsx
from catalens.feeds.delimited import Records, delimiter_of
from catalens.feeds.text import LINE_CAP, encoding_note, encoding_of, physical_lines
from catalens.feeds.tolerant import LOOKED_AT, delimiter_in, header_in, is_remark
from catalens.types import Failure, Where

MOST_COLUMNS = 2000
"""Of one table; the fullest of shops' exports have some hundred."""

csv.field_size_limit(LINE_CAP)

Record = tuple[int, list[str] | str]
"""A line (1-based) with its cells, or with why it is broken."""


def read_cells(table: Path) -> Iterator[list[str]]:
    """The lines of a CSV table in UTF-8 as cells, whatever sign divides them; the first has the columns' names.

    Unlike `Table`, for tables that people write: a line that is broken breaks the table.

    Raises:
        NotFoundError: there is none.
        FeedError: it is no such table.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            delimiter = delimiter_of(lines.readline())
            lines.seek(0)
            yield from csv.reader(lines, delimiter=delimiter)
    except (FileNotFoundError, IsADirectoryError):
        raise NotFoundError(f"no table at {table}", cure="give a CSV file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise FeedError(f"{table} is no CSV table in UTF-8: {error}", cure="save it as CSV with UTF-8") from None


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it starts on (1-based) and its cells, stripped; columns may have one name."""

    line: int
    header: tuple[str, ...]
    cells: list[str]

    def __getitem__(self, column: str) -> str:
        """The first cell of a column of this name that is not empty, "" where there is none."""
        return next((cell for name, cell in zip(self.header, self.cells, strict=True) if name == column and cell), "")

    def items(self) -> list[tuple[str, str]]:
        """(Column, cell) of all columns."""
        return list(zip(self.header, self.cells, strict=True))


class Table:
    """A table with a header: rows above it are passed over, rows that are none of it are named.

    Args:
        path: the file.
        name: what places in it are called by; the file's own name where None.
        encoding: of its text; found out where None.
    """

    def __init__(self, path: Path, *, name: str | None = None, encoding: str | None = None) -> None:
        self.path, self.name = path, name or path.name
        self.has_header, self.is_carried = True, xlsx.recognises(path) or parquet.recognises(path)
        self.notes: list[str] = []
        self._records = _records_of(path, encoding, self.notes)
        first = [cells for _, cells in islice(self._records(), LOOKED_AT) if isinstance(cells, list)]
        at = header_in(first)
        header = first[at or 0] if first else []
        self._above = at or 0
        if at is None:
            self.has_header, header = False, [str(number + 1) for number in range(max(map(len, first)))]
        elif not any(cell.strip() for cell in header):
            raise FeedError(f"{path} has no header line", cure="export it with column names in the first line")
        if len(header) > MOST_COLUMNS:
            raise FeedError(
                f"{path} has {len(header)} columns; at most {MOST_COLUMNS} are read",
                cure="export fewer columns, or check the delimiter",
            )
        self.header = tuple(cell.strip().lstrip("\ufeff").strip() for cell in header)
        if self._above:
            self.notes.append(f"{self._above} row{'s' * (self._above > 1)} above the header passed over")

    def records(self) -> Iterator[Record]:
        """All records after the header, in order, with their cells as they are written."""
        above = self._above + self.has_header
        for line, cells in self._records():
            if above and isinstance(cells, list):
                above -= 1
                continue
            yield line, cells

    def rows(self) -> Iterator[Row | Failure]:
        """All rows after the header, in order, without what is none of the table."""
        wide = len(self.header)
        for line, cells in self.records():
            if isinstance(cells, str):
                yield self._failure(line, cells, "fix this line, or export the file again")
                continue
            own = [cell.strip() for cell in cells]
            while len(own) > wide and not own[-1]:
                own.pop()
            if not any(own) or is_remark(own) or tuple(own) == self.header:
                continue
            if len(own) > wide:
                why = f"{len(own)} cells where the header has {wide}"
                yield self._failure(line, why, "fix this line; a cell with the delimiter in it needs quotes")
            elif wide > 2 and sum(map(bool, own)) == 1:
                why = f"only one cell is filled where the header has {wide}"
                yield self._failure(line, why, "fix this line; a cell with a line break in it needs quotes")
            else:
                yield Row(line, self.header, own + [""] * (wide - len(own)))

    def sample(self, most: int) -> list[Row]:
        """The first rows that are whole."""
        return [row for row in islice(self.rows(), most) if isinstance(row, Row)]

    def where(self, row: Row, column: str | None = None) -> Where:
        """The place of a row or one of its cells."""
        return Where(self.name, row.line, column)

    def _failure(self, line: int, why: str, cure: str) -> Failure:
        return Failure(Where(self.name, line), "row", why, cure)


def _records_of(path: Path, encoding: str | None, notes: list[str]) -> Callable[[], Iterator[Record]]:
    """What gives the records of a file from the start, by what the file is."""
    for carrier in (xlsx, parquet):
        if carrier.recognises(path):
            return lambda: carrier.records(path)
    name = encoding_of(path, encoding)
    notes.extend(encoding_note(path, name, encoding))
    lines = list(islice(physical_lines(path, name), LOOKED_AT))
    delimiter, above = delimiter_in(lines)

    def records() -> Iterator[Record]:
        reading = physical_lines(path, name)
        for _ in range(above):
            next(reading, None)
        found = Records(reading, delimiter)
        found.next_line += above
        return iter(found)

    return records

"""Delimited text as rows with their line numbers: one broken row costs that row only."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalens.errors import FeedError, NotFoundError
from catalens.feeds.text import LINE_CAP, encoding_note, encoding_of, physical_lines
from catalens.types import Failure, Where

RECORD_LINES = 2000
"""Lines of one record: beyond it a quote was never closed."""
DELIMITERS = (",", "\t", ";", "|")


def delimiter_of(header: str) -> str:
    """What divides the cells of a table: the sign that its first line has most often, a comma where it has none."""
    return max(DELIMITERS, key=header.count)


csv.field_size_limit(LINE_CAP)


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
    """One record: the line it starts on (1-based) and its cells by column name, stripped."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


class _Records:
    """Records of a delimited text; a record that was never closed gives its first line back as broken."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self._lines = lines
        self._back: deque[str] = deque()
        self._delimiter = delimiter
        self.line = 0
        self.next_line = 1

    def __iter__(self) -> Iterator[list[str] | str]:
        """Cells, or why the record on line `line` is broken."""
        while (first := self._take()) is not None:
            self.line = self.next_line - 1
            if len(first) > LINE_CAP:
                yield f"a line of more than {LINE_CAP // 2**20} million characters"
            elif first.strip("\r\n"):
                yield self._record(first)

    def _take(self) -> str | None:
        line = self._back.popleft() if self._back else next(self._lines, None)
        self.next_line += line is not None
        return line

    def _record(self, first: str) -> list[str] | str:
        taken = [first]
        while (cells := self._parse("".join(taken))) is None:
            # Only a line with a quote in it can close the cell that is open.
            line = self._take()
            while line is not None and '"' not in line and len(taken) < RECORD_LINES and len(line) <= LINE_CAP:
                taken.append(line)
                line = self._take()
            if line is not None:
                taken.append(line)
            if line is None or len(taken) > RECORD_LINES or len(line) > LINE_CAP:
                self._give_back(taken[1:])
                return "a quote that is never closed"
        return cells

    def _give_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.next_line -= len(lines)

    def _parse(self, text: str) -> list[str] | None:
        """Cells of a record; None where a quoted cell is still open."""
        try:
            return next(csv.reader([text], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                return None
            return self._lenient(text)
        except StopIteration:
            return []

    def _lenient(self, text: str) -> list[str]:
        """Cells of a record with stray quotes; all of it as one cell where even so it cannot be told apart."""
        try:
            return next(csv.reader(text.splitlines(keepends=True), delimiter=self._delimiter))
        except (csv.Error, StopIteration):
            return [text]


class Table:
    """A delimited text file with a header."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._encoding = encoding_of(path)
        first = next(physical_lines(path, self._encoding), "")
        self._delimiter = delimiter_of(first)
        header = next(iter(_Records(physical_lines(path, self._encoding), self._delimiter)), [])
        if isinstance(header, str) or not any(cell.strip() for cell in header):
            raise FeedError(f"{path} has no header line", cure="export it with column names in the first line")
        self.header = tuple(cell.strip() for cell in header)
        self.notes = encoding_note(self._encoding)

    def rows(self) -> Iterator[Row | Failure]:
        """All records after the header, in order."""
        records = _Records(physical_lines(self.path, self._encoding), self._delimiter)
        reading = iter(records)
        next(reading)
        for cells in reading:
            if isinstance(cells, str):
                yield self._failure(records.line, cells, "mend this line, or export the file again")
            elif len(cells) != len(self.header):
                why = f"{len(cells)} cells where the header has {len(self.header)}"
                yield self._failure(records.line, why, "mend this line; a cell with the delimiter in it needs quotes")
            elif any(cell.strip() for cell in cells):
                stripped = (cell.strip() for cell in cells)
                yield Row(records.line, dict(zip(self.header, stripped, strict=True)))

    def where(self, row: Row, column: str | None = None) -> Where:
        """The place of a row or one of its cells."""
        return Where(self.path.name, row.line, column)

    def _failure(self, line: int, why: str, cure: str) -> Failure:
        return Failure(Where(self.path.name, line), "row", why, cure)

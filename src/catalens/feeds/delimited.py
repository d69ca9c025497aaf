"""Delimited text as records, each line looked at once: one broken record costs that record only.

Quotes as spreadsheets write them, and as people do: a quote inside a bare cell is a sign like any other, what follows a
closing quote belongs to the cell. A quote that is never closed gives its lines back, and how often a file may do that
is in proportion to its length, so that no file costs more than that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from catalens.feeds.text import LINE_CAP

RECORD_LINES = 2000
"""Lines of one record: beyond it a quote was never closed."""
DELIMITERS = (",", "\t", ";", "|")


def delimiter_of(header: str) -> str:
    """What divides the cells of a table: the sign that its first line has most often, a comma where it has none."""
    return max(DELIMITERS, key=header.count)


class Records:
    """Records of a delimited text; a record that was never closed gives its lines but the first back."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self._lines = lines
        self._back: deque[str] = deque()
        self._delimiter = delimiter
        self._spent = 0
        self.line = 0
        self.next_line = 1

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        """(Line, cells) of each record, or (line, why it is broken)."""
        while (first := self._take()) is not None:
            self.line = self.next_line - 1
            if len(first) > LINE_CAP:
                yield self.line, f"a line of more than {LINE_CAP // 2**20} million characters"
            elif first.strip("\r\n"):
                yield self.line, self._record(first)

    def _take(self) -> str | None:
        line = self._back.popleft() if self._back else next(self._lines, None)
        self.next_line += line is not None
        return line

    def _record(self, first: str) -> list[str] | str:
        if '"' not in first:
            return first.rstrip("\r\n").split(self._delimiter)
        cells: list[str] = []
        taken: list[str] = []
        open_cell = self._cells(first, cells, None)
        size = len(first)
        while open_cell is not None:
            line = self._take() if len(taken) < RECORD_LINES and size <= LINE_CAP and self._may_look() else None
            if line is None or len(line) > LINE_CAP:
                if line is not None:
                    taken.append(line)
                self._give_back(taken)
                return "a quote that is never closed"
            taken.append(line)
            size += len(line)
            open_cell = self._cells(line, cells, open_cell)
        return cells

    def _may_look(self) -> bool:
        return self._spent <= 2 * RECORD_LINES + 2 * self.line

    def _give_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.next_line -= len(lines)
        self._spent += len(lines)

    def _cells(self, line: str, cells: list[str], inside: list[str] | None) -> list[str] | None:
        """Divide a line. `inside` is the quoted cell that it starts in; what comes back is the one it ends in."""
        mark = self._delimiter
        end = len(line.rstrip("\r\n"))
        here = 0
        while True:
            parts = inside
            if parts is None and line.startswith('"', here):
                parts, here = [], here + 1
            if parts is not None:
                while True:
                    quote = line.find('"', here)
                    if quote < 0:
                        parts.append(line[here:])
                        return parts
                    parts.append(line[here:quote])
                    here = quote + 1
                    if not line.startswith('"', here):
                        break
                    parts.append('"')
                    here += 1
            inside = None
            stop = line.find(mark, here, end)
            rest = line[here : end if stop < 0 else stop]
            cells.append("".join([*(parts or ()), rest]))
            if stop < 0:
                return None
            here = stop + 1

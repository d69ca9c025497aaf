"""How far an import is: by the line of the feed that the last product came from, of all lines of its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from catalens.feeds.base import Item
from catalens.types import Progress

_CHUNK = 2**20


class Position:
    """A progress callback that knows the file at work and estimates how many products there will be.

    Args:
        progress: is told (done, estimated total or None, "adding products: FILE").
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._name, self._line, self._lines = "", 0, 0
        self._done = self._before = 0

    def watched(self, items: Iterable[Item], identity: str) -> Iterator[Item]:
        """The items of a source; their places are watched as they come."""
        path = Path(identity)
        self._name, self._line, self._lines = path.name, 0, lines_of(path) if identity else 0
        self._before = self._done
        for item in items:
            if item.where.line is not None:
                self._line = max(self._line, item.where.line)
            yield item
        self._line = self._lines

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """As of `types.Progress`; `done` counts the products of all sources so far."""
        self._done = done
        if total is None and 0 < self._line <= self._lines:
            total = max(done, self._before + round((done - self._before) * self._lines / self._line))
        self._progress(done, total, f"{what}: {self._name}" if self._name else what)


def lines_of(path: Path) -> int:
    """Number of lines of a file; 0 where it is none that can be read."""
    try:
        with path.open("rb") as file:
            return sum(part.count(b"\n") for part in iter(lambda: file.read(_CHUNK), b""))
    except (OSError, ValueError):
        return 0

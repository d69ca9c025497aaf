"""What every feed is: it recognises a source by a sample of it, and reads it into products and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from catalens.types import Failure, Product

Item: TypeAlias = Product | Failure


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at a source. `head` is its first text ("" for folders and pictures), `header` the first row's cells."""

    path: Path
    head: str = ""
    header: tuple[str, ...] = ()


NAMED = 3
"""Cells that a note on unread ones names."""
MOST_COLUMNS = 50
"""Columns that have a note on unread cells of their own."""


@dataclass(slots=True)
class Unread:
    """Cells of one column that could not be read: how many, and the first of them in words."""

    count: int = 0
    first: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Notes:
    """What a user should know of a reading that is no failure: what was guessed, and what was counted on the way."""

    said: list[str] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    cells: dict[tuple[str, str], Unread] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Add a sentence."""
        self.said.append(text)

    def count(self, one: str, many: str) -> None:
        """Count a case; `one` and `many` say it of one and of several ("{} rows left out")."""
        self.counts[one, many] += 1

    def unread(self, column: str, kind: str, value: object, line: int | None) -> None:
        """Count a cell that is not of the type that its column promises; `kind` says which, and what becomes of it."""
        if (column, kind) not in self.cells:
            if len(self.cells) >= MOST_COLUMNS:
                column, kind = "of another name", "value of its type and left out"
            self.cells.setdefault((column, kind), Unread())
        found = self.cells[column, kind]
        found.count += 1
        if len(found.first) < NAMED:
            shown = repr(value if isinstance(value, str) else str(value))
            shown = shown if len(shown) <= 40 else f"{shown[:36]}...{shown[-1]}"
            found.first.append(shown if line is None else f"line {line}: {shown}")

    def told(self) -> tuple[str, ...]:
        """All of it in words."""
        counted = (one.format(n) if n == 1 else many.format(n) for (one, many), n in self.counts.items())
        cells = (
            f"column {column}: {one.count} {'cell is' if one.count == 1 else 'cells are'} no {kind} "
            f"({'; '.join(one.first)}{'; ...' if one.count > len(one.first) else ''})"
            for (column, kind), one in self.cells.items()
        )
        return (*self.said, *counted, *cells)


@dataclass(frozen=True, slots=True)
class Reading:
    """A source being read: the format's name, the items, once, and what is known of it.

    `mentions` names what the source can say of a product (`title`, `description`, `pictures`, `variants` and names of
    attributes); None where each product says it itself, as objects do. What a source does not mention it does not deny.
    """

    name: str
    told: Notes
    items: Iterable[Item]
    mentions: frozenset[str] | None = None
    keeps: object = None
    """What must live as long as the reading, such as a temporary folder."""

    def __iter__(self) -> Iterator[Item]:
        yield from self.items  # a generator, which keeps what the reading keeps

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed or counted, in words; complete when the items have been read."""
        return self.told.told()


@dataclass(frozen=True, slots=True)
class Options:
    """How a source is to be read.

    Attributes:
        media: folder that picture paths start from; the source's own where None.
        mapping: field -> column, for formats whose columns are guessed.
        encoding: of text; found out where None.
        name: what places in the source are called by, where it lies elsewhere than the user gave it.
        beside: the file that relative paths start beside, likewise.
    """

    media: Path | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    name: str | None = None
    beside: Path | None = None


class Feed(Protocol):
    """One catalogue format."""

    name: str

    def recognises(self, sample: Sample) -> bool:
        """Whether the sample looks like this format. The first feed that says yes reads it."""

    def read(self, source: Path, options: Options) -> Reading:
        """Read the source.

        Raises:
            FeedError: nothing can be read from it.
        """

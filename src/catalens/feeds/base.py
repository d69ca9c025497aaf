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


@dataclass(slots=True)
class Notes:
    """What a user should know of a reading that is no failure: what was guessed, and what was counted on the way."""

    said: list[str] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def say(self, text: str) -> None:
        """Add a sentence."""
        self.said.append(text)

    def count(self, one: str, many: str) -> None:
        """Count a case; `one` and `many` say it of one and of several ("{} rows left out")."""
        self.counts[one, many] += 1

    def told(self) -> tuple[str, ...]:
        """All of it in words."""
        counted = (one.format(n) if n == 1 else many.format(n) for (one, many), n in self.counts.items())
        return (*self.said, *counted)


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

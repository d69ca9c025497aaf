"""What every feed is: it recognises a source by a sample of it, and reads it into products and failures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Reading:
    """A source being read: the format's name, what was guessed, in words, and the items, once."""

    name: str
    notes: tuple[str, ...]
    items: Iterable[Item]

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)


class Feed(Protocol):
    """One catalogue format."""

    name: str

    def recognises(self, sample: Sample) -> bool:
        """Whether the sample looks like this format. The first feed that says yes reads it."""

    def read(self, source: Path, *, media: Path | None, mapping: Mapping[str, str] | None) -> Reading:
        """Read the source.

        Args:
            source: the file or folder.
            media: folder that picture paths start from; the source's own where None.
            mapping: field -> column, for formats whose columns are guessed.

        Raises:
            FeedError: nothing can be read from it.
        """

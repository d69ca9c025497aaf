"""What `add` is given: a feed, several feeds, or products; opened before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalens.errors import UsageError
from catalens.feeds import Reading, open_feed
from catalens.feeds.addresses import is_address
from catalens.feeds.base import Options
from catalens.feeds.joined import is_side
from catalens.types import Failure, Product

Source = str | Path | Iterable[str | Path] | Iterable[Product | Failure]
"""A feed, a folder of photos or a photo; several of them; or products."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the sources: its items, once, and its identity, "" where it has none."""

    items: Iterable[Product | Failure]
    identity: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Readings of feeds one after the other, or the products that the caller gave."""

    readings: Sequence[tuple[str, Reading]] = ()
    products: Iterable[object] = ()
    given_name: str = ""

    def parts(self) -> Iterator[Part]:
        """The sources one by one."""
        for identity, reading in self.readings:
            yield Part(with_mentions(reading), self.given_name or identity)
        if not self.readings:
            yield Part(_checked(self.products), self.given_name)

    @property
    def name(self) -> str:
        """Names of the formats that were recognised."""
        return ", ".join(dict.fromkeys(reading.name for _, reading in self.readings)) or "products"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the feeds guessed; complete when they have been read."""
        return tuple(note for _, reading in self.readings for note in reading.notes)


def with_sides(
    paths: Sequence[str | Path], join: Sequence[str | Path] = (), *, encoding: str | None = None
) -> tuple[list[str | Path], list[str | Path]]:
    """Feeds, and the tables that are joined to them: those of `join`, and, of several paths, those that are such."""
    sides = [path for path in paths if len(paths) > 1 and is_side(Path(path), Options(encoding=encoding))]
    if len(sides) == len(paths):
        sides = []
    return [path for path in paths if path not in sides], [*sides, *join]


def with_mentions(reading: Reading) -> Iterator[Product | Failure]:
    """Items of a reading; where all of it mentions the same, each product says so."""
    for item in reading:
        said = None if isinstance(item, Failure) else reading.mentions
        yield item if said is None or isinstance(item, Failure) else replace(item, mentions=said)


def _checked(items: Iterable[object]) -> Iterator[Product | Failure]:
    for item in items:
        if not isinstance(item, Product | Failure):
            raise UsageError(
                f"expected products and got {type(item).__name__}",
                cure="pass catalens.Product objects, or a list of paths",
            )
        yield item


def open_sources(
    source: Source,
    *,
    media: str | Path | None,
    mapping: Mapping[str, str] | None,
    format: str | None,
    encoding: str | None = None,
    name: str = "",
    fetch: bool | frozenset[str] = False,
    join: Sequence[str | Path] = (),
) -> Sources:
    """Open all of them, so that a wrong path is said before anything is written.

    Of several paths, tables of pictures or prices alone are joined to the others by sku.

    Args:
        fetch, join: as of `open_feed`.
        name: identity of the source, in the place of its path.

    Raises:
        UsageError: neither a path, nor several, nor products.
        NotFoundError, FeedError: a path with nothing there, or with nothing that can be read.
    """
    if isinstance(source, str | Path):
        source = [source]
    if not isinstance(source, Iterable):
        raise UsageError(
            f"expected a path, several paths or products and got {type(source).__name__}", cure="pass one of these"
        )
    if not isinstance(source, list | tuple):
        return Sources(products=source, given_name=name)
    paths = [item for item in source if isinstance(item, str | Path)]
    products = [item for item in source if not isinstance(item, str | Path)]
    if paths and products:
        raise UsageError("expected paths or products and got both", cure="add them one after the other")
    folder = None if media is None else Path(media)
    paths, sides = with_sides(paths, join, encoding=encoding)
    readings = [
        open_feed(path, media=folder, mapping=mapping, format=format, encoding=encoding, fetch=fetch, join=sides)
        for path in paths
    ]
    identities = [str(path) if is_address(path) else str(Path(path).absolute()) for path in paths]
    return Sources(list(zip(identities, readings, strict=True)), products, name)

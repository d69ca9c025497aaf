"""What a page shows of a catalog beside searches: a product's pictures, a picture by its hash, values to filter by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from catalens.errors import NotFoundError, StorageError

FEW = 2
"""A text attribute is worth filtering by where at least one of its values is shared by so many products."""


class BrowsedStore(Protocol):
    """What is needed of a store."""

    def fetch_all(self, sql: str, parameters: tuple[object, ...] = ..., /) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture of a product: SHA-256 of its file in hex, the variant that it shows, (height, width) in pixels."""

    hash: str
    variant: str | None
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Facet:
    """An attribute to filter by: its values in small letters with how many products have each, the most frequent first.

    `span` is the least and the greatest of an attribute of numbers; `more` says that it has further values.
    """

    name: str
    values: tuple[tuple[str, int], ...]
    span: tuple[float, float] | None = None
    more: bool = False

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "values": [{"value": value, "products": count} for value, count in self.values],
            "span": None if self.span is None else list(self.span),
            "more": self.more,
        }


def shown_pictures(store: BrowsedStore, sku: str) -> tuple[ShownPicture, ...]:
    """Pictures that the catalog has read of a product (or of the product of a variant), in their order, each once."""
    rows = store.fetch_all(
        "SELECT picture.hash, variant.sku, picture.height, picture.width FROM shown "
        "JOIN picture ON picture.id = shown.picture_id LEFT JOIN variant ON variant.id = shown.variant_id "
        "WHERE shown.product_id IN (SELECT id FROM product WHERE sku = ?1 "
        "UNION ALL SELECT product_id FROM variant WHERE sku = ?1) ORDER BY shown.position",
        (sku,),
    )
    found: dict[str, ShownPicture] = {}
    for hash, variant, height, width in rows:
        found.setdefault(hash.hex(), ShownPicture(hash.hex(), variant, (height, width)))
    return tuple(found.values())


def picture_data(store: BrowsedStore, hash: str) -> bytes:
    """The file of a picture of the catalog.

    Raises:
        NotFoundError: the catalog has no such picture, or its file is gone.
        StorageError: its file cannot be read.
    """
    try:
        rows = store.fetch_all("SELECT path, bytes FROM picture WHERE hash = ?", (bytes.fromhex(hash),))
    except ValueError:
        rows = []
    if not rows:
        raise NotFoundError(f"no picture {hash[:12]} in the catalog", cure="ask for a hash that a match has")
    path, data = rows[0]
    if data is not None:
        return bytes(data)
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"the file of picture {hash[:12]} is gone", cure="add its source again") from None
    except OSError as error:
        raise StorageError(
            f"the file of picture {hash[:12]} cannot be read: {error.strerror}", cure="check its rights"
        ) from None


def facets(store: BrowsedStore, *, most: int) -> Iterator[Facet]:
    """Attributes that are worth filtering by, each with at most so many values."""
    names = store.fetch_all(
        "SELECT name, count(*), count(DISTINCT text), count(number), min(number), max(number) FROM facet "
        "GROUP BY name ORDER BY count(DISTINCT product_id) DESC, name"
    )
    for name, count, distinct, numbers, least, greatest in names:
        if numbers == count and distinct > FEW:
            yield Facet(name, (), (least, greatest), more=False)
            continue
        rows = store.fetch_all(
            "SELECT text, count(DISTINCT product_id) AS products FROM facet WHERE name = ? "
            "GROUP BY text ORDER BY products DESC, text LIMIT ?",
            (name, most),
        )
        if rows and rows[0][1] >= FEW:
            yield Facet(name, tuple(rows), more=distinct > len(rows))

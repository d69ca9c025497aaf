"""What is in a catalog, counted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from catalens.storage.schema import VERSION
from catalens.storage.store import Store


@dataclass(frozen=True, slots=True)
class CatalogInfo:
    """What is in a catalog. `spaces` maps the name of each space to its number of vectors; sizes are in bytes.

    `encoders` are those whose vectors the catalog has; `unread` counts pictures that a source names and that could not
    be read.
    """

    path: Path
    version: int
    products: int
    variants: int
    pictures: int
    unread: int
    encoders: tuple[str, ...]
    spaces: Mapping[str, int]
    size_bytes: int

    def to_dict(self) -> dict[str, object]:
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "path": str(self.path),
            "encoders": list(self.encoders),
            "spaces": dict(self.spaces),
        }


def count_all(store: Store) -> CatalogInfo:
    """Count what is in the catalog of a store."""
    counts = store.counts()
    spaces = dict(
        store.fetch_all("SELECT name, (SELECT count(*) FROM vector WHERE space_id = space.id) FROM space ORDER BY id")
    )
    return CatalogInfo(
        path=store.folder,
        version=VERSION,
        products=counts.products,
        variants=counts.variants,
        pictures=counts.pictures,
        unread=counts.unread,
        encoders=tuple(name.removeprefix("deep:") for name in spaces if name.startswith("deep:")),
        spaces=spaces,
        size_bytes=_size(store.folder),
    )


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # the write-ahead log comes and goes
            total += path.stat().st_size if path.is_file() else 0
    return total

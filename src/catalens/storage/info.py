"""What is in a catalog, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalens.storage.store import Store


@dataclass(frozen=True, slots=True)
class CatalogInfo:
    """What is in a catalog. `spaces` maps the name of each space to its number of vectors; sizes are in bytes.

    `encoders` are those whose vectors the catalog has; `unread` counts pictures that a source names and that could not
    be read.
    """

    path: Path | None
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
            "path": None if self.path is None else str(self.path),
            "encoders": list(self.encoders),
            "spaces": dict(self.spaces),
        }


def count_all(store: Store) -> CatalogInfo:
    """Count what is in the catalog of a store."""
    counts = store.counts()
    spaces = store.space_sizes()
    version, size_bytes = store.info()
    return CatalogInfo(
        path=store.folder,
        version=version,
        products=counts.products,
        variants=counts.variants,
        pictures=counts.pictures,
        unread=counts.unread,
        encoders=tuple(name.removeprefix("deep:") for name in spaces if name.startswith("deep:")),
        spaces=spaces,
        size_bytes=size_bytes,
    )

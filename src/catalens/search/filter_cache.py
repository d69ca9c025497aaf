"""The filter cache: products that passed a filter, kept as long as nothing in the catalog changes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from catalens.search.filters import names_in
from catalens.storage.filter_terms import Filter
from catalens.storage.store import Store
from catalens.types import IntArray

_KEPT = 32
"""Filters whose answers are kept: 100,000 passing products with one picture each take 1.6 MB."""


@dataclass(frozen=True)
class Filtered:
    """Products that a filter lets pass (ids, ascending), and the ids of their vectors in the spaces asked for."""

    products: IntArray
    vectors: dict[str, IntArray] = field(default_factory=dict)

    def among(self, products: Sequence[int]) -> set[int]:
        """Those of these products that pass; asked of few, a filter that passes a million costs nothing more."""
        asked = np.unique(np.asarray(products, np.int64))
        places = np.searchsorted(self.products, asked)
        inside = places < len(self.products)
        asked, places = asked[inside], places[inside]
        return set(asked[self.products[places] == asked].tolist())


class FilterCache:
    """Answers filters. Any number of threads may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._kept: dict[str, Filtered] = {}
        self._version: int | None = None

    def products(self, term: Filter) -> Filtered:
        """Find what a filter lets pass."""
        key, version = str(term), self._store.data_version()
        with self._lock:
            if version != self._version:
                self._kept, self._version = {}, version
            if key in self._kept:
                return self._kept[key]
        passing = Filtered(self._store.passing_products(term))
        with self._lock:
            if version == self._version:
                while len(self._kept) >= _KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = passing
        return passing

    def unknown_attributes(self, term: Filter) -> tuple[str, ...]:
        """Attributes of a filter that no product has."""
        names = names_in(term)
        known = self._store.known_attributes(names)
        return tuple(name for name in names if name not in known)

    def vectors(self, passing: Filtered, space: str) -> IntArray:
        """Ids (N,) of the vectors in a space whose pictures show a passing product."""
        if space not in passing.vectors:
            found = self._store.vectors_showing(space, passing.products)
            found.flags.writeable = False  # an index that is asked with it again knows it again
            passing.vectors[space] = found
        return passing.vectors[space]

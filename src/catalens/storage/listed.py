"""What a source lists, and what it listed before and lists no longer."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from catalens.storage.store import Store, StoreWriter
from catalens.types import Failure, IntArray, Product

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Vanished:
    """How many products and variants are in the catalog still, how many were removed, and that in words."""

    missing: int
    removed: int
    notes: tuple[str, ...]


class Listed:
    """The products of one source, as they come."""

    def __init__(self) -> None:
        self._hashes = array("q")  # eight bytes a product: a source may have a million
        self.keeping_prices = 0
        """Products whose price the source changes while their variants keep different ones."""
        self._lacking: dict[str, tuple[str, ...]] = {}
        self._lost: frozenset[str] = frozenset()
        self._broken = array("q")

    def add(self, product: Product) -> None:
        """Take note of a product."""
        self._hashes.append(hash(product.sku))
        self._lost = frozenset(product.lost).union(*(variant.lost for variant in product.variants))

    def failed(self, failure: Failure) -> None:
        """Take note of a failure: a row that cannot be read may be any of the products that seem to have vanished.

        One that is about a product that is listed, such as one without a picture, hides none but its variants.
        """
        if failure.what not in self._lost:
            self._broken.append(hash(failure.what))

    def lacks(self, sku: str, variants: Sequence[str]) -> None:
        """Take note of variants that a product has and the source does not list with it."""
        self._lacking[sku] = tuple(variants)

    def vanished(self, store: Store, feed: str, *, prune: bool) -> Vanished:
        """Find what the source listed before and lists no longer; with `prune`, remove it.

        Nothing is removed where a row of the source could not be read, or where it lists nothing at all.
        """
        given = np.unique(np.array(self._hashes, np.int64))
        broken = np.array(self._broken, np.int64)
        unread = int((~np.isin(broken, given)).sum())
        failed = set(broken.tolist())
        whole = {sku: named for sku, named in self._lacking.items() if hash(sku) not in failed}
        with store.change() as writer:
            gone = list(_not_among(writer, feed, given))
            lacking = {sku: own for sku, named in whole.items() if (own := _still_there(writer, sku, named, feed))}
            count = _said(len(gone), sum(map(len, lacking.values())))
            total = len(gone) + sum(map(len, lacking.values()))
            if not total:
                return Vanished(0, 0, ())
            if unread or not len(given):
                why = f"rows of the source could not be read: {unread}" if len(given) else "the source lists nothing"
                return Vanished(total, 0, (f"{count} of this source are not in it; they stay, since {why}",))
            if not prune:
                said = f"{count} of this source are no longer in it; they stay (prune removes them)"
                return Vanished(total, 0, (said,))
            writer.remove(gone)
            for sku, named in lacking.items():
                _remove_variants(writer, sku, named)
        return Vanished(0, total, (f"{count} that this source no longer has were removed",))


def compare(store: Store, items: Iterable[Product | Failure], feed: str, *, prune: bool) -> Vanished:
    """Find, or remove, what a source listed before, once all of its items are in the catalog.

    Args:
        items: all that the source lists now; feed: its identity.
    """
    listed = Listed()
    for item in items:
        if isinstance(item, Failure):
            listed.failed(item)
            continue
        listed.add(item)
        given = {variant.sku for variant in item.variants}
        known = store.product(item.sku) if given else None
        if known is not None:
            listed.lacks(known.sku, [each.sku for each in known.variants if each.sku not in given])
    return listed.vanished(store, feed, prune=prune)


def _not_among(writer: StoreWriter, feed: str, given: IntArray) -> Iterator[str]:
    """Products that the source listed before, but for those whose hashes (N,) are given, ascending."""
    last = ""
    while page := writer.skus_of_feed(feed, after=last, limit=_PAGE):
        there = np.isin(np.array([hash(sku) for sku in page], np.int64), given)
        yield from (sku for sku, is_there in zip(page, there.tolist(), strict=True) if not is_there)
        last = page[-1]


def _still_there(writer: StoreWriter, sku: str, variants: Sequence[str], feed: str) -> set[str]:
    product, written = writer.product(sku), writer.written(sku)
    if product is None or written is None or written.feed != feed:
        return set()
    return {each.sku for each in product.variants} & set(variants)


def _remove_variants(writer: StoreWriter, sku: str, variants: set[str]) -> None:
    product, written = writer.product(sku), writer.written(sku)
    if product is not None and written is not None:
        kept = replace(product, variants=tuple(each for each in product.variants if each.sku not in variants))
        writer.write_product(kept, written.shown, stale=written.stale, feed=written.feed)


def _said(products: int, variants: int) -> str:
    counts = [(products, "product"), (variants, "variant")]
    return " and ".join(f"{count} {name}{'s' * (count != 1)}" for count, name in counts if count)

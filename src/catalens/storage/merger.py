"""Products of a source into the catalog: merged with what is there, and written where that makes a difference."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from catalens.storage.listed import Listed
from catalens.storage.merge import brings_pictures, keeps_prices, merged, with_stand_ins
from catalens.storage.records import digest, pictures_of
from catalens.storage.store import StoreWriter, WrittenProduct
from catalens.types import Product, Variant

Outcome = Literal["added", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Found:
    """What came of the pictures of some products.

    Args:
        shown: location -> id, of those that the catalog has.
        changed: those of them that show something else than before, or were embedded anew.
        gone: those of them whose files are not there now.
    """

    shown: dict[str, int]
    changed: Set[str]
    gone: Set[str]


@dataclass(frozen=True, slots=True)
class Merger:
    """Writes products within one change of the store.

    Args:
        feed: identity of their source, or "".
        listed: told of variants that the source does not list.
        clear_empty: as in `merge.merged`.
    """

    writer: StoreWriter
    found: Found
    feed: str
    listed: Listed
    clear_empty: bool

    def write(self, product: Product) -> tuple[Outcome, int]:
        """Write a product unless it is there as it is.

        Args:
            product: as `records.cleaned` returns it.

        Returns:
            What became of it, and how many of its pictures could not be read now and stay.
        """
        product = self._of_catalog(product)
        places = {each.location for _, each in pictures_of(product)}
        shown = {place: self.found.shown[place] for place in places if place in self.found.shown}
        before = self.writer.written(product.sku)
        if before is None:
            self.writer.write_product(product, shown, feed=self.feed)
            return "added", 0
        after, stale = product, frozenset[str]()
        if (digest(product), shown) != (before.digest, before.shown):
            after, stale = self._merged(product, places - shown.keys())
        now = {each.location for _, each in pictures_of(after)}
        shown = {place: id for place, id in {**before.shown, **shown}.items() if place in now}
        stale = (stale | (self.found.gone & places)) & shown.keys()
        all_stale = stale | ((before.stale - places) & shown.keys())
        feed = self._feed_of(product, before)
        if feed and feed == self.feed and 0 < len(product.variants) < len(after.variants):
            given = {variant.sku for variant in product.variants}
            self.listed.lacks(product.sku, [each.sku for each in after.variants if each.sku not in given])
        if (digest(after), shown) != (before.digest, before.shown):
            self.writer.write_product(after, shown, stale=all_stale, feed=feed)
            return "updated", len(stale)
        if (all_stale, feed) != (before.stale, before.feed):
            self.writer.note(product.sku, stale=all_stale, feed=feed)
        return "updated" if self.found.changed & shown.keys() else "unchanged", len(stale)

    def _of_catalog(self, product: Product) -> Product:
        """The product; where it is but a row about a variant of another (no pictures), that one with this variant."""
        is_whole = self.clear_empty and product.mentions is None
        if is_whole or brings_pictures(product) or product.variants or self.writer.written(product.sku) is not None:
            return product
        owner = self.writer.product(product.sku)
        if owner is None:
            return product
        known = next(variant for variant in owner.variants if variant.sku == product.sku)
        # The title of such a row is mostly that of the product.
        variant = Variant(product.sku, known.title or product.title, product.attributes)
        mentions = None if product.mentions is None else product.mentions - {"title", "description"}
        return Product(owner.sku, product.where, variants=(variant,), mentions=mentions)

    def _merged(self, product: Product, unreadable: Set[str]) -> tuple[Product, frozenset[str]]:
        old = self.writer.product(product.sku)
        if old is None:
            return product, frozenset()
        self.listed.keeping_prices += keeps_prices(old, product)
        filled, stale = with_stand_ins(old, product, unreadable)
        return merged(old, filled, mentions=product.mentions, clear_empty=self.clear_empty), stale

    def _feed_of(self, product: Product, before: WrittenProduct) -> str:
        """Identity of the source that lists the product: the last one that gave pictures of it."""
        if not self.feed or not (self.feed == before.feed or brings_pictures(product)):
            return before.feed
        return self.feed

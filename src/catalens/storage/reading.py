"""Text on the pictures of products, read into an attribute of theirs: found by the words of a search like any other.

Beside `read_text` stands `read_text_predicted_by`: who read it, and a digest of the pictures. What was read of the same
pictures is not read again, wherever they lie, and what a shop says itself in `read_text` is never replaced.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from catalens.errors import CatalensError
from catalens.storage.merge import PREDICTED_BY, patched
from catalens.storage.pictures import picture_data
from catalens.storage.store import ShownPicture, Store
from catalens.tasks.reading import TextReader, read_text
from catalens.types import AttributeValue, Failure, Product, Progress, Where

FIELD = "read_text"
READ_BY = FIELD + PREDICTED_BY
MOST_PICTURES, MOST_KEPT = 3, 60
"""Pictures of a product that are read, the first; lines that are kept of them."""
CONFIDENT, SHORTEST = 0.6, 2
"""Confidence of a line, and its letters and digits, from which it is kept."""
_PAGE = 64
_CACHED = 4096


@dataclass(frozen=True)
class TextReport:
    """What became of products whose pictures were to be read.

    Args:
        read: products read now; with_text: those of them on whose pictures text was found.
        known: products whose pictures were read before, or whose shop says the text itself.
        after: the last product that was looked at; "" where all were.
        failed: pictures that could not be read.
    """

    read: int = 0
    with_text: int = 0
    known: int = 0
    after: str = ""
    failed: tuple[Failure, ...] = ()

    def to_dict(self) -> dict[str, object]:
        failed = [one.to_dict() for one in self.failed]
        return {"read": self.read, "with text": self.with_text, "known": self.known, "failed": failed}


class ProductTexts:
    """Reads the text on products' pictures into a store. What was read of a picture's content is kept in memory.

    Args:
        reader: reads the pictures.
    """

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self._cache: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def run(
        self,
        store: Store,
        *,
        after: str = "",
        most: int | None = None,
        progress: Progress | None = None,
    ) -> TextReport:
        """Read what is new, product by product in the order of their skus; each is written when it is read.

        Args:
            after: go on behind this product.
            most: stop behind so many products that were read, or 100 times as many that were known.

        Raises:
            CatalogBusyError, StorageError: the catalog cannot be written; what was written before stays.
        """
        read = with_text = known = 0
        failed: list[Failure] = []
        total = store.product_count()
        while page := store.products_after(after, limit=_PAGE):
            for product in page:
                after = product.sku
                pictures = store.shown_pictures(product.sku)[:MOST_PICTURES]
                if not self._is_wanted(product, pictures):
                    known += 1
                elif (lines := self._lines(store, pictures, product, failed)) is not None:
                    self._write(store, product.sku, lines, self._stamp(pictures))
                    read, with_text = read + 1, with_text + bool(lines)
                if progress is not None:
                    progress(read + known, total, "reading text on pictures")
                if most is not None and (read >= most or known >= 100 * most):
                    return TextReport(read, with_text, known, after, tuple(failed))
        return TextReport(read, with_text, known, "", tuple(failed))

    def _stamp(self, pictures: Sequence[ShownPicture]) -> str:
        digest = hashlib.sha256(" ".join(one.hash for one in pictures).encode()).hexdigest()
        return f"{self._reader.name}, pictures {digest[:16]}"

    def _is_wanted(self, product: Product, pictures: Sequence[ShownPicture]) -> bool:
        read_by = product.attributes.get(READ_BY)
        if read_by is None:
            return bool(pictures) and not product.attributes.get(FIELD)
        return read_by != self._stamp(pictures)

    def _lines(
        self, store: Store, pictures: Sequence[ShownPicture], product: Product, failed: list[Failure]
    ) -> tuple[str, ...] | None:
        """The lines of all pictures, each once; None where no picture could be read."""
        found: dict[str, None] = {}
        unread = 0
        for one in pictures:
            if one.hash not in self._cache:
                try:
                    lines = read_text(picture_data(store, one.hash), min_confidence=CONFIDENT, reader=self._reader)
                except CatalensError as error:
                    failed.append(Failure(Where(one.hash[:12]), product.sku, error.what, error.cure))
                    unread += 1
                    continue
                kept = (line.text for line in lines if sum(map(str.isalnum, line.text)) >= SHORTEST)
                self._cache[one.hash] = tuple(dict.fromkeys(kept))
                while len(self._cache) > _CACHED:
                    self._cache.popitem(last=False)
            found.update(dict.fromkeys(self._cache[one.hash]))
        return None if pictures and unread == len(pictures) else tuple(found)[:MOST_KEPT]

    def _write(self, store: Store, sku: str, lines: tuple[str, ...], stamp: str) -> None:
        values: dict[str, AttributeValue | None] = {FIELD: lines or None, READ_BY: stamp}
        with store.writing(), store.change() as writer:
            written, product = writer.written(sku), writer.product(sku)
            if written is not None and product is not None:  # else removed meanwhile
                after = patched(product, sku, title=None, description=None, attributes=values)
                writer.write_product(after, written.shown, stale=written.stale, feed=written.feed)

"""Taking products in: plan, read pictures in a pool, write whole products batch by batch.

While one batch is written, the pictures of the next ones are read. A batch is one transaction, so that an interruption
leaves every product with all its pictures, vectors and words, or as it was before.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from catalens import settings
from catalens.storage.pictures import PictureReader
from catalens.storage.records import checked, digest, pictures_of
from catalens.storage.store import KnownFile, ReadPicture, Store, StoreWriter
from catalens.tasks.embed import Encoder
from catalens.types import AddReport, Failure, PictureSource, Product, Progress

BATCH_PRODUCTS = 64
BATCH_SECONDS = 1.5
"""A slow source is committed at least so often."""

CHUNK = 16
"""Pictures that one worker reads and embeds at a time: two workers stay busy on a batch of 64 products."""

FETCHERS = 8
"""Workers where pictures come from the web: they mostly wait."""

_IN_FLIGHT = 3
"""Batches under way: one is written while the pictures of the others are read."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A product, the pictures that need not be read (location -> id), and those that do."""

    product: Product
    digest: bytes
    known: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Batch:
    planned: list[_Planned]
    chunks: list[Future[list[ReadPicture | Failure]]]


class Ingest:
    """One `add`: takes products and failures from a source and keeps count.

    Args:
        store: its writer's lock is held by the caller.
        encoder: embeds the pictures.
        fetch: read web addresses, too, or those of some hosts.
        blur_faces: hide faces before anything is stored.
        progress: told after each batch.
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        *,
        fetch: bool | frozenset[str],
        blur_faces: bool,
        progress: Progress | None,
    ) -> None:
        self._store = store
        self._reader = PictureReader(store, encoder, fetch=fetch, blur_faces=blur_faces)
        self._workers = max(settings.threads(), FETCHERS if fetch else 1)
        self._progress = progress
        self._counts = {"added": 0, "updated": 0, "unchanged": 0}
        self._pictures = 0
        self._failed: list[Failure] = []

    def run(self, items: Iterable[Product | Failure]) -> AddReport:
        """Take all of it in. What is interrupted has kept the batches that were written."""
        flight: deque[_Batch] = deque()
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="catalens-read")
        try:
            for products in self._gather(items):
                flight.append(self._start(products, pool))
                if len(flight) == _IN_FLIGHT:
                    self._finish(flight.popleft())
            while flight:
                self._finish(flight.popleft())
        finally:
            pool.shutdown(cancel_futures=True)
        return AddReport(
            added=self._counts["added"],
            updated=self._counts["updated"],
            unchanged=self._counts["unchanged"],
            pictures=self._pictures,
            failed=tuple(self._failed),
        )

    def _gather(self, items: Iterable[Product | Failure]) -> Iterator[list[Product]]:
        """Valid products in batches; what is not valid is noted."""
        batch: list[Product] = []
        since = time.monotonic()
        for item in items:
            found = checked(item)
            if isinstance(found, Failure):
                self._failed.append(found)
            else:
                batch.append(found)
            if len(batch) == BATCH_PRODUCTS or (batch and time.monotonic() - since > BATCH_SECONDS):
                yield batch
                batch, since = [], time.monotonic()
        if batch:
            yield batch

    # Planning

    def _start(self, products: list[Product], pool: ThreadPoolExecutor) -> _Batch:
        """See what must be read, and have it read."""
        sources = {picture.location: picture for product in products for _, picture in pictures_of(product)}
        files = self._store.known_files(list(sources), spaces=self._reader.spaces)
        known: dict[str, int] = {}
        wanted: list[PictureSource] = []
        for location, source in sources.items():
            file = files.get(location)
            if file is not None and self._is_as_it_was(source, file):
                known[location] = file.picture
            else:
                wanted.append(source)
        planned = [
            _Planned(
                product,
                digest(product),
                {each.location: known[each.location] for _, each in pictures_of(product) if each.location in known},
            )
            for product in products
        ]
        chunks = [pool.submit(self._reader.read, wanted[i : i + CHUNK]) for i in range(0, len(wanted), CHUNK)]
        return _Batch(planned, chunks)

    def _is_as_it_was(self, source: PictureSource, file: KnownFile) -> bool:
        if not file.complete:
            return False
        if source.is_remote:
            return True
        try:
            found = Path(source.location).stat()
        except FileNotFoundError:
            self._failed.append(
                Failure(
                    source.where,
                    source.location,
                    "the file is gone; what the catalog knows of it stays",
                    "put it back, or take it out of the source",
                )
            )
            return True
        except (OSError, ValueError):
            return False
        return (found.st_size, found.st_mtime_ns) == (file.size, file.mtime_ns)

    # Writing

    def _finish(self, batch: _Batch) -> None:
        """Wait for the pictures of a batch and write it, in one transaction."""
        read: list[ReadPicture] = []
        for chunk in batch.chunks:
            for result in chunk.result():
                if isinstance(result, Failure):
                    self._failed.append(result)
                else:
                    read.append(result)
        counts = dict(self._counts)
        with self._store.change() as writer:
            written = self._write_pictures(writer, read)
            embedded = {picture.source.location for picture in read if picture.vectors}
            for planned in batch.planned:
                counts[self._write_product(writer, planned, written, embedded)] += 1
        self._counts = counts
        self._pictures += len(embedded)
        self._reader.forget({picture.hash for picture in read})
        if self._progress is not None:
            self._progress(sum(counts.values()), None, "adding products")

    def _write_pictures(self, writer: StoreWriter, read: list[ReadPicture]) -> dict[str, int]:
        """Write what was read; return location -> id."""
        written: dict[str, int] = {}
        # Those with vectors first: others of the same content lean on them.
        for picture in sorted(read, key=lambda picture: not picture.vectors):
            if picture.vectors or writer.find_picture(picture.hash) is not None:
                written[picture.source.location] = writer.write_picture(picture)
            else:
                self._write_again(writer, picture.source, written)
        return written

    def _write_again(self, writer: StoreWriter, source: PictureSource, written: dict[str, int]) -> None:
        """Read a picture whose content was on its way, or in the catalog, and is not there after all."""
        (result,) = self._reader.read([source], again=True)
        if isinstance(result, Failure):
            self._failed.append(result)
        else:
            written[source.location] = writer.write_picture(result)

    def _write_product(
        self,
        writer: StoreWriter,
        planned: _Planned,
        written: dict[str, int],
        embedded: set[str],
    ) -> str:
        """Write a product unless it is there as it is; return what became of it."""
        shown: dict[str, int] = {}
        for _, source in pictures_of(planned.product):
            known = planned.known.get(source.location)
            if known is not None and source.location not in written and not writer.has_picture(known):
                self._write_again(writer, source, written)
            picture_id = written.get(source.location, known)
            if picture_id is not None:
                shown[source.location] = picture_id
        before = writer.written(planned.product.sku)
        if before is not None and before.digest == planned.digest and before.shown == shown:
            return "updated" if embedded & shown.keys() else "unchanged"
        writer.write_product(planned.product, shown)
        return "added" if before is None else "updated"

"""Taking products in: plan, read pictures in a pool, merge and write whole products batch by batch.

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
from catalens.storage.listed import Listed
from catalens.storage.merger import Found, Merger
from catalens.storage.pictures import PictureReader
from catalens.storage.records import checked, pictures_of
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
class _Batch:
    """Products, and the pictures of all of them.

    Args:
        known: those that need not be read, location -> id; gone: those of them whose files are not there now.
        before: all that were read at some time, location -> id of what was there then.
        chunks: those that are being read.
    """

    products: list[Product]
    known: dict[str, int]
    gone: set[str]
    before: dict[str, int]
    chunks: list[Future[list[ReadPicture | Failure]]]


class Ingest:
    """One `add`: takes products and failures from sources and keeps count.

    Args:
        store: its writer's lock is held by the caller.
        encoder: embeds the pictures.
        fetch: read web addresses, too, or those of some hosts.
        blur_faces: hide faces before anything is stored.
        clear_empty: what a source mentions and leaves empty is cleared; see `merge.merged`.
        prune: remove what a source listed and lists no longer.
        progress: told after each batch.
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        *,
        fetch: bool | frozenset[str] = False,
        blur_faces: bool = False,
        clear_empty: bool = False,
        prune: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._reader = PictureReader(store, encoder, fetch=fetch, blur_faces=blur_faces)
        self._workers = max(settings.threads(), FETCHERS if fetch else 1)
        self._clear_empty = clear_empty
        self._prune = prune
        self._progress = progress
        self._feed = ""
        self._listed = Listed()
        self._counts = {"added": 0, "updated": 0, "unchanged": 0}
        self._pictures = self._stale = self._missing = self._removed = 0
        self._failed: list[Failure] = []
        self._notes: list[str] = []

    def run(self, items: Iterable[Product | Failure], *, feed: str = "", partial: bool = False) -> None:
        """Take all of it in. What is interrupted has kept the batches that were written.

        Args:
            feed: identity of the source, by which it is known again; "" where it has none.
            partial: the source lists more than this, so that what vanished from it is not known.
        """
        self._feed, self._listed = feed, Listed()
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
        self._notes += _said_of_prices(self._listed.keeping_prices)
        if feed and not partial:
            vanished = self._listed.vanished(self._store, feed, prune=self._prune)
            self._missing += vanished.missing
            self._removed += vanished.removed
            self._notes += vanished.notes

    def report(self) -> AddReport:
        """What became of all that was run."""
        return AddReport(
            added=self._counts["added"],
            updated=self._counts["updated"],
            unchanged=self._counts["unchanged"],
            pictures=self._pictures,
            failed=tuple(self._failed),
            notes=(*self._notes, *_said_of_stale(self._stale)),
            stale=self._stale,
            missing=self._missing,
            removed=self._removed,
        )

    def _gather(self, items: Iterable[Product | Failure]) -> Iterator[list[Product]]:
        """Valid products in batches; what is not valid is noted."""
        batch: list[Product] = []
        since = time.monotonic()
        for item in items:
            if isinstance(item, Failure):
                self._listed.failed(item)
            else:
                self._listed.add(item)
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
        gone: set[str] = set()
        wanted: list[PictureSource] = []
        for location, source in sources.items():
            file = files.get(location)
            if file is not None and self._is_as_it_was(source, file, gone):
                known[location] = file.picture
            else:
                wanted.append(source)
        chunks = [pool.submit(self._reader.read, wanted[i : i + CHUNK]) for i in range(0, len(wanted), CHUNK)]
        before = {location: file.picture for location, file in files.items()}
        return _Batch(products, known, gone, before, chunks)

    def _is_as_it_was(self, source: PictureSource, file: KnownFile, gone: set[str]) -> bool:
        """Whether a file need not be read: it has the size and time that it had, or is `gone`."""
        if not file.complete:
            return False
        if source.is_remote:
            return True
        try:
            found = Path(source.location).stat()
        except FileNotFoundError:
            self._failed.append(
                Failure.of_picture(
                    source.where,
                    source.location,
                    "the file is missing; the catalog keeps what it has of it",
                    "put it back, or take it out of the source",
                )
            )
            gone.add(source.location)
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
        embedded = {picture.source.location for picture in read if picture.vectors}
        with self._store.change() as writer:
            found = self._found(writer, batch, read, embedded)
            merger = Merger(writer, found, feed=self._feed, listed=self._listed, clear_empty=self._clear_empty)
            outcomes = [merger.write(product) for product in batch.products]
        for outcome, stale in outcomes:
            self._counts[outcome] += 1
            self._stale += stale
        self._pictures += len(embedded)
        self._reader.forget({picture.hash for picture in read})
        if self._progress is not None:
            self._progress(sum(self._counts.values()), None, "adding products")

    def _found(self, writer: StoreWriter, batch: _Batch, read: list[ReadPicture], embedded: set[str]) -> Found:
        """Write what was read, and again what was known and is not there after all."""
        written = self._write_pictures(writer, read)
        sources = {source.location: source for product in batch.products for _, source in pictures_of(product)}
        for place, id in batch.known.items():
            if place not in written and not writer.has_picture(id):
                self._write_again(writer, sources[place], written)
        known = {place: id for place, id in batch.known.items() if writer.has_picture(id)}
        changed = {place for place, id in written.items() if batch.before.get(place, id) != id}
        return Found(known | written, changed | embedded, batch.gone)

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


def _said_of_prices(count: int) -> list[str]:
    if not count:
        return []
    of = "1 product has" if count == 1 else f"{count} products have"
    return [f"{of} a new price and variants of different prices, which keep theirs; give a row for each variant"]


def _said_of_stale(count: int) -> list[str]:
    if not count:
        return []
    said = "1 picture could not be read now; what the catalog knows of it stays"
    return [said if count == 1 else f"{count} pictures could not be read now; what the catalog knows of them stays"]

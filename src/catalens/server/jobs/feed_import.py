"""Import of uploaded feeds, some products at a time.

A feed may name pictures that came with it or at allowed hosts, never other files of this machine.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalens.catalog import Catalog
from catalens.errors import ImageError, NotFoundError
from catalens.feeds import Item
from catalens.images.limits import MAX_BYTES
from catalens.json_text import parse_json
from catalens.server.jobs.feed_items import batches
from catalens.server.jobs.feed_reader import FeedReader, WorkerDeathError
from catalens.server.jobs.queue import MAX_FAILURES, Job, Turn
from catalens.server.services.decode_pool import DecodePool
from catalens.server.services.options import ServeOptions
from catalens.server.services.picture_files import delete_all_unshown, delete_unshown, keep_picture
from catalens.server.services.quotas import Quotas
from catalens.types import Failure, PictureSource, Product, Variant, Where

CHUNK, CHUNK_BYTES = 200, 8 * 2**20
"""Products, and bytes of their records, imported between two checkpoints; others get their turn there."""


class FeedImport:
    """Imports the feed of a job, which lies in `<uploads>/<job id>/feed`, and what was read of it in `.../read`.

    Pictures that came with it are copied to the tenant's own, so that the upload may be deleted.

    Args:
        open_catalog: a tenant's catalog, open for writing by whoever sent the job.
        decode_pool: decodes pictures in worker processes before this process reads them.
        reader: parses feeds in worker processes.
        quotas: what a tenant may still add.
    """

    def __init__(
        self,
        options: ServeOptions,
        *,
        open_catalog: Callable[[str, str], Catalog],
        decode_pool: DecodePool,
        reader: FeedReader,
        quotas: Quotas,
    ) -> None:
        self._options, self._open_catalog, self._decode_pool = options, open_catalog, decode_pool
        self._reader, self._quotas = reader, quotas

    def __call__(self, job: Job, turn: Turn) -> Job:
        """Import the feed of a job, from where it stopped; `JobQueue` calls it.

        Raises:
            CatalensError: the feed cannot be read at all, or the catalog cannot be written.
            SetAsideError: it was attempted too often.
        """
        folder = self._options.uploads / job.id
        read = None
        while self._reader.is_reading(folder) or (read := self._reader.found(folder)) is None:
            job = self._read(job, folder, turn)
            if not turn(job, []):
                return job
        if not job.feed:  # it was read, and nothing of it was attempted yet
            job = replace(job, feed=read.name, notes=read.notes, attempts=0)
        job = turn.attempt(job)
        for part, offset in batches(read.items, taken=job.taken, offset=job.offset, most=CHUNK, most_bytes=CHUNK_BYTES):
            job, results = self._import(job, part, folder)
            job = replace(job, offset=offset)
            if not turn(job, results):
                return job
        return self._compare(job, read.items)

    def _compare(self, job: Job, items: Path) -> Job:
        """Count, or remove, what the source listed before and lists no longer, where it has a name to know it by."""
        name = job.options.get("source_name")
        if not name:
            return job
        with self._open_catalog(job.tenant, job.by) as shop:
            parts = batches(items, taken=0, offset=0, most=CHUNK, most_bytes=CHUNK_BYTES)
            listed = (item for part, _ in parts for item in part)
            found = shop.compare(listed, source_name=name, prune=_flag(job, "prune"))
            if found.removed:
                delete_all_unshown(shop, self._options.pictures_of(job.tenant))
        notes = (*job.notes, *found.notes)
        return replace(job, missing=found.missing, removed=found.removed, notes=notes)

    def forget(self, job: Job) -> None:
        """Delete the upload of a job."""
        if job.owns_upload:
            shutil.rmtree(self._options.uploads / job.id, ignore_errors=True)

    def _read(self, job: Job, folder: Path, turn: Turn) -> Job:
        """Begin to read a feed, or wait a moment for that."""
        why = ""
        if self._reader.is_reading(folder) or self._reader.is_full(folder):
            try:
                self._reader.wait(folder)
                return job
            except WorkerDeathError as death:
                why = str(death)
        job = turn.attempt(job, why=why)
        self._reader.start(
            folder,
            format=job.options.get("format") or None,
            mapping=parse_json(job.options.get("mapping") or "null"),
            encoding=job.options.get("encoding") or None,
        )
        return job

    def _import(self, job: Job, part: list[Item], folder: Path) -> tuple[Job, list[dict[str, Any]]]:
        """Import a batch; returns the job behind it, and what became of each item."""
        own = self._options.pictures_of(job.tenant)
        with self._open_catalog(job.tenant, job.by) as shop:
            before, shown = _present(shop, part), _shown(shop, part)
            allowed = self._within_quota(part, before, count=len(shop))
            items = list(self._check_pictures(allowed, folder, job.tenant))
            fetch = self._options.url_hosts or False
            report = shop.add(
                iter(items),
                fetch=fetch,
                blur_faces=_flag(job, "blur_faces"),
                clear_empty=_flag(job, "clear_empty"),
                source_name=job.options.get("source_name"),
                partial=True,
            )
            after = _present(shop, part)
            delete_unshown(shop, shown - _shown(shop, part), own)

        def told(text: object) -> str:
            """A text without paths of this machine."""
            said = str(text)
            for root in (folder / "feed", folder, own):
                said = said.replace(f"{root}/", "").replace(str(root), "the feed")
            return said

        failed = [{name: told(value) for name, value in one.to_dict().items()} for one in report.failed]
        lost = {(place, at.source, at.line) for one in part if isinstance(one, Product) for place, at in _lost(one)}
        results = [_result(one, report.failed, before, after, lost) for one in part]
        job = replace(
            job,
            taken=job.taken + len(part),
            repeated=job.repeated + sum(not one for one in results),
            added=job.added + report.added,
            updated=job.updated + report.updated,
            unchanged=job.unchanged + report.unchanged,
            pictures=job.pictures + report.pictures,
            stale=job.stale + report.stale,
            failed=(*job.failed, *failed)[:MAX_FAILURES],
            failed_count=job.failed_count + len(failed),
        )
        return job, [{**one, "why": told(one["why"])} if one else {} for one in results]

    def _within_quota(self, part: Iterable[Item], before: set[str], *, count: int) -> Iterator[Item]:
        """Items, those products replaced by failures that the tenant's catalog may not hold."""
        room = self._quotas.products_left(count)
        for item in part:
            if isinstance(item, Product) and item.sku not in before:
                if room <= 0:
                    most = self._options.max_products
                    yield Failure(item.where, item.sku, *self._quotas.refusal(f"a catalog of {most:,} products"))
                    continue
                room -= 1
            yield item

    def _check_pictures(self, items: Iterable[Item], folder: Path, tenant: str) -> Iterator[Item]:
        root = folder.resolve()
        for item in items:
            if isinstance(item, Failure):
                yield item
                continue
            refused: list[Failure] = []
            kept, lost = self._allowed(item.pictures, root, tenant, refused)
            variants = tuple(self._variant(one, root, tenant, refused) for one in item.variants)
            yield replace(item, pictures=kept, variants=variants, lost=item.lost + lost)
            yield from refused

    def _variant(self, one: Variant, root: Path, tenant: str, refused: list[Failure]) -> Variant:
        kept, lost = self._allowed(one.pictures, root, tenant, refused)
        return replace(one, pictures=kept, lost=one.lost + lost)

    def _allowed(
        self, pictures: tuple[PictureSource, ...], root: Path, tenant: str, refused: list[Failure]
    ) -> tuple[tuple[PictureSource, ...], tuple[str, ...]]:
        """Those of the pictures that are allowed, where the catalog is to find them, and the places of the others."""
        kept, lost = [], []
        for picture in pictures:
            found = self._picture(picture, root, tenant)
            if isinstance(found, Failure):
                refused.append(found)
                lost.append(picture.location)
            else:
                kept.append(found)
        return tuple(kept), tuple(lost)

    def _picture(self, picture: PictureSource, root: Path, tenant: str) -> PictureSource | Failure:
        """A picture at the place where the catalog is to find it."""
        if picture.is_remote:
            if self._options.may_fetch(picture.location):
                return picture
            cure = "start the service with --allow-url-hosts HOST"
            return Failure.of_picture(
                picture.where, picture.location, "a picture that did not come with the feed", cure
            )
        place = Path(picture.location)
        if not place.resolve().is_relative_to(root):
            cure = "send the photos in the same archive"
            return Failure.of_picture(picture.where, place.name, "a picture that did not come with the feed", cure)
        if not place.is_file() or place.stat().st_size > MAX_BYTES:
            return picture  # the catalog says what is the matter
        data = place.read_bytes()
        if self._quotas.bytes_left(tenant) < len(data):
            return Failure.of_picture(picture.where, place.name, *self._quotas.refusal("the space for pictures"))
        try:
            self._decode_pool.read(data, target=64)  # in a worker process first
            kept = keep_picture(self._options.pictures_of(tenant), data)
        except ImageError as error:
            return Failure.of_picture(picture.where, place.name, error.what, error.cure)
        self._quotas.add_bytes(tenant, len(data))
        return replace(picture, location=str(kept))


def _flag(job: Job, name: str) -> bool:
    return job.options.get(name, "").lower() == "true"


def _present(shop: Catalog, items: Iterable[Item]) -> set[str]:
    """Skus of those products that the catalog holds."""
    found = set()
    for item in items:
        if isinstance(item, Product):
            with suppress(NotFoundError):
                found.add(shop.get(item.sku).sku)
    return found


def _shown(shop: Catalog, items: Iterable[Item]) -> set[str]:
    """Hashes of the pictures that products of the catalog show."""
    return {one.hash for item in items if isinstance(item, Product) for one in shop.pictures(item.sku)}


def _lost(product: Product) -> Iterator[tuple[str, Where]]:
    """Pictures that a feed names and lacks, with the rows of their product and its variants."""
    lost = product.lost + tuple(place for one in product.variants for place in one.lost)
    yield from ((place, product.where) for place in lost)


def _result(
    item: Item, failures: Iterable[Failure], before: set[str], after: set[str], lost: Set[tuple[str, str, int | None]]
) -> dict[str, Any]:
    """Outcome of one item of a feed: added, known or failed, and why; nothing where its product tells of it."""
    if isinstance(item, Failure):
        if (item.what, item.where.source, item.where.line) in lost:
            return {}
        return {"sku": "", "result": "failed", "why": f"{item.why}. {item.cure}"}
    places = {(item.where.source, item.where.line)} | {
        (one.where.source, one.where.line) for one in (*item.pictures, *(p for v in item.variants for p in v.pictures))
    }
    why = "; ".join(f"{one.what}: {one.why}" for one in failures if (one.where.source, one.where.line) in places)
    result = "failed" if item.sku not in after else "known" if item.sku in before else "added"
    return {"sku": item.sku, "result": result, "why": why}

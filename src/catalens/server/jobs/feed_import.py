"""Import of uploaded feeds, some products at a time.

A feed may name pictures that came with it or at allowed hosts, never other files of this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from catalens.catalog import Catalog
from catalens.errors import ImageError, NotFoundError
from catalens.feeds import open_feed
from catalens.feeds.archives import find_feed
from catalens.images.limits import MAX_BYTES
from catalens.server.jobs.queue import MAX_FAILURES, Job, SaveProgress
from catalens.server.services.decode_pool import DecodePool
from catalens.server.services.options import ServeOptions
from catalens.types import Failure, PictureSource, Product, Variant

CHUNK = 200
"""Products imported between two checkpoints; other writers get their turn there."""


class FeedImport:
    """Imports the feed of a job, which lies in `<uploads>/<job id>/`.

    Args:
        open_catalog: a tenant's catalog, open for writing by whoever sent the job.
        decode_pool: decodes pictures in worker processes before this process reads them.
    """

    def __init__(
        self, options: ServeOptions, *, open_catalog: Callable[[str, str], Catalog], decode_pool: DecodePool
    ) -> None:
        self._options, self._open_catalog, self._decode_pool = options, open_catalog, decode_pool

    def __call__(self, job: Job, save_progress: SaveProgress) -> Job:
        """Import the feed of a job, from where it stopped; `JobQueue` calls it.

        Raises:
            CatalensError: the feed cannot be read at all, or the catalog cannot be written.
        """
        folder = self._options.uploads / job.id
        reading = open_feed(find_feed(folder / "feed"), format=job.options.get("format") or None)
        feed = islice(iter(reading), job.taken, None)
        while part := list(islice(feed, CHUNK)):
            items = list(self._check_pictures(part, folder))
            with self._open_catalog(job.tenant, job.by) as shop:
                before = _present(shop, part)
                fetch = self._options.url_hosts or False
                report = shop.add(
                    iter(items), fetch=fetch, blur_faces=job.options.get("blur_faces", "").lower() == "true"
                )
                after = _present(shop, part)
            failed = [
                {name: self._without_paths(str(value), folder) for name, value in one.to_dict().items()}
                for one in report.failed
            ]
            results = [_result(one, report.failed, before, after) for one in part]
            failures = (*job.failed, *failed)
            job = replace(
                job,
                taken=job.taken + len(part),
                added=job.added + report.added,
                updated=job.updated + report.updated,
                unchanged=job.unchanged + report.unchanged,
                pictures=job.pictures + report.pictures,
                failed=failures[:MAX_FAILURES],
                failed_count=job.failed_count + len(failed),
                feed=reading.name,
                notes=tuple(self._without_paths(note, folder) for note in reading.notes),
            )
            if not save_progress(job, [{**one, "why": self._without_paths(one["why"], folder)} for one in results]):
                break
        return job

    def _check_pictures(self, items: Iterable[Product | Failure], folder: Path) -> Iterator[Product | Failure]:
        root = folder.resolve()
        for item in items:
            if isinstance(item, Failure):
                yield item
                continue
            refused: list[Failure] = []
            kept, lost = self._allowed(item.pictures, root, refused)
            variants = tuple(self._variant(one, root, refused) for one in item.variants)
            yield replace(item, pictures=kept, variants=variants, lost=item.lost + lost)
            yield from refused

    def _variant(self, one: Variant, root: Path, refused: list[Failure]) -> Variant:
        kept, lost = self._allowed(one.pictures, root, refused)
        return replace(one, pictures=kept, lost=one.lost + lost)

    def _allowed(
        self, pictures: tuple[PictureSource, ...], root: Path, refused: list[Failure]
    ) -> tuple[tuple[PictureSource, ...], tuple[str, ...]]:
        """Those of the pictures that are allowed, and the places of the others."""
        kept, lost = [], []
        for picture in pictures:
            refusal = self._refusal(picture, root)
            if refusal is None:
                kept.append(picture)
            else:
                refused.append(refusal)
                lost.append(picture.location)
        return tuple(kept), tuple(lost)

    def _refusal(self, picture: PictureSource, root: Path) -> Failure | None:
        if picture.is_remote:
            if self._options.may_fetch(picture.location):
                return None
            cure = "start the service with --allow-url-hosts HOST"
            return Failure(picture.where, picture.location, "a picture that did not come with the feed", cure)
        place = Path(picture.location)
        if not place.resolve().is_relative_to(root):
            cure = "send the photos in the same archive"
            return Failure(picture.where, place.name, "a picture that did not come with the feed", cure)
        try:
            if place.is_file() and place.stat().st_size <= MAX_BYTES:  # decoded in a worker process first
                self._decode_pool.read(place.read_bytes(), target=64)
        except ImageError as error:
            return Failure(picture.where, place.name, error.what, error.cure)
        return None

    @staticmethod
    def _without_paths(text: str, folder: Path) -> str:
        """A text without paths of this machine."""
        for root in (folder / "feed", folder):
            text = text.replace(f"{root}/", "").replace(str(root), "the feed")
        return text


def _present(shop: Catalog, items: Iterable[Product | Failure]) -> set[str]:
    """Skus of those products that the catalog holds."""
    found = set()
    for item in items:
        if isinstance(item, Product):
            with suppress(NotFoundError):
                found.add(shop.get(item.sku).sku)
    return found


def _result(item: Product | Failure, failures: Iterable[Failure], before: set[str], after: set[str]) -> dict[str, Any]:
    """Outcome of one item of a feed: added, known or failed, and why."""
    if isinstance(item, Failure):
        return {"sku": "", "result": "failed", "why": f"{item.why}. {item.cure}"}
    places = {(item.where.source, item.where.line)} | {
        (one.where.source, one.where.line) for one in (*item.pictures, *(p for v in item.variants for p in v.pictures))
    }
    why = "; ".join(f"{one.what}: {one.why}" for one in failures if (one.where.source, one.where.line) in places)
    result = "failed" if item.sku not in after else "known" if item.sku in before else "added"
    return {"sku": item.sku, "result": result, "why": why}

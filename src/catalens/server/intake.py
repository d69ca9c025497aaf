"""Feeds that came over HTTP: kept in a folder of their own, unpacked with care, taken in some products at a time.

A feed may name pictures that came with it, or at hosts that the service was told of; never other files of this machine.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from catalens.catalog import Catalog
from catalens.errors import FeedError, ImageError, NotFoundError
from catalens.feeds import open_feed
from catalens.images.limits import MAX_BYTES
from catalens.server.jobs import FAILURES, Job, Keep
from catalens.types import Failure, PictureSource, Product, Variant

if TYPE_CHECKING:
    from catalens.server.state import State

SLICE = 200
"""Products after which what was done is on disk, told, and others may write."""
MOST_FILES, MOST_BYTES = 50_000, 2 * 2**30
"""Of an archive, unpacked."""
MOST_TIMES, FREE_BYTES = 200, 64 * 2**20
"""What an archive may grow to, beyond some bytes: feeds of text shrink to a thirtieth, bombs to a thousandth."""
ARCHIVE = b"PK\x03\x04"


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ZIP archive into a folder of its own; nothing lands outside it, and no more than announced.

    Raises:
        FeedError: no archive that can be read, one with odd names, or too large.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [one for one in packed.infolist() if not one.is_dir()]
            most = min(MOST_BYTES, max(FREE_BYTES, MOST_TIMES * archive.stat().st_size))
            if len(members) > MOST_FILES or sum(one.file_size for one in members) > most:
                raise FeedError(
                    f"the archive has {len(members)} files, or too large ones; at most {MOST_FILES} and "
                    f"{most >> 20} MB are taken",
                    cure="send several smaller ones",
                )
            for one in members:
                place = _place(folder, one)
                place.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(one) as source, place.open("xb") as out:
                    shutil.copyfileobj(source, out)  # zipfile gives no more than the header announced
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise FeedError("two things in the archive have one name", cure="pack it anew as ZIP") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError) as error:
        raise FeedError(f"the archive cannot be unpacked: {error}", cure="pack it anew as ZIP") from None


def _place(folder: Path, member: zipfile.ZipInfo) -> Path:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    odd = "\x00" in member.filename or any(len(part.encode("utf-8", "replace")) > 200 for part in name.parts)
    if name.is_absolute() or ".." in name.parts or not name.parts or is_link or odd:
        raise FeedError(f"the archive has a file {member.filename!r}", cure="pack plain files with relative names")
    return folder.joinpath(*name.parts)


def source_in(folder: Path) -> Path:
    """The feed in what was unpacked: a file on top that is no picture, else the folder of photos itself."""
    tops = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    if len(tops) == 1 and tops[0].is_dir():
        return source_in(tops[0])
    feeds = [path for path in tops if path.suffix.lower() in {".csv", ".tsv", ".xml", ".jsonl", ".txt", ".json"}]
    return feeds[0] if feeds else folder


class Intake:
    """Does jobs: the feed of each lies in `<uploads>/<job id>/`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __call__(self, job: Job, keep: Keep) -> Job:
        """Take a feed in; as `jobs.Jobs` calls it.

        Raises:
            CatalensError: it cannot be read at all, or the catalog cannot be written.
        """
        folder = self._state.options.uploads / job.id
        reading = open_feed(source_in(folder / "feed"), format=job.options.get("format") or None)
        feed = islice(iter(reading), job.taken, None)
        while part := list(islice(feed, SLICE)):
            items = list(self._allowed(part, folder))
            with self._state.writing(job.tenant) as shop:
                before = _present(shop, part)
                fetch = self._state.options.url_hosts or False
                report = shop.add(iter(items), fetch=fetch, blur_faces=job.options.get("blur_faces") == "true")
                after = _present(shop, part)
            failed = [
                {name: self._hidden(str(value), folder) for name, value in one.to_dict().items()}
                for one in report.failed
            ]
            results = [_result(one, report.failed, before, after) for one in part]
            told = (*job.failed, *failed)
            job = replace(
                job,
                taken=job.taken + len(part),
                added=job.added + report.added,
                updated=job.updated + report.updated,
                unchanged=job.unchanged + report.unchanged,
                pictures=job.pictures + report.pictures,
                failed=told[:FAILURES],
                failed_count=job.failed_count + len(failed),
                feed=reading.name,
                notes=tuple(self._hidden(note, folder) for note in reading.notes),
            )
            if not keep(job, [{**one, "why": self._hidden(one["why"], folder)} for one in results]):
                break
        return job

    def _allowed(self, items: Iterable[Product | Failure], folder: Path) -> Iterator[Product | Failure]:
        root = folder.resolve()
        for item in items:
            if isinstance(item, Failure):
                yield item
                continue
            refused: list[Failure] = []
            yield replace(
                item,
                pictures=self._kept(item.pictures, root, refused),
                variants=tuple(self._variant(one, root, refused) for one in item.variants),
            )
            yield from refused

    def _variant(self, one: Variant, root: Path, refused: list[Failure]) -> Variant:
        return replace(one, pictures=self._kept(one.pictures, root, refused))

    def _kept(
        self, pictures: tuple[PictureSource, ...], root: Path, refused: list[Failure]
    ) -> tuple[PictureSource, ...]:
        kept = []
        for picture in pictures:
            refusal = self._refusal(picture, root)
            if refusal is None:
                kept.append(picture)
            else:
                refused.append(refusal)
        return tuple(kept)

    def _refusal(self, picture: PictureSource, root: Path) -> Failure | None:
        if picture.is_remote:
            if self._state.options.may_fetch(picture.location):
                return None
            cure = "start the service with --allow-url-hosts HOST"
            return Failure(picture.where, picture.location, "a picture that did not come with the feed", cure)
        place = Path(picture.location)
        if not place.resolve().is_relative_to(root):
            cure = "send the photos in the same archive"
            return Failure(picture.where, place.name, "a picture that did not come with the feed", cure)
        try:
            if place.is_file() and place.stat().st_size <= MAX_BYTES:  # decoded where it can do no harm, first
                self._state.decoders.read(place.read_bytes(), target=64)
        except ImageError as error:
            return Failure(picture.where, place.name, error.what, error.cure)
        return None

    @staticmethod
    def _hidden(text: str, folder: Path) -> str:
        """A text without paths of this machine."""
        for root in (folder / "feed", folder):
            text = text.replace(f"{root}/", "").replace(str(root), "the feed")
        return text


def _present(shop: Catalog, items: Iterable[Product | Failure]) -> set[str]:
    """Skus of products that the catalog has."""
    found = set()
    for item in items:
        if isinstance(item, Product):
            with suppress(NotFoundError):
                found.add(shop.get(item.sku).sku)
    return found


def _result(item: Product | Failure, failures: Iterable[Failure], before: set[str], after: set[str]) -> dict[str, Any]:
    """What became of one item of a feed, and what failed of it."""
    if isinstance(item, Failure):
        return {"sku": "", "result": "failed", "why": f"{item.why}. {item.cure}"}
    places = {(item.where.source, item.where.line)} | {
        (one.where.source, one.where.line) for one in (*item.pictures, *(p for v in item.variants for p in v.pictures))
    }
    why = "; ".join(f"{one.what}: {one.why}" for one in failures if (one.where.source, one.where.line) in places)
    result = "failed" if item.sku not in after else "known" if item.sku in before else "added"
    return {"sku": item.sku, "result": result, "why": why}

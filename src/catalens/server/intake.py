"""Feeds that came over HTTP: kept in a folder of their own, unpacked with care, taken in some products at a time.

A feed may name pictures that came with it, or at hosts that the service was told of; never other files of this machine.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from catalens.catalog.feeds import open_feed
from catalens.errors import FeedError
from catalens.server.jobs import FAILURES, Job, Keep
from catalens.types import Failure, PictureSource, Product, Variant

if TYPE_CHECKING:
    from catalens.server.state import State

SLICE = 200
"""Products after which what was done is on disk, told, and others may write."""
MOST_FILES, MOST_BYTES = 50_000, 2 * 2**30
"""Of an archive, unpacked."""
ARCHIVE = b"PK\x03\x04"


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ZIP archive into a folder of its own; nothing lands outside it, and no more than announced.

    Raises:
        FeedError: no archive that can be read, one with odd names, or too large.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [one for one in packed.infolist() if not one.is_dir()]
            if len(members) > MOST_FILES or sum(one.file_size for one in members) > MOST_BYTES:
                raise FeedError(
                    f"the archive has {len(members)} files, or too large ones; at most {MOST_FILES} and "
                    f"{MOST_BYTES >> 30} GB are taken",
                    cure="send several smaller ones",
                )
            for one in members:
                place = _place(folder, one)
                place.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(one) as source, place.open("xb") as out:
                    shutil.copyfileobj(source, out)  # zipfile gives no more than the header announced
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, FileExistsError) as error:
        raise FeedError(f"the archive cannot be unpacked: {error}", cure="pack it anew as ZIP") from None


def _place(folder: Path, member: zipfile.ZipInfo) -> Path:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if name.is_absolute() or ".." in name.parts or is_link or "\x00" in member.filename:
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
        items = self._allowed(iter(reading), folder)
        while part := list(islice(items, SLICE)):
            with self._state.writing(job.tenant) as shop:
                fetch = bool(self._state.options.url_hosts)
                report = shop.add(iter(part), fetch=fetch, blur_faces=job.options.get("blur_faces") == "true")
            self._state.reopen(job.tenant)
            failed = [{**one.to_dict(), "where": self._hidden(str(one.where), folder)} for one in report.failed]
            told = (*job.failed, *({name: self._hidden(str(v), folder) for name, v in one.items()} for one in failed))
            job = replace(
                job,
                added=job.added + report.added,
                updated=job.updated + report.updated,
                unchanged=job.unchanged + report.unchanged,
                pictures=job.pictures + report.pictures,
                failed=told[:FAILURES],
                failed_count=job.failed_count + len(failed),
                feed=reading.name,
                notes=tuple(self._hidden(note, folder) for note in reading.notes),
            )
            keep(job)
            if self._state.jobs.closing:
                break
        return job

    def _allowed(self, items: Iterator[Product | Failure], folder: Path) -> Iterator[Product | Failure]:
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
            if picture.is_remote:
                fine, cure = self._state.options.may_fetch(picture.location), "start it with --allow-url-hosts HOST"
            else:
                place = Path(picture.location)
                fine, cure = place.resolve().is_relative_to(root), "send the photos in the same archive"
            if fine:
                kept.append(picture)
            else:
                name = picture.location if picture.is_remote else Path(picture.location).name
                refused.append(Failure(picture.where, name, "a picture that did not come with the feed", cure))
        return tuple(kept)

    @staticmethod
    def _hidden(text: str, folder: Path) -> str:
        """A text without paths of this machine."""
        for root in (folder / "feed", folder):
            text = text.replace(f"{root}/", "").replace(str(root), "the feed")
        return text

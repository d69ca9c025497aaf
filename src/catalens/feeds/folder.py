"""A folder of photos, or a single photo: each is a product; sub-folders are categories."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from catalens.errors import FeedError
from catalens.feeds.archives import FEED_SUFFIXES
from catalens.feeds.base import Item, Notes, Options, Reading, Sample
from catalens.images.folder import SUFFIXES, photos_in
from catalens.images.read import starts_as_picture
from catalens.types import Failure, PictureSource, Product, Where


class FolderFeed:
    """Photos under a folder, in the order of their paths. The sku is the path without its ending."""

    name = "folder"

    def recognises(self, sample: Sample) -> bool:
        return sample.path.is_dir() or sample.path.suffix.lower() in SUFFIXES

    def read(self, source: Path, options: Options) -> Reading:  # noqa: ARG002
        if not source.is_dir():
            return Reading(self.name, Notes(), [_item(source, source.parent, source.stem)], frozenset())
        photos = photos_in(source)
        if not photos:
            raise FeedError(
                f"no picture in the folder {source}",
                cure=f"give a folder with files that end in {', '.join(SUFFIXES)}",
            )
        notes = Notes()
        if passed := _passed_over(source, photos):
            notes.say(passed)
        return Reading(self.name, notes, _products(source, photos), frozenset())


def _passed_over(folder: Path, photos: list[Path]) -> str:
    """How many files under a folder are no photos, by their endings; hidden ones and feeds on top do not count."""
    read = set(photos)
    endings: Counter[str] = Counter()
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(here, name)
            is_feed = path.parent == folder and path.suffix.lower() in FEED_SUFFIXES
            if not name.startswith(".") and path not in read and not is_feed:
                endings[path.suffix.lower() or "no ending"] += 1
    told = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(8))
    total = sum(endings.values())
    return (
        f"{total} file{'s' * (total != 1)} passed over that {'are' if total != 1 else 'is'} no photo: {told}"
        if total
        else ""
    )


def _products(folder: Path, photos: list[Path]) -> Iterator[Item]:
    stems = [photo.relative_to(folder).with_suffix("").as_posix() for photo in photos]
    twice = {stem for stem, count in Counter(stems).items() if count > 1}
    real = folder.resolve()
    for photo, stem in zip(photos, stems, strict=True):
        if photo.is_symlink() and not photo.resolve().is_relative_to(real):
            why, cure = "a link that leads out of the folder", "copy the file there, or add its own folder"
            yield Failure.of_picture(Where(photo.relative_to(folder).as_posix()), photo.name, why, cure)
            continue
        # a.jpg beside a.png: both keep their endings, so that neither is the other.
        yield _item(photo, folder, photo.relative_to(folder).as_posix() if stem in twice else stem)


def _item(photo: Path, folder: Path, sku: str) -> Item:
    """The product that a photo is; a file that only is called like one is a failure."""
    if not starts_as_picture(photo):
        why = "it is empty" if not photo.stat().st_size else "it is no picture, whatever its name says"
        where = Where(photo.relative_to(folder).as_posix())
        return Failure.of_picture(where, photo.name, why, "save it as JPEG or PNG, or take it away")
    return _product(photo, folder, sku)


def _product(photo: Path, folder: Path, sku: str) -> Product:
    parents = photo.relative_to(folder).parts[:-1]
    where = Where(photo.relative_to(folder).as_posix())
    return Product(
        sku=sku,
        where=where,
        title=photo.stem.replace("_", " ").replace("-", " ").strip(),
        attributes={"category": "/".join(parents)} if parents else {},
        pictures=(PictureSource(str(photo.absolute()), where),),
    )

"""Readers of box annotations: COCO (one JSON file) and Pascal VOC (an XML file for each photo).

Unusable entries are reported and skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from catalens.errors import CatalensError, FeedError, NotFoundError, UsageError
from catalens.evaluation.detection import Truth
from catalens.images.read import read_header
from catalens.json_text import parse_json
from catalens.types import Failure, Where

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_Box: TypeAlias = tuple[tuple[float, float, float, float], str]
LEAST_SIDE = 1.0
"""Smallest side of a usable box, in pixels."""


@dataclass(frozen=True)
class Annotated:
    """A photo with its boxes and labels."""

    path: Path
    truth: Truth


@dataclass(frozen=True)
class Annotations:
    """Annotated photos, and reports of skipped entries."""

    photos: tuple[Annotated, ...]
    failed: tuple[Failure, ...]

    def check_has_boxes(self, source: Path) -> None:
        """Raise UsageError where no photo has a box, with what was left out first."""
        if any(photo.truth.labels for photo in self.photos):
            return
        why = "".join(f"; {one.what}: {one.why}" for one in self.failed[:1])
        cure = self.failed[0].cure if self.failed else "label some"
        raise UsageError(f"{source} has no box on a photo that is there{why}", cure=cure)


def read_annotations(source: Path, *, photos: Path | None = None) -> Annotations:
    """Read a COCO file, or a folder of VOC files.

    Args:
        photos: folder that the photos' names start from; None for that of the annotations.

    Raises:
        NotFoundError: there is nothing at `source`, or no folder of photos.
        FeedError: it is neither.
    """
    if photos is not None and not photos.is_dir():
        raise NotFoundError(f"no folder of photos at {photos}", cure="name the one that the photos' names start from")
    if source.is_dir():
        items = list(_voc(source, photos or source))
    elif source.is_file():
        items = list(_coco(source, photos or source.parent))
    else:
        raise NotFoundError(f"no annotations at {source}", cure="name a COCO file or a folder of VOC files")
    return Annotations(
        tuple(item for item in items if isinstance(item, Annotated)),
        tuple(item for item in items if isinstance(item, Failure)),
    )


def _coco(source: Path, folder: Path) -> Iterator[Annotated | Failure]:
    try:
        table = parse_json(source.read_text("utf-8"))
        images = {image["id"]: str(image["file_name"]) for image in table["images"]}
        names = {category["id"]: str(category["name"]) for category in table["categories"]}
        rows: list[Any] = list(table["annotations"])
    except (ValueError, KeyError, TypeError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else error
        raise FeedError(f"{source} is no COCO file: {why}", cure="give images, annotations and categories") from None
    boxes: dict[Any, list[_Box]] = {key: [] for key in images}
    for number, row in enumerate(rows):
        where, what = Where(f"{source}#annotations", number), "a box"
        try:
            x, y, width, height = (float(side) for side in row["bbox"])
            listed, name = row["image_id"] in boxes, names.get(row["category_id"])
        except (KeyError, TypeError, ValueError) as error:
            why = f"it has no {error}" if isinstance(error, KeyError) else error
            yield Failure(where, what, f"not understood: {why}", "give bbox, image_id and category_id")
            continue
        if not listed:
            yield Failure(where, what, f"no image has the id {row['image_id']!r}", "add the image, or remove the box")
        elif name is None:
            yield Failure(where, what, f"no category has the id {row['category_id']!r}", "add the category")
        else:
            boxes[row["image_id"]].append(((x, y, x + width, y + height), name))
    for key, name in images.items():
        yield from _photo(folder / name, boxes[key], Where(str(source)))


def _voc(source: Path, folder: Path) -> Iterator[Annotated | Failure]:
    files = sorted(source.rglob("*.xml"))
    if not files:
        raise FeedError(f"{source} holds no .xml files", cure="name a COCO file or a folder of VOC files")
    for file in files:
        try:
            root = ElementTree.parse(file).getroot()
        except (ElementTree.ParseError, DefusedXmlException, ValueError, OSError) as error:
            yield Failure(Where(str(file)), "the file", f"not understood: {error}", "write it again")
            continue
        boxes: list[_Box] = []
        for one in root.iter("object"):
            name, sides = one.findtext("name", ""), [one.findtext(f"bndbox/{side}", "") for side in _SIDES]
            try:
                left, top, right, bottom = map(float, sides)
            except ValueError:
                why = f"not understood: {name!r} {', '.join(map(repr, sides))}"
                yield Failure(Where(str(file)), "a box", why, f"give {', '.join(_SIDES)} as numbers")
                continue
            boxes.append(((left, top, right, bottom), name))
        yield from _photo(folder / (root.findtext("filename") or f"{file.stem}.jpg"), boxes, Where(str(file)))


def _photo(path: Path, boxes: list[_Box], where: Where) -> Iterator[Annotated | Failure]:
    """The photo with boxes clipped to it; boxes outside or without area are reported."""
    try:
        height, width = read_header(path).size
    except CatalensError as error:
        yield Failure(where, str(path), error.what, error.cure or "put the photo there")
        return
    limit = np.array([width, height, width, height], np.float32)
    kept: list[np.ndarray[Any, np.dtype[np.float32]]] = []
    labels: list[str] = []
    for box, name in boxes:
        cut = np.clip(np.array(box, np.float32), 0, limit)
        if not np.isfinite(box).all() or min(cut[2] - cut[0], cut[3] - cut[1]) < LEAST_SIDE or not name:
            yield Failure(
                where, f"a box of {path.name}", f"{name!r} {list(box)} shows nothing of it", "correct the box"
            )
        else:
            kept.append(cut)
            labels.append(name)
    yield Annotated(path, Truth(np.array(kept, np.float32).reshape(-1, 4), tuple(labels)))

"""What the parser tells apart, and the photos that it learns from: street photos with masks, with tags, and clothes.

Masks of 59 labels are merged to 16: what a shopper would call the same part of an outfit. Names of tops (blouse, shirt,
t-shirt, sweater) are not told apart by an outline but by the classifier, on the part's cut.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import NotFoundError
from catalens.images.prepare import resize
from catalens.images.read import read_image
from catalens.learning.regions.segmenter import PERSON, UNKNOWN, Parsed
from catalens.models.parts import CLASSES
from catalens.taxonomy import named as named_kind
from catalens.taxonomy import rules
from catalens.types import FloatArray, ImageArray, Progress
from recipes import person_teacher

SIDE = 400
"""Longer side that photos are kept at, in pixels."""
SURE = 0.8
"""Share that one part must have of what an earlier parser takes a place for, to be taken as its label."""
HELD_OUT = 5
"""Each fifth of the masked photos, by number, is never learned from."""


def part_of(label: str) -> str:
    """A label of the street or the clothes photos as `models.parts.CLASSES` has it, or ""."""
    one = named_kind(label)
    return str(rules()["datasets"]["street"].get(label, one.part if one else ""))


def parts_of(labels: Iterable[str]) -> set[str]:
    """The same of several, without those that are none."""
    return {part for label in labels if (part := part_of(label))}


def masked_photos(data: Path, *, held_out: bool | None = None) -> list[Parsed]:
    """The street photos that have masks; only those held out, or only the others, where asked.

    Raises:
        NotFoundError: the photos are absent.
    """
    codes = _codes(data / "streetstyle")
    found = []
    for path, row in _rows(data / "streetstyle"):
        number = int(row["id"])
        wanted = held_out is None or held_out == (number % HELD_OUT == 0)
        if row["has_mask"] == "1" and wanted:
            mask = np.asarray(
                cv2.imread(str(data / "streetstyle" / "masks" / f"{row['id']}.png"), cv2.IMREAD_UNCHANGED)
            )
            image = _small(read_image(path))
            finer = np.asarray(cv2.resize(mask, image.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
            found.append(Parsed(image, codes[finer], np.ones(len(CLASSES), np.bool_), number, finer))
    return found


def tagged_photos(
    data: Path,
    *,
    teachers: Path,
    earlier: Callable[[ImageArray], FloatArray] | None = None,
    progress: Progress | None = None,
) -> list[Parsed]:
    """The street photos without masks: a teacher says where the person is, and tags which parts may be there.

    Args:
        earlier: HxWx3 -> (classes, H, W) what an earlier parser takes each place for. Where it is sure of one of the
            parts that may be there, the place is labelled so: told which parts to choose from, a parser is right more
            often than the one that learns from it (self-training, Xie et al. 2020, Noisy Student).
    """
    rows = [(path, row) for path, row in _rows(data / "streetstyle") if row["has_mask"] != "1"]
    outline = person_teacher.load(teachers)
    found = []
    for done, (path, row) in enumerate(rows, start=1):
        image = _small(read_image(path))
        parts = parts_of(row["tags"].split("|"))
        labels = np.full(image.shape[:2], UNKNOWN, np.uint8)
        person = outline(image)
        labels[person > 0.9] = PERSON
        # What is carried may stick out of the person.
        reach = cv2.dilate((person > 0.1).astype(np.uint8), np.ones((41, 41), np.uint8))
        labels[reach == 0] = CLASSES.index("background")
        able = allowed({*parts, "skin", "hair", "background"})
        if earlier is not None:
            labels = named(labels, earlier(image), able)
        found.append(Parsed(image, labels, able, int(row["id"])))
        if progress is not None:
            progress(done, len(rows), "asking where the person is")
    return found


def named(labels: NDArray[np.uint8], likely: FloatArray, able: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Label the places that have no name yet, where a parser is sure of one.

    Args:
        labels: HxW classes, `UNKNOWN` or `PERSON`, which is never background.
        likely: (classes, H, W) what the parser takes each place for, at least 0.
        able: (classes,) those that it may choose from.
    """
    among = likely * able[:, None, None]
    best = among.argmax(0).astype(np.uint8)
    sure = among.max(0) > SURE * among.sum(0)
    nameless = (labels == UNKNOWN) | ((labels == PERSON) & (best > 0))
    return np.where(nameless & sure, best, labels)


def clothes_photos(data: Path) -> list[Parsed]:
    """Photos of one garment without a person: each place shows it or the background."""
    found = []
    with _open(data / "clothing" / "train.csv") as lines:
        for row in csv.DictReader(lines):
            image = _small(read_image(data / "clothing" / row["image"], target=SIDE))
            labels = np.full(image.shape[:2], UNKNOWN, np.uint8)
            found.append(Parsed(image, labels, allowed({*parts_of([row["category"]]), "background"}), 0))
    return found


def allowed(names: set[str]) -> NDArray[np.bool_]:
    """(classes,) True for those named."""
    return np.array([name in names for name in CLASSES], np.bool_)


def shares(photos: Sequence[Parsed]) -> NDArray[np.float64]:
    """(classes,) share of the labelled pixels that each class has."""
    counts = np.zeros(len(CLASSES))
    for photo in photos:
        counts += np.bincount(photo.labels.ravel(), minlength=256)[: len(CLASSES)]
    return np.asarray(counts / max(counts.sum(), 1), np.float64)


def _codes(folder: Path) -> NDArray[np.uint8]:
    """(256,) code of a mask -> class."""
    codes = np.zeros(256, np.uint8)
    with _open(folder / "labels.csv") as lines:
        for row in csv.DictReader(lines):
            codes[int(row["id"])] = CLASSES.index(part_of(row["name"]))
    return codes


def _rows(folder: Path) -> list[tuple[Path, dict[str, str]]]:
    with _open(folder / "photos.csv") as lines:
        return [(folder / row["image"], row) for row in csv.DictReader(lines)]


def _open(path: Path) -> TextIO:
    if not path.is_file():
        raise NotFoundError(f"no photos to learn from at {path}", cure="docs/data.md says where they come from")
    return path.open(newline="", encoding="utf-8")


def _small(image: ImageArray) -> ImageArray:
    scale = SIDE / max(image.shape[:2])
    return image if scale >= 1 else resize(image, (round(image.shape[0] * scale), round(image.shape[1] * scale)))

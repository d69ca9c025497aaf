"""What the detector learns from: street photos with the boxes of their masks; goods and rendered products in scenes."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from catalens.errors import NotFoundError
from catalens.geometry import mask_to_box
from catalens.images.read import read_image
from catalens.learning.regions.detector import Labelled, _visible
from catalens.models.parts import PRODUCTS
from catalens.tasks.detect import pieces_of
from catalens.taxonomy import classes, named
from catalens.types import FloatArray, ImageArray, IntArray
from recipes.objects import Thing
from recipes.parts import HELD_OUT, part_of
from recipes.scenes import PLAIN, compose

SMALLEST = 0.0003
"""Share of the photo below which a piece of a mask is a speck."""
SEVERAL = classes("several")
"""What a person may carry more than one of; the pieces of anything else are one thing, cut by an arm or a bag."""


def street_photos(data: Path, *, held_out: bool) -> list[Labelled]:
    """The street photos that have masks, each label's pieces as boxes.

    Raises:
        NotFoundError: the photos are absent.
    """
    folder = data / "streetstyle"
    if not (folder / "photos.csv").is_file():
        raise NotFoundError(f"no photos to learn from at {folder}", cure="docs/data.md says where they come from")
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as lines:
        names = {int(row["id"]): row["name"] for row in csv.DictReader(lines)}
    with (folder / "photos.csv").open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["has_mask"] == "1"]
    found = []
    for row in rows:
        if (int(row["id"]) % HELD_OUT == 0) == held_out:
            image = read_image(folder / row["image"])
            mask = cv2.imread(str(folder / "masks" / f"{row['id']}.png"), cv2.IMREAD_UNCHANGED)
            mask = cv2.resize(mask, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
            boxes, labels = _boxes(np.asarray(mask, np.uint8), names)
            found.append(Labelled(image, boxes, labels))
    return found


def _boxes(
    mask: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], names: Mapping[int, str]
) -> tuple[FloatArray, IntArray]:
    boxes: list[FloatArray] = []
    labels: list[int] = []
    for code in np.unique(mask).tolist():
        if part_of(names[code]) not in PRODUCTS:  # background, skin, hair
            continue
        merged = label_of(names[code])
        for piece in pieces_of(mask == code, SMALLEST, whole=merged not in SEVERAL):
            box = mask_to_box(piece)
            if box is not None:
                boxes.append(box)
                labels.append(PRODUCTS.index(merged))
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64)


def scene(
    things: Sequence[Thing], grounds: Sequence[ImageArray], size: tuple[int, int], rng: np.random.Generator
) -> Labelled:
    """A few things in a scene, their boxes exact; now and then none."""
    count = int(rng.choice([0, 1, 2, 3, 4, 6], p=[0.06, 0.34, 0.22, 0.16, 0.12, 0.1]))
    chosen = [things[int(row)] for row in rng.integers(0, len(things), count)]
    ground = None if rng.random() < PLAIN else grounds[int(rng.integers(len(grounds)))]
    made = compose(chosen, ground, size=max(size), rng=rng)
    left, top = (max(size) - size[1]) // 2, (max(size) - size[0]) // 2
    cut = slice(top, top + size[0]), slice(left, left + size[1])
    boxes, labels = [], []
    for thing, cover in zip(chosen, made.covers, strict=True):
        box = mask_to_box(cover[cut] > 0.5)
        if box is not None:
            boxes.append(box)
            labels.append(PRODUCTS.index(label_of(thing.kind)))
    found = np.array(boxes, np.float64).reshape(-1, 4)
    return _visible(np.ascontiguousarray(made.image[cut]), found, np.array(labels, np.int64))


def label_of(kind: str) -> str:
    """What a kind of thing is to the detector: one of `models.parts.PRODUCTS`, the last for what nobody wears."""
    one = named(kind)
    return (one.detected if one else "") or PRODUCTS[-1]

"""Products cut out of photos by their masks, on white, as a catalogue shows them, with their kind and color; and the
colors of garments that the bundled cut-out network finds.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.features.color import dominant_colors
from catalens.images.prepare import Preprocess
from catalens.images.read import read_image
from catalens.tasks.cutout import cutter
from catalens.types import ImageArray, Progress
from recipes.facts import Facts, kinds
from recipes.photos import NOT_PRODUCTS, Photo
from recipes.vocabulary import COLORS, concept_of

SIDE = 160
"""Side of the squares that cut-outs are kept in, in pixels."""
AREA, EDGE = 0.006, 24
"""Smallest share of the photo, and smallest side in pixels, that is worth a look."""
MAIN_COLOR = 0.6
"""Share of the product that a color has to have to name it by."""
COVERED, LEAST = 0.7, 0.03
"""Alpha from which a place is the garment's; share of the photo that has to be."""
PALE = frozenset({"white", "grey", "beige", "brown"})
"""Colors that an indoor light, and what a phone makes of it, turn into one another."""


def cut_outs(
    photos: list[Photo], data: Path, *, progress: Progress | None = None
) -> tuple[list[ImageArray], list[Photo]]:
    """Cut the products out of the street photos that have masks.

    Returns:
        Squares of 160 x 160 on white; what is known of each.
    """
    names = label_names(data / "streetstyle")
    squares: list[ImageArray] = []
    found: list[Photo] = []
    street = [photo for photo in photos if photo.task == "street"]
    for done, photo in enumerate(street, start=1):
        mask = data / "streetstyle" / "masks" / f"{photo.label}.png"
        if mask.is_file():
            labels = np.asarray(cv2.imread(str(mask), cv2.IMREAD_UNCHANGED), np.uint8)
            for square, cut in _products(photo, labels, names):
                squares.append(square)
                found.append(cut)
        if progress is not None:
            progress(done, len(street), "cutting products out")
    return squares, found


def label_names(folder: Path) -> dict[int, str]:
    """Codes of the street photos' masks, and what they mean."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as lines:
        return {int(row["id"]): row["name"] for row in csv.DictReader(lines)}


def _products(photo: Photo, labels: NDArray[np.uint8], names: dict[int, str]) -> Iterator[tuple[ImageArray, Photo]]:
    image = read_image(photo.path)
    labels = np.asarray(cv2.resize(labels, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_NEAREST), np.uint8)
    for code in np.unique(labels).tolist():
        mask = labels == code
        name = concept_of(names.get(code, ""))
        if code == 0 or name in NOT_PRODUCTS or mask.mean() < AREA:
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)
        if min(box[1] - box[0], box[3] - box[2]) < EDGE:
            continue
        product = f"{photo.product} {name}"
        yield _square(image, mask, box), Photo(photo.path, "cutout", name, product, facts_of(name, image, mask))


def _square(image: ImageArray, mask: NDArray[np.bool_], box: tuple[int, int, int, int]) -> ImageArray:
    """The product alone on white, with a soft outline and a little air."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)[..., None]
    alone = (image * soft + 255 * (1 - soft)).astype(np.uint8)
    top, bottom, left, right = box
    air = int(0.07 * max(bottom - top, right - left))
    cut = alone[max(top - air, 0) : bottom + air, max(left - air, 0) : right + air]
    return Preprocess(size=(SIDE, SIDE), fit="letterbox").place(np.ascontiguousarray(cut))[0]


def with_colors(
    photos: Sequence[Photo],
    squares: ImageArray,
    inner: NDArray[np.int32],
    *,
    progress: Progress | None = None,
) -> list[Photo]:
    """The photos, those of one garment with the color that covers most of it, unless it is a pale one.

    Captions of street and rendered products name colors. If those of phone photos never did, words of a color and a
    kind would come to mean the look of the other sets.

    Args:
        squares: (N, S, S, 3) uint8, the photos on white.
        inner: (N, 4) xyxy of each photo inside its square, in pixels.
    """
    cut = cutter()
    found = list(photos)
    garments = [row for row, photo in enumerate(photos) if photo.task == "clothing"]
    for done, row in enumerate(garments, start=1):
        left, top, right, bottom = inner[row].tolist()
        image = np.ascontiguousarray(squares[row][top:bottom, left:right])
        mask = cut.alpha(image) > COVERED
        if mask.mean() >= LEAST:
            colors = facts_of(photos[row].label, image, mask).get("color", PALE)
            if not colors & PALE:
                found[row] = replace(photos[row], facts={**photos[row].facts, "color": colors})
        if progress is not None:
            progress(done, len(garments), "naming colors")
    return found


def facts_of(name: str, image: ImageArray, mask: NDArray[np.bool_]) -> Facts:
    """What is known of a product: its kind, by a name of the vocabulary, and its color where one covers most of it."""
    facts = {"kind": kinds(name)}
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    main = dominant_colors(image, k=4, mask=inside if inside.sum() > 50 else mask)
    areas: dict[str, float] = {}
    for color in main:
        spelled = {"gray": "grey", "gold": "yellow"}.get(color.name, color.name)
        areas[spelled] = areas.get(spelled, 0.0) + color.area
    best = max(areas, key=lambda name: areas[name])
    if areas[best] >= MAIN_COLOR and best in COLORS:
        facts["color"] = frozenset({best})
    return facts

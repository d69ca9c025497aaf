"""The photos that a shipped encoder may learn from (docs/data.md, the rows marked "yes"), with their labels."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalens.errors import NotFoundError
from catalens.images.prepare import Preprocess
from catalens.images.read import read_image
from catalens.taxonomy import rules
from catalens.types import ImageArray, Progress
from recipes.facts import Facts, kinds
from recipes.vocabulary import COLORS, concept_of

SIDE = 224
"""Photos are kept squared on white at this side, in pixels: what the teachers see."""


NOT_PRODUCTS = frozenset(rules()["datasets"]["street_without"])
"""Tags and masks of the street photos that name no product of a shop."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One training picture.

    Args:
        path: the file that it is, or is a part of; empty where it was rendered.
        task: whose labels compete with one another, not with other tasks'.
        product: pictures of one product have the same.
        facts: what is known of it, for captions.
    """

    path: Path
    task: str
    label: str
    product: str
    facts: Facts
    tags: frozenset[str] = frozenset()
    is_shop_picture: bool = False


def training_photos(data: Path) -> list[Photo]:
    """List the photos of clothing/train, grocery/train and its shop pictures, retail, streetstyle.

    Raises:
        NotFoundError: a set is absent.
    """
    return [*_clothing(data / "clothing"), *_grocery(data / "grocery"), *_retail(data / "retail"),
            *_street(data / "streetstyle")]  # fmt: skip


def _clothing(folder: Path) -> Iterator[Photo]:
    for path, row in _rows(folder, "train.csv"):
        label = row["category"]
        facts = {"kind": kinds(concept_of(label))}
        yield Photo(path, "clothing", label, f"clothing {row['id']}", facts)


def _grocery(folder: Path) -> Iterator[Photo]:
    facts = {}
    for path, row in _rows(folder, "products.csv"):
        wider = row["category"].lower(), row["department"].lower().replace("vegetables", "vegetable"), "food"
        facts[row["id"]] = {"kind": kinds(row["title"].lower(), *wider)}
        yield Photo(path, "grocery", row["id"], f"grocery {row['id']}", facts[row["id"]], is_shop_picture=True)
    for path, row in _rows(folder, "train.csv"):
        yield Photo(path, "grocery", row["product_id"], f"grocery {row['product_id']}", facts[row["product_id"]])


def _retail(folder: Path) -> Iterator[Photo]:
    for path, row in _rows(folder, "products.csv"):
        facts = {"kind": kinds(rules()["datasets"]["retail"].get(row["style"], concept_of(row["style"])))}
        named = [color for color in COLORS if color in row["title"].lower().split()]
        if len(named) == 1:
            facts["color"] = frozenset(named)
        yield Photo(path, "retail", row["category"], f"retail {row['id']}", facts)


def _street(folder: Path) -> Iterator[Photo]:
    for path, row in _rows(folder, "photos.csv"):
        tags = frozenset(row["tags"].split("|")) - {""}
        facts = {"kind": kinds(*(concept_of(tag) for tag in tags - NOT_PRODUCTS))} if tags - NOT_PRODUCTS else {}
        yield Photo(path, "street", row["id"], f"street {row['id']}", facts, tags)


def _rows(folder: Path, name: str) -> list[tuple[Path, dict[str, str]]]:
    try:
        with (folder / name).open(newline="", encoding="utf-8") as lines:
            return [(folder / row["image"], row) for row in csv.DictReader(lines)]
    except FileNotFoundError:
        raise NotFoundError(
            f"no photo set at {folder / name}", cure="docs/data.md says where it comes from; --data names its folder"
        ) from None


def squared(
    photos: list[Photo], *, side: int = SIDE, progress: Progress | None = None
) -> tuple[ImageArray, NDArray[np.int32]]:
    """Read photos squared on white.

    Returns:
        (N, side, side, 3) uint8, and (N, 4) int32: the box xyxy of the photo itself inside its square.
    """
    square = Preprocess(size=(side, side), fit="letterbox")
    pixels = np.empty((len(photos), side, side, 3), np.uint8)
    inner = np.empty((len(photos), 4), np.int32)
    for index, photo in enumerate(photos):
        image = read_image(photo.path)
        pixels[index], placement = square.place(image)
        whole = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32)
        inner[index] = np.rint(placement.to_network_boxes(whole)[0])
        if progress is not None:
            progress(index + 1, len(photos), "reading photos")
    return pixels, inner

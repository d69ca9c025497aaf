"""The photos that a shipped encoder may learn from (docs/data.md, the rows marked "yes"), with their labels."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalens.errors import NotFoundError
from catalens.images.prepare import Preprocess
from catalens.images.read import read_image
from catalens.types import ImageArray, Progress

SIDE = 224
"""Photos are kept squared on white at this side, in pixels: what the teachers see."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One training photo. `label` belongs to the task (its labels compete with one another, not with other tasks')."""

    path: Path
    task: str
    label: str
    tags: frozenset[str] = frozenset()
    is_shop_picture: bool = False


def training_photos(data: Path) -> list[Photo]:
    """List the photos of clothing/train, grocery/train and its shop pictures, retail, streetstyle.

    Raises:
        NotFoundError: a set is absent.
    """
    return [
        *(Photo(path, "clothing", row["category"]) for path, row in _rows(data / "clothing", "train.csv")),
        *(Photo(path, "grocery", row["product_id"]) for path, row in _rows(data / "grocery", "train.csv")),
        *(
            Photo(path, "grocery", row["id"], is_shop_picture=True)
            for path, row in _rows(data / "grocery", "products.csv")
        ),
        *(Photo(path, "retail", row["category"]) for path, row in _rows(data / "retail", "products.csv")),
        *(
            Photo(path, "street", row["id"], frozenset(row["tags"].split("|")) - {""})
            for path, row in _rows(data / "streetstyle", "photos.csv")
        ),
    ]


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

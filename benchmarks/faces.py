"""Are faces found: close-ups, on the street, and none on products?

    python -m benchmarks.faces [--sheet missed.png]

The truth is YuNet (libfacedetection) at three sizes; faces with a score of at least 0.8 count. Close-ups are cut out of
shop photos around a face, whose height is then 0.35 to 0.6 of the side. Street photos are those that training held out.
Products are held-out photos of clothes and groceries, and renderings of goods.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from catalens import settings
from catalens.errors import NotFoundError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.geometry import iou, nms
from catalens.images.draw import save_image
from catalens.images.prepare import resize
from catalens.images.read import read_image
from catalens.tasks.faces import face_finder
from catalens.types import FloatArray, ImageArray
from recipes.faces import LEARNED, TEACHER
from recipes.parts import HELD_OUT

SURE, CLOSE_SURE = 0.8, 0.85
TALL = 60.0
"""Pixels that a face of a shop photo must have to be cut out as a close-up."""
FILLS = (0.35, 0.6)
FOUND = 0.3
"""IoU from which a face counts as found: the truth's boxes are drawn in another way."""
SIDE = 640
CLOSE_SETS = ("magento", "eshop", "clothing-more", "retail", "contoso")
STREET_SHOWN = 150

Finder = Callable[[ImageArray], FloatArray]


class Truth:
    """YuNet at three sizes.

    Raises:
        NotFoundError: the teacher is absent.
    """

    def __init__(self, teachers: Path) -> None:
        path = teachers / TEACHER
        if not path.is_file():
            raise NotFoundError(f"no teacher at {path}", cure="docs/data.md says what it is")
        self._network = cv2.FaceDetectorYN.create(str(path), "", (320, 320), LEARNED, 0.3, 500)

    def __call__(self, image: ImageArray, *, sure: float = SURE) -> FloatArray:
        """HWC uint8 -> (N, 4) xyxy."""
        boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
        for side in (160, 320, 640):
            scale = side / max(image.shape[:2])
            if scale > 1.5:
                continue
            size = max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))
            self._network.setInputSize(size[::-1])
            _, found = self._network.detect(np.ascontiguousarray(resize(image, size)[..., ::-1]))
            if found is not None:
                kept = found[found[:, 14] >= sure]
                boxes.append(np.hstack([kept[:, :2], kept[:, :2] + kept[:, 2:4]]).astype(np.float32) / scale)
                scores.append(kept[:, 14])
        every, confidence = np.concatenate(boxes), np.concatenate(scores)
        return every[nms(every, confidence, threshold=0.4)]


def close_ups(data: Path, truth: Truth) -> Iterator[tuple[ImageArray, FloatArray]]:
    """Cut-outs (HWC uint8) of shop photos around a face, and its box (4,)."""
    rng = np.random.default_rng(3)
    for name in CLOSE_SETS:
        for path in sorted((data / name).rglob("*.jpg")):
            image = read_image(path)
            for box in truth(image, sure=CLOSE_SURE):
                tall = float(box[3] - box[1])
                if tall < TALL:
                    continue
                side = tall / rng.uniform(*FILLS)
                left, top = np.maximum((box[:2] + box[2:]) / 2 - side / 2, 0).astype(int)
                cut = np.ascontiguousarray(image[top : top + int(side), left : left + int(side)])
                yield cut, box - np.array([left, top, left, top], np.float32)


def street_photos(data: Path) -> list[ImageArray]:
    """Held-out photos."""
    with (data / "streetstyle" / "photos.csv").open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if int(row["id"]) % HELD_OUT == 0]
    return [read_image(data / "streetstyle" / row["image"]) for row in rows[:STREET_SHOWN]]


def product_photos(data: Path) -> Iterator[ImageArray]:
    """Photos that show no person."""
    for name, table in (("clothing", "validation.csv"), ("grocery", "val.csv")):
        with (data / name / table).open(newline="", encoding="utf-8") as lines:
            yield from (read_image(data / name / row["image"], target=SIDE) for row in csv.DictReader(lines))
    for name in ("models3d", "scans3d"):
        with (data / name / "photos.csv").open(newline="", encoding="utf-8") as lines:
            yield from (read_image(data / name / row["image"]) for row in list(csv.DictReader(lines))[::6])


def measure(find: Finder, data: Path, teachers: Path) -> tuple[dict[str, Estimate], list[ImageArray]]:
    """Shares found of close-ups and main faces, and of products with a false face; the close-ups missed."""
    truth = Truth(teachers)

    def is_found(box: FloatArray, boxes: FloatArray) -> bool:
        return bool(len(boxes)) and bool((iou(box, boxes) >= FOUND).any())

    close, missed = [], []
    for image, box in close_ups(data, truth):
        close.append(is_found(box, find(image)))
        missed += [] if close[-1] else [image]
    main = []
    for image in street_photos(data):
        faces = truth(image)
        if len(faces):
            main.append(is_found(faces[np.argmax(faces[:, 3] - faces[:, 1])], find(image)))
    wrong = [len(find(image)) > 0 for image in product_photos(data)]
    shares = {
        "close-ups found": close,
        "main faces on the street found": main,
        "product photos with a false face": wrong,
    }
    return {name: bootstrap_mean(values) for name, values in shares.items()}, missed


def main(arguments: list[str] | None = None) -> None:
    """Print a table and one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=settings.data_folder())
    parser.add_argument("--teachers", type=Path, default=settings.teacher_folder())
    parser.add_argument("--sheet", type=Path, help="write a picture of the close-ups that were missed")
    given = parser.parse_args(arguments)
    finder = face_finder()
    figures, missed = measure(lambda image: finder(image).boxes, given.data, given.teachers)
    for name, one in figures.items():
        print(f"{name:36} {one}")
    if given.sheet and missed:
        save_image(given.sheet, np.hstack([resize(image, (160, 160)) for image in missed]))
    print(json.dumps({name: [one.value, one.low, one.high, one.n] for name, one in figures.items()}))


if __name__ == "__main__":
    main()

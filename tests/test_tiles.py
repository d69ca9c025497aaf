"""Many small things by windows: each found once, wherever the windows cut."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from catalens.errors import UsageError
from catalens.tasks.tiles import Tiled
from catalens.types import Detections, ImageArray


def spots(image: ImageArray) -> Detections:
    """Dark spots, each as one box; none in what is too large, as with a network that has so many pixels."""
    size = (image.shape[0], image.shape[1])
    if max(size) > 300:
        return Detections.empty(size)
    stats = cv2.connectedComponentsWithStats((image[..., 0] < 100).astype(np.uint8))[2][1:]
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in stats], np.float32).reshape(-1, 4)
    return Detections(boxes, np.full(len(boxes), 0.9, np.float32), ("spot",) * len(boxes), size)


def sheet(size: tuple[int, int], step: int) -> tuple[ImageArray, list[list[float]]]:
    image = np.full((*size, 3), 255, np.uint8)
    boxes: list[list[float]] = []
    for y in range(0, size[0] - 20, step):
        for x in range(0, size[1] - 30, step):
            image[y : y + 20, x : x + 30] = 0
            boxes.append([x, y, x + 30, y + 20])
    return image, boxes


@pytest.mark.parametrize(("size", "step"), [((600, 800), 40), ((600, 800), 130), ((1000, 90), 70)])
def test_each_thing_is_found_once(size: tuple[int, int], step: int) -> None:
    image, boxes = sheet(size, step)
    found = Tiled(spots, 8)(image)
    assert sorted(found.boxes.tolist()) == sorted(boxes)
    assert found.size == size
    assert len(spots(image)) == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (500, 500)], ids=str)
def test_nothing_is_nothing(size: tuple[int, int]) -> None:
    found = Tiled(spots, 16)(np.full((*size, 3), 255, np.uint8))
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


@pytest.mark.parametrize("tiles", [-1, 0, 1, 17])
def test_how_many_tiles(tiles: int) -> None:
    with pytest.raises(UsageError, match="tiles along"):
        Tiled(spots, tiles)

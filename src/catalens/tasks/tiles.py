"""Detection on overlapping tiles, for hundreds of small things on one photo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from catalens import options
from catalens.errors import UsageError
from catalens.geometry import nms
from catalens.tasks.two_stage import ACROSS, OVERLAP
from catalens.types import Detections, FloatArray, ImageArray

NEAR = 2.0
"""Pixels from a window's border within which a box is taken for cut: a neighbour has all of it."""


class Tiled:
    """A detector over windows that overlap by half, `tiles` along the longer side, for things smaller than half a
    window (slicing aided inference, Akyon et al. 2022, without the pass over the whole photo, which sees one thing in
    a shelf).

    Raises:
        UsageError: fewer than two tiles, or more than 16.
    """

    def __init__(self, inner: Callable[[ImageArray], Detections], tiles: int) -> None:
        if not 2 <= tiles <= (options.Detect.tiles.maximum or 0):
            raise UsageError(f"{tiles} tiles along the longer side", cure=f"take 2 to {options.Detect.tiles.maximum}")
        self._inner, self._tiles = inner, tiles

    def __call__(self, image: ImageArray) -> Detections:
        """HWC uint8 -> what is on it, the surest first."""
        size = (image.shape[0], image.shape[1])
        boxes, scores, names = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)], list[str]()
        down, across = (_windows(side, max(1, round(self._tiles * side / max(size)))) for side in size)
        for top, bottom in down:
            for left, right in across:
                found = self._inner(np.ascontiguousarray(image[top:bottom, left:right]))
                moved = found.boxes + np.array([left, top, left, top], np.float32)
                whole = _whole(moved, (left, top, right, bottom), size)
                boxes.append(moved[whole])
                scores.append(found.scores[whole])
                names += found[whole].labels
        return _one_each(np.concatenate(boxes), np.concatenate(scores), names, size)


def _whole(boxes: FloatArray, window: tuple[int, int, int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which boxes touch no border of a window (xyxy) but the photo's own."""
    own = np.array([window[0] == 0, window[1] == 0, window[2] == size[1], window[3] == size[0]])
    return np.asarray(((np.abs(boxes - np.array(window)) > NEAR) | own).all(1))


def _windows(length: int, count: int) -> list[tuple[int, int]]:
    """(start, end) of windows that overlap by half and cover a side."""
    edges = np.linspace(0, length, count + 2).round().astype(int).tolist()
    return [(start, end) for start, end in zip(edges, edges[2:], strict=False) if end > start]


def _one_each(boxes: FloatArray, scores: FloatArray, names: list[str], size: tuple[int, int]) -> Detections:
    kept: list[int] = []
    for name in set(names):
        mine = np.array([row for row, other in enumerate(names) if other == name])
        kept += mine[nms(boxes[mine], scores[mine], threshold=OVERLAP)].tolist()
    some = np.array(sorted(kept), np.int64)
    some = some[nms(boxes[some], scores[some], threshold=ACROSS)]
    return Detections(boxes[some], scores[some], tuple(names[row] for row in some.tolist()), size)

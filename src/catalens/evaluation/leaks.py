"""Test photos that are in the training set: found by perceptual hash, confirmed by their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import faiss
import numpy as np
from numpy.typing import NDArray

from catalens.errors import CatalensError
from catalens.images.read import read_image
from catalens.types import FloatArray

HASH_DISTANCE = 10
"""Bits of 64 in which the hashes (Zauner 2010, pHash, as OpenCV computes it) of candidates may differ."""
ALIKE = 0.95
"""Correlation of 32x32 grey pixels from which candidates count as one picture: other crops and colors do not."""
SIDE = 32


def near_duplicates(a: Sequence[Path], b: Sequence[Path]) -> list[tuple[int, int]]:
    """Pairs (row of a, row of b) that show the same picture, recompressed, resized or a little relit; sorted.

    Photos that cannot be read pair with none. Memory is about 4 KB a photo; time grows with len(a) * len(b), 100,000 by
    100,000 in seconds.
    """
    if not len(a) or not len(b):
        return []
    (hashes_a, pixels_a), (hashes_b, pixels_b) = _described(a), _described(b)
    index = faiss.IndexBinaryFlat(64)
    index.add(hashes_b)
    limits, _, neighbors = index.range_search(hashes_a, HASH_DISTANCE)
    found = []
    for row in range(len(a)):
        near = neighbors[limits[row] : limits[row + 1]]
        correlation = pixels_b[near] @ pixels_a[row]
        found += [(row, int(other)) for other in np.sort(near[correlation >= ALIKE])]
    return found


def hashes(paths: Sequence[Path]) -> NDArray[np.uint8]:
    """(N, 8) perceptual hashes; zeros for photos that cannot be read."""
    return _described(paths)[0]


def _described(paths: Sequence[Path]) -> tuple[NDArray[np.uint8], FloatArray]:
    """(N, 8) hashes and (N, 1024) grey pixels of zero mean and unit length; zeros for what cannot be read."""
    hashes = np.zeros((len(paths), 8), np.uint8)
    pixels = np.zeros((len(paths), SIDE * SIDE), np.float32)
    hasher = cv2.img_hash.PHash.create()
    for row, path in enumerate(paths):
        try:
            image = read_image(path, target=2 * SIDE)
        except CatalensError:
            continue  # it was named where it was to be learned from
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        hashes[row] = hasher.compute(grey)[0]
        small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        small -= small.mean()
        pixels[row] = small / max(float(np.linalg.norm(small)), 1e-6)
    return hashes, pixels

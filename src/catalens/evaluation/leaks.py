"""Near-duplicate detection between test and training photos: perceptual hash, confirmed by pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import faiss
import numpy as np
from numpy.typing import NDArray

from catalens.errors import CatalensError
from catalens.images.read import read_image
from catalens.types import FloatArray

HASH_DISTANCE = 10
"""Bits of 64 in which the hashes of candidates may differ."""
ALIKE = 0.95
"""Correlation of 32x32 grey pixels from which candidates count as one picture: other crops and colors do not."""
SIDE = 32
SAME_HASH = 2
"""Bits of 64 in which the hash of a recompressed photo may differ, where there are no pixels to confirm more."""


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of N photos; zeros for unreadable ones."""

    hashes: NDArray[np.uint8]
    """(N, 8)."""
    pixels: FloatArray
    """(N, 1024) grey, of zero mean and unit length."""

    def of(self, chosen: NDArray[np.bool_]) -> Fingerprints:
        """Fingerprints of some of the photos, by (N,) flags."""
        return Fingerprints(self.hashes[chosen], self.pixels[chosen])


def near_duplicates(a: Sequence[Path], b: Sequence[Path]) -> list[tuple[int, int]]:
    """Pairs (row of a, row of b) of the same picture, recompressed, resized or slightly relit; sorted.

    Unreadable photos pair with none. Memory is about 4 KB a photo; time grows with len(a) * len(b), 100,000 by
    100,000 in seconds.
    """
    return fingerprint_pairs(fingerprints_of(a), fingerprints_of(b)) if len(a) and len(b) else []


def fingerprint_pairs(a: Fingerprints, b: Fingerprints) -> list[tuple[int, int]]:
    """`near_duplicates` of photos by their fingerprints."""
    if not len(a.hashes) or not len(b.hashes):
        return []
    index = faiss.IndexBinaryFlat(64)
    index.add(b.hashes)
    limits, _, neighbors = index.range_search(a.hashes, HASH_DISTANCE)
    found = []
    for row in range(len(a.hashes)):
        near = neighbors[limits[row] : limits[row + 1]]
        correlation = b.pixels[near] @ a.pixels[row]
        found += [(row, int(other)) for other in np.sort(near[correlation >= ALIKE])]
    return found


def seen_before(asked: NDArray[np.uint8], known: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(N,) whether each of (N, 8) hashes is among (M, 8) known ones; stricter than `near_duplicates`."""
    if not len(asked) or not len(known):
        return np.zeros(len(asked), np.bool_)
    index = faiss.IndexBinaryFlat(64)
    index.add(known)
    return np.asarray((index.search(asked, 1)[0][:, 0] <= SAME_HASH) & asked.any(1))


def hashes(paths: Sequence[Path]) -> NDArray[np.uint8]:
    """(N, 8) perceptual hashes; zeros for photos that cannot be read."""
    return fingerprints_of(paths).hashes


def perceptual_hash(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(8,) pHash (Zauner 2010) of an HxW picture, bit by bit that of OpenCV's contributed module.

    Which of the 8 x 8 lowest frequencies of 32 x 32 pixels lie above their mean, the lowest of all left out.
    """
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR_EXACT).astype(np.float32)
    low = cv2.dct(small)[:8, :8].copy()
    low[0, 0] = 0
    return np.packbits(low > np.float32(cv2.mean(low)[0]), bitorder="little")


def fingerprints_of(paths: Sequence[Path]) -> Fingerprints:
    """Fingerprints of photos."""
    hashes = np.zeros((len(paths), 8), np.uint8)
    pixels = np.zeros((len(paths), SIDE * SIDE), np.float32)
    for row, path in enumerate(paths):
        try:
            image = read_image(path, target=2 * SIDE)
        except CatalensError:
            continue  # it was named where it was to be learned from
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        hashes[row] = perceptual_hash(grey)
        small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        small -= small.mean()
        pixels[row] = small / max(float(np.linalg.norm(small)), 1e-6)
    return Fingerprints(hashes, pixels)

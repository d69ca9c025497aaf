"""Near-duplicate photos, found in nearly linear time by parts of their hashes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from catalens.images.prepare import resize
from catalens.types import ImageArray

HASH_DISTANCE = 4
"""Bits of 64 in which two difference hashes may differ for two photos to look the same ..."""
COLOR_DISTANCE = 10.0
"""... if their small pictures' values differ by so little, on average of 255: a hash knows no colors, and two products
of one shape, or two models of one pose, may share it.
"""
SMALL = 16
PARTS = tuple(sum(1 << bit for bit in range(part, 64, HASH_DISTANCE + 1)) for part in range(HASH_DISTANCE + 1))
"""Every fifth bit, five times: hashes that differ in four bits have one part in common (multi-index hashing, Norouzi et
al. 2012). Neighboring bits are spread over the parts, for they are all zero on a plain background."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Fingerprint of a picture: `difference_hash`, and its colors at 16x16."""

    hash: int
    small: bytes

    def is_same(self, other: Fingerprint) -> bool:
        """Whether the other picture looks the same."""
        if (self.hash ^ other.hash).bit_count() > HASH_DISTANCE:
            return False
        mine, others = (np.frombuffer(one.small, np.uint8).astype(np.float32) for one in (self, other))
        return float(np.abs(mine - others).mean()) <= COLOR_DISTANCE


class Duplicates:
    """Photos in their order, each looked up among those before it."""

    def __init__(self) -> None:
        self._seen: list[tuple[Path, Fingerprint]] = []
        self._places: tuple[defaultdict[int, list[int]], ...] = tuple(defaultdict(list) for _ in PARTS)
        self._copies: dict[Fingerprint, Path] = {}

    def add(self, path: Path, fingerprint: Fingerprint) -> Path | None:
        """Take in a photo; returns the first before it that looks the same."""
        if fingerprint in self._copies:  # of many the same, one is remembered
            return self._copies[fingerprint]
        parts = [(places, fingerprint.hash & part) for places, part in zip(self._places, PARTS, strict=True)]
        near = sorted({place for places, key in parts for place in places.get(key, ())})
        duplicate = next((self._seen[place][0] for place in near if self._seen[place][1].is_same(fingerprint)), None)
        for places, key in parts:
            places[key].append(len(self._seen))
        self._seen.append((path, fingerprint))
        self._copies[fingerprint] = path if duplicate is None else duplicate
        return duplicate


def fingerprint_of(image: ImageArray) -> Fingerprint:
    """Fingerprint of HWC uint8 RGB."""
    return Fingerprint(difference_hash(image), resize(image, (SMALL, SMALL)).tobytes())


def difference_hash(image: ImageArray) -> int:
    """64 bits: which of 8 x 9 grey values are brighter than the one to their left."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return int("".join("1" if bit else "0" for bit in np.ravel(grey[:, 1:] > grey[:, :-1])), 2)

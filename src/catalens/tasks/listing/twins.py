"""Photos that look the same: found among many in little more time than there are photos."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from catalens.images.prepare import resize
from catalens.types import ImageArray

SAME = 4
"""Bits of 64 in which two difference hashes may differ for two photos to look the same ..."""
ALIKE = 10.0
"""... if their small pictures' values differ by so little, on average of 255: a hash knows no colors, and two products
of one shape, or two models of one pose, may share it.
"""
SMALL = 16
PARTS = tuple(sum(1 << bit for bit in range(part, 64, SAME + 1)) for part in range(SAME + 1))
"""Every fifth bit, five times: hashes that differ in four bits have one part in common (multi-index hashing, Norouzi et
al. 2012). Neighboring bits are spread over the parts, for they are all zero on a plain background."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture is told again by: `difference_hash`, and its colors at 16x16."""

    hash: int
    small: bytes

    def is_same(self, other: Look) -> bool:
        """Whether the other picture looks the same."""
        if (self.hash ^ other.hash).bit_count() > SAME:
            return False
        mine, others = (np.frombuffer(one.small, np.uint8).astype(np.float32) for one in (self, other))
        return float(np.abs(mine - others).mean()) <= ALIKE


class Twins:
    """Photos in their order, each looked up among those before it."""

    def __init__(self) -> None:
        self._seen: list[tuple[Path, Look]] = []
        self._places: tuple[defaultdict[int, list[int]], ...] = tuple(defaultdict(list) for _ in PARTS)
        self._copies: dict[Look, Path] = {}

    def add(self, path: Path, look: Look) -> Path | None:
        """Take in a photo; returns the first before it that looks the same."""
        if look in self._copies:  # of many the same, one is remembered
            return self._copies[look]
        parts = [(places, look.hash & part) for places, part in zip(self._places, PARTS, strict=True)]
        near = sorted({place for places, key in parts for place in places.get(key, ())})
        twin = next((self._seen[place][0] for place in near if self._seen[place][1].is_same(look)), None)
        for places, key in parts:
            places[key].append(len(self._seen))
        self._seen.append((path, look))
        self._copies[look] = path if twin is None else twin
        return twin


def look_of(image: ImageArray) -> Look:
    """The look of HWC uint8 RGB."""
    return Look(difference_hash(image), resize(image, (SMALL, SMALL)).tobytes())


def difference_hash(image: ImageArray) -> int:
    """64 bits: which of 8 x 9 grey values are brighter than the one to their left."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return int("".join("1" if bit else "0" for bit in np.ravel(grey[:, 1:] > grey[:, :-1])), 2)

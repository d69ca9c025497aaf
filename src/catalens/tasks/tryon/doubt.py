"""How far a try-on can be trusted: is the garment's outline right, is it bent evenly, how much of it is drawn?"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from catalens.errors import UnfitImageError
from catalens.types import FloatArray

TRUSTED = 0.5
"""Confidence below which nothing is drawn: of 13 pairs looked at, three of the four below are wrong, and seven of the
nine above: it finds what is surely wrong, not what is right.
"""
BOUND = 3.0
"""Times by which a garment's area may locally grow or shrink against its median before a print is crushed or torn."""


class Doubt(NamedTuple):
    """Each 0..1, larger where the result is more likely right.

    Args:
        outline: confidence in the garment's outline on its own photo.
        even: share of the garment that is bent within `BOUND`.
        shown: share of the changed region that is the garment or the photo, not drawn by the network.
    """

    outline: float
    even: float
    shown: float

    @property
    def confidence(self) -> float:
        return self.outline * self.even * self.shown

    def require(self) -> None:
        """Raises:
        UnfitImageError: the result would be doubtful; says what is.
        """
        if self.confidence >= TRUSTED:
            return
        reasons = {
            self.outline: ("the garment's outline is doubtful", "give a photo of it on an even, plain background"),
            self.even: ("the garment would be crushed or torn", "give a photo on which it lies or hangs straight"),
            self.shown: ("too much would have to be invented", "give another garment, or a person dressed more alike"),
        }
        what, cure = reasons[min(self)]
        raise UnfitImageError(f"the try-on would be wrong (confidence {self.confidence:.2f}): {what}", cure=cure)


def evenness(back: FloatArray, alpha: FloatArray) -> float:
    """Share of a garment that is bent within `BOUND` of its median area.

    Args:
        back: (h, w, 2), the garment's pixel of each place of the view; alpha: HxW in 0..1, the garment's cover.
    """
    across, down = np.diff(back, axis=1)[:-1], np.diff(back, axis=0)[:, :-1]
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    x, y = (back[:-1, :-1, axis].astype(np.float32) - np.float32(0.5) for axis in (0, 1))
    covers = cv2.remap(alpha, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0) > 0.5
    found = area[covers]
    if not len(found):
        return 0.0
    ratio = found / max(float(np.median(np.abs(found))), 1e-9)
    return float(((ratio > 1 / BOUND) & (ratio < BOUND)).mean())

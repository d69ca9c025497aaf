"""Crop of a person's photo for a large try-on network, and its output pasted back onto the photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalens.images.prepare import resize
from catalens.types import ImageArray

GREY = 127
"""What is drawn anew is hidden under it."""
WIDER = 1.5
"""Sides of what is seen, as multiples of what is drawn anew."""


@dataclass(frozen=True, slots=True, eq=False)
class PersonView:
    """A part of a photo.

    Args:
        window: rows and columns of the photo.
        shown: HWC uint8, that part at the network's size.
        hole: HxW of that size, what is drawn anew.
    """

    window: tuple[slice, slice]
    shown: ImageArray
    hole: NDArray[np.bool_]

    @property
    def hidden(self) -> ImageArray:
        """HWC uint8, grey where it is drawn anew."""
        return np.where(self.hole[..., None], np.uint8(GREY), self.shown)

    def onto(self, photo: ImageArray, drawn: ImageArray) -> ImageArray:
        """The photo with what was drawn, HWC uint8 of the network's size, in its place."""
        found = photo.copy()
        found[self.window] = resize(drawn, found[self.window].shape[:2])
        return found


def view_of(photo: ImageArray, mask: NDArray[np.bool_], size: tuple[int, int]) -> PersonView:
    """The part around a mask, in the proportions of `size` as far as the photo goes, at that size."""
    window = _window(mask, size)
    hole = resize(mask[window].astype(np.uint8)[..., None].repeat(3, 2) * 255, size)[..., 0] > GREY
    return PersonView(window, resize(photo[window], size), hole)


def _window(mask: NDArray[np.bool_], size: tuple[int, int]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return slice(0, mask.shape[0]), slice(0, mask.shape[1])
    height, width = WIDER * (rows[-1] - rows[0] + 1), WIDER * (columns[-1] - columns[0] + 1)
    height, width = max(height, width * size[0] / size[1]), max(width, height * size[1] / size[0])
    middle = (rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2
    slices = []
    for center, length, whole in zip(middle, (height, width), mask.shape, strict=True):
        start = int(np.clip(round(center - length / 2), 0, max(whole - length, 0)))
        slices.append(slice(start, min(whole, start + round(length))))
    return slices[0], slices[1]

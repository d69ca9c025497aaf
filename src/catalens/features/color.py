"""Color descriptors: histograms, dominant colors and their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray

LAB_BINS = (4, 8, 8)
HSV_BINS = (12, 4, 4)
NAMES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((0, 0, 0), (25, 25, 28)),
    "white": ((255, 255, 255), (240, 240, 238)),
    "gray": ((128, 128, 128), (90, 92, 95), (175, 175, 175), (205, 205, 205)),
    "red": ((215, 25, 30), (180, 20, 25), (255, 60, 50)),
    "burgundy": ((110, 15, 35), (128, 0, 32)),
    "orange": ((250, 130, 20), (230, 100, 20)),
    "yellow": ((250, 225, 30), (235, 200, 50), (255, 255, 0)),
    "gold": ((190, 150, 50), (212, 175, 55)),
    "green": ((40, 150, 60), (0, 100, 0), (110, 190, 80), (85, 107, 47), (0, 255, 0)),
    "turquoise": ((64, 205, 200), (0, 140, 140), (0, 255, 255)),
    "blue": ((40, 90, 200), (90, 150, 225), (135, 190, 235), (0, 0, 255)),
    "navy": ((15, 20, 70), (0, 0, 128), (30, 40, 80), (22, 32, 115)),
    "purple": ((120, 40, 140), (150, 100, 200), (75, 0, 130)),
    "pink": ((250, 150, 185), (230, 60, 140), (255, 192, 203)),
    "brown": ((110, 65, 35), (139, 69, 19), (80, 50, 35), (160, 110, 70)),
    "beige": ((225, 205, 170), (210, 180, 140), (245, 245, 220)),
}
"""Prototypes of 16 color names (sRGB): Berlin & Kay's eleven, and five that shops use."""


@dataclass(frozen=True, slots=True)
class DominantColor:
    """One of a picture's main colors: sRGB 0..255, its share of the area 0..1, its name."""

    rgb: tuple[int, int, int]
    area: float
    name: str


def color_histogram(
    image: ImageArray, *, space: Literal["lab", "hsv"] = "lab", mask: NDArray[np.bool_] | None = None
) -> FloatArray:
    """Color histogram of (masked) HWC uint8, square-rooted, unit length: (256,) for lab, (192,) for hsv."""
    if space == "lab":
        pixels, bins, top = cv2.cvtColor(image, cv2.COLOR_RGB2LAB), LAB_BINS, (256, 256, 256)
    else:
        pixels, bins, top = cv2.cvtColor(image, cv2.COLOR_RGB2HSV), HSV_BINS, (180, 256, 256)
    chosen = None if mask is None else mask.astype(np.uint8)
    ranges = [edge for limit in top for edge in (0, limit)]
    counts = np.asarray(cv2.calcHist([pixels], [0, 1, 2], chosen, list(bins), ranges), np.float32).ravel()
    if not counts.any():  # an empty mask: describe the whole picture instead
        return color_histogram(image, space=space)
    roots = np.sqrt(counts)
    return np.asarray(roots / np.linalg.norm(roots), np.float32)


def dominant_colors(
    image: ImageArray, *, k: int = 5, mask: NDArray[np.bool_] | None = None
) -> tuple[DominantColor, ...]:
    """Find at most `k` main colors, largest first, by k-means in Lab; deterministic.

    Args:
        image: HWC uint8 sRGB.
        mask: HxW, the pixels that count; all where None or empty.
    """
    pixels = image.reshape(-1, 3) if mask is None or not mask.any() else image[mask]
    lab = _lab(pixels[:: max(1, len(pixels) // 20_000)])
    # Start from the pixels that lie farthest from one another: no random numbers, no missed small color.
    centers = [lab.mean(axis=0)]
    for _ in range(k - 1):
        distance = np.min([((lab - center) ** 2).sum(axis=1) for center in centers], axis=0)
        if distance.max() < 100:  # closer than 10 in Lab is the same color
            break
        centers.append(lab[distance.argmax()])
    means = np.stack(centers)
    for _ in range(8):
        nearest = ((lab[:, None] - means[None]) ** 2).sum(axis=2).argmin(axis=1)
        means = np.stack([lab[nearest == i].mean(axis=0) if (nearest == i).any() else m for i, m in enumerate(means)])
    areas = np.bincount(nearest, minlength=len(means)) / len(lab)
    order = [i for i in np.argsort(-areas, kind="stable") if areas[i] > 0]
    return tuple(DominantColor(_rgb(means[i]), float(areas[i]), _nearest_name(means[i])) for i in order)


def _lab(pixels: NDArray[np.uint8]) -> FloatArray:
    """(N, 3) sRGB 0..255 -> (N, 3) CIE Lab, L 0..100."""
    scaled = np.ascontiguousarray(pixels, np.float32).reshape(-1, 1, 3) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32).reshape(-1, 3)


def _rgb(lab: FloatArray) -> tuple[int, int, int]:
    pixel = cv2.cvtColor(np.asarray(lab, np.float32).reshape(1, 1, 3), cv2.COLOR_LAB2RGB).ravel()
    red, green, blue = (round(float(np.clip(value, 0, 1)) * 255) for value in pixel)
    return red, green, blue


_PROTOTYPES = np.array([rgb for shades in NAMES.values() for rgb in shades], np.uint8)
_PROTOTYPE_NAMES = [name for name, shades in NAMES.items() for _ in shades]


def _nearest_name(lab: FloatArray) -> str:
    return _PROTOTYPE_NAMES[int(((_lab(_PROTOTYPES) - lab) ** 2).sum(axis=1).argmin())]

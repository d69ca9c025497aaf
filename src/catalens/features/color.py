"""Color descriptors: histograms, dominant colors and their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.features.color_names import color_names, oklab
from catalens.types import FloatArray, ImageArray

LAB_BINS = (4, 8, 8)
HSV_BINS = (12, 4, 4)
VIVID = 5.0
"""How much more than a grey pixel one of OKLab chroma 0.2 counts in `named_colors`: people name a product by its vivid
color."""
CENTRAL = 4.0
"""How fast the weight of a pixel falls off from the middle of the mask's bounds: at a corner exp(-4/2)."""
SHADED_BLACK, SHADED_WHITE, LIGHT = 0.5, 0.84, 0.7
"""Grey is the shading of a black product where half of its greys are below the first OKLab lightness; of a white one
where a quarter of them is above the second and half of them above the third."""


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
    return tuple(_dominant(means[i], float(areas[i])) for i in order)


def named_colors(image: ImageArray, mask: NDArray[np.bool_]) -> tuple[DominantColor, ...]:
    """The colors of a product by name, the most telling first.

    Args:
        image: HWC uint8 sRGB, small: each pixel is named.
        mask: HxW, the product's own pixels; the whole picture where empty.

    Returns:
        One entry a name. `area` is the share of the product, in which pixels in its middle and vivid pixels count more;
        `rgb` is the mean of the pixels of that name.
    """
    mask = mask if mask.any() else np.ones_like(mask)
    lab = oklab(image[mask])
    weights = _weights(mask)
    names = _without_shading(np.array(color_names(image[mask])), lab[:, 0], weights)
    weights *= 1 + VIVID * np.minimum(np.hypot(lab[:, 1], lab[:, 2]), 0.2)
    pixels, total, found = _lab(image[mask]), float(weights.sum()), []
    for name in np.unique(names).tolist():
        own = names == name
        mean = np.average(pixels[own], axis=0, weights=weights[own])
        found.append(DominantColor(_rgb(mean), float(weights[own].sum()) / total, name))
    return tuple(sorted(found, key=lambda one: -one.area))


def _lab(pixels: NDArray[np.uint8]) -> FloatArray:
    """(N, 3) sRGB 0..255 -> (N, 3) CIE Lab, L 0..100."""
    scaled = np.ascontiguousarray(pixels, np.float32).reshape(-1, 1, 3) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32).reshape(-1, 3)


def _rgb(lab: FloatArray) -> tuple[int, int, int]:
    pixel = cv2.cvtColor(np.asarray(lab, np.float32).reshape(1, 1, 3), cv2.COLOR_LAB2RGB).ravel()
    red, green, blue = (round(float(np.clip(value, 0, 1)) * 255) for value in pixel)
    return red, green, blue


def _dominant(lab: FloatArray, area: float) -> DominantColor:
    rgb = _rgb(lab)
    return DominantColor(rgb, area, color_names(np.array([rgb], np.uint8))[0])


def _weights(mask: NDArray[np.bool_]) -> FloatArray:
    """(N,) weights of the pixels of a mask: most in its middle, little at its edges."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1][mask]
    rows, columns = (place.astype(np.float32) for place in np.nonzero(mask))
    away = sum(((place - (place.min() + place.max()) / 2) / (np.ptp(place) + 1)) ** 2 for place in (rows, columns))
    return np.asarray(np.minimum(depth / depth.max(), 0.5) * np.exp(-CENTRAL * away), np.float32)


def _without_shading(names: NDArray[np.str_], light: FloatArray, weights: FloatArray) -> NDArray[np.str_]:
    """Names (N,) in which the grey of a shaded black or white product is called black or white."""
    grey = np.isin(names, ("black", "white", "gray"))
    if not (names == "gray").any():
        return names
    order = np.argsort(light[grey])
    cumulated = np.cumsum(weights[grey][order])
    median, high = (light[grey][order][np.searchsorted(cumulated, share * cumulated[-1])] for share in (0.5, 0.75))
    name = "black" if median < SHADED_BLACK else "white" if high > SHADED_WHITE and median > LIGHT else "gray"
    return np.where(names == "gray", name, names)

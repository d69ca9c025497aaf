"""Name colors as people do: by hue, chroma and lightness in OKLab (Ottosson, "A perceptual color space", 2020)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray

COLOR_NAMES = (
    "black", "white", "gray", "red", "burgundy", "orange", "yellow", "gold", "green", "turquoise", "blue", "navy",
    "purple", "pink", "brown", "beige",
)  # fmt: skip
"""The 16 names that `color_names` gives: the eleven basic color terms of Berlin and Kay, and five that shops use."""
_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]], np.float32
)  # fmt: skip
_OKLAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]], np.float32
)  # fmt: skip
"""Matrices of OKLab: linear sRGB -> cone responses; their cube roots -> L, a, b."""


def oklab(rgb: NDArray[np.uint8]) -> FloatArray:
    """(..., 3) uint8 sRGB -> (..., 3) OKLab float32: L in 0..1, a and b about -0.3..0.3."""
    signal = np.asarray(rgb, np.float32) / 255
    linear = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _LMS.T) @ _OKLAB.T, np.float32)


def color_names(rgb: NDArray[np.uint8]) -> list[str]:
    """(N, 3) uint8 sRGB -> the name of each color, one of `COLOR_NAMES`."""
    lab = oklab(rgb).reshape(-1, 3).astype(np.float64)
    light, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    return [_name(*values) for values in zip(light.tolist(), chroma.tolist(), hue.tolist(), strict=True)]


def _name(light: float, chroma: float, hue: float) -> str:
    """The name of a color in OKLCh: lightness 0..1, chroma 0..0.33, hue in degrees (red 29, green 142, blue 264)."""
    if light < 0.17 or chroma < _grey_below(light, hue):
        return "black" if light < 0.42 else "white" if light > 0.89 else "gray"
    if hue < 8 or hue >= 340:
        dull = chroma < 0.1 and hue > 180
        return "pink" if light > (0.6 if dull else 0.45) else "purple" if hue > 180 and dull else "burgundy"
    if hue < 32 or (hue < 38 and light < 0.64):
        return _reddish(light, chroma, hue)
    if hue < 112:
        return _yellowish(light, chroma, hue)
    if hue < 178:
        return "beige" if light > 0.9 and chroma < 0.05 and hue < 125 else "green"
    if hue < 210:
        return "turquoise"
    if hue < 285:
        return "navy" if light < 0.36 else "blue"
    return "pink" if hue > 320 and light > 0.72 else "purple"


def _grey_below(light: float, hue: float) -> float:
    """Chroma below which a color is named by its lightness alone: a warm grey or white counts as one longer than a cold
    one, and a dark color is told from black by little.
    """
    if light > 0.9:
        return 0.025
    if light < 0.36:
        return 0.024
    return 0.03 if hue < 112 else 0.022


def _reddish(light: float, chroma: float, hue: float) -> str:
    if hue < 14 and light > 0.52:
        return "pink"
    if light > 0.68 or (light > 0.55 and chroma < 0.12):
        return "pink" if chroma > 0.045 else "beige" if light > 0.8 else "gray"
    if chroma < 0.075:
        return "brown"
    return "burgundy" if light < 0.42 else "red"


def _yellowish(light: float, chroma: float, hue: float) -> str:
    if hue < 72:
        if chroma > 0.12 and light > 0.6:
            return "orange"
        return "beige" if light > 0.76 and chroma < 0.1 else "brown"
    if light > 0.78:
        return "yellow" if chroma > 0.075 else "beige"
    if chroma < 0.075 or light < 0.55:
        return "green" if hue > 98 else "brown"
    return "gold"

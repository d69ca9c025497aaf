"""Estimate the light of a picture (color cast, lightness range, direction), and harmonise a cut-out with it.

Statistics of color in Lab are moved towards the other picture's, as in Reinhard et al. 2001 ("Color Transfer between
Images"), but only those that light makes: the product keeps what its own color is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from catalens.types import FloatArray, ImageArray

GREYISH = 14.0
"""Lab chroma up to which a color counts as grey under a colored light."""
ENOUGH = 0.05
"""Share of greyish pixels needed to estimate the light from them."""
WORLD = 0.3
"""Share of the mean color attributed to the light where too few pixels are grey."""
MOST_CAST, MOST_LIFT = 12.0, 14.0
"""Largest shift of a product's color and of its darkest pixels, in Lab."""
LOWEST_WHITE = 62.0
"""L below which a product's lightest pixels are never pulled, so that it stays presentable."""
RAMP = 5.0
"""Largest change of L on the lit side (lighter) and on the other one (darker)."""


@dataclass(frozen=True, slots=True)
class Light:
    """Estimated light of a picture.

    Args:
        cast: a and b of Lab of what would be grey under a white light.
        low, high: L of the darkest and the lightest places, 0..100.
        side: where it comes from: -1 left, 0 the middle or unknown, 1 right.
    """

    cast: tuple[float, float]
    low: float
    high: float
    side: float


def estimate_light(image: ImageArray) -> Light:
    """Estimate the light of a picture, HWC uint8."""
    scale = min(1.0, 256 / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    lab = to_lab(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8))
    lightness, colors = lab[..., 0], lab[..., 1:]
    greyish = (np.hypot(colors[..., 0], colors[..., 1]) < GREYISH) & (lightness > 25)
    has_grey = greyish.mean() >= ENOUGH
    cast = colors[greyish].mean(axis=0) if has_grey else WORLD * colors.reshape(-1, 2).mean(axis=0)
    low, high = np.percentile(lightness, [3, 97])
    third = max(1, size[0] // 3)
    side = (np.median(lightness[:, -third:]) - np.median(lightness[:, :third])) / 25
    return Light((float(cast[0]), float(cast[1])), float(low), float(high), float(np.clip(side, -1, 1)))


def harmonise(colors: ImageArray, alpha: FloatArray, light: Light, *, strength: float) -> ImageArray:
    """Adapt the colors of a cut-out to a light.

    Args:
        colors: HWC uint8, the product's own.
        alpha: HxW in 0..1, how much of each pixel it covers.
        strength: 0 changes nothing, 1 takes the light over as far as the limits above let it.
    """
    solid = alpha > 0.9
    if strength == 0 or not solid.any():
        return colors
    lab = to_lab(colors)
    lightness = lab[..., 0]
    low, high = np.percentile(lightness[solid], [3, 97])
    new_high = high + strength * (min(high, max(light.high, LOWEST_WHITE)) - high)
    new_low = low + strength * float(np.clip(light.low - low, 0, MOST_LIFT))
    gain = (new_high - new_low) / max(high - low, 1.0) if new_high - new_low > 1 else 1.0
    moved = new_low + (lightness - low) * min(gain, 1.0) if high - low > 1 else lightness + (new_high - high)
    columns = np.flatnonzero(solid.any(0))
    across = np.clip((np.arange(alpha.shape[1]) - columns[0]) / max(columns[-1] - columns[0], 1), 0, 1) * 2 - 1
    lab[..., 0] = np.clip(moved + strength * RAMP * light.side * across, 0, 100)
    cast = np.clip(strength * np.asarray(light.cast, np.float32), -MOST_CAST, MOST_CAST)
    lab[..., 1:] += cast * np.clip(lab[..., :1] / 60, 0, 1)  # what is dark reflects little of the light
    return to_rgb(lab)


def to_lab(image: ImageArray) -> FloatArray:
    """HWC uint8 sRGB -> HWC float32 CIE Lab, L 0..100."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def to_rgb(lab: FloatArray) -> ImageArray:
    """HWC float32 CIE Lab -> HWC uint8 sRGB."""
    rgb = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.float32)
    return np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8)

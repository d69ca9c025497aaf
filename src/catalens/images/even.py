"""Alpha of a product on an even background, from the picture's border: sub-pixel edges, holes, no shadows.

The background is modelled in Lab as a smooth surface through the border. What is like it and connected to the border is
background; a smooth, darker zone of its hue beside it is shadow where a guess (of a network) finds no product; what a
product encloses is a hole where it is exactly as even as the background.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray

Mask = NDArray[np.bool_]

EVEN_SHARE, EVEN_WITHIN = 0.98, 5.0
"""Share of the border that lies within this distance in Lab (CIE76) of a smooth surface where it counts as even."""
LEAST, NOISES = 1.6, 2.5
"""A pixel, blurred a little, is like the background within the larger of a distance in Lab and this many deviations of
its noise.
"""
CALM = 1.5
"""Blur of the border, sigma in pixels, before its evenness is judged."""
RINGING, RINGING_REACH = 0.06, 6
"""Share of an edge's height that JPEG ringing has beside it, and the pixels that it reaches."""
SHADOW_HUE, SHADOW_DEPTH, SHADOW_SLOPE = 6.0, 50.0, 5.0
"""A shadow's largest distance from the background in hue (a, b) and in lightness, and its largest slope, L a pixel."""
HALO, HALO_REACH = 0.4, 8
"""Share of an edge's height that its compression in color leaves beside it, within these pixels."""
STARTS = 0.03
"""Share of a zone that is like the background from which it is one without reaching it."""
PALE = 0.35
"""Share of the product that is as grey as a shadow from which shadows between its parts are not told from it."""
CLOSE = 0.06
"""Width of the spaces between its parts, as a share of the longer side."""
GUESSED = 0.5
"""Guessed alpha from which a place is taken for the product."""
HOLE_SHARE = 1e-4
"""Share of the picture from which an enclosed even area is a hole and no highlight."""
LEAK = 0.002
"""Share of the picture up to which what is connected to the background by a gap belongs to it."""
HOLE_OFF = 0.6
"""Difference in Lab between the mean of a hole and the background's there, above which it is a print or a highlight."""
SHARP, SHARP_SHARE, SHARP_REACH = 12.0, 0.8, 6
"""Distance in Lab from the background that at least this share of a hole's surroundings has within these pixels. What
is white on a white product grows white slowly.
"""
WALL = 2.0
"""Width of what lies around a hole, in widths of the hole, above which it is a print."""
GAP = 0.012
"""Width of gaps, as a share of the longer side, through which the background is not trusted to reach."""
SPECK = 0.004
"""Islands smaller than this share of the product are dust."""
EDGE, EDGE_SHARE = 3, 0.003
"""Pixels that an edge is wide at most, and as a share of the longer side of large pictures."""
GRID = 256
"""Points a side at which the background's surface is computed."""
FAINT = 0.03
"""Alpha up to which, and from 1 down to which, a pixel counts as none or all of the product."""
FINEST = 2048
"""Longer side at which the border is followed, in pixels."""
NOTHING = 0.01
"""Share of the picture that is background, below which it is none; of the product a twentieth of it."""


@dataclass(frozen=True)
class _Ground:
    """distance HxW: of each pixel to the background in Lab; offset HxWx3: with its sign; noise: deviation of L."""

    distance: FloatArray
    offset: FloatArray
    noise: float

    @cached_property
    def like(self) -> Mask:
        """Pixels that are of the background's color within its noise; more beside strong edges, by compression."""
        near = max(LEAST, NOISES * self.noise)
        reach = np.ones((2 * RINGING_REACH + 1,) * 2, np.uint8)
        leeway = RINGING * cv2.dilate(self.distance, reach)
        return np.asarray(cv2.GaussianBlur(self.distance, (0, 0), 0.8) < np.maximum(near, leeway))


def even_alpha(image: ImageArray, guess: FloatArray) -> FloatArray | None:
    """Alpha by the background's evenness.

    Args:
        image: HWC uint8; guess: HxW in 0..1, alpha by other means: it says what is shadow and what is grey product.

    Returns:
        HxW float32 in 0..1; None where the border is not even or nothing of the picture differs from it.
    """
    height, width = guess.shape
    scale = min(1.0, FINEST / max(height, width))
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image, guess = (np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_AREA)) for one in (image, guess))
    alpha = _alpha(image, guess)
    if alpha is None or scale == 1:
        return alpha
    return np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _alpha(image: ImageArray, guess: FloatArray) -> FloatArray | None:
    ground = _ground(image)
    if ground is None:
        return None
    background = _background(ground)
    if not NOTHING < background.mean() < 1 - NOTHING / 20:
        return None
    alpha = _edge_alpha(ground, background)
    shadow = _shadows(ground, background, guess)
    np.copyto(alpha, np.minimum(alpha, guess), where=shadow)
    alpha[_dust(alpha)] = 0
    return alpha


def _ground(image: ImageArray) -> _Ground | None:
    """Of a picture with an even border; None for others."""
    height, width = image.shape[:2]
    if min(height, width) < 16:
        return None
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    y, x = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    rim = max(1, round(0.004 * max(height, width)))
    border = np.zeros((height, width), np.bool_)
    border[:rim], border[-rim:], border[:, :rim], border[:, -rim:] = True, True, True, True
    rows, columns = np.nonzero(border)
    values = cv2.GaussianBlur(lab, (0, 0), CALM)[rows, columns]  # a sensor's noise does not make it uneven
    middle = np.median(values, axis=0)
    near = np.linalg.norm(values - middle, axis=1) < 3 * EVEN_WITHIN
    if near.mean() < EVEN_SHARE:
        return None
    terms = np.stack(_terms(y[rows], x[columns]), axis=1)
    fit = np.linalg.lstsq(terms[near], values[near], rcond=None)[0].astype(np.float32)
    off = np.linalg.norm(values - terms @ fit, axis=1)
    if (off < EVEN_WITHIN).mean() < EVEN_SHARE:
        return None
    raw = np.linalg.norm(lab[rows, columns] - terms @ fit, axis=1)
    noise = float(np.median(raw)) / 1.18  # the median of a Rayleigh distribution; of a clipped white it is 0
    offset = lab - _surface(fit, (height, width))
    distance = cv2.sqrt(cv2.transform(offset * offset, np.ones((1, 3), np.float32)))
    return _Ground(np.asarray(distance, np.float32), offset, noise)


def _surface(fit: FloatArray, size: tuple[int, int]) -> FloatArray:
    """HxWx3 values of the fitted surface, computed on a grid and interpolated: it is smooth."""
    centers = [(np.arange(GRID, dtype=np.float32) + 0.5) * np.float32(side / GRID) - 0.5 for side in size]
    y, x = (np.float32(2 / (side - 1)) * place - 1 for place, side in zip(centers, size, strict=True))
    grid = np.stack(_terms(y[:, None], x[None]), axis=2) @ fit
    return np.asarray(cv2.resize(grid, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _terms(y: FloatArray, x: FloatArray) -> list[FloatArray]:
    one = np.ones_like(y * x)
    return [one, y * one, x * one, x * x * one, y * y * one, x * y]


def _background(ground: _Ground) -> Mask:
    """What shows the background: connected to the border, or through a hole."""
    outside = _touching_border(_components(ground.like))
    wide = outside & ~_behind_gaps(outside)
    return wide | _holes(ground, ground.like & ~wide, outside)


def _behind_gaps(outside: Mask) -> Mask:
    """Parts of the background that are connected to it by narrow gaps only."""
    radius = max(2, round(GAP * max(outside.shape) / 2))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    padded = np.pad(outside, radius + 1, constant_values=True)
    core = _touching_border(_components(cv2.erode(padded.astype(np.uint8), kernel) > 0))
    open_ = cv2.dilate(core.astype(np.uint8), kernel, iterations=2)[radius + 1 : -radius - 1, radius + 1 : -radius - 1]
    return np.asarray(outside & (open_ == 0))


def _components(mask: Mask) -> NDArray[np.int32]:
    return np.asarray(cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1], np.int32)


def _touching_border(parts: NDArray[np.int32]) -> Mask:
    at_border = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    kept = np.zeros(parts.max() + 1, np.bool_)
    kept[at_border] = True
    kept[0] = False
    return np.asarray(kept[parts])


def _shadows(ground: _Ground, background: Mask, guess: FloatArray) -> Mask:
    """Smooth, darker zones of the background's hue that begin in it and are guessed to be no product."""
    lightness = cv2.GaussianBlur(ground.offset[..., 0], (0, 0), 1.0)
    slope = cv2.magnitude(
        cv2.Sobel(lightness, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(lightness, cv2.CV_32F, 0, 1, scale=1 / 8)
    )
    hue = cv2.GaussianBlur(cv2.magnitude(ground.offset[..., 1], ground.offset[..., 2]), (0, 0), 1.5)
    grey = (hue < SHADOW_HUE) & (lightness > -SHADOW_DEPTH)
    reach = np.ones((2 * HALO_REACH + 1,) * 2, np.uint8)
    halo = ground.distance < HALO * cv2.dilate(ground.distance, reach)
    zones = (halo | grey & (slope < SHADOW_SLOPE + ground.noise)) & (guess < GUESSED)
    product = ~background & ((guess >= GUESSED) | ~grey)
    if (grey & product).sum() > PALE * product.sum():
        radius = max(2, round(CLOSE * max(product.shape) / 2))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
        zones &= cv2.morphologyEx(product.astype(np.uint8), cv2.MORPH_CLOSE, kernel) == 0
    parts = _components(zones | background)
    sure = np.bincount(parts[background | (zones & ground.like)], minlength=parts.max() + 1)
    starts = sure > STARTS * np.bincount(parts.ravel())
    starts[np.unique(parts[background])] = True
    starts[0] = False
    return np.asarray(starts[parts] & ~background)


def _holes(ground: _Ground, doubtful: Mask, outside: Mask) -> Mask:
    """Areas that are exactly as even as the background, and begin as sharply as a product's edge."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(doubtful.astype(np.uint8), connectivity=4)
    found = np.zeros(doubtful.shape, np.bool_)
    away = cv2.distanceTransform((~outside).astype(np.uint8), cv2.DIST_L2, 3)
    more = SHARP_REACH + 1
    for part in range(1, count):
        left, top, width, height, area = stats[part].tolist()
        window = np.s_[max(top - more, 0) : top + height + more, max(left - more, 0) : left + width + more]
        hole = parts[window] == part
        if area < max(12, HOLE_SHARE * doubtful.size) or (area < LEAK * doubtful.size and outside[window][hole].all()):
            found[window] |= hole & outside[window]
        elif _is_hole(ground.offset[window], ground.distance[window], hole, away[window], ground.noise):
            found[window] |= hole
    return found


def _is_hole(offset: FloatArray, distance: FloatArray, hole: Mask, away: FloatArray, noise: float) -> bool:
    """Whether an area shows the background; `away` is the distance of each pixel to what surely does."""
    core = cv2.erode(np.pad(hole, 1).astype(np.uint8), np.ones((5, 5), np.uint8))[1:-1, 1:-1].astype(np.bool_)
    values = offset[core if core.any() else hole]
    if np.linalg.norm(values.mean(0)) > HOLE_OFF + noise or np.linalg.norm(values.std(0)) > 2 * noise + 0.6:
        return False
    reach = np.ones((2 * SHARP_REACH + 1,) * 2, np.uint8)
    # Without the specks that compression leaves in it beside its edge.
    whole = cv2.morphologyEx(np.pad(hole, 1).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))[1:-1, 1:-1]
    rim = (cv2.dilate(whole, np.ones((3, 3), np.uint8)) > whole) & (away > 0)
    if (cv2.dilate(distance, reach)[rim] > SHARP).mean() < SHARP_SHARE:
        return False
    size = 2 * cv2.distanceTransform(np.pad(hole, 1).astype(np.uint8), cv2.DIST_L2, 3).max()
    return bool(away[hole].min() <= WALL * size)


def _dust(alpha: FloatArray) -> Mask:
    """Islands that are small."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.1).astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    dust = areas < SPECK * areas[1:].sum()
    dust[0] = False
    return np.asarray(dust[parts])


def _edge_alpha(ground: _Ground, background: Mask) -> FloatArray:
    """Alpha: between the background and the farthest color nearby along the edge, all or nothing elsewhere."""
    reach = max(EDGE, round(EDGE_SHARE * max(background.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    farthest = cv2.dilate(np.where(background, 0, ground.distance), kernel)
    beside = cv2.dilate(background.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=reach - 1) > 0
    alpha = np.where(beside, np.clip(ground.distance / np.maximum(farthest, 1e-3), 0, 1), 1)
    alpha[background | (alpha < FAINT)] = 0
    alpha[alpha > 1 - FAINT] = 1
    return alpha.astype(np.float32)

"""Alpha matting: refine alphas along edges, estimate foreground colors, composite over another background.

An alpha is HxW float32 in 0..1: how much of a pixel the product covers. A picture I is alpha * F + (1 - alpha) * B.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import ImageError
from catalens.images.guided import Pixels, fit_lines
from catalens.types import FloatArray, ImageArray

FINEST = 2048
"""Longest side at which edges are refined, in pixels; larger alphas are upscaled."""
EPSILON = 1e-4
"""Contrast (variance of values in 0..1) below which the guided filter sees no edge."""
SURE = 0.93
"""Coarse alpha from which a pixel counts as certain, at some distance from the edge."""
ALIKE = 25.0
"""Color distance (0..255) at which color evidence weighs as much as the coarse alpha."""
GRAIN = 2.0
"""Assumed position error of a coarse alpha, in pixels of the small picture on which colors are averaged."""
REACHES = (0.06, 0.006)
"""Blur radii of the two passes that estimate colors, as shares of the longest side."""
BROAD = 240
"""Longer side at which these passes are made, in pixels: the second reaches one of them. On pictures of a megapixel
whose colors are known, as little of the background is left as at full size: 8.1 of 255 both ways.
"""
WHOLE = 0.996
"""Alpha above which a pixel is fully foreground: the rest is less than one step of 255."""


def refine_alpha(image: ImageArray, alpha: FloatArray, *, reach: float) -> FloatArray:
    """Refine a coarse alpha along the picture's edges.

    Where it is neither 0 nor 1, a pixel's alpha is read from where its color lies between those of the sure product and
    the sure background nearby (as in Chuang et al. 2001, with one color each); where those two are alike, the coarse
    alpha stays. A fast guided filter (`guided.py`) then smooths along edges. What is averaged is averaged on a small
    picture, and only pixels near the edge are worked on.

    Args:
        image: HWC uint8; alpha: HxW of the same size.
        reach: pixels by which the coarse alpha may be off.

    Raises:
        ImageError: the sizes differ.
    """
    _require_same_size(image, alpha)
    height, width = alpha.shape
    scale = min(1.0, FINEST / max(height, width))
    guide, coarse = (_smaller(values, scale, cv2.INTER_AREA) for values in (image, alpha))
    fine = _guided_alpha(guide, coarse, max(1.0, reach * scale))
    if scale < 1:
        fine = np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    fine -= np.float32(0.04)
    fine /= np.float32(0.92)
    return np.clip(fine, 0, 1, out=fine)


def _guided_alpha(image: ImageArray, coarse: FloatArray, reach: float) -> FloatArray:
    """Guided-filter alpha, not yet stretched to 0..1."""
    scale = min(1.0, GRAIN / reach)
    small, rough = _smaller(image, scale).astype(np.float32), _smaller(coarse, scale)
    step = _square(reach / 2)
    unsure = cv2.dilate(_mask(coarse <= SURE), step) & cv2.dilate(_mask(coarse >= 1 - SURE), step)
    fine = coarse.copy()
    flat_fine = fine.reshape(-1)
    doubtful = Pixels.of(unsure > 0)
    flat_fine[doubtful.flat] = _by_color(
        image, flat_fine[doubtful.flat], doubtful, _colors_around(small, rough, reach * scale)
    )
    near = Pixels.of(cv2.dilate(unsure, step) > 0)
    (lines,) = near.read(fit_lines(small / np.float32(255), _smaller(fine, scale), epsilon=EPSILON))
    flat_fine[near.flat] = np.einsum("nc,nc->n", lines[:, :3], near.colors(image) / np.float32(255)) + lines[:, 3]
    return fine


def _colors_around(
    pixels: FloatArray, coarse: FloatArray, reach: float, *, border: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Local mean colors of certain foreground and background, with a validity channel; hxwx4 each.

    Args:
        border: pixels at the border of both that are not taken for certain; half of `reach` where None.
    """
    size, step = 2 * round(3 * reach) + 1, _square(reach / 2 if border is None else border)
    found = []
    for sure in (_mask(coarse > SURE), _mask(coarse < 1 - SURE)):
        mask = cv2.erode(sure, step).astype(np.float32)[..., None]
        weight = _blurred(mask, size)
        mean = _blurred(pixels * mask, size) / np.maximum(weight, np.float32(1e-4))
        found.append(np.dstack([mean, (weight > 1e-3).astype(np.float32)]))
    return found[0], found[1]


def _by_color(
    image: ImageArray, coarse: FloatArray, doubtful: Pixels, around: tuple[FloatArray, FloatArray]
) -> FloatArray:
    """(N,) alpha of uncertain pixels from their colors."""
    front, back = doubtful.read(*around)
    apart = front[:, :3] - back[:, :3]
    square = np.einsum("nc,nc->n", apart, apart)
    along = np.einsum("nc,nc->n", doubtful.colors(image) - back[:, :3], apart)
    between = np.clip(along / np.maximum(square, 1), 0, 1)
    trusted = square / (square + np.float32(ALIKE**2)) * front[:, 3] * back[:, 3]
    return np.asarray(coarse + trusted * (between - coarse), np.float32)


def alpha_by_color(
    image: ImageArray,
    alpha: FloatArray,
    unknown: NDArray[np.bool_],
    *,
    certain: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    reach: float,
) -> FloatArray:
    """An alpha with what is unknown estimated from the colors of certain product and background nearby.

    Args:
        image: HWC uint8; alpha: HxW of the same size, which stays where those colors are alike.
        unknown: HxW, where it is estimated; certain: HxW each, product and background.
        reach: pixels from the unknown to the certain.

    Raises:
        ImageError: the sizes differ.
    """
    _require_same_size(image, alpha)
    scale = min(1.0, GRAIN / reach)
    known = np.where(certain[0], np.float32(1), np.where(certain[1], np.float32(0), np.float32(0.5)))
    # Certain already: nothing is taken from its border again.
    around = _colors_around(
        _smaller(image, scale).astype(np.float32), _smaller(known, scale, cv2.INTER_AREA), reach * scale, border=0
    )
    places, found = Pixels.of(unknown), alpha.copy()
    found.reshape(-1)[places.flat] = _by_color(image, found.reshape(-1)[places.flat], places, around)
    return found


def foreground_colors(image: ImageArray, alpha: FloatArray) -> ImageArray:
    """Foreground colors along the edge, without the old background's color.

    Two passes of blurred colors weighted by alpha (Forte 2021, "Approximate Fast Foreground Colour Estimation"), on a
    small picture; then every pixel that is covered in part gets what is left of its own color. Where the product covers
    all, the picture stays as it is; where it covers nothing, its colors go on.

    Raises:
        ImageError: the sizes differ.
    """
    _require_same_size(image, alpha)
    height, width = alpha.shape
    scale = min(1.0, BROAD / max(height, width))
    front, back = _two_passes(_smaller(image, scale).astype(np.float32), _smaller(alpha, scale)[..., None])
    whole = alpha > WHOLE
    going_on = cv2.resize(np.round(front).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    found = np.asarray(cv2.copyTo(image, _mask(whole), going_on), np.uint8)
    edge = Pixels.of((alpha > 0) & ~whole)
    cover = alpha.reshape(-1)[edge.flat][:, None]
    own, old = edge.read(front, back)
    own += cover * (edge.colors(image) - cover * own - (1 - cover) * old)
    found.reshape(-1, 3)[edge.flat] = np.round(np.clip(own, 0, 255, out=own), out=own)
    return found


def _two_passes(pixels: FloatArray, cover: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Local mean colors of foreground and background: hxwx3 float32, 0..255."""
    front, back, least = pixels, pixels, np.float32(1e-4)
    for reach, power in zip(REACHES, (4, 1), strict=True):
        size = 2 * max(1, round(reach * max(pixels.shape[:2]))) + 1
        # At first nearly pure pixels say nearly all: the others are what is to be found out.
        of_front, of_back = cover**power, (1 - cover) ** power
        mean = _blurred(front * of_front, size) / np.maximum(_blurred(of_front, size), least)
        back = np.asarray(_blurred(back * of_back, size) / np.maximum(_blurred(of_back, size), least), np.float32)
        left = pixels - cover * mean - (1 - cover) * back
        front = np.asarray(np.clip(mean + cover * left, 0, 255), np.float32)
    return np.asarray(mean, np.float32), back


def composite(colors: ImageArray, alpha: FloatArray, background: ImageArray) -> ImageArray:
    """Composite colors over a background of the same size: HWC uint8.

    Raises:
        ImageError: the sizes differ.
    """
    _require_same_size(colors, alpha)
    _require_same_size(background, alpha)
    whole = alpha >= 1
    laid = np.asarray(cv2.copyTo(colors, _mask(whole), background.copy()), np.uint8)
    edge = Pixels.of((alpha > 0) & ~whole)
    cover = alpha.reshape(-1)[edge.flat][:, None]
    mixed = edge.colors(colors) * cover + edge.colors(background) * (1 - cover)
    laid.reshape(-1, 3)[edge.flat] = np.round(mixed, out=mixed)
    return laid


def _smaller(values: FloatArray | ImageArray, scale: float, way: int = cv2.INTER_LINEAR) -> Any:
    """A picture or an alpha made smaller; itself at a scale of 1.

    Single pixels do for means over many, and of them the alpha fits the color exactly.
    """
    if scale >= 1:
        return values
    size = max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale))
    return cv2.resize(values, size, interpolation=way)


def _mask(places: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """As OpenCV takes it, 0 or 1, without a copy."""
    return places.view(np.uint8)


def _square(reach: float) -> NDArray[np.uint8]:
    return np.ones((2 * round(reach) + 1,) * 2, np.uint8)


def _blurred(values: FloatArray, size: int) -> FloatArray:
    found = np.asarray(cv2.blur(values, (size, size)), np.float32)
    return found if found.ndim == values.ndim else found[..., None]


def _require_same_size(image: ImageArray, alpha: FloatArray) -> None:
    if image.shape[:2] != alpha.shape:
        raise ImageError(
            f"expected an alpha of {image.shape[:2]} and got {alpha.shape}", cure="give that of the picture"
        )

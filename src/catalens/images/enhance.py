"""Enhancement of product photos: denoise, white balance, local contrast, sharpening."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import options
from catalens.errors import UsageError
from catalens.images.denoise import DenoiseMethod, denoise, noise_sigma
from catalens.images.limits import require_rgb
from catalens.images.read import ImageLike, read_pixels
from catalens.types import FloatArray, ImageArray

__all__ = ["DenoiseMethod", "contrast", "denoise", "enhance", "noise_sigma", "sharpen", "white_balance"]

BalanceMethod: TypeAlias = Literal["gray-points", "gray-world", "white-patch"]

_WHITE, _NEARLY_WHITE = 250, 235
"""A pixel with no channel below 250 is white background; towards 235 less and less so."""
_DARK = 16
"""Pixels with no channel above this say little of the light."""
_GRAY_SATURATION = 0.2
"""Saturation (of HSV) up to which a pixel is taken to be grey under a colored light."""
_GRAY_SHARE = 0.05
"""Share of the picture that must be nearly grey for a cast to be estimated."""


def white_balance(image: ImageArray, *, method: BalanceMethod = "gray-points") -> ImageArray:
    """Remove a color cast by one gain a channel, 0.5 to 2.

    Args:
        image: HWC uint8.
        method: gray-points (what is nearly grey is grey, and where hardly anything is, nothing changes; after Huo et
            al. 2006: it does not take the color of a large product for a cast), gray-world (the mean is grey; Buchsbaum
            1980) or white-patch (the brightest is white; Land & McCann 1971, by the 99th percentile).

    Raises:
        UsageError: another method.
    """
    require_rgb(image)
    if method not in get_args(BalanceMethod):
        raise UsageError(f"method is {method!r}", cure=f"take one of {', '.join(get_args(BalanceMethod))}")
    light = np.percentile(image, 99, axis=(0, 1)) if method == "white-patch" else _mean_light(image, method)
    wanted = light.max() if method == "white-patch" else light.mean()
    gains = np.clip(wanted / np.maximum(light, 1e-3), 0.5, 2.0)
    table = np.clip(np.rint(np.arange(256)[:, None] * gains), 0, 255).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(image, table), np.uint8)


def _mean_light(image: ImageArray, method: BalanceMethod) -> NDArray[np.float64]:
    """Mean color of the pixels that show the color of the light; grey where there are too few."""
    brightest, darkest = image.max(axis=2), image.min(axis=2)
    telling = (brightest < _WHITE) & (brightest > _DARK)  # clipped pixels have no cast to tell
    if method == "gray-points":
        telling &= brightest - darkest <= _GRAY_SATURATION * brightest
        if telling.mean() < _GRAY_SHARE:
            return np.ones(3)
    return np.asarray(image[telling].mean(axis=0) if telling.any() else np.ones(3), np.float64)


def contrast(image: ImageArray, *, clip_limit: float = 2.0, tiles: int = 8) -> ImageArray:
    """Equalise the lightness in tiles, with a limit (CLAHE; Zuiderveld 1994): L of Lab changes, a and b stay.

    Args:
        image: HWC uint8.
        clip_limit: how many times the mean a bin of a tile's histogram may hold; larger is stronger.
        tiles: along each side.
    """
    require_rgb(image)
    if not clip_limit > 0 or tiles < 1:
        raise UsageError(
            f"clip_limit is {clip_limit} and tiles {tiles}", cure="give a positive limit and at least 1 tile"
        )
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = cv2.createCLAHE(clipLimit=clip_limit, tileGridSize=(tiles, tiles)).apply(lab[:, :, 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


def sharpen(image: ImageArray, *, radius: float = 1.2, amount: float = 0.6, threshold: int = 3) -> ImageArray:
    """Unsharp mask.

    Args:
        image: HWC uint8.
        radius: sigma of the blur, in pixels.
        amount: how much of what the blur takes away is added; 0 changes nothing.
        threshold: differences up to this, 0..255, are left alone: noise is not sharpened.
    """
    require_rgb(image)
    if not radius > 0 or not amount >= 0 or threshold < 0:
        raise UsageError(
            f"radius is {radius}, amount {amount}, threshold {threshold}",
            cure="give a positive radius, and no negative amount or threshold",
        )
    detail = image.astype(np.float32) - cv2.GaussianBlur(image, (0, 0), radius)
    detail[np.abs(detail).max(axis=2) <= threshold] = 0
    return _rounded(image + np.float32(amount) * detail)


def enhance(
    image: ImageLike,
    *,
    sigma: float | None = options.Enhance.sigma.default,
    balance: float = options.Enhance.balance.default,
    lift: float = options.Enhance.lift.default,
    sharpness: float = options.Enhance.sharpness.default,
) -> ImageArray:
    """Enhance a photo gently: denoise, white balance, local contrast, sharpening.

    A clean photo stays nearly as it is, and a white background white. Where a fifth of the picture is white, its light
    is taken to be right, and the balance is left out.

    Args:
        image: path, bytes, open file, HWC uint8 array or PIL picture.
        sigma: of the noise, 0..255; estimated where None, 0 for no denoising.
        balance: share of the balance (by gray-points) that is mixed in, 0..1.
        lift: share of the lifted contrast that is mixed in, 0..1.
        sharpness: amount of the unsharp mask, 0..1.

    Returns:
        HWC uint8 of the photo's own size; of four channels, the last as it was, where anything of it is transparent.

    Raises:
        UsageError: a value out of range.
        ImageError: the picture cannot be read.
    """
    options.check_all(options.Enhance, sigma=sigma, balance=balance, lift=lift, sharpness=sharpness)
    if isinstance(image, np.ndarray) and image.shape[2:] != (4,):
        require_rgb(image)
    pixels = read_pixels(image)
    if pixels.shape[2] == 4:
        # What is clear counts as white: its colors mean nothing, and must not weigh in the balance.
        colors, alpha = np.where(pixels[..., 3:] > 0, pixels[..., :3], np.uint8(255)), pixels[..., 3:]
        better = _enhanced(colors, sigma=sigma, balance=balance, lift=lift, sharpness=sharpness)
        return np.concatenate([better, alpha], axis=2)
    return _enhanced(pixels, sigma=sigma, balance=balance, lift=lift, sharpness=sharpness)


def _enhanced(pixels: ImageArray, *, sigma: float | None, balance: float, lift: float, sharpness: float) -> ImageArray:
    """HxWx3 uint8 -> the same, enhanced."""
    whiteness = _whiteness(pixels)
    better = denoise(pixels, sigma=sigma)
    if (whiteness == 1).mean() <= 0.2:
        better = _mixed(better, white_balance(better), balance)
    better = _mixed(better, contrast(better), lift)
    better = sharpen(better, amount=sharpness)
    return _mixed(better, pixels, whiteness)


def _whiteness(image: ImageArray) -> FloatArray:
    """HxWx1: 1 where the background is white, 0 where it is not."""
    require_rgb(image)
    darkest = image.min(axis=2, keepdims=True).astype(np.float32)
    return np.asarray(np.clip((darkest - _NEARLY_WHITE) / (_WHITE - _NEARLY_WHITE), 0, 1), np.float32)


def _mixed(first: ImageArray, second: ImageArray, share: float | FloatArray) -> ImageArray:
    """Blend of two pictures; share 0..1 of `second`."""
    return _rounded(first + np.float32(share) * (second.astype(np.float32) - first))


def _rounded(values: FloatArray) -> ImageArray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)

"""Denoising by sliding DCT (the default), non-local means or bilateral filter, and noise estimation."""

from __future__ import annotations

from itertools import product
from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np

from catalens.errors import UsageError
from catalens.images.limits import require_rgb
from catalens.types import FloatArray, ImageArray

DenoiseMethod: TypeAlias = Literal["dct", "nlm", "bilateral"]

QUIET = 2.0
"""Sigma (0..255) below which noise is invisible."""

# All tuned by PSNR at sigma 15 and 25, on photos other than those that benchmarks/denoise.py reports.
_DCT_THRESHOLD = 2.7
_NLM_LUMA, _NLM_CHROMA, _NLM_PATCH, _NLM_WINDOW = 0.7, 1.0, 3, 15
_BILATERAL_SIZE, _BILATERAL_RANGE, _BILATERAL_SPACE = 9, 4.0, 1.8

_BAND = 1 << 17
"""Patches transformed at a time; bounds the memory to about 100 MB."""
_MAD = 0.6745
"""Median of |x| for a normal x of sigma 1."""


def denoise(image: ImageArray, *, method: DenoiseMethod = "dct", sigma: float | None = None) -> ImageArray:
    """Remove noise.

    Args:
        image: HWC uint8.
        method: dct (overlapping 8x8 cosine transforms of the luma, 16x16 of the chroma, small coefficients set to 0;
            Yu & Sapiro 2011), nlm (non-local means; Buades, Coll & Morel 2005, in Lab) or bilateral (Tomasi & Manduchi
            1998; the fastest).
        sigma: the noise's standard deviation, 0..255; estimated where None. Below 2 the picture stays as it is.

    Raises:
        UsageError: another method, or a sigma out of range.
    """
    require_rgb(image)
    if method not in get_args(DenoiseMethod):
        raise UsageError(f"method is {method!r}", cure=f"take one of {', '.join(get_args(DenoiseMethod))}")
    if sigma is not None and not 0 <= sigma <= 255:
        raise UsageError(f"sigma is {sigma}", cure="give a number from 0 to 255")
    level = noise_sigma(image) if sigma is None else sigma
    if level < QUIET:
        return image.copy()
    if method == "bilateral":
        return np.asarray(
            cv2.bilateralFilter(image, _BILATERAL_SIZE, _BILATERAL_RANGE * level, _BILATERAL_SPACE), np.uint8
        )
    if method == "nlm":
        luma, chroma = _NLM_LUMA * level, _NLM_CHROMA * level
        return np.asarray(cv2.fastNlMeansDenoisingColored(image, None, luma, chroma, _NLM_PATCH, _NLM_WINDOW), np.uint8)
    return _denoise_dct(image, level)


def noise_sigma(image: ImageArray) -> float:
    """Estimate the standard deviation of a channel's noise, 0..255; 0 where there is nothing to tell it from.

    The difference of two Laplacians (Immerkaer 1996), by its median, over the flattest half of the pixels: the texture
    of cloth is not taken for noise. Pixels so near to black or white that their noise is cut are left out.
    """
    require_rgb(image)
    values = image.astype(np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(values, -1, kernel))
    mean = cv2.blur(values, (7, 7))
    structure = cv2.morphologyEx(cv2.blur(values, (5, 5)), cv2.MORPH_GRADIENT, np.ones((5, 5)))
    inner = np.zeros(image.shape, bool)
    inner[2:-2, 2:-2] = True
    sigma = 0.0
    for _ in range(3):  # the margin follows from the estimate, and the estimate from the margin
        margin = max(4.0, min(2.5 * sigma, 60.0))
        usable = inner & (mean > margin) & (mean < 255 - margin)
        if usable.sum() < 200:
            break
        flat = usable & (structure <= np.median(structure[usable]))
        sigma = float(np.median(response[flat])) / (6 * _MAD)  # the kernel's norm is 6
    return sigma


def _cosines(side: int) -> FloatArray:
    """The orthonormal DCT-II of `side` values as a matrix."""
    place = np.arange(side)
    matrix = np.cos(np.pi * (2 * place[None, :] + 1) * place[:, None] / (2 * side)) * np.sqrt(2 / side)
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)


def _denoise_dct(image: ImageArray, sigma: float) -> ImageArray:
    # Luma and two opponent colors by an orthonormal map: the noise stays white, and of the same sigma in each.
    opponent = image.astype(np.float32) @ _cosines(3).T
    luma = _threshold(opponent[:, :, 0], sigma, side=8, step=2)
    chroma = [_threshold(opponent[:, :, channel], sigma, side=16, step=4) for channel in (1, 2)]
    clean = np.stack([luma, *chroma], axis=2) @ _cosines(3)
    return np.asarray(np.clip(np.rint(clean), 0, 255), np.uint8)


def _threshold(channel: FloatArray, sigma: float, *, side: int, step: int) -> FloatArray:
    """Shrink overlapping patches of HxW in the cosine domain; each counts the more, the fewer coefficients it keeps.

    Args:
        channel: HxW.
        sigma: of the noise, in the channel's unit.
        side: of a patch, a multiple of `step`.
        step: from one patch to the next; every pixel lies in (side / step)^2 of them.
    """
    height, width = channel.shape
    padded = np.pad(channel, ((side, side + -height % step), (side, side + -width % step)), mode="symmetric")
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    # Pixels sorted by their place within a step: what a patch reads then lies side by side.
    phases = np.ascontiguousarray(padded.reshape(rows, step, columns, step).transpose(1, 3, 0, 2))
    sums, weights = np.zeros_like(phases), np.zeros_like(phases)
    basis = np.kron(_cosines(side), _cosines(side))
    across, down = columns - side // step + 1, rows - side // step + 1
    band = max(1, _BAND * 64 // side**2 // across)
    for top in range(0, down, band):
        shape = (min(band, down - top), across)
        views = [
            (
                y % step,
                x % step,
                slice(top + y // step, top + y // step + shape[0]),
                slice(x // step, x // step + across),
            )
            for y, x in product(range(side), repeat=2)
        ]
        patches = np.stack([phases[view].ravel() for view in views])
        smooth, weight = _shrunk(patches, basis, _DCT_THRESHOLD * sigma)
        for plane, view in zip(smooth, views, strict=True):
            sums[view] += plane.reshape(shape)
            weights[view] += weight.reshape(shape)
    mean = (sums / weights).transpose(2, 0, 3, 1).reshape(padded.shape)
    return np.asarray(mean[side : side + height, side : side + width], np.float32)


def _shrunk(patches: FloatArray, basis: FloatArray, threshold: float) -> tuple[FloatArray, FloatArray]:
    """Threshold the DCT coefficients of (side^2, N) patches; returns weighted patches and (N,) weights."""
    coefficients = basis @ patches
    kept = np.abs(coefficients) > threshold
    kept[0] = True  # the mean
    coefficients *= kept
    weight = np.float32(1) / kept.sum(axis=0, dtype=np.float32)
    smooth = basis.T @ coefficients
    smooth *= weight
    return smooth, weight

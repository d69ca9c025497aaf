"""Augmentation of masked photos: recolored garments, and plain backgrounds as in a studio."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray


def dyed_parts(
    pixels: ImageArray, labels: NDArray[np.uint8], classes: Sequence[int], rng: np.random.Generator
) -> ImageArray:
    """Each garment turned around the grey axis, paled or deepened, lighter or darker: its cut is what is learned."""
    full = cv2.resize(labels, pixels.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    dyed = pixels.copy()
    for garment in classes:
        there = full == garment
        if not there.any():
            continue
        angle, deep = rng.uniform(-np.pi, np.pi), rng.uniform(0.2, 1.4)
        grey = np.full((3, 3), 1 / 3)
        cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
        turn = grey + deep * (np.cos(angle) * (np.eye(3) - grey) + np.sin(angle) * cross)  # Rodrigues' rotation
        light, shade = rng.uniform(0.7, 1.25), rng.uniform(-40, 40)
        dyed[there] = np.clip(pixels[there] @ turn.T * light + shade, 0, 255).astype(np.uint8)
    return dyed


def on_even_ground(pixels: ImageArray, person: NDArray[np.bool_], rng: np.random.Generator) -> ImageArray:
    """The person on an even background, as on a shop's own photos.

    Args:
        person: where they are, at any size.
    """
    size = (pixels.shape[0], pixels.shape[1])
    cover = cv2.resize(person.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    cover = cv2.GaussianBlur(cover, (0, 0), 1.0)[..., None]
    return np.asarray(np.clip(pixels * cover + even_ground(size, rng) * (1 - cover), 0, 255), np.uint8)


def even_ground(size: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """(height, width, 3) in 0..255: white, nearly white, grey or colored, with a gentle fall of light."""
    roll = rng.random()
    color = np.full(3, 255.0)
    if roll > 0.4:
        color = np.full(3, rng.uniform(200, 255)) + rng.normal(size=3) * 3
    if roll > 0.7:
        color = rng.uniform(20, 250, 3)
    y, x = np.mgrid[0 : size[0], 0 : size[1]] / max(size) - 0.5
    slope = rng.normal(size=2) * (0.0 if roll < 0.3 else 0.12)
    round_ = rng.uniform(0, 0.25) * (roll > 0.5)
    light = 1 + slope[0] * x + slope[1] * y - round_ * (x * x + y * y)
    return np.asarray(np.clip(color * light[..., None], 0, 255), np.float32)

"""Things laid on backgrounds that they were not photographed on: pictures whose alpha is known exactly."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.images.read import read_image
from catalens.learning.regions.grounds import even_ground
from catalens.learning.regions.segmenter import Parsed
from catalens.types import FloatArray, ImageArray
from recipes.objects import Thing
from recipes.synthetic.colors import to_srgb
from recipes.synthetic.scene import BACKGROUNDS, backdrop

SIDE = 256
"""Of backgrounds, in pixels."""
DRAWN, TILED = 240, 120
"""Backgrounds that are drawn: scenes, and floors of tiles or boards."""
MIRRORED = 0.4
"""Share of the backgrounds that are seen from twice as far, mirrored at their edges: patterns go on that way."""
PLAIN = 0.35
"""Share of the pictures on an even background, as most shop photos are."""


def backgrounds(data: Path, people: Sequence[Parsed], *, seed: int, table: str = "train.csv") -> list[ImageArray]:
    """Squares of 256 pixels: rooms and floors beside clothes, shelves, streets beside people, drawn scenes.

    Args:
        table: whose photos: train.csv, or validation photos for a benchmark.
    """
    rng = np.random.default_rng([seed, 17])
    found = [_beside(photo, rng) for photo in people]
    grocery = "val.csv" if table == "validation.csv" else table
    for folder, name, every in (("clothing", table, 6), ("grocery", grocery, 8)):
        with (data / folder / name).open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))[::every]
        found += [_corner(read_image(data / folder / row["image"], target=500), rng) for row in rows]
    for number in range(DRAWN):
        horizon = float(rng.uniform(0.5, 0.9)) * SIDE if rng.random() < 0.5 else None
        drawn = backdrop(BACKGROUNDS[1 + number % (len(BACKGROUNDS) - 1)], (SIDE, SIDE), horizon=horizon, rng=rng)
        found.append(np.round(to_srgb(drawn)).astype(np.uint8))
    return [*found, *(tiled_floor(SIDE, rng) for _ in range(TILED))]


def tiled_floor(side: int, rng: np.random.Generator) -> ImageArray:
    """(side, side, 3) a floor from above: tiles or boards, turned, with joints, each a little another color."""
    color = np.clip(rng.uniform(70, 240) + rng.normal(size=3) * rng.choice([4.0, 25.0]), 10, 250)
    angle, wide = rng.uniform(0, np.pi), side * rng.uniform(0.12, 0.6)
    long = wide * rng.choice([1.0, 1.0, 2.0, 6.0])
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) + rng.uniform(0, side, 2)[:, None, None]
    across, along = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    column = np.floor(across / wide)
    along = along + (column % 2) * long * rng.choice([0.0, 0.5])
    row = np.floor(along / long)
    shade = np.modf(np.abs(np.sin(column * 12.9898 + row * 78.233) * 43758.5453))[0] - 0.5  # one for each tile
    to_joint = np.minimum(across - column * wide, along - row * long)
    joint = np.clip(1.5 - to_joint / rng.uniform(1.0, 3.5), 0, 1) * rng.uniform(-0.5, 0.25)
    mottled = cv2.GaussianBlur(rng.standard_normal((side, side), np.float32), (0, 0), float(rng.uniform(0.6, 8)))
    light = 1 + shade * rng.uniform(0, 0.15) + joint + mottled / max(float(mottled.std()), 1e-6) * rng.uniform(0, 0.05)
    return np.asarray(np.clip(color * light[..., None], 0, 255), np.uint8)


def _corner(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """One of the photo's corners, where what lies around the product is seen."""
    side = int(min(image.shape[:2]) * rng.uniform(0.3, 0.5))
    top = 0 if rng.random() < 0.5 else image.shape[0] - side
    left = 0 if rng.random() < 0.5 else image.shape[1] - side
    return _square(image[top : top + side, left : left + side])


def _beside(photo: Parsed, rng: np.random.Generator) -> ImageArray:
    """The strip to the left or right of a person, or above."""
    columns = np.flatnonzero((photo.labels > 0).any(0))
    height, width = photo.labels.shape
    left, right = (columns[0], width - columns[-1] - 1) if len(columns) else (width, 0)
    strip = photo.image[:, :left] if left >= right else photo.image[:, width - right :]
    side = max(strip.shape[1], 16)
    top = int(rng.integers(0, max(height - side, 1)))
    return _square(strip[top : top + side] if strip.shape[1] else photo.image)


def _square(image: ImageArray) -> ImageArray:
    return np.asarray(cv2.resize(np.ascontiguousarray(image), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


@dataclass(frozen=True)
class Scene:
    """A picture that was put together.

    Args:
        image: (S, S, 3) uint8.
        alpha: (S, S) float32: how much of each pixel is covered by any of the things.
        covers: of each thing (S, S) float32, how much of each pixel shows it.
    """

    image: ImageArray
    alpha: FloatArray
    covers: list[FloatArray]


def compose(things: Sequence[Thing], ground: ImageArray | None, *, size: int, rng: np.random.Generator) -> Scene:
    """Lay things on a background.

    Args:
        things: one or a few; later ones over earlier ones.
        ground: square; None for an even one, from white to any color.
    """
    pixels = even_ground((size, size), rng) if ground is None else _moved(ground, size, rng).astype(np.float32)
    covers: list[FloatArray] = []
    for thing in things:
        colors, alpha = _placed(thing.pixels, size, rng, several=len(things) > 1)
        if rng.random() < 0.6:
            pixels *= 1 - _shadow(alpha, rng)[..., None]
        lit = colors * (1 + rng.normal() * 0.12) * (1 + rng.normal(size=3) * 0.05)
        pixels = np.asarray(lit * alpha[..., None] + pixels * (1 - alpha[..., None]), np.float32)
        covers = [*(cover * (1 - alpha) for cover in covers), alpha]
    covered = np.clip(np.sum(covers, axis=0, initial=0.0), 0, 1).astype(np.float32)
    return Scene(_photographed(pixels, rng), np.broadcast_to(covered, (size, size)), covers)


def _moved(ground: ImageArray, size: int, rng: np.random.Generator) -> ImageArray:
    if rng.random() < MIRRORED:
        wide = np.concatenate([ground, ground[:, ::-1]], axis=1)
        ground = np.concatenate([wide, wide[::-1]], axis=0)
    side = int(len(ground) * rng.uniform(0.5, 1.0))
    top, left = rng.integers(0, len(ground) - side + 1, 2)
    cut = ground[top : top + side, left : left + side]
    cut = cut[:, ::-1] if rng.random() < 0.5 else cut
    moved = np.asarray(cv2.resize(np.ascontiguousarray(cut), (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    if rng.random() < 0.3:  # out of focus
        moved = np.asarray(cv2.GaussianBlur(moved, (0, 0), rng.uniform(1, 5)), np.uint8)
    return moved


def _placed(pixels: ImageArray, size: int, rng: np.random.Generator, *, several: bool) -> tuple[FloatArray, FloatArray]:
    """Colors and alpha of a thing at a random size, place and turn; at times it leaves the picture."""
    height, width = pixels.shape[:2]
    share = rng.uniform(0.25, 0.6) if several else rng.choice([rng.uniform(0.3, 0.75), rng.uniform(0.7, 0.95), 1.25],
                                                              p=[0.35, 0.5, 0.15])  # fmt: skip
    scale = share * size / max(height, width)
    angle = float(np.radians(rng.normal() * 8 if rng.random() < 0.8 else rng.uniform(-180, 180)))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = scale * np.array([[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]])
    room = max(0.0, 1 - share) / 2 + 0.06
    center = size * (0.5 + rng.uniform(-room, room, 2))
    matrix = np.hstack([turn, (center - turn @ np.array([width, height]) / 2)[:, None]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    alpha = cv2.warpAffine(pixels[..., 3], matrix, (size, size), flags=flags).astype(np.float32) / 255
    colors = cv2.warpAffine(
        np.ascontiguousarray(pixels[..., :3]), matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(colors, np.float32), np.asarray(alpha, np.float32)


def _shadow(alpha: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A soft copy beside and below the thing."""
    size = len(alpha)
    shift = np.array([[1, 0, rng.normal() * 0.04 * size], [0, 1, rng.uniform(-0.01, 0.06) * size]])
    moved = cv2.warpAffine(alpha, shift, (size, size))
    soft = cv2.GaussianBlur(moved, (0, 0), float(rng.uniform(0.005, 0.05)) * size)
    return np.asarray(soft * rng.uniform(0.1, 0.55), np.float32)


def _photographed(pixels: FloatArray, rng: np.random.Generator) -> ImageArray:
    """Other light, a cast, noise, and now and then a strongly compressed file."""
    gain = (1 + rng.normal() * 0.1) * (1 + rng.normal(size=3) * 0.04)
    found = pixels * gain
    if rng.random() < 0.4:
        found = found + rng.standard_normal(found.shape, np.float32) * rng.uniform(1, 7)
    image = np.asarray(np.clip(found, 0, 255), np.uint8)
    if rng.random() < 0.3:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return image


def drawn_things(things: Sequence[Thing], chances: NDArray[np.float64], rng: np.random.Generator) -> list[Thing]:
    """Mostly one thing, at times two or three."""
    count = int(rng.choice([1, 2, 3], p=[0.8, 0.14, 0.06]))
    return [things[int(row)] for row in rng.choice(len(things), count, p=chances)]

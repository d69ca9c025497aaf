"""Things to be cut out, with how much of each pixel they cover: people and garments by their masks, goods on white,
rendered products. A fifth of each source is never learned from.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import settings
from catalens.features.foreground import foreground_guess
from catalens.images.matting import foreground_colors
from catalens.images.prepare import resize
from catalens.images.read import read_image
from catalens.learning.regions.segmenter import Parsed
from catalens.types import FloatArray, ImageArray, Progress
from recipes.synthetic import Shot, Spec, photograph, sample_shop

SIDE = 256
"""Longer side that things are kept at, in pixels."""
HELD_OUT = 5
WHITE = 238
"""What a plain background's darkest channel has at least, 0..255."""
TRUSTED = (0.04, 0.8)
"""Share of the picture that an outline found on a plain background has to have to be believed."""
CHUNK = 20


@dataclass(frozen=True)
class Thing:
    """Something to be cut out.

    Args:
        pixels: HxWx4 uint8: its colors, free of the background's, and how much of a pixel it covers.
        name: by which it is held out or not; kind: of a rendered product.
    """

    pixels: ImageArray
    source: str
    name: str
    kind: str = ""

    @property
    def is_held_out(self) -> bool:
        return zlib.crc32(f"{self.source} {self.name}".encode()) % HELD_OUT == 0


def people(photos: list[Parsed]) -> Iterator[Thing]:
    """Whole persons, with what they carry, by their masks; and single garments of theirs."""
    for photo in photos:
        person = (photo.labels > 0).astype(np.float32)
        yield from _thing(photo.image, person, "person", str(photo.number))
        for code in np.unique(photo.labels[photo.labels > 2]).tolist():  # neither background nor skin nor hair
            part = (photo.labels == code).astype(np.float32)
            if part.mean() > 0.02:
                yield from _thing(photo.image, part, "garment", f"{photo.number} {code}")


def goods(data: Path) -> Iterator[Thing]:
    """Shop pictures on an even, bright background, where their outline can be believed."""
    with (data / "grocery" / "products.csv").open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            image = read_image(data / "grocery" / row["image"])
            border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
            alpha = _filled(foreground_guess(image))
            if np.quantile(border.min(1), 0.05) >= WHITE and TRUSTED[0] < alpha.mean() < TRUSTED[1]:
                yield from _thing(image, alpha, "grocery", row["id"])


def rendered(count: int, *, seed: int, cache: Path, progress: Progress | None = None) -> list[Thing]:
    """Rendered products of all kinds, seen from anywhere; rendered once and kept in `cache`."""
    folder = cache / f"things-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    specs = [product.spec for product in sample_shop(count, seed=seed)]
    chunks = [specs[start : start + CHUNK] for start in range(0, count, CHUNK)]
    paths = [folder / f"{index:04d}-{len(chunk)}.npy" for index, chunk in enumerate(chunks)]
    found: list[Thing] = []
    with ProcessPoolExecutor(settings.threads(), mp_context=get_context("spawn")) as pool:
        for index, pixels in enumerate(pool.map(_render, paths, chunks)):
            found += [
                Thing(one, "rendered", f"{seed} {index} {row}", spec.kind)
                for row, (one, spec) in enumerate(zip(pixels, chunks[index], strict=True))
            ]
            if progress is not None:
                progress(len(found), count, "rendering products")
    return found


def _render(path: Path, specs: list[Spec]) -> ImageArray:
    """(n, S, S, 4), drawn at twice the size so that edges are covered in part; in a process of its own."""
    if not path.is_file():
        cv2.setNumThreads(1)
        drawn = []
        for spec in specs:
            rng = np.random.default_rng([spec.seed, 9])
            shot = Shot(yaw=float(rng.uniform(-60, 60)), pitch=float(rng.uniform(-4, 12)), roll=float(rng.normal() * 8),
                        background="studio", fill=0.9, seed=spec.seed)  # fmt: skip
            picture = photograph(spec, shot, size=(2 * SIDE, 2 * SIDE))
            half = (SIDE, SIDE)
            alpha = np.asarray(cv2.resize(picture.mask.astype(np.float32), half, interpolation=cv2.INTER_AREA))
            colors = foreground_colors(resize(picture.image, half), alpha)
            drawn.append(np.dstack([colors, np.round(alpha * 255).astype(np.uint8)]))
        with path.with_suffix(".partial").open("wb") as file:
            np.save(file, np.stack(drawn))
        path.with_suffix(".partial").replace(path)
    found: NDArray[np.uint8] = np.load(path)
    return found


def _filled(mask: NDArray[np.bool_]) -> FloatArray:
    """Without specks and pinholes; holes that are a hundredth of the thing, such as handles, stay."""
    solid = mask.astype(np.uint8)
    for value in (1, 0):
        _, parts, stats, _ = cv2.connectedComponentsWithStats((solid == value).astype(np.uint8), connectivity=4)
        small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < 0.01 * max(int(mask.sum()), 1))
        solid[np.isin(parts, small[small > 0])] = 1 - value
    return solid.astype(np.float32)


def _thing(image: ImageArray, alpha: FloatArray, source: str, name: str) -> Iterator[Thing]:
    """Cut to its bounds, its edge softened by a pixel, its colors freed from the background's."""
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    if not len(rows) or min(rows[-1] - rows[0], columns[-1] - columns[0]) < 24:
        return
    box = slice(max(rows[0] - 3, 0), rows[-1] + 4), slice(max(columns[0] - 3, 0), columns[-1] + 4)
    cut, soft = np.ascontiguousarray(image[box]), cv2.GaussianBlur(alpha[box], (0, 0), 0.8)
    scale = min(1.0, SIDE / max(cut.shape[:2]))
    size = max(1, round(cut.shape[0] * scale)), max(1, round(cut.shape[1] * scale))
    soft = np.asarray(cv2.resize(soft, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
    colors = foreground_colors(resize(cut, size), soft)
    yield Thing(np.dstack([colors, np.round(soft * 255).astype(np.uint8)]), source, name)

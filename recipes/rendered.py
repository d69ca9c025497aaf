"""Rendered products to learn from: each in three pictures, with all that is known of it."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import settings
from catalens.types import ImageArray, Progress
from recipes.synthetic import BACKGROUNDS, Shot, Spec, photograph, render, sample_shop

SIDE = 160
"""Side of the pictures, in pixels."""
PICTURES = 3
"""Of each product: as a shop shows it; turned, in a scene; from another side, as a shopper holds the camera."""
CHUNK = 24


def rendered_products(
    count: int, *, seed: int, cache: Path, progress: Progress | None = None
) -> tuple[ImageArray, list[Spec]]:
    """Render products of all kinds (once: the pictures are kept in `cache`, and a stopped run goes on from there).

    Returns:
        (count * 3, 160, 160, 3) uint8, the pictures of a product one after the other; the products.
    """
    specs = [product.spec for product in sample_shop(count, seed=seed)]
    folder = cache / f"rendered-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    chunks = [specs[start : start + CHUNK] for start in range(0, count, CHUNK)]
    pictures = [np.empty((0, SIDE, SIDE, 3), np.uint8)]
    # Forked processes would inherit the locks of OpenCV's threads, and wait for ever.
    with ProcessPoolExecutor(settings.threads(), mp_context=get_context("spawn")) as pool:
        for chunk in pool.map(partial(_chunk, folder), range(len(chunks)), chunks):
            pictures.append(chunk)
            if progress is not None:
                progress(sum(map(len, pictures)), count * PICTURES, "rendering products")
    return np.concatenate(pictures), specs


def _chunk(folder: Path, index: int, specs: list[Spec]) -> ImageArray:
    """Render some products, or read them where they were rendered before: (n * 3, 160, 160, 3), in its own process."""
    path = folder / f"{index:05d}-{len(specs)}.npy"
    if not path.is_file():
        cv2.setNumThreads(1)
        pictures = np.concatenate([_pictures(spec) for spec in specs])
        with path.with_suffix(".partial").open("wb") as file:
            np.save(file, pictures)
        path.with_suffix(".partial").replace(path)
    found: NDArray[np.uint8] = np.load(path)
    return found


def _pictures(spec: Spec) -> ImageArray:
    rng = np.random.default_rng([spec.seed, 5])
    size = (SIDE, SIDE)
    scenes = sorted(set(BACKGROUNDS) - {"white"})
    shopper = Shot(
        yaw=float(rng.uniform(-70, 70)),
        pitch=float(rng.uniform(-4, 12)),
        roll=float(rng.normal() * 8),
        background=str(rng.choice(scenes)) if rng.random() < 0.6 else "white",
        fill=float(rng.uniform(0.8, 1.25)),
        shift=(float(rng.uniform(-0.06, 0.06)), float(rng.uniform(-0.06, 0.06))),
        seed=spec.seed + 1,
    )
    return np.stack(
        [
            render(spec, size=size, background="white" if rng.random() < 0.7 else "studio").image,
            render(spec, size=size, view="three-quarter", background=str(rng.choice(scenes))).image,
            photograph(spec, shopper, size=size).image,
        ]
    )

"""What the generators learn from: pictures of one product each on white, with kind, color and pattern.

Rendered products come with their words. Photos of clothes are cut out by the bundled network; of them the folder says
the kind, the color is measured, and nobody says the pattern.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.images.read import read_image
from catalens.learning.generator.pictures import CUT, SIDE, Words, on_white
from catalens.learning.labelled import read_labelled
from catalens.taxonomy import classes, rules
from catalens.types import FloatArray, ImageArray, IntArray, Progress
from recipes.synthetic import COLORS, KINDS, PATTERNS, Spec, render
from recipes.synthetic.colors import SHADES

MADE = classes("generator")
"""Kinds that the bundled generator makes."""
KIND_OF: Mapping[str, str] = rules()["datasets"]["clothes"]
"""What the clothing photos call a kind, and what it is called here."""
PLAIN = 0.4
"""Share of rendered products without a pattern."""
CHUNK = 104


RENDERED = Words(MADE, COLORS, PATTERNS)


def sheet_of(images: ImageArray, *, columns: int) -> ImageArray:
    """(N, S, S, C) -> one picture of them, in rows."""
    rows = -(-len(images) // columns)
    full = np.full((rows * columns, *images.shape[1:3], 3), 255, np.uint8)
    full[: len(images)] = images
    side = images.shape[1]
    return full.reshape(rows, columns, side, side, 3).swapaxes(1, 2).reshape(rows * side, columns * side, 3)


def rendered_spec(index: int, *, seed: int) -> Spec:
    """One product: kinds in turn, colors and patterns by chance, each as often as the others."""
    rng = np.random.default_rng([seed, index, 31])
    kind = KINDS[MADE[index % len(MADE)]]
    patterns = sorted({name for material in kind.materials for name in kind.patterns(material)} - {"plain"})
    pattern = "plain" if rng.random() < PLAIN else str(rng.choice(patterns))
    return Spec(kind.name, str(rng.choice(COLORS)), pattern, seed=seed * 1_000_003 + index)


def rendered_pictures(
    count: int, *, seed: int, cache: Path, progress: Progress | None = None
) -> tuple[ImageArray, IntArray]:
    """Render products from the front on white (once: they are kept in `cache`, and a stopped run goes on from there).

    Returns:
        (count, 128, 128, 3) uint8; (count, 3) numbers of kind, color and pattern.
    """
    folder = cache / f"generator-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    chunks = [np.empty((0, SIDE, SIDE, 3), np.uint8)]
    for start in range(0, count, CHUNK):
        specs = [rendered_spec(index, seed=seed) for index in range(start, min(start + CHUNK, count))]
        chunks.append(_chunk(folder / f"{start:06d}-{len(specs)}.npy", specs))
        if progress is not None:
            progress(start + len(specs), count, "rendering products")
    return np.concatenate(chunks), words_of([rendered_spec(index, seed=seed) for index in range(count)])


def color_of(picture: ImageArray, cover: FloatArray) -> int:
    """Number in `COLORS` of the dye that is nearest, in CIE Lab, to the usual color of a product."""
    usual = np.median(picture[cover > 0.9], axis=0) if (cover > 0.9).any() else np.full(3, 255.0)
    dyes = [[int(dye[i : i + 2], 16) for i in (0, 2, 4)] for name in COLORS for dye in SHADES[name]]
    numbers = [number for number, name in enumerate(COLORS) for _ in SHADES[name]]
    lab = cv2.cvtColor(np.array([[usual, *dyes]], np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)[0]
    return numbers[int(((lab[1:] - lab[0]) ** 2).sum(1).argmin())]


def clothing_pictures(
    data: Path, *, part: str, each: int, cache: Path, progress: Progress | None = None
) -> tuple[ImageArray, IntArray]:
    """Photos of clothes cut out on white, at most so many of each kind; kept in `cache`.

    Args:
        data: folder of the photo sets; part: "train" or "validation".

    Returns:
        (N, 128, 128, 3) uint8; (N, 3) numbers of kind and color, and that nobody said the pattern.

    Raises:
        NotFoundError: the set is absent.
    """
    path = cache / f"clothing-{part}-{each}.npz"
    if not path.is_file():
        photos = read_labelled(data / "clothing" / f"{part}.csv", label="category")
        chosen = [
            (file, MADE.index(KIND_OF[label]))
            for name in sorted(KIND_OF)
            for file, (label,) in [one for one in zip(photos.paths, photos.labels, strict=True) if one[1] == (name,)][
                :each
            ]
        ]
        images, words = [], []
        for done, (file, kind) in enumerate(chosen, start=1):
            found = on_white(read_image(file, target=CUT))
            if found is not None:
                images.append(found[0])
                words.append((kind, color_of(*found), len(PATTERNS)))
            if progress is not None:
                progress(done, len(chosen), "cutting out photos")
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, images=np.stack(images), words=np.array(words, np.int64))
    with np.load(path) as kept:
        return kept["images"], kept["words"]


def words_of(specs: list[Spec]) -> IntArray:
    """(N, 3) numbers of kind, color and pattern."""
    rows = [(MADE.index(one.kind), COLORS.index(one.color), PATTERNS.index(one.pattern)) for one in specs]
    return np.array(rows, np.int64).reshape(-1, 3)


def _chunk(path: Path, specs: list[Spec]) -> ImageArray:
    if not path.is_file():
        pictures = np.stack([render(spec, size=(SIDE, SIDE)).image for spec in specs])
        with path.with_suffix(".partial").open("wb") as file:
            np.save(file, pictures)
        path.with_suffix(".partial").replace(path)
    found: NDArray[np.uint8] = np.load(path)
    return found

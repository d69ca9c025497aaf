"""What the generators learn from: pictures of one product each on white, with kind, color and pattern.

Rendered products come with their words. Photos of clothes are cut out by the bundled network; of them the folder says
the kind, the color is measured, and nobody says the pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catalens.images.prepare import Preprocess, resize
from catalens.images.read import read_image
from catalens.learning.labelled import read_labelled
from catalens.learning.synthetic import COLORS, KINDS, PATTERNS, Spec, render
from catalens.learning.synthetic.colors import SHADES
from catalens.tasks.cutout import cutout_of, cutter
from catalens.types import FloatArray, ImageArray, IntArray, Progress

MADE = (
    "t-shirt", "shirt", "sweater", "hoodie", "dress", "coat", "jacket", "trousers", "shorts", "skirt", "sneaker",
    "handbag", "hat",
)  # fmt: skip
"""Kinds that the bundled generator makes."""
SIDE = 128
"""Of the pictures, in pixels."""
CUT, MARGIN = 256, 0.06
"""Longer side of photos when they are cut out, in pixels; white around the product, a share of its longer side."""
KIND_OF = {
    "t-shirt": "t-shirt", "shirt": "shirt", "longsleeve": "sweater", "dress": "dress", "outwear": "jacket",
    "pants": "trousers", "shorts": "shorts", "skirt": "skirt", "shoes": "sneaker", "hat": "hat",
}  # fmt: skip
"""What the clothing photos call a kind, and what it is called here."""
PLAIN = 0.4
"""Share of rendered products without a pattern."""
CHUNK = 104


@dataclass(frozen=True)
class Words:
    """The words that pictures are asked for by, in the order of their numbers."""

    kinds: tuple[str, ...]
    colors: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @property
    def lists(self) -> tuple[tuple[str, ...], ...]:
        """Those that have words, in the order of the columns."""
        return tuple(one for one in (self.kinds, self.colors, self.patterns) if one)

    @property
    def counts(self) -> tuple[int, ...]:
        """Words in each list."""
        return tuple(map(len, self.lists))

    @property
    def classes(self) -> tuple[str, ...]:
        """All of them as a card has them: "kind:dress"."""
        named = zip(("kind", "color", "pattern"), (self.kinds, self.colors, self.patterns), strict=True)
        return tuple(f"{what}:{word}" for what, words in named for word in words)


@dataclass(frozen=True)
class Pictures:
    """images (N, S, S, C) uint8; words (N, L) int64, a list's length where nobody said it."""

    images: NDArray[np.uint8]
    words: IntArray

    def tensor(self, rows: slice | IntArray) -> Tensor:
        """(n, C, S, S) float32 in -1..1."""
        return torch.from_numpy(self.images[rows]).permute(0, 3, 1, 2).float() / 127.5 - 1

    def tints(self, count: int) -> Tensor:
        """(count + 1, C) in -1..1: the usual color of products by their color's number, in the middle of pictures."""
        side = self.images.shape[1]
        middle = self.images[:, side // 3 : -side // 3, side // 3 : -side // 3].reshape(len(self.words), -1, 3)
        usual = np.median(middle, axis=1) / 127.5 - 1
        of = [usual[self.words[:, 1] == number] for number in range(count)]
        rows = [rows.mean(0) if len(rows) else np.zeros(3) for rows in of]
        return torch.from_numpy(np.stack([*rows, usual.mean(0)]).astype(np.float32))

    def of(self, rows: IntArray) -> Pictures:
        """Some of them."""
        return Pictures(self.images[rows], self.words[rows])

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Some of them with their words; none mirrored, for shops show shoes from one side."""
        rows = rng.integers(len(self.words), size=count)
        return self.tensor(rows), torch.from_numpy(self.words[rows])


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


def on_white(image: ImageArray, *, side: int = SIDE) -> tuple[ImageArray, FloatArray] | None:
    """A product cut out of its photo, in the middle of a white square: (side, side, 3), and how much it covers.

    None where the network finds no product.
    """
    size = image.shape[:2]
    small = resize(image, (max(1, round(size[0] * CUT / max(size))), max(1, round(size[1] * CUT / max(size)))))
    found = cutout_of(small, cutter().alpha(small)).cropped(margin=MARGIN)
    if found.box is None:
        return None
    cover = np.repeat(np.round(found.alpha * 255).astype(np.uint8)[..., None], 3, 2)
    covered = Preprocess(size=(side, side), pad=(0, 0, 0)).place(cover)[0][..., 0] / np.float32(255)
    return Preprocess(size=(side, side)).place(found.on((255, 255, 255)))[0], covered.astype(np.float32)


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

"""Stand-ins for slow parts, in the suite only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from catalens.errors import ModelError
from catalens.images.read import ImageLike, read_image
from catalens.models.known_words import DoubtfulWord
from catalens.types import FloatArray, ImageArray, PictureSource, Product, Variant, Where


class FakeEncoder:
    """An encoder without a network: the mean colors of a 4x4 grid, centred and of unit length.

    Args:
        name: of its space; another name makes another space.
    """

    def __init__(self, name: str = "fake@000000000000") -> None:
        self._name = name
        self.encoded = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def dim(self) -> int:
        return 48

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def size(self) -> tuple[int, int]:
        return (4, 4)

    def prepare(self, image: ImageArray) -> FloatArray:
        small = cv2.resize(image, (4, 4), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32) / np.float32(255)

    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        self.encoded += len(batch)
        rows = batch.reshape(len(batch), self.dim) - np.float32(0.45)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

    def encode_images(self, images: Sequence[ImageLike]) -> FloatArray:
        if not images:
            return np.empty((0, self.dim), np.float32)
        return self.encode_prepared(np.stack([self.prepare(read_image(image)) for image in images]))

    @property
    def has_text(self) -> bool:
        return False

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        raise ModelError(f"{self.name} knows no words", cure="name an encoder that does")

    def doubtful_words(self, text: str) -> tuple[DoubtfulWord, ...]:
        return ()

    @property
    def known_words(self) -> frozenset[str]:
        return frozenset()

    @property
    def has_regions(self) -> bool:
        return False

    def encode_regions(self, images: Sequence[ImageLike]) -> FloatArray:
        raise ModelError(f"{self.name} describes whole pictures only", cure="name an encoder with regions")


def write_photo(path: Path, *, seed: int, size: tuple[int, int] = (24, 32)) -> PictureSource:
    """Write a photo of random blocks; the same seed writes the same bytes."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(cv2.resize(blocks, size[::-1], interpolation=cv2.INTER_NEAREST)).save(path)
    return PictureSource(str(path), Where(str(path.parent)))


def make_products(folder: Path, count: int, *, seed: int = 0) -> list[Product]:
    """Products with one picture each and one variant with another; sku-0, sku-1 and so on."""
    products = []
    for number in range(count):
        front = write_photo(folder / f"{number}.png", seed=seed + 2 * number)
        side = write_photo(folder / f"{number}-side.png", seed=seed + 2 * number + 1)
        variant = Variant(f"sku-{number}-m", "medium", {"size": "M"}, (side,))
        products.append(
            Product(
                sku=f"sku-{number}",
                where=Where(str(folder / "feed.csv"), number + 2),
                title=f"Thing {number}",
                description=f"A thing for number {number}",
                attributes={"price": 10.0 + number, "color": "red" if number % 2 else "blue", "tags": ("a", "b")},
                pictures=(front,),
                variants=(variant,),
            )
        )
    return products

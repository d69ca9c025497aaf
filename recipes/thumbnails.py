"""Fashion-MNIST (Xiao et al. 2017, MIT) as what it once was: small catalogue pictures on white, dyed anew.

Its pictures are grey and inverted: bright is the product. Dyed in named colors they teach colors and kinds at the size
of a thumbnail.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import NotFoundError
from catalens.types import FloatArray, ImageArray
from recipes.facts import kinds
from recipes.photos import Photo
from recipes.synthetic.colors import SHADES

NAMES = ("t-shirt", "trousers", "sweater", "dress", "coat", "sandals", "shirt", "sneakers", "bag", "boots")
SIDE = 64
"""Side of the pictures, in pixels: the 28 of the set, enlarged smoothly, and a margin."""
HEADER = {3: 16, 1: 8}


def thumbnails(count: int, data: Path, *, seed: int) -> tuple[list[ImageArray], list[Photo]]:
    """Dye pictures of the set, as many of each of its ten classes.

    Returns:
        Squares of 64 x 64 on white; what is known of each.
    """
    pictures, labels = fashion_mnist(data)
    rng = np.random.default_rng([seed, 7])
    squares, photos = [], []
    for label, name in enumerate(NAMES):
        for row in rng.choice(np.flatnonzero(labels == label), count // len(NAMES), replace=False).tolist():
            color = str(rng.choice(list(SHADES)))
            dye = SHADES[color][int(rng.integers(len(SHADES[color])))]
            squares.append(
                _dyed(pictures[row], np.array([int(dye[i : i + 2], 16) for i in (0, 2, 4)], np.float32), rng)
            )
            facts = {"kind": kinds(name), "color": frozenset({color})}
            photos.append(Photo(Path(), "thumbnail", name, f"thumbnail {row}", facts))
    return squares, photos


def fashion_mnist(data: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The training pictures (60000, 28, 28), bright is the product, and their labels (60000,), numbers of `NAMES`.

    Raises:
        NotFoundError: the set is absent.
    """
    folder = data / "fashion-mnist"
    pictures = _idx(folder / "train-images-idx3-ubyte.gz", axes=3).reshape(-1, 28, 28)
    return pictures, _idx(folder / "train-labels-idx1-ubyte.gz", axes=1)


def _dyed(grey: NDArray[np.uint8], dye: FloatArray, rng: np.random.Generator) -> ImageArray:
    """The product's shades kept as light and shadow around the dye; the ground white."""
    large = cv2.resize(grey, (52, 52), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    cover = np.clip(large / 40, 0, 1)[..., None]
    inside = large[large > 40]
    middle = float(np.median(inside)) if len(inside) else 128.0
    light = np.clip(1 - (large - middle) / 255 * rng.uniform(0.5, 1.0), 0.45, 1.5)[..., None]
    product = np.clip(dye * light + 14 * (light - 1), 0, 255)
    square = np.full((SIDE, SIDE, 3), 255, np.float32)
    edge = (SIDE - 52) // 2
    square[edge : edge + 52, edge : edge + 52] = product * cover + 255 * (1 - cover)
    return np.rint(square).astype(np.uint8)


def _idx(path: Path, *, axes: int) -> NDArray[np.uint8]:
    """The bytes of a gzipped IDX file after its header."""
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(
            f"no photo set at {path}", cure="docs/data.md says where it comes from; --data names its folder"
        ) from None
    return np.frombuffer(content, np.uint8, offset=HEADER[axes])

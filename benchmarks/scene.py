"""Does a product look as if it were there? Scenes beside plain pasting, by the cut-out network's own edge test.

    python benchmarks/scene.py [--pairs 100] [--sheet sheet.png]

**The edge test.** The bundled cut-out network cuts each composite again. Its own coarse answer c (0..1, before edges
are followed) is read within 1.5 % of the picture's longer side around the outline of what was put in: the *step* is the
mean of c just inside less the mean just outside. Other light, another range of tones and a crisp edge make the step
high; what belongs where it stands is harder to tell from its ground. The lower the better, pair by pair, as long as the
product is not simply made to vanish: beside it stands by how much its colors were moved (mean distance in CIELAB).

Products: of `retail`, photographed on white. Backgrounds: of each validation photo of `clothing` the corner where the
network sees least; photos without an empty one are left out. Plain pasting is the same cut-out at the same place and
size, without light and shadow.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import cv2
import numpy as np

from catalens import settings
from catalens.errors import CatalensError
from catalens.evaluation.intervals import bootstrap_mean
from catalens.images.draw import save_image
from catalens.images.harmony import to_lab
from catalens.images.prepare import resize
from catalens.images.read import read_image
from catalens.models.runtimes.onnx import OnnxDenseNetwork
from catalens.models.zoo import DEFAULT_MATTE, find_card
from catalens.tasks.cutout import cutout
from catalens.tasks.scene import scene
from catalens.tasks.segment import canvas_for, uncovered
from catalens.types import FloatArray, ImageArray

BAND = 0.015
EMPTY = 0.08
"""Mean of the network's answer up to which a corner counts as empty."""
SHOWN = 24


class EdgeTest:
    """The cut-out network's coarse answer, and its step across an outline."""

    def __init__(self) -> None:
        card = find_card(DEFAULT_MATTE, task="matte")
        self._spec, self._network = card.preprocess, OnnxDenseNetwork(card, threads=1)

    def coarse(self, image: ImageArray) -> FloatArray:
        """HWC uint8 -> HxW in 0..1, both ways round."""
        x, placement = canvas_for(self._spec, image.shape[:2]).apply(image)
        seen, mirrored = self._network(np.stack([x, x[:, :, ::-1]]))
        logits = uncovered((seen + mirrored[:, :, ::-1]) / 2, placement, image.shape[:2])[0]
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

    def step(self, image: ImageArray, alpha: FloatArray) -> float:
        """Mean of the answer just inside the outline of `alpha`, less that just outside."""
        coarse, inside = self.coarse(image), alpha > 0.5
        side = 2 * max(1, round(BAND * max(image.shape[:2]))) + 1
        band = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((side, side), np.uint8)) > 0
        return float(coarse[band & inside].mean() - coarse[band & ~inside].mean())


def empty_corner(image: ImageArray, coarse: FloatArray) -> ImageArray | None:
    """Of the four corners, two fifths of the photo each way, the one with least in it; None where all have more."""
    height, width = image.shape[0] * 2 // 5, image.shape[1] * 2 // 5
    corners = [
        (slice(y, y + height), slice(x, x + width))
        for y in (0, image.shape[0] - height)
        for x in (0, image.shape[1] - width)
    ]
    best = min(corners, key=lambda corner: float(coarse[corner].mean()))
    return np.ascontiguousarray(image[best]) if coarse[best].mean() < EMPTY else None


def shown(image: ImageArray, side: int = 240) -> ImageArray:
    scale = side / max(image.shape[:2])
    small = resize(image, (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))))
    tile = np.full((side, side, 3), 255, np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    return tile


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--sheet", type=Path, help="write 24 pairs, pasted above, in the scene below (.png)")
    given = parser.parse_args()
    data, test = settings.data_folder(), EdgeTest()
    with (data / "retail" / "products.csv").open(encoding="utf-8") as file:
        products = [data / "retail" / row["image"] for row in csv.DictReader(file)]
    rng = np.random.default_rng(7)
    products = [products[at] for at in rng.permutation(len(products))]
    found: dict[str, list[float]] = {"pasted": [], "in the scene": [], "pasted - scene": [], "colors moved by": []}
    tiles: list[ImageArray] = []
    for background in sorted((data / "clothing" / "validation").rglob("*.jpg")):
        if len(found["pasted"]) == given.pairs:
            break
        photo = read_image(background)
        ground = empty_corner(photo, test.coarse(photo))
        if ground is None:
            continue
        product = products[len(found["pasted"]) % len(products)]
        try:
            cut = cutout(product)
            pasted, placed = scene(cut, ground, harmony=0, shadow=0), scene(cut, ground)
        except CatalensError as error:
            print(f"{product.name} on {background.name}: {error}")
            continue
        steps = test.step(pasted.image, pasted.alpha), test.step(placed.image, placed.alpha)
        solid = placed.alpha > 0.95
        moved = np.linalg.norm(to_lab(pasted.image)[solid] - to_lab(placed.image)[solid], axis=1).mean()
        for name, value in zip(found, (*steps, steps[0] - steps[1], float(moved)), strict=True):
            found[name].append(value)
        if len(tiles) < SHOWN:
            tiles.append(np.vstack([shown(pasted.image), shown(placed.image)]))
    rows = {name: bootstrap_mean(values) for name, values in found.items()}
    for name, row in rows.items():
        print(f"{name:<16} {row}")
    if given.sheet is not None and tiles:
        tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % 8)
        save_image(given.sheet, np.vstack([np.hstack(tiles[at : at + 8]) for at in range(0, len(tiles), 8)]))
    print(json.dumps({"benchmark": "scene", "edge test": {name: row.to_dict() for name, row in rows.items()}}))


if __name__ == "__main__":
    main()

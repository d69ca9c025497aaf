"""Rooms furnished from the sample shop: a wall and a floor, products on it, and what stands where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from catalens.errors import UsageError
from catalens.types import FloatArray, ImageArray
from recipes.synthetic.colors import to_srgb
from recipes.synthetic.render import Shot, photograph
from recipes.synthetic.scene import backdrop
from recipes.synthetic.shop import SampleProduct

HEIGHTS: Mapping[str, float] = MappingProxyType(
    {"sofa": 0.36, "armchair": 0.38, "chair": 0.42, "stool": 0.30, "table": 0.28, "lamp": 0.44, "vase": 0.20,
     "pillow": 0.16, "cup": 0.08, "bowl": 0.09, "bottle": 0.13}
)  # fmt: skip
"""Of things in a room, as shares of the picture's height."""
ROOMY: Mapping[str, float] = MappingProxyType({"sofa": 2.6, "armchair": 1.4, "table": 1.6})
"""How much more of the picture's width a kind gets than others."""
WALLS = ("paper", "wood", "brick")
MOST = 5


@dataclass(frozen=True)
class RenderedRoom:
    """A picture (H, W, 3) of a room; of each thing its kind and its box (n, 4) xyxy, pixels."""

    image: ImageArray
    kinds: tuple[str, ...]
    boxes: FloatArray


def rendered_room(
    products: Sequence[SampleProduct], *, size: tuple[int, int] = (360, 480), seed: int = 0
) -> RenderedRoom:
    """Stand products beside each other in a room. The same arguments give the same picture.

    Args:
        products: up to five things for the home.

    Raises:
        UsageError: too many, or things that are not for the home.
    """
    strange = [one.spec.kind for one in products if one.spec.kind not in HEIGHTS]
    if strange or len(products) > MOST:
        raise UsageError(f"{len(products)} things, with {strange}", cure=f"give up to {MOST} things for the home")
    rng = np.random.default_rng([seed, len(products)])
    height, width = size
    horizon = height * float(rng.uniform(0.5, 0.6))
    room = np.rint(to_srgb(backdrop(str(rng.choice(WALLS)), size, horizon=horizon, rng=rng))).astype(np.float32)
    boxes = np.zeros((len(products), 4), np.float32)
    shares = np.array([ROOMY.get(one.spec.kind, 1.0) for one in products])
    slots = width * shares / max(shares.sum(), 2.0)
    for place, product in enumerate(products):
        shot = Shot(yaw=float(rng.uniform(-20, 20)), fill=0.95, seed=product.spec.seed + seed)
        made = photograph(product.spec, shot, size=(256, 256))
        left, top, right, bottom = made.box.astype(int).tolist()
        tall = height * HEIGHTS[product.spec.kind] * float(rng.uniform(0.9, 1.1))
        scale = min(tall / (bottom - top), 0.92 * slots[place] / (right - left))
        shape = max(4, round((right - left) * scale)), max(4, round((bottom - top) * scale))
        thing = cv2.resize(made.image[top:bottom, left:right], shape, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(made.mask[top:bottom, left:right].astype(np.float32), shape, interpolation=cv2.INTER_AREA)
        x = int(slots[:place].sum() + (slots[place] - shape[0]) / 2)
        y = int(height * float(rng.uniform(0.86, 0.95)) - shape[1])
        _shade(room, (x, y + shape[1]), shape[0])
        part = room[y : y + shape[1], x : x + shape[0]]
        part[:] = alpha[..., None] * thing + (1 - alpha[..., None]) * part
        boxes[place] = x, y, x + shape[0], y + shape[1]
    grain = rng.standard_normal(room.shape, np.float32)
    image = np.clip(np.rint(room + grain), 0, 255).astype(np.uint8)
    return RenderedRoom(image, tuple(one.spec.kind for one in products), boxes)


def _shade(room: FloatArray, foot: tuple[int, int], wide: int) -> None:
    """A soft shadow on the floor, under a thing as wide as that."""
    dark = np.zeros(room.shape[:2], np.float32)
    cv2.ellipse(dark, (foot[0] + wide // 2, foot[1]), (max(wide // 2, 1), max(wide // 9, 2)), 0, 0, 360, 0.45, -1)
    room *= 1 - cv2.GaussianBlur(dark, (0, 0), max(wide / 25, 1.5))[..., None]

"""Put a product into a scene: a cut-out on a photo or a painted background, in its light, with its shadow, in scale."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from catalens import options
from catalens.errors import ImageError, NotFoundError, UsageError
from catalens.images.harmony import Light, estimate_light, harmonise
from catalens.images.matting import composite
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_image, read_rgba
from catalens.images.srgb import hex_color
from catalens.models.device import AUTO
from catalens.models.hub.pipeline import paint
from catalens.show import Shown
from catalens.tasks.cutout import Cutter, cutter, own_alpha
from catalens.tasks.surfaces import SURFACES, painted_surface, surface_named
from catalens.types import FloatArray, ImageArray

Values = TypeVar("Values", ImageArray, FloatArray)

SIDE = 1600
"""Longer side of a scene, in pixels, at most."""
CANVAS = (1200, 1200)
"""(height, width) of a background that is painted."""
BASE = 0.84
"""Where a product stands if nothing else is said, as a share of the height."""
SHARE = 0.46
"""Longer side of a product that stands there, as a share of the scene's shorter side."""
EYE = options.Scene.horizon.default
"""The horizon: where eyes level with the camera would be, as a share of the height. Sizes grow with the distance below
it, for all that stands on one floor (Criminisi, Reid and Zisserman 2000, "Single View Metrology")."""
TRIED = 7
"""Places across, and levels down, at which a product is tried for a calm ground."""
CONTACT, CAST = 0.5, 0.38
"""How dark the shadow is right under a product, and the one that it casts."""
FLAT = 0.22
"""Height of the cast shadow, as a share of the product's: a light from above and in front."""
WRAP = 0.3
"""How much of the background's light reaches round a product's edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene(Shown):
    """A product in a scene.

    Args:
        image: HWC uint8.
        box: of the product, xyxy in whole pixels of it.
        alpha: HxW float32 in 0..1, how much of each pixel the product covers.
        notes: what was decided, in words.
        doubt: why the product's outline may be wrong; None where it is trusted or was given.
    """

    image: ImageArray
    box: tuple[int, int, int, int]
    alpha: FloatArray
    notes: tuple[str, ...]
    doubt: str | None = None

    def __repr__(self) -> str:
        height, width = self.alpha.shape
        return f"Scene({height}x{width}: product at {self.box}; {'; '.join(self.notes)})"

    def to_dict(self) -> dict[str, object]:
        return {"size": list(self.image.shape[:2]), "box": list(self.box), "notes": list(self.notes)}


def scene(
    image: ImageLike,
    background: ImageLike | tuple[int, int, int],
    *,
    place: tuple[float, float] | None = options.Scene.place.default,
    scale: float = options.Scene.scale.default,
    harmony: float = options.Scene.harmony.default,
    shadow: float = options.Scene.shadow.default,
    horizon: float = options.Scene.horizon.default,
    model: str | None = options.Scene.model.default,
    painter: str | None = options.Scene.painter.default,
    seed: int = options.Scene.seed.default,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Scene:
    """Put a product into a scene (experimental).

    Args:
        image: of the product: a photo, cut out here by the network `model`; or a cut-out: a picture with transparency.
            Path, bytes, open file, array or PIL picture.
        background: a photo; a color as (r, g, b) or "#rrggbb"; a name in `surfaces.SURFACES`, or words for one.
        place: where the middle of its lower edge stands, as shares (x, y) of width and height; a calm place below the
            horizon where None.
        scale: times the size that the place asks for.
        harmony: how strongly the product adapts to the scene's light, 0..1.
        shadow: how dark its shadow is, 0..1.
        horizon: share of the height at which the camera looks straight ahead.
        model: of the cut-out network, as of `cutout`.
        painter: paint `background`, where it is words, with a large network that paints from words, by its short name,
            id on the hub or folder (`sdxl`); `seed` and `accept_licence` are for it.
        device, dtype: device and precision of the networks (`models.device`).

    Raises:
        ImageError: a picture cannot be read, or shows no product.
        NotFoundError: a file that is not there.
        UsageError: a value out of range, or words that no background is known by.
    """
    _check(place, scale, harmony, shadow, horizon)
    colors, alpha, doubt = _cut(image, lambda: cutter(model, device=device, dtype=dtype))
    if painter is not None and _is_words(background):
        background = paint(
            str(background), model=painter, seed=seed, accept_licence=accept_licence, device=device, dtype=dtype
        )
    ground, notes = _background(background)
    notes += (doubt,) if doubt else ()
    base = place or _calm_place(ground, horizon)
    colors, alpha = _in_scale(colors, alpha, ground.shape[:2], base, scale, horizon)
    light = estimate_light(ground)
    colors = harmonise(colors, alpha, light, strength=harmony)
    left, top = round(base[0] * ground.shape[1] - alpha.shape[1] / 2), round(base[1] * ground.shape[0]) - len(alpha)
    full = _laid(alpha, ground.shape[:2], left, top)
    dark = 1 - shadow * _shadow(full, (left, top, left + alpha.shape[1], top + len(alpha)), light)
    shaded = np.round(ground * dark[..., None]).astype(np.uint8)
    canvas = _laid(colors, ground.shape, left, top)
    made = composite(_wrapped(canvas, full, shaded, strength=harmony), full, shaded)
    box = _box(full)
    sides = ("the left", "the front", "the right")
    notes += (f"light from {sides[int(np.sign(round(2 * light.side))) + 1]}", f"stands at {base[0]:.2f}, {base[1]:.2f}")
    return Scene(made, box, full, notes, doubt)


def _check(place: tuple[float, float] | None, scale: float, harmony: float, shadow: float, horizon: float) -> None:
    options.check_all(options.Scene, place=place, scale=scale, harmony=harmony, shadow=shadow, horizon=horizon)
    if place is not None and place[1] <= horizon:
        raise UsageError(
            f"the place is at {place[1]:g} of the height and the horizon at {horizon:g}",
            cure="place it below the horizon, or give another horizon",
        )


def _cut(product: ImageLike, cutter_of: Callable[[], Cutter]) -> tuple[ImageArray, FloatArray, str | None]:
    """The product's colors and alpha, cropped to its bounds, and what is doubtful about its outline."""
    rgba = read_rgba(product)
    alpha = own_alpha(rgba)
    image, doubt = np.ascontiguousarray(rgba[..., :3]), None
    if alpha is None:
        network = cutter_of()
        found = network.cut(rgba, shadow="none")
        image, alpha, doubt = found.colors, found.alpha, network.doubt(rgba, found)
    if not (alpha > 0.5).any():
        raise ImageError("no product was found to put into the scene", cure="give a cut-out with transparency")
    left, top, right, bottom = _box(alpha)
    bounds = slice(top, bottom), slice(left, right)
    return np.ascontiguousarray(image[bounds]), np.ascontiguousarray(alpha[bounds]), doubt


def _box(alpha: FloatArray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero((alpha > 0.1).any(1)), np.flatnonzero((alpha > 0.1).any(0))
    if not len(rows):
        raise UsageError("the product lies outside the scene", cure="place it nearer to the middle")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _is_words(background: object) -> bool:
    return isinstance(background, str) and hex_color(background) is None and not Path(background).is_file()


def _background(asked: ImageLike | tuple[int, int, int]) -> tuple[ImageArray, tuple[str, ...]]:
    """The background's pixels, and what it is in words."""
    if isinstance(asked, str) and (color := hex_color(asked)) is not None:
        asked = color
    if isinstance(asked, tuple):
        return np.full((*CANVAS, 3), asked, np.uint8), ("a plain color",)
    if isinstance(asked, str) and not Path(asked).is_file():
        if re.search(r"[/\\]|\.[a-z]{3,4}$", asked.strip().lower()):
            raise NotFoundError(f"no photo at {asked}", cure="check the path, or describe the background in words")
        name = surface_named(asked)
        return painted_surface(SURFACES[name], CANVAS), (f"a painted background, {name}",)
    image = read_image(asked, target=SIDE)
    scale = min(1.0, SIDE / max(image.shape[:2]))
    size = max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))
    return resize(image, size), ("a photo as background",)


def _calm_place(ground: ImageArray, horizon: float) -> tuple[float, float]:
    """Where the ground is calmest, near the middle: the mean edge strength under the product's width."""
    grey = cv2.cvtColor(resize(ground, (256, 256)), cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    busy = cv2.blur(edges, (96, 40)) / max(float(edges.mean()), 4.0)
    lowest = max(BASE, horizon + 0.3 * (1 - horizon))
    found = [
        (float(busy[min(255, int(y * 256) - 10), int(x * 256)] + 3 * abs(x - 0.5) + 3 * abs(y - BASE)), x, y)
        for x in np.linspace(0.3, 0.7, TRIED)
        for y in np.linspace(lowest - 0.12, min(0.95, lowest + 0.1), TRIED)
    ]
    _, x, y = min(found)
    return float(x), float(y)


def _in_scale(
    colors: ImageArray,
    alpha: FloatArray,
    size: tuple[int, int],
    base: tuple[float, float],
    scale: float,
    horizon: float,
) -> tuple[ImageArray, FloatArray]:
    """The product at the size that its place asks for."""
    nearness = (base[1] - horizon) / max(BASE - horizon, 0.05)
    wanted = SHARE * scale * nearness * min(size)
    factor = wanted / max(alpha.shape)
    height, width = (int(np.clip(round(side * factor), 2, 2 * max(size))) for side in alpha.shape)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    # Colors weighted by what they cover: what lies beyond the outline must not bleed in.
    weighted = cv2.resize(colors * alpha[..., None], (width, height), interpolation=way)
    small = np.asarray(cv2.resize(alpha, (width, height), interpolation=way), np.float32)
    plain = cv2.resize(colors, (width, height), interpolation=way)
    mixed = np.where(small[..., None] > 0.02, weighted / np.maximum(small[..., None], 0.02), plain)
    return np.round(np.clip(mixed, 0, 255)).astype(np.uint8), small


def _laid(values: Values, shape: tuple[int, ...], left: int, top: int) -> Values:
    """An array at its place on an empty canvas; what lies beyond the canvas is cut off."""
    canvas = np.zeros(shape, values.dtype)
    height, width = values.shape[:2]
    rows = slice(max(top, 0), max(min(top + height, shape[0]), 0))
    columns = slice(max(left, 0), max(min(left + width, shape[1]), 0))
    canvas[rows, columns] = values[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return canvas


def _shadow(alpha: FloatArray, box: tuple[int, int, int, int], light: Light) -> FloatArray:
    """HxW in 0..1, how much light is missing: dark where the product touches the ground, soft where it casts."""
    left, top, right, bottom = box
    height, width = bottom - top, right - left
    strip = max(2, round(0.06 * height))
    touch = np.zeros_like(alpha)
    low = alpha[max(bottom - strip, 0) : max(bottom, 1)]
    if low.size:
        touch[max(bottom - strip // 2, 0) : bottom + max(1, strip // 4)] = low.max(axis=0)
    touch = _soft(touch, 0.018 * max(height, width))
    # The silhouette laid flat about its lower edge, away from the light.
    lean = -0.9 * light.side * FLAT
    flat = np.array([[1, -lean, lean * bottom], [0, FLAT, (1 - FLAT) * bottom]], np.float32)
    thrown = cv2.warpAffine(alpha, flat, (alpha.shape[1], alpha.shape[0]), flags=cv2.INTER_LINEAR)
    thrown = _soft(thrown, 0.035 * max(height, width))
    return np.asarray(1 - (1 - CONTACT * np.clip(touch, 0, 1)) * (1 - CAST * np.clip(thrown, 0, 1)), np.float32)


def _wrapped(colors: ImageArray, alpha: FloatArray, ground: ImageArray, *, strength: float) -> ImageArray:
    """The product with a little of the background's light round its edge."""
    reach = max(1.0, 0.004 * max(alpha.shape))
    inside = _soft(alpha, reach)
    share = WRAP * strength * np.clip(1 - inside, 0, 1)[..., None]
    around = _soft(ground, 6 * reach)
    return np.round(colors * (1 - share) + around * share).astype(np.uint8)


def _soft(values: Values, sigma: float) -> Values:
    """Blur by a standard deviation in pixels; the time does not grow with it (stack blur, Klingemann 2004)."""
    radius = max(1, round(2.45 * sigma))  # of a triangle with that deviation
    return np.asarray(cv2.stackBlur(values, (2 * radius + 1, 2 * radius + 1)), values.dtype)

"""From a spec to a picture: build the surfaces, place the camera, see, light, and lay the product on its background."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError
from catalens.types import FloatArray, ImageArray
from recipes.synthetic.colors import to_srgb
from recipes.synthetic.hanger import hanger
from recipes.synthetic.kinds import KINDS
from recipes.synthetic.mesh import Grid, Part
from recipes.synthetic.raster import rasterize
from recipes.synthetic.scene import BACKGROUNDS, backdrop
from recipes.synthetic.shading import Layer, Light, shade, shade_glass
from recipes.synthetic.shadows import floor_shadow, wall_shadow
from recipes.synthetic.spec import Spec, built, completed

Floats = NDArray[np.float32]
View: TypeAlias = Literal["front", "three-quarter"]

SMALLEST, LARGEST = 16, 2048
"""Sides of a picture, in pixels."""

DISTANCE = 5.0
"""From the camera to the product, in sizes of the product: a portrait lens."""


@dataclass(frozen=True, slots=True)
class Shot:
    """How a product is photographed.

    Args:
        yaw, pitch, roll: turn of the product about the vertical, tilt of the camera downwards, turn of the picture;
            degrees, added to how the kind is usually shown.
        background: a name in `BACKGROUNDS`.
        fill: share of the picture that the product's longer side takes; above 1 crops it.
        shift: of the product's middle, (down, right) as a share of the picture.
        seed: light, place and noise.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    background: str = "white"
    fill: float = 0.84
    shift: tuple[float, float] = (0.0, 0.0)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture of a product and what is known of it.

    Args:
        image: HWC uint8 sRGB.
        mask: (H, W) bool, the visible product: where it covers at least half of the pixel.
        box: xyxy float32, pixels: the mask's bounds.
        spec: completed: with its material and all its details.
    """

    image: ImageArray
    mask: NDArray[np.bool_]
    box: FloatArray
    spec: Spec


def render(
    spec: Spec, *, size: tuple[int, int] = (512, 512), view: View = "front", background: str = "white"
) -> Rendered:
    """Render one picture of a product. The same arguments give the same bytes, everywhere.

    Args:
        size: (height, width), pixels, 16 to 2048 each.
        view: "front" is how a shop shows the kind; "three-quarter" is turned by 25 to 40 degrees.
        background: a name in `BACKGROUNDS`.

    Raises:
        UsageError: a name is not known, or the size is out of range.
    """
    if view not in ("front", "three-quarter"):
        raise UsageError(f"no view {view!r}", cure="one of: front, three-quarter")
    rng = np.random.default_rng([spec.seed, zlib.crc32(f"{view} {background}".encode())])
    # Measured from straight ahead: kinds that are usually shown turned are then seen from another side.
    aside = float(rng.uniform(25, 40)) * float(rng.choice([-1.0, 1.0])) - _usual_turn(spec)
    turned = aside if view == "three-quarter" else 0.0
    shot = Shot(
        yaw=turned + float(rng.uniform(-4, 4)),
        pitch=float(rng.uniform(-1, 2)) + (3.0 if view == "three-quarter" else 0.0),
        roll=float(rng.normal()) * 0.8,
        background=background,
        fill=float(rng.uniform(0.80, 0.90)),
        shift=(float(rng.uniform(-0.01, 0.01)), float(rng.uniform(-0.015, 0.015))),
        seed=spec.seed,
    )
    return photograph(spec, shot, size=size)


def _usual_turn(spec: Spec) -> float:
    return KINDS[completed(spec).kind].turn


def photograph(spec: Spec, shot: Shot, *, size: tuple[int, int] = (512, 512)) -> Rendered:
    """Render one picture of a product as a shot describes it.

    Raises:
        UsageError: a name is not known, or the size is out of range.
    """
    if not all(SMALLEST <= side <= LARGEST for side in size):
        raise UsageError(f"a picture of {size[0]} x {size[1]} pixels", cure=f"give sides of {SMALLEST} to {LARGEST}")
    if shot.background not in BACKGROUNDS:
        raise UsageError(f"no background {shot.background!r}", cure=f"one of: {', '.join(BACKGROUNDS)}")
    spec = completed(spec)
    kind = KINDS[spec.kind]
    rng = np.random.default_rng([shot.seed, zlib.crc32(repr((shot, spec.kind)).encode()), 4])
    parts = built(spec)
    is_flat = kind.pose == "worn" and shot.background in {"wood", "cloth"}
    if kind.pose == "worn" and shot.background in {"studio", "paper", "brick", "room"} and abs(shot.yaw) < 20:
        parts = parts + hanger(spec, parts)
    camera = _Camera.placed(parts, kind.turn, kind.pitch, shot, size, is_flat=is_flat)
    light = _light(rng)
    layer = _seen(parts, camera, light, size)

    white = shot.background == "white"
    base = camera.base if kind.pose == "standing" else None
    horizon = None if base is None else base - float(rng.uniform(0.06, 0.2)) * size[0]
    ground = backdrop(shot.background, size, horizon=horizon, rng=rng)
    if base is not None:
        dark = floor_shadow([camera.on_floor(piece, light) for piece in parts], size, camera.scale)
    elif white or shot.background == "street":
        dark = np.zeros(size, np.float32)
    else:
        dark = wall_shadow(layer.cover + layer.props, light, camera.scale, near=is_flat)
    ground = ground * (1 - np.float32(0.75 if white else 1.0) * dark)[..., None]
    picture = layer.color + layer.passed * ground
    image = _developed(picture, rng, still=(layer.cover + layer.props < 1e-3) if white else None)
    mask = layer.cover >= 0.5
    return Rendered(image, mask, _bounds(mask), spec)


def _light(rng: np.random.Generator) -> Light:
    side = float(rng.choice([-1.0, 1.0])) * float(rng.uniform(0.25, 0.62))
    direction = np.array([side, rng.uniform(0.35, 0.7), rng.uniform(0.62, 0.9)])
    x, y, z = (float(value) for value in direction / np.linalg.norm(direction))
    warm = float(rng.uniform(-0.03, 0.04))
    return Light((x, y, z), float(rng.uniform(0.48, 0.62)), (1 + warm, 1.0, 1 - warm))


@dataclass(frozen=True, slots=True)
class _Camera:
    """Turns product coordinates into pixels.

    `turn` is a rotation (3, 3), `middle` the point that it turns about, `scale` pixels per unit at that point,
    `center` where it lies in the picture (x, y), `base` the row of the product's foot.
    """

    turn: Grid
    middle: Grid
    scale: float
    center: tuple[float, float]
    base: float
    foot: float

    @classmethod
    def placed(
        cls, parts: Sequence[Part], yaw: float, pitch: float, shot: Shot, size: tuple[int, int], *, is_flat: bool
    ) -> _Camera:
        turn = _rotation(yaw + shot.yaw, 0.0 if is_flat else pitch + shot.pitch, shot.roll)
        if is_flat:
            turn = turn @ np.diag([1.0, 1.0, 0.45])
        points = np.concatenate([piece.points.reshape(-1, 3) for piece in parts if not piece.is_prop])
        middle = (points.min(0) + points.max(0)) / 2
        camera = cls(turn, middle, 1.0, (0.0, 0.0), 0.0, float(points[:, 1].min()))
        flat = camera.project(points)[:, :2]
        low, high = flat.min(0), flat.max(0)
        scale = float(shot.fill * min(size[1] / (high[0] - low[0]), size[0] / (high[1] - low[1])))
        center_x = size[1] * (0.5 + shot.shift[1]) - scale * float(low[0] + high[0]) / 2
        center_y = size[0] * (0.5 + shot.shift[0]) - scale * float(low[1] + high[1]) / 2
        return cls(turn, middle, scale, (center_x, center_y), center_y + scale * float(high[1]), camera.foot)

    def project(self, points: Grid) -> Grid:
        """Pixels x (right), y (down), z (toward the viewer)."""
        seen = (points - self.middle) @ self.turn.T
        near = DISTANCE / (DISTANCE - seen[..., 2:])
        x = seen[..., :1] * near * self.scale + self.center[0]
        y = -seen[..., 1:2] * near * self.scale + self.center[1]
        return np.concatenate([x, y, seen[..., 2:] * self.scale], -1)

    def on_floor(self, piece: Part, light: Light) -> tuple[Grid, Grid, Grid]:
        """Where a part's points stand (straight below them), where their shadows fall, and how high they are."""
        points = piece.points[:: max(len(piece.points) // 12, 1), :: max(piece.points.shape[1] // 24, 1)]
        high = points[..., 1] - self.foot
        below = points.copy()
        below[..., 1] = self.foot
        cast = below.copy()
        cast[..., 0] -= high * light.direction[0] * 0.55
        cast[..., 2] -= high * 0.25
        return self.project(below), self.project(cast), high


def _rotation(yaw: float, pitch: float, roll: float) -> Grid:
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), np.sin(c), 0], [-np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def _seen(parts: Sequence[Part], camera: _Camera, light: Light, size: tuple[int, int]) -> Layer:
    """Render at a larger size, only where the product is, and average down."""
    factor = _oversampling(size)
    fine = (round(size[0] * factor), round(size[1] * factor))
    screens = [camera.project(piece.points) * factor for piece in parts]
    left, top, right, bottom = _window(screens, fine)
    shifted = [screen - np.array([left, top, 0.0]) for screen in screens]
    window = (bottom - top, right - left)
    solid = [i for i, piece in enumerate(parts) if piece.finish.kind.clear == 0]
    clear = [i for i, piece in enumerate(parts) if piece.finish.kind.clear > 0]
    scale = camera.scale * factor
    if solid:
        chosen = [parts[i] for i in solid]
        layer = shade(rasterize(chosen, [shifted[i] for i in solid], window), chosen, light, pixels_per_unit=scale)
    else:
        layer = _nothing(window)
    if clear:
        chosen = [parts[i] for i in clear]
        layer = shade_glass(layer, rasterize(chosen, [shifted[i] for i in clear], window), chosen, light)
    return _reduced(layer, (left, top), fine, size)


def _oversampling(size: tuple[int, int]) -> float:
    """Fine pixels per pixel: more where there are few."""
    return 2.0 if max(size) <= 320 else 1.5 if max(size) <= 640 else 1.25


def _window(screens: Sequence[Grid], size: tuple[int, int]) -> tuple[int, int, int, int]:
    low = np.min([screen[..., :2].min((0, 1)) for screen in screens], axis=0)
    high = np.max([screen[..., :2].max((0, 1)) for screen in screens], axis=0)
    left, top = (int(np.clip(value - 4, 0, limit - 8)) for value, limit in zip(low, size[::-1], strict=True))
    right, bottom = (int(np.clip(value + 5, 8, limit)) for value, limit in zip(high, size[::-1], strict=True))
    return left, top, max(right, left + 8), max(bottom, top + 8)


def _nothing(size: tuple[int, int]) -> Layer:
    empty = np.zeros(size, np.float32)
    return Layer(np.zeros((*size, 3), np.float32), np.ones((*size, 3), np.float32), empty, empty)


def _reduced(layer: Layer, corner: tuple[int, int], fine: tuple[int, int], size: tuple[int, int]) -> Layer:
    left, top = corner
    window = layer.cover.shape

    def whole(image: Floats, outside: float) -> Floats:
        full = np.full((*fine, *image.shape[2:]), outside, np.float32)
        # Highlights are clipped before averaging, or they would eat into the edges.
        full[top : top + window[0], left : left + window[1]] = np.minimum(image, 1.2)
        full = cv2.GaussianBlur(full, (3, 3), 0.5)
        return np.asarray(cv2.resize(full, size[::-1], interpolation=cv2.INTER_AREA), np.float32)

    return Layer(whole(layer.color, 0), whole(layer.passed, 1), whole(layer.cover, 0), whole(layer.props, 0))


def _developed(picture: Floats, rng: np.random.Generator, *, still: NDArray[np.bool_] | None) -> ImageArray:
    """Linear light to sRGB, with the noise of a sensor; none where `still`, as on cut-out pictures."""
    srgb = to_srgb(picture)
    grain = rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(rng.uniform(0.5, 1.3))
    if still is not None:
        grain *= ~still[..., None]
    return np.clip(np.rint(srgb + grain), 0, 255).astype(np.uint8)


def _bounds(mask: NDArray[np.bool_]) -> FloatArray:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return np.zeros(4, np.float32)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)

"""Light on what the rasterizer saw: diffuse, highlight, mirror, occlusion and shadow; glass as what it lets through.

Diffuse is wrapped Lambert with a hemisphere of ambient light; the highlight is Blinn-Phong (Blinn 1977); mirrors see a
studio of two soft boxes; Fresnel is Schlick's (1994). Occlusion compares the depth with its own blur (the "depth buffer
unsharp mask" of Luft et al. 2006), shadows march along the light through the depth buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.synthetic.finish import Finish, look
from recipes.synthetic.mesh import Part
from recipes.synthetic.raster import Buffers

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Light:
    """A key light among soft light from above.

    Args:
        direction: toward the light; x right, y up, z to the viewer; unit length.
        key: its share of the light, 0-1.
        tint: (3,) linear color of the key light, about 1.
    """

    direction: tuple[float, float, float]
    key: float
    tint: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Layer:
    """A shaded product, to be laid on a background: out = color + passed * background, in linear light.

    color and passed are (H, W, 3); `cover` (H, W) is 1 where the product is seen, glass included; `props` 1 where a
    prop is seen.
    """

    color: Floats
    passed: Floats
    cover: Floats
    props: Floats


def shade(seen: Buffers, parts: Sequence[Part], light: Light, *, pixels_per_unit: float) -> Layer:
    """Light the opaque parts, as `rasterize` saw them."""
    shape = seen.part.shape
    albedo, height = _looks(seen, parts, pixels_per_unit)
    cover = (seen.part >= 0).astype(np.float32)
    normal = _bumped(seen, height * np.float32(pixels_per_unit))
    open_sky = _occlusion(seen.depth, cover, pixels_per_unit)
    lit = _shadow(seen.depth, cover, light, pixels_per_unit)
    # The light's arithmetic runs over the pixels that see something, not over the empty ones.
    here = np.flatnonzero(seen.part >= 0)
    owner = seen.part.reshape(-1)[here]
    surface = _Surface(*np.array([_gleam(piece.finish) for piece in parts], np.float32).T[:, owner])
    color = np.zeros((cover.size, 3), np.float32)
    color[here] = _lit(
        np.ascontiguousarray(albedo.reshape(-1, 3)[here].T),
        np.ascontiguousarray(normal.reshape(-1, 3)[here].T),
        surface,
        open_sky.reshape(-1)[here],
        lit.reshape(-1)[here],
        seen.inside.reshape(-1)[here],
        light,
    ).T
    is_prop = np.array([piece.is_prop for piece in parts] + [False])
    props = is_prop[seen.part].astype(np.float32)
    return Layer(color.reshape(*shape, 3), np.repeat((1 - cover)[..., None], 3, 2), cover * (1 - props), props)


@dataclass(frozen=True, slots=True)
class _Surface:
    """What the materials under N pixels do with light, each (N,): see `textures.Material`."""

    gloss: Floats
    shine: Floats
    mirror: Floats
    metallic: Floats
    sheen: Floats
    glow: Floats


def _gleam(finish: Finish) -> tuple[float, ...]:
    kind = finish.kind
    return kind.gloss, kind.shine, kind.mirror, float(kind.metallic), kind.sheen, finish.glow


def _looks(seen: Buffers, parts: Sequence[Part], pixels_per_unit: float) -> tuple[Floats, Floats]:
    """Albedo (H, W, 3) and height of the texture (H, W), product units, finish by finish."""
    albedo = np.zeros((*seen.part.shape, 3), np.float32)
    height = np.zeros(seen.part.shape, np.float32)
    groups: dict[Finish, list[int]] = {}
    for index, piece in enumerate(parts):
        groups.setdefault(piece.finish, []).append(index)
    for finish, members in groups.items():
        belongs = np.zeros(len(parts) + 1, bool)
        belongs[members] = True
        chosen = belongs[seen.part]
        box = _bounds(chosen)
        if box is None:
            continue
        here = chosen[box]
        color, relief = look(finish, seen.uv[box], pixels_per_unit=pixels_per_unit)
        np.copyto(albedo[box], color, where=here[..., None])
        np.copyto(height[box], relief, where=here)
    return albedo, height


def shade_glass(under: Layer, seen: Buffers, parts: Sequence[Part], light: Light) -> Layer:
    """Lay the transparent parts over a layer."""
    glass = seen.part >= 0
    cover = glass.astype(np.float32)
    tints = np.array([piece.finish.color for piece in parts] + [(1, 1, 1)], np.float32)[seen.part]
    clear = np.array([piece.finish.kind.clear for piece in parts] + [1.0], np.float32)[seen.part]
    facing = np.clip(seen.normal[..., 2], 0, 1)
    # The longer the way through the wall, the more of the tint: light passes twice, and at a slant.
    depth = 0.55 + 1.1 * (1 - facing) ** 2
    passed = np.where(glass[..., None], clear[..., None] * np.maximum(tints, 0.004) ** depth[..., None], 1)
    fresnel = 0.05 + 0.95 * (1 - facing) ** 4
    away = 2 * seen.normal[..., 2:] * seen.normal
    gleam = (_studio(away[..., 0], away[..., 1], away[..., 2] - 1) * fresnel)[..., None]
    half = np.array(light.direction, np.float32) + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    gleam = gleam + (np.clip(seen.normal @ half, 0, 1) ** 160)[..., None] * np.float32(0.9)
    body = tints * (np.float32(0.10) + 0.16 * (1 - facing))[..., None]
    added = (gleam + body) * cover[..., None]
    passed = (passed * (1 - 0.75 * fresnel * cover)[..., None]).astype(np.float32)
    return Layer(
        under.color * passed + added,
        under.passed * passed,
        np.maximum(under.cover, cover),
        under.props * (1 - cover),
    )


def _bounds(chosen: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    rows, columns = np.flatnonzero(chosen.any(1)), np.flatnonzero(chosen.any(0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _bumped(seen: Buffers, height: Floats) -> Floats:
    """Tilt the normals by the slope of the texture's height (Blinn 1978), not across the borders of parts."""
    across = np.zeros_like(height)
    down = np.zeros_like(height)
    same = seen.part[:, 2:] == seen.part[:, :-2]
    across[:, 1:-1] = (height[:, 2:] - height[:, :-2]) * 0.5 * same
    same = seen.part[2:] == seen.part[:-2]
    down[1:-1] = (height[2:] - height[:-2]) * 0.5 * same
    normal = seen.normal.copy()
    normal[..., 0] -= np.clip(across, -0.8, 0.8)
    normal[..., 1] += np.clip(down, -0.8, 0.8)
    normal /= np.maximum(np.sqrt(np.einsum("hwc,hwc->hw", normal, normal))[..., None], np.float32(1e-6))
    return normal


def _occlusion(depth: Floats, cover: Floats, pixels_per_unit: float) -> Floats:
    """How open each point is to the sky, 0-1."""
    small = 0.5
    z = cv2.resize(depth * cover, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(cover, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    z = z / np.maximum(weight, 1e-3)
    closed = np.zeros_like(z)
    for radius, strength in ((0.008, 0.55), (0.028, 0.6), (0.09, 0.5)):
        sigma = max(radius * pixels_per_unit * small, 0.6)
        around = cv2.GaussianBlur(z * weight, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
        rise = (around - z) * np.float32(small) / np.float32(sigma)
        closed += np.float32(strength) * np.clip(rise, 0, 1.2)
    full = cv2.resize(closed, depth.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(1 / (1 + 1.3 * full), np.float32)


def _shadow(depth: Floats, cover: Floats, light: Light, pixels_per_unit: float) -> Floats:
    """How much of the key light reaches each point, 0-1, soft."""
    small = 0.5
    x, y, z = light.direction
    size = (max(round(depth.shape[1] * small), 1), max(round(depth.shape[0] * small), 1))
    own = cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST)
    solid = np.where(cv2.resize(cover, size, interpolation=cv2.INTER_NEAREST) > 0, own, np.float32(-1e6))
    blocked = np.zeros_like(own)
    for way in np.geomspace(0.015, 0.30, 7):
        step = way * pixels_per_unit
        move = np.array([[1, 0, x * step * small], [0, 1, -y * step * small]], np.float32)
        there = cv2.warpAffine(solid, move, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, borderValue=-1e6)
        above = there - (own + z * step)
        # A surface in front of the ray blocks it; one far in front of it is another thing with air between.
        blocked = np.maximum(blocked, np.clip(above / (0.012 * pixels_per_unit) - 0.3, 0, 1))
    soft = cv2.GaussianBlur(blocked, (0, 0), max(0.010 * pixels_per_unit * small, 0.8))
    return np.asarray(1 - 0.8 * cv2.resize(soft, depth.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _lit(
    albedo: Floats,
    normal: Floats,
    surface: _Surface,
    open_sky: Floats,
    lit: Floats,
    inside: NDArray[np.bool_],
    light: Light,
) -> Floats:
    """The color that N pixels send to the viewer: (3, N), as are albedo and normal."""
    direction = np.array(light.direction, np.float32)
    facing = np.clip(normal[2], 0, 1)
    key = np.clip((direction @ normal + np.float32(0.28)) / np.float32(1.28), 0, 1) * lit
    level = float(np.clip((direction[2] + 0.28) / 1.28, 0.2, 1))
    sky = np.float32(0.80) + np.float32(0.20) * normal[1] + np.float32(0.10) * facing
    direct = light.key / level * key * (0.35 + 0.65 * open_sky)
    power = ((1 - light.key) * sky * open_sky + direct) * np.where(inside, np.float32(0.62), np.float32(1))
    color = albedo * (power + direct * (np.array(light.tint, np.float32) - 1)[:, None] + surface.glow)
    if surface.sheen.any():
        rim = surface.sheen * (1 - facing) ** 2 * open_sky * np.float32(0.8)
        color += rim * np.sqrt(albedo)
    half = direction + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    spark = np.exp(np.log(np.clip(half @ normal, 1e-4, 1)) * surface.shine) * surface.gloss * lit * np.float32(0.55)
    if not surface.mirror.any():
        return np.asarray(color + spark, np.float32)
    own = 1 + (albedo * np.float32(1.3) - 1) * surface.metallic
    mirror = surface.mirror
    fresnel = (mirror + (1 - mirror) * np.float32(0.6) * (1 - facing) ** 5) * (mirror > 0) * open_sky
    away = 2 * normal[2] * normal
    away[2] -= 1
    kept = 1 - mirror * (np.float32(0.35) + np.float32(0.65) * surface.metallic)
    return np.asarray(color * kept + (_studio(*away) * fresnel + spark) * own, np.float32)


def _studio(x: Floats, y: Floats, z: Floats) -> Floats:
    """Brightness that a mirror sees: a bright ceiling, a dark far end, a soft box on the left, a strip on the right.

    Args:
        x, y, z: where the viewer's ray goes after the surface, unit length.
    """
    room = 0.30 + 0.35 * np.clip(y, -0.4, 1) - 0.12 * np.clip(z, 0, 1)
    box = _soft_edge(x, -0.62, 0.26) * _soft_edge(y, 0.25, 0.50)
    strip = _soft_edge(x, 0.74, 0.09) * _soft_edge(y, 0.10, 0.65)
    return np.asarray(np.clip(room, 0.05, 1) + box + np.float32(0.7) * strip, np.float32)


def _soft_edge(value: Floats, center: float, half: float) -> Floats:
    return np.asarray(np.clip((half - np.abs(value - center)) / 0.08 + 0.5, 0, 1), np.float32)

"""Synthetic backgrounds: a wall over a floor, by name or by the words of a prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

import cv2
import numpy as np

from catalens.errors import UsageError
from catalens.types import FloatArray, ImageArray

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Surface:
    """A wall above a floor, lit from one side.

    Args:
        wall, floor: colors in the light, sRGB.
        words: what it is asked for by, besides its name.
        side: where the light comes from: -1 left, 1 right.
    """

    wall: Rgb
    floor: Rgb
    words: frozenset[str]
    side: float = -0.6


def _surface(wall: Rgb, floor: Rgb, words: str, side: float = -0.6) -> Surface:
    return Surface(wall, floor, frozenset(words.split()), side)


SURFACES = {
    "studio": _surface((240, 240, 240), (226, 226, 226), "clean white plain simple minimal neutral bright light"),
    "grey": _surface((178, 180, 184), (158, 160, 165), "gray concrete stone industrial street urban city"),
    "night": _surface((46, 48, 56), (32, 33, 40), "black dark luxury evening party elegant moody"),
    "sand": _surface((233, 219, 197), (216, 198, 170), "beige cream beach desert linen natural cozy soft"),
    "wood": _surface(
        (222, 208, 192), (164, 118, 80), "brown table kitchen rustic desk oak floor home room interior", 0.6
    ),
    "forest": _surface((178, 197, 176), (122, 146, 118), "green nature garden mint plant spring outdoor eco sage"),
    "sky": _surface((196, 219, 238), (164, 192, 216), "blue sea water summer ocean fresh sport winter ice", 0.6),
    "sunset": _surface((246, 196, 160), (222, 148, 116), "orange warm autumn evening peach terracotta coral fall"),
    "rose": _surface((245, 214, 218), (228, 184, 192), "pink romantic valentine wedding beauty blush red love", 0.6),
    "lavender": _surface((219, 210, 236), (194, 182, 218), "purple violet lilac dream pastel"),
    "lemon": _surface((250, 236, 172), (238, 216, 130), "yellow sunny happy kids gold"),
}
HORIZON = 0.58
"""Where the wall meets the floor, as a share of the height."""
SOFT = 0.05
"""Width of that bend, as in a photographer's paper background, as a share of the height."""


def surface_named(words: str) -> str:
    """The surface that words ask for: by its name, else the one that most of the words belong to.

    Raises:
        UsageError: none of them is known; near names are offered.
    """
    said = re.findall(r"[a-z]+", words.lower())
    counts = {name: sum((word == name) * 2 + (word in one.words) for word in said) for name, one in SURFACES.items()}
    best = max(counts, key=lambda name: counts[name])
    if counts[best]:
        return best
    known = sorted({*SURFACES, *(word for one in SURFACES.values() for word in one.words)})
    near = [hit for word in said for hit in get_close_matches(word, known, n=2, cutoff=0.7)]
    raise UsageError(
        f"no background is known by the words {words!r}",
        cure=f"did you mean {' or '.join(near)}? Or name a photo" if near else f"take one of {', '.join(SURFACES)}, "
        "a color such as #f4f4f2, or a photo",
    )  # fmt: skip


def painted_surface(surface: Surface, size: tuple[int, int]) -> ImageArray:
    """Paint it at (height, width): HWC uint8, lighter towards the light, without bands."""
    height, width = size
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    below = 1 / (1 + np.exp(-(y - HORIZON) / (SOFT / 4)))
    wall, floor = (np.asarray(color, np.float32) for color in (surface.wall, surface.floor))
    color = wall + below[..., None] * (floor - wall)
    bend = 0.06 * np.exp(-(((y - HORIZON) / SOFT) ** 2))  # the bend lies in its own shade
    from_light = np.hypot(x - surface.side, 1.4 * (y - 0.35))
    light = 1.03 - 0.13 * np.clip(from_light - 0.3, 0, 2) - bend
    return _without_bands(color * light[..., None])


def _without_bands(image: FloatArray) -> ImageArray:
    """Round to uint8 with a little noise, so that the slow gradient shows no steps; always the same noise."""
    noise = np.random.default_rng(0).normal(0, 0.8, image.shape[:2]).astype(np.float32)
    grain = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.6), np.float32)
    return np.round(np.clip(image + 1.5 * grain[..., None], 0, 255)).astype(np.uint8)

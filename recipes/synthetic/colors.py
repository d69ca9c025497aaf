"""Named colors: the eleven basic terms of English (Berlin and Kay 1969) and four that shops use, as real dyes look."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHADES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "red": ("b3161f", "c4202b", "d3262d", "a8121f", "c92a1e"),
        "orange": ("e8701a", "f07f22", "dd6412", "f28c33"),
        "yellow": ("f2c318", "f5d033", "eab90e", "f7da52"),
        "green": ("2f7d3c", "3c8f4a", "246b35", "4e9a45", "1f7a4d"),
        "blue": ("2456b4", "2f6fcb", "1d4ba3", "3f7fd6"),
        "purple": ("6a2c91", "7d3fa6", "5b2483", "8a4bb5"),
        "pink": ("e889a8", "f09fb9", "e0709a", "f3b3c6"),
        "brown": ("6b4226", "7a4d2b", "5a3620", "83552f"),
        "black": ("17171a", "1d1c1e", "121317", "212124"),
        "white": ("f4f4f2", "f7f7f7", "f2f3f5", "f6f4f0"),
        "grey": ("85888c", "94969a", "777a7e", "8d8a88"),
        "navy": ("1b2547", "1f2c52", "18213d", "222e55"),
        "beige": ("d3bd98", "dac7a6", "c9b08a", "dccbb0"),
        "turquoise": ("1fb0ac", "2bbdb4", "14a39f", "3cc2bd"),
        "burgundy": ("6a1428", "741a30", "5c1022"),
    }
)
"""sRGB, hexadecimal, several dyes for each name."""

DENIM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"blue": ("3b68ad", "4f7cbd", "2f5a9e"), "navy": ("1f2c4e", "26345a")}
)
"""What indigo makes of them."""

COLORS = tuple(SHADES)

NEUTRAL = ("black", "white", "grey", "navy", "beige")
"""Colors that go with every other."""


def to_linear(srgb: ArrayLike) -> NDArray[np.float32]:
    """Gamma-coded sRGB in 0-255 to linear light in 0-1 (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float32) / np.float32(255)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


_STEPS = 4096
_ROOTS = np.linspace(0, 1, _STEPS + 1) ** 2
_TO_SRGB = np.where(_ROOTS <= 0.0031308, _ROOTS * 12.92, 1.055 * _ROOTS ** (1 / 2.4) - 0.055).astype(np.float32) * 255


def to_srgb(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light in 0-1 (clipped) to sRGB in 0-255, through a table of 4,096 steps of the square root."""
    # Steps in the square root: even in lightness, where steps in linear light would band the shadows.
    index = np.sqrt(np.clip(linear, 0, 1)) * np.float32(_STEPS)
    return _TO_SRGB[index.astype(np.int32)]


def shade(name: str, rng: np.random.Generator, *, material: str = "") -> NDArray[np.float32]:
    """One dye of a named color, slightly varied: (3,) linear light."""
    dyes = DENIM.get(name, SHADES[name]) if material == "denim" else SHADES[name]
    code = dyes[int(rng.integers(len(dyes)))]
    base = np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], float)
    return to_linear(np.clip(base + rng.uniform(-4, 4, 3), 0, 250))

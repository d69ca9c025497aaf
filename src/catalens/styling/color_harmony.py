"""Color harmony in CIELAB: in words, and as a score from experiments with viewers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np

from catalens.options import Harmony
from catalens.types import FloatArray

QUIET = 18.0
"""CIELAB chroma below which a color is a grey or nearly one, and goes with all."""
DARK, DARK_QUIET = 25.0, 28.0
"""Of colors of a lightness below the first, chroma that still counts as quiet: navy and dark brown go with all."""
NEIGHBORS, OPPOSITES = 50.0, 140.0
"""Degrees of hue: at most the first apart are neighbors, at least the second opposites (Itten, Art of Color, 1961)."""


@dataclass(frozen=True, slots=True)
class ThingColor:
    """The main color of a thing: what it is, sRGB 0..255, the name of the color."""

    kind: str
    rgb: tuple[int, int, int]
    name: str


def harmony(colors: Sequence[ThingColor]) -> tuple[Harmony, str]:
    """How the colors of things stand to each other: one word, and a sentence."""
    lab = to_lab([one.rgb for one in colors])
    loud = [row for row in range(len(colors)) if not is_quiet(lab[row])]
    said = [f"{one.name} {one.kind}" for one in colors]
    quiet = ", ".join(said[row] for row in range(len(colors)) if row not in loud)
    shown = ", ".join(said[row] for row in loud)
    if not loud:
        return "neutral", f"quiet colors go with each other: {quiet}"
    if len(loud) == 1:
        return (
            ("accent", f"one accent, {shown}, among quiet colors: {quiet}")
            if quiet
            else ("accent", f"one color: {shown}")
        )
    hues = np.degrees(np.arctan2(lab[loud, 2], lab[loud, 1]))
    apart = max(abs((float(a) - float(b) + 180) % 360 - 180) for a, b in combinations(hues, 2))
    beside = f", with {quiet}" if quiet else ""
    if apart <= NEIGHBORS:
        return "analogous", f"neighbors on the color circle (analogous): {shown}{beside}"
    if apart >= OPPOSITES:
        return "complementary", f"opposites on the color circle (complementary): {shown}{beside}"
    return "contrast", f"a contrast of colors: {shown}{beside}"


def agreement(colors: Sequence[tuple[int, int, int]]) -> float:
    """0..1: how well sRGB colors go together, the mean over pairs; one color goes with itself.

    The model of Ou and Luo (A colour harmony model for two-colour combinations, Color Research and Application 31,
    2006) on CIELAB: viewers like small differences of hue and chroma, light colors, and some difference of lightness.
    Its range of about -1.2 to 1.3 is mapped to 0..1.
    """
    lab = to_lab(colors)
    pairs = list(combinations(range(len(lab)), 2))
    if not pairs:
        return 1.0
    first, second = (lab[[pair[side] for pair in pairs]] for side in (0, 1))
    return float(np.clip((np.mean(_ou_luo(first, second)) + 1.2) / 2.5, 0, 1))


def to_lab(colors: Sequence[tuple[int, int, int]]) -> FloatArray:
    """(N, 3) CIELAB, L 0..100, of sRGB 0..255."""
    pixels = np.asarray(colors, np.float32).reshape(-1, 1, 3) / 255
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), np.float32).reshape(-1, 3)


def is_quiet(lab: FloatArray) -> bool:
    """Whether a CIELAB color (3,) is a grey, or nearly one, or so dark that it passes for one."""
    chroma = float(np.hypot(lab[1], lab[2]))
    return chroma < (DARK_QUIET if lab[0] < DARK else QUIET)


def _ou_luo(first: FloatArray, second: FloatArray) -> FloatArray:
    """(N,) of N pairs of CIELAB colors; the names of the terms are the paper's."""
    chroma = [np.hypot(one[:, 1], one[:, 2]) for one in (first, second)]
    hue = np.arctan2(first[:, 2], first[:, 1]) - np.arctan2(second[:, 2], second[:, 1])
    hue_difference = 2 * np.sqrt(chroma[0] * chroma[1]) * np.sin(hue / 2)
    chromatic = np.hypot(hue_difference, (chroma[0] - chroma[1]) / 1.46)
    h_c = 0.04 + 0.53 * np.tanh(0.8 - 0.045 * chromatic)
    h_l = 0.28 + 0.54 * np.tanh(-3.88 + 0.029 * (first[:, 0] + second[:, 0]))
    h_l = h_l + 0.14 + 0.15 * np.tanh(-2 + 0.2 * np.abs(first[:, 0] - second[:, 0]))
    return np.asarray(h_c + h_l + _hue_effect(first) + _hue_effect(second), np.float32)


def _hue_effect(lab: FloatArray) -> FloatArray:
    chroma, hue = np.hypot(lab[:, 1], lab[:, 2]), np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    e_c = 0.5 + 0.5 * np.tanh(-2 + 0.5 * chroma)
    h_s = -0.08 - 0.14 * np.sin(np.radians(hue + 50)) - 0.07 * np.sin(np.radians(2 * hue + 90))
    e_y = (0.22 * lab[:, 0] - 12.8) / 10 * np.exp((90 - hue) / 10 - np.exp((90 - hue) / 10))
    return np.asarray(e_c * (h_s + e_y), np.float32)

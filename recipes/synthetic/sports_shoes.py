"""Running shoe: a sculpted sole that rises at both ends, and an upper of mesh under bold overlays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced
from recipes.synthetic.footwear import TOE, dipped, laces, outlines, padded_rim, paired, sole, sprung
from recipes.synthetic.kind import ADULTS, Kind
from recipes.synthetic.mesh import Grid, Part, part, patch


def running_shoe(draft: Draft) -> list[Part]:
    """A running shoe: mesh, overlays and stripes of other colors, laces, a thick sole of two colors."""
    upper = _upper(draft)
    bold, second = (replace(draft.plain(material="leather"), color=color) for color in draft.main.accents)
    over = draft.plain(material="leather", darker=0.7) if draft.roll(0, 1) < 0.4 else bold
    parts = [part(upper, draft.main, wrap=True)]
    parts.append(padded_rim(upper, draft.plain(darker=0.7) if draft.roll(0, 1) < 0.6 else second, 0.018))
    parts += _overlays(draft, upper, over)
    parts += _stripes(draft, upper, bold)
    cord = replace(second, material="cotton") if draft.roll(0, 1) < 0.4 else draft.other("f4f3ef", "cotton")
    parts += laces(upper, cord, first=0.07, last=0.52, count=6)
    return paired(draft, [*sprung(parts, toe=0.055, heel=0.035), *_sole(draft, bold)])


def _upper(draft: Draft) -> Grid:
    top = draft.roll(0.335, 0.385)
    low = draft.roll(0.0, 0.02)
    rows = [
        (top, 0.11, 0.455, 0.092),
        (top - 0.03, 0.10, 0.462, 0.104),
        (0.295, 0.0, 0.458, 0.118),
        (0.225 - low, -0.16, 0.458, 0.136),
        (0.165 - low, -0.31, 0.465, 0.148),
        (0.115 - low / 2, -0.42, 0.472, 0.156),
        (0.055, -0.475, 0.478, 0.162),
        (0.0, -0.49, 0.48, 0.164),
    ]
    return dipped(outlines(rows, count=84), draft.roll(0.05, 0.075), draft.roll(0.03, 0.06))


def _overlays(draft: Draft, upper: Grid, over: Finish) -> list[Part]:
    """The tongue, the stays of the laces, a guard round the toe, and the counter behind the heel."""
    tongue = patch(upper, (TOE - 0.05, TOE + 0.05), (0.0, 0.55), lift=0.008)
    tongue[..., 1] += 0.055 * np.linspace(1, 0, len(tongue))[:, None] ** 2
    parts = [part(tongue, draft.plain(darker=0.8))]
    for side in (1, -1):
        stay = [sorted((TOE + side * 0.035, TOE + side * 0.10)), sorted((TOE + side * 0.04, TOE + side * 0.085))]
        parts.append(part(patch(upper, stay, (0.02, 0.58), lift=0.010), over))
    guard = [[0.97, 0.90, draft.roll(0.68, 0.84), 0.90, 0.97], [1.0] * 5]
    parts.append(part(patch(upper, (TOE - 0.24, TOE + 0.24), guard, lift=0.008, columns=60), over))
    lean = draft.roll(0.0, 0.06)
    counter = patch(upper, [(0.70, 0.80), (0.68 - lean, 0.82), (0.61 - lean, 0.89)], (0.05, 0.99), lift=0.010)
    return [*parts, part(counter, over)]


def _stripes(draft: Draft, upper: Grid, bold: Finish) -> list[Part]:
    """What the outer side shows: slanted stripes, a curve that swells and thins, or a zigzag."""
    if draft.has("side stripes"):
        count = int(draft.rng.integers(2, 5))
        half = 0.055 / count
        starts = 0.40 + np.arange(count) * 0.17 / count
        slant = draft.roll(-0.05, 0.10)
        shapes = [
            patch(upper, [(s, s + half), (s + slant, s + slant + half)], (0.36, 0.96), lift=0.010) for s in starts
        ]
    elif draft.has("curved stripe"):
        deep = draft.roll(0.10, 0.18)
        upside = [[0.42, 0.55, 0.66, 0.72, 0.66], [0.44, 0.62 + deep, 0.78 + deep, 0.80 + deep / 2, 0.68]]
        shapes = [patch(upper, (0.36, 0.68), upside, lift=0.010, columns=50)]
    elif draft.has("zigzag stripes"):
        shapes = []
        for s in (0.37, 0.45, 0.53):
            shapes.append(patch(upper, [(s, s + 0.025), (s + 0.06, s + 0.085)], (0.42, 0.95), lift=0.010))
            shapes.append(patch(upper, [(s + 0.06, s + 0.085), (s + 0.06, s + 0.085)], (0.42, 0.95), lift=0.011))
    else:
        panel = [[0.58, 0.50, 0.44, 0.50], [0.97] * 4]
        shapes = [patch(upper, (0.42, 0.66), panel, lift=0.009, columns=40)]
    return [part(shape, bold) for shape in shapes]


def _sole(draft: Draft, bold: Finish) -> list[Part]:
    """A wedge of foam, grooved along its sides, and the tread below it."""
    thick = draft.roll(0.06, 0.09)
    tints = ["f6f6f4", "efefec"] if draft.has("white sole") else ["f6f6f4", "d8dadd", "2a2b2e"]
    foam = draft.other(str(draft.rng.choice(tints)), "rubber")
    if draft.has("contrast sole"):
        foam = replace(foam, color=bold.color)
    block = sole(foam, thick=thick, wide=0.176, toe=-0.515, heel=0.505).points
    wave = np.sin(np.linspace(0, 2 * np.pi * int(draft.rng.integers(9, 22)), block.shape[1]))
    depth = np.exp(-(((block[..., 1] + 0.55 * thick) / (0.3 * thick)) ** 2))
    block = displaced(block, depth * wave * draft.roll(0.0, 0.006))
    lift, flare = draft.roll(0.04, 0.08), draft.roll(0.0, 0.03)
    shape = _sculpted(block, thick, lift, flare)
    dark = draft.other("26262a", "rubber")
    tread = replace(dark, color=bold.color) if draft.roll(0, 1) < 0.5 else dark
    parts = [part(shape, foam, wrap=True)]
    under = patch(block, (0, 1), _down(thick, 0.70, 1.08), lift=0.006, rows=10, columns=block.shape[1], wrap=True)
    parts.append(part(_sculpted(under, thick, lift, flare), tread, wrap=True))
    if draft.has("two-tone sole"):
        heel = patch(block, [(0.60, 0.90), (0.56, 0.94)], _down(thick, 0.10, 0.66), lift=0.007, columns=50)
        parts.append(part(_sculpted(heel, thick, lift, flare), bold))
    return parts


def _down(thick: float, first: float, last: float) -> tuple[float, float]:
    """Rows of a sole, 0-1, at two shares of its thickness: most of its rows lie underneath."""
    whole = 0.51 + thick
    return (0.02 + first * thick) / whole, (0.02 + last * thick) / whole


def _sculpted(points: Grid, thick: float, lift: float, flare: float) -> Grid:
    """Bend a flat sole: the upper edge cups heel and toe, the foot of the heel stays on the ground, both ends rise."""
    points = points.copy()
    x, y = points[..., 0], points[..., 1]
    share = np.clip(-y / thick, 0, 1)
    rise = np.clip((x + 0.22) / 0.52, 0, 1)
    behind, ahead = np.clip((x - 0.25) / 0.25, 0, 1.2) ** 2, np.clip((-x - 0.25) / 0.25, 0, 1.2) ** 2
    points[..., 1] += 0.055 * ahead + (1 - share) * (0.035 * rise**2 * (3 - 2 * rise) + flare * behind + 0.012 * ahead)
    points[..., 1] += share * (lift * 0.6 * behind - 0.012 * rise)
    points[..., 0] += (1 - share) * 0.012 * behind
    return points


# fmt: off
KINDS = (
    Kind("running shoe", "Shoes", ADULTS, ("nylon", "nylon", "leather"),
         options=(("side stripes", "curved stripe", "zigzag stripes", "side panel"),
                  ("white sole", "two-tone sole", "contrast sole"), ("pair", ""),),
         price=(39, 189), build=running_shoe, is_patterned=False, pose="standing", turn=-9, pitch=9),
)
# fmt: on

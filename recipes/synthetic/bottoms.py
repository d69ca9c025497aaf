"""Trousers, jeans, shorts and skirts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.folds import bunched, displaced, hanging, pull, wrinkles
from recipes.synthetic.kind import ADULTS, WOMEN, Kind
from recipes.synthetic.mesh import Grid, Part, loft, mirrored, part, patch
from recipes.synthetic.torso import band, button, line, seam

LEGS = {"skinny": (0.078, 0.050), "slim": (0.088, 0.062), "straight": (0.095, 0.083), "wide-leg": (0.108, 0.128)}
"""Half widths at the knee and at the hem, product units."""


def trousers(draft: Draft) -> list[Part]:
    """Trousers: a crease down each leg, or pleats; slant pockets."""
    parts, grids = _legs(draft, length=draft.roll(1.0, 1.08), crease=0.9)
    for index, grid in enumerate(grids):
        if draft.has("pressed crease"):
            parts.append(line(grid, draft.plain(darker=0.9), [(0.5, 0.22), (0.5, 0.6), (0.5, 0.995)], width=0.0014))
        slant = [(0.69, 0.035), (0.73, 0.10), (0.765, 0.165)]
        parts.append(_slant(draft, grid, slant, index))
        parts.append(seam(grid, draft.thread(), 0.985, width=0.003))
    return parts + _fly(draft, grids)


def jeans(draft: Draft) -> list[Part]:
    """Jeans: orange stitches, scooped pockets, rivets, belt loops."""
    parts, grids = _legs(draft, length=draft.roll(1.0, 1.06), crease=1.2)
    thread = draft.other("c98a3c", "cotton")
    for index, grid in enumerate(grids):
        scoop = [(0.60, 0.04), (0.61, 0.075), (0.65, 0.105), (0.72, 0.115), (0.77, 0.11)]
        parts.append(_slant(draft, grid, scoop, index))
        points = [((s if index == 0 else 1 - s) - (0.008 if index == 0 else -0.008), t + 0.006) for s, t in scoop]
        parts.append(line(grid, thread, points, width=0.0014))
        parts.append(seam(grid, thread, 0.975, width=0.003))
        parts.append(button(grid, draft.metal(), 0.605 if index == 0 else 0.395, 0.052, radius=0.0045))
    return parts + _fly(draft, grids, stitched=True)


def shorts(draft: Draft) -> list[Part]:
    """Shorts: tailored, or with a drawstring."""
    length = draft.roll(0.42, 0.52) if not draft.has("bermuda") else draft.roll(0.56, 0.64)
    parts, grids = _legs(draft, length=length, crease=1.1, knee=(0.112, draft.roll(0.116, 0.135)))
    for index, grid in enumerate(grids):
        parts.append(_slant(draft, grid, [(0.69, 0.09), (0.73, 0.2), (0.765, 0.33)], index))
        parts.append(seam(grid, draft.thread(), 0.95, width=0.006))
    return parts + _fly(draft, grids)


def _legs(
    draft: Draft, *, length: float, crease: float, knee: tuple[float, float] | None = None
) -> tuple[list[Part], list[Grid]]:
    """Both legs up to the waist, and the band: the two halves meet in the middle above the crotch."""
    wide = knee or next((value for name, value in LEGS.items() if draft.has(name)), LEGS["straight"])
    waist, hip = draft.roll(0.152, 0.168), draft.roll(0.192, 0.208)
    crotch = -draft.roll(0.27, 0.30)
    apart = draft.roll(0.0, 0.02)
    table = [
        (0.0, waist, 0.098, 0.0),
        (-0.09, (waist + hip) / 2 + 0.006, 0.112, 0.0),
        (-0.19, hip, 0.122, 0.006),
        (crotch, 0.112, 0.112, 0.096),
        (crotch - 0.06, 0.108, 0.106, 0.104 + apart * 0.3),
    ]
    if length > 0.7:
        table.append((-0.58, wide[0], 0.088, 0.108 + apart))
    table.append((-length, wide[1], max(wide[1] * 0.92, 0.055), 0.112 + apart * 1.6))
    grids = []
    for index in (0, 1):
        grid = loft(table, rows=120 if length > 0.7 else 80, columns=89, power=2.25)
        grid = displaced(grid, _leg_folds(draft, grid, length, crease))
        grid[..., 0] = np.maximum(grid[..., 0], 0.0)
        grids.append(mirrored(grid) if index else grid)
    parts = [part(grid, draft.main, wrap=True, upright=True) for grid in grids]
    belt = loft([(0.004, waist * 0.99, 0.099), (-0.02, waist + 0.006, 0.105), (-0.045, waist + 0.014, 0.11)], rows=10)
    if draft.has("drawstring", "elastic waist"):
        gathers = np.sin(np.linspace(0, 2 * np.pi * 46, belt.shape[1] * 1)) * 0.004
        belt = displaced(belt, np.broadcast_to(gathers, belt.shape[:2]) * 1.0 + 0.003)
    parts.append(part(belt, draft.plain(darker=0.97), wrap=True))
    return parts, grids


def _leg_folds(draft: Draft, grid: Grid, length: float, crease: float) -> Grid:
    rng, shape = draft.rng, grid.shape
    amount = 0.0085 * draft.folds * crease
    height = wrinkles(shape, (9, 4), rng, sharp=0.6, slant=draft.roll(-0.3, 0.3)) * 0.45
    height = height + pull(shape, (0.36, 0.30), 0.75, rng, reach=0.25) * 0.8
    height = height + pull(shape, (0.36, 0.30), 1.6, rng, reach=0.3) * 0.5
    if length > 0.7:
        height = height + bunched(shape, [0.57], 0.07, 15, rng) * 0.55 + bunched(shape, [0.93], 0.08, 17, rng) * 0.6
    else:
        height = height + hanging(shape, 4, rng, start=0.4) * 0.9
    flat = np.clip(np.linspace(0, 1, shape[0])[:, None] / 0.3, 0.15, 1)
    return np.asarray(height * amount * flat)


def _slant(draft: Draft, grid: Grid, points: Sequence[tuple[float, float]], index: int) -> Part:
    """The opening of a front pocket; `index` 1 is the mirrored leg."""
    mapped = [(s if index == 0 else 1 - s, t) for s, t in points]
    return line(grid, draft.plain(darker=0.55), mapped, width=0.0022)


def _fly(draft: Draft, grids: list[Grid], *, stitched: bool = False) -> list[Part]:
    """Button, fly and belt loops, or a drawstring."""
    if draft.has("drawstring"):
        cord = draft.other("ece8de", "cotton")
        return [
            line(grids[0], cord, [(0.49 + lean, 0.015), (0.505 + lean, 0.06), (0.515 + lean * 2, 0.16)], width=0.004)
            for lean in (0.02, 0.06)
        ]
    thread = draft.other("c98a3c", "cotton") if stitched else draft.thread()
    front = grids[0]
    parts = [line(front, thread, [(0.545, 0.045), (0.545, 0.13), (0.53, 0.185), (0.502, 0.205)], width=0.0013)]
    parts.append(
        button(front, draft.metal() if stitched else draft.other("3a332e", "plastic"), 0.505, 0.018, radius=0.009)
    )
    for grid in grids:
        for s in (0.60, 0.40):
            loop = patch(grid, (s - 0.008, s + 0.008), (-0.0, 0.048), lift=0.014, rows=8, columns=5)
            if abs(float(loop[..., 0].mean())) > 0.03:
                parts.append(part(loop, draft.main))
    return parts


def skirt(draft: Draft) -> list[Part]:
    """A skirt: pencil, A-line, pleated or full."""
    length = next(
        (v for k, v in {"mini": 0.40, "knee-length": 0.56, "midi": 0.74, "maxi": 0.96}.items() if draft.has(k)), 0.5
    )
    length *= draft.roll(0.95, 1.05)
    waist = draft.roll(0.150, 0.168)
    hem = {"pencil": 0.185, "A-line": 0.27, "pleated": 0.29, "full": 0.34}
    wide = next((v for k, v in hem.items() if draft.has(k)), 0.26) * draft.roll(0.95, 1.08)
    if not draft.has("pencil"):
        wide *= 0.72 + 0.45 * length
    down = min(0.2, 0.4 * length)
    hips = (
        0.2 if draft.has("pencil") else waist + 0.02 + (wide - waist - 0.02) * (down - 0.06) / (length - 0.06) + 0.014
    )
    table = [(0.0, waist, 0.1), (-0.06, waist + 0.02, 0.112), (-down, hips, 0.13), (-length, wide, 0.6 * wide)]
    pleated = draft.has("pleated")
    grid = loft(table, rows=90, columns=301 if pleated else 151, power=2.2)
    grid = displaced(grid, _skirt_folds(draft, grid, pleated))
    parts = [part(grid, draft.main, wrap=True, upright=True)]
    parts.append(band(grid, draft.plain(darker=0.9), (0.0, 0.045 / length), lift=0.006))
    if not pleated:
        parts.append(seam(grid, draft.thread(), 0.975, width=0.004))
    if draft.has("button front"):
        disc = draft.other("3a2d22", "plastic")
        parts += [button(grid, disc, 0.5, float(t), radius=0.010) for t in np.linspace(0.07, 0.93, 6)]
        parts.append(line(grid, draft.thread(), [(0.515, 0.05), (0.515, 0.5), (0.515, 0.99)], width=0.0018))
    return parts


def _skirt_folds(draft: Draft, grid: Grid, pleated: bool) -> Grid:
    shape, rng = grid.shape, draft.rng
    if pleated:
        count = int(rng.integers(22, 34))
        phase = (np.linspace(0, count, shape[1]) + 0.08 * rng.standard_normal()) % 1
        knife = np.where(phase < 0.85, phase / 0.85, (1 - phase) / 0.15)
        grow = np.linspace(0.25, 1, shape[0])[:, None]
        return np.asarray((knife - 0.5) * 0.022 * grow + wrinkles(shape, (3, 6), rng, sharp=0.2) * 0.006 * grow)
    if draft.has("pencil"):
        return wrinkles(shape, (7, 5), rng, sharp=0.6) * 0.004 * draft.folds
    depth = (0.016 if draft.has("A-line") else 0.028) * (0.6 + 0.4 * draft.folds)
    return hanging(shape, draft.roll(8, 14), rng, start=0.05) * depth + wrinkles(shape, (4, 6), rng, sharp=0.5) * 0.004


# fmt: off
KINDS = (
    Kind("trousers", "Bottoms", ADULTS, ("cotton", "wool", "linen", "polyester"),
         options=(("slim", "straight", "wide-leg"), ("pressed crease", ""),),
         price=(29, 129), build=trousers),
    Kind("jeans", "Bottoms", ADULTS, ("denim",),
         options=(("skinny", "slim", "straight", "wide-leg"),),
         price=(39, 129), build=jeans),
    Kind("shorts", "Bottoms", ADULTS, ("cotton", "linen", "denim", "polyester"),
         options=(("bermuda", "short"), ("drawstring", "button fly"),),
         price=(19, 59), build=shorts),
    Kind("skirt", "Bottoms", WOMEN, ("cotton", "wool", "satin", "denim", "leather", "polyester"),
         options=(("mini", "knee-length", "midi", "maxi"), ("pencil", "A-line", "pleated", "full"),
                  ("button front", "", ""),),
         price=(25, 99), build=skirt),
)
# fmt: on

"""Innerwear without a body in it, seen from the front: bra, vest, briefs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced, hanging, wrinkles
from recipes.synthetic.kind import ADULTS, WOMEN, Kind
from recipes.synthetic.mesh import Grid, Part, mirrored, part, patch, tube
from recipes.synthetic.torso import line


def panel(x: Grid, top: Grid, foot: Grid, *, depth: float, rows: int = 70) -> Grid:
    """A front that bulges toward the viewer between two edges; its columns run straight down.

    Args:
        x: (columns,) from left to right.
        top, foot: (columns,) heights of the edges.
        depth: how far its middle lies before its sides.
    """
    down = np.linspace(0, 1, rows)[:, None]
    y = top + (foot - top) * down
    z = depth * (1 - np.abs(x / np.abs(x).max()) ** 2.4) ** (1 / 2.4)
    return np.stack(np.broadcast_arrays(x, y, z), -1)


def behind(grid: Grid) -> Grid:
    """The same panel as the back of a garment: its outer side away from the viewer."""
    return np.ascontiguousarray(grid[:, ::-1] * [1.0, 1.0, -1.0])


def _shouldered(grid: Grid) -> Grid:
    """The grid with its straps drawn to the middle, so that those of the front meet those of the back."""
    grid[..., 2] *= np.clip(-grid[..., 1] / 0.2, 0.03, 1) ** 0.5
    return grid


def bound(edge: Grid, finish: Finish, radius: float) -> Part:
    """A binding along an edge, (count, 3)."""
    return part(tube(edge, radius, rows=2 * len(edge), columns=9), finish)


def bra(draft: Draft) -> list[Part]:
    """A bra: two cups, a band around the back, and straps; or a cropped one for sport."""
    if draft.has("sports"):
        return _sports_bra(draft)
    wide = draft.roll(0.125, 0.14)
    plunge, triangle = draft.has("plunge"), draft.has("triangle")
    high = draft.roll(0.15, 0.19) if triangle else draft.roll(0.09, 0.13)
    deep = draft.roll(0.1, 0.115) if triangle else draft.roll(0.125, 0.15)
    apart = 0.006 if plunge else draft.roll(0.008, 0.018)
    right = _cup(wide, high, deep, apart=apart, inner=-0.06 if plunge else -0.01, is_triangle=triangle)
    edging = replace(draft.plain(darker=0.85), color=draft.main.accents[0]) if draft.has("contrast trim") else None
    trim = edging or draft.plain(darker=0.88)
    parts: list[Part] = []
    apex = int(np.argmax(right[0, :, 1]))
    side = right[0, -1]
    for index in (0, 1):
        cup = mirrored(right) if index else right
        parts.append(part(cup, draft.main, upright=True))
        parts += [bound(cup[0, ::3], trim, 0.007 if edging else 0.0045), bound(cup[-1, ::3], trim, 0.0045)]
        if not triangle:
            parts.append(line(cup, draft.thread(), [(0.03, 0.45), (0.5, 0.56), (0.97, 0.45)], width=0.002))
    strap = _strap(draft, right[0, apex])
    parts += [part(strap, trim), part(mirrored(strap), trim)]
    low = -deep + 0.01
    parts += _back_band(draft, side, low, trim)
    parts.append(part(_bridge(right, low), draft.plain(darker=0.94)))
    return parts + _small_bow(draft, trim, (0.0, float(right[0, 0, 1]) - 0.012, float(right[..., 2].max()) * 0.7))


def _cup(wide: float, high: float, deep: float, *, apart: float, inner: float, is_triangle: bool) -> Grid:
    """The cup at the viewer's right.

    Args:
        wide: half its width; high, deep: how far it reaches above and below its middle, product units.
        apart: from the middle of the bra to the cup.
        inner: height of its corner toward the middle.
    """
    u = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 61))
    outer = 0.035 if not is_triangle else -0.03
    peak = 0.28
    way = np.where(u < peak, (u + 1) / (peak + 1), (1 - u) / (1 - peak))
    start = np.where(u < peak, inner, outer)
    # Toward the middle the edge is nearly straight, toward the arm it is hollow.
    bow = np.where(u < peak, way**1.25, way**1.7)
    top = start + (high - start) * bow
    round_foot = -deep * (1 - np.abs(u) ** 2.2) ** 0.5
    share = (u + 1) / 2
    ends = inner + (outer - inner) * share
    foot = np.minimum(ends * (1 - np.sqrt(np.maximum(1 - u**2, 0))) + round_foot, top - 1e-4)
    if is_triangle:
        foot = np.minimum(-deep * (1 - np.abs(u) ** 7), top - 1e-4)
    x = apart + wide * (1 + u)
    down = np.linspace(0, 1, 50)[:, None]
    y = top + (foot - top) * down
    middle = (u * 0.95) ** 2 + ((y + 0.02) / (1.3 * max(high, deep))) ** 2
    bulge = 0.135 * np.clip(1 - middle, 0, 1) ** 0.6
    base = 0.15 * (1 - (x / 0.34) ** 2)
    return np.stack(np.broadcast_arrays(x, y, base + bulge), -1)


def _strap(draft: Draft, apex: Grid) -> Grid:
    """A strap from a cup's tip up over the shoulder and down to the band behind."""
    x, y, z = (float(value) for value in apex)
    rise, lean = draft.roll(0.2, 0.32), draft.roll(-0.03, 0.02)
    path = [
        (x, y - 0.012, z),
        (x + lean * 0.4, y + rise * 0.5, z * 0.7),
        (x + lean, y + rise, 0.03),
        (x + lean * 1.1, y + rise * 0.97, -0.02),
        (x + lean - 0.02, y + rise * 0.4, -0.1),
        (x + lean - 0.035, -0.05, -0.14),
    ]
    half = draft.roll(0.008, 0.014)
    return tube(path, [(half, 0.003)] * len(path), rows=70, columns=11)


def _back_band(draft: Draft, side: Grid, low: float, trim: Finish) -> list[Part]:
    """The band from both cups around the back, narrower there, with its hooks."""
    reach = float(side[0]) + 0.003
    angle = np.linspace(0.42 * np.pi, 1.58 * np.pi, 81)
    x, z = reach * np.sin(angle), 0.15 * np.cos(angle) + 0.03
    back = np.clip(-np.cos(angle), 0, 1)
    top = float(side[1]) - 0.005 - 0.02 * back
    foot = low * (0.55 + 0.25 * (1 - back)) - 0.04 * back
    down = np.linspace(0, 1, 12)[:, None]
    wings = np.stack(np.broadcast_arrays(x, top + (foot - top) * down, z), -1)
    hook = patch(wings, (0.47, 0.53), (0.1, 0.9), lift=0.004)
    return [
        part(wings, draft.plain(darker=0.9)),
        part(hook, draft.plain(darker=0.75)),
        bound(wings[-1, ::4], trim, 0.004),
        bound(wings[0, ::4], trim, 0.004),
    ]


def _bridge(cup: Grid, low: float) -> Grid:
    """The piece between and under the cups, down to the lower edge of the band."""
    foot = cup[-1]
    reach = float(cup[..., 0].max())
    x = np.linspace(-reach, reach, 121)
    above = np.interp(np.abs(x), foot[:, 0], foot[:, 1], left=float(cup[0, 0, 1]) - 0.006)
    below = np.minimum(low - 0.02 * (1 - (x / reach) ** 2), above - 1e-4)
    down = np.linspace(0, 1, 10)[:, None]
    z = np.interp(np.abs(x), foot[:, 0], foot[:, 2]) - 0.006
    return np.stack(np.broadcast_arrays(x, above + (below - above) * down, z), -1)


def _small_bow(draft: Draft, finish: Finish, at: tuple[float, float, float]) -> list[Part]:
    """A tiny bow of ribbon, on every other bra."""
    if draft.roll(0, 1) < 0.5:
        return []
    x, y, z = at
    wings = [[(x, y, z), (x + s * 0.012, y + 0.006, z + 0.004), (x + s * 0.026, y + 0.003, z)] for s in (1.0, -1.0)]
    return [part(tube(w, [(0.003, 0.003), (0.008, 0.004), (0.008, 0.003)], rows=12, columns=9), finish) for w in wings]


def _sports_bra(draft: Draft) -> list[Part]:
    """A cropped top with broad straps and a broad elastic band."""
    chest = draft.roll(0.225, 0.25)
    x, front = _tank_top(neck=draft.roll(0.085, 0.1), strap=draft.roll(0.04, 0.055), chest=chest, drop=0.17, arm=0.2)
    _, rear = _tank_top(neck=0.07, strap=0.03, chest=chest, drop=0.11, arm=0.2)
    low = -draft.roll(0.37, 0.43)
    grid = _shouldered(panel(x, front, np.full_like(x, low), depth=0.12))
    y = grid[..., 1]
    swell = sum(np.exp(-(((x - s * 0.095) / 0.075) ** 2) - ((y + 0.22) / 0.08) ** 2) for s in (1.0, -1.0))
    grid[..., 2] += 0.045 * swell
    back = behind(_shouldered(panel(x, rear, np.full_like(x, low), depth=0.1)))
    accent = (
        replace(draft.plain(), color=draft.main.accents[0]) if draft.has("contrast trim") else draft.plain(darker=0.8)
    )
    parts = [part(grid, draft.main, upright=True), part(back, draft.plain(darker=0.8), upright=True)]
    parts += [bound(grid[0, ::3], accent, 0.006), bound(back[0, ::3], draft.plain(darker=0.7), 0.005)]
    return [*parts, _waist_elastic(x, low + 0.05, low, 0.125, accent)]


def _waist_elastic(x: Grid, top: float, foot: float, depth: float, finish: Finish) -> Part:
    """A ribbed elastic across the front between two heights."""
    strip = panel(x * 1.005, np.full_like(x, top), np.full_like(x, foot), depth=depth, rows=10)
    strip[..., 2] += 0.008
    return part(strip, replace(finish, material="rib"))


def _tank_top(*, neck: float, strap: float, chest: float, drop: float, arm: float) -> tuple[Grid, Grid]:
    """The upper edge of a sleeveless front: x and height of its columns, left to right.

    Args:
        neck: half the opening; strap: width of a strap; chest: half the width under the arms.
        drop: how deep the neck falls; arm: how deep the armholes are.
    """
    u = np.linspace(0, 1, 41)
    inner = neck * (1 - (1 - u) ** 1.6)
    collar = -drop * (1 - (inner / neck) ** 2.6)
    tip = neck + strap
    hole = tip + (chest - tip) * u**2.6
    x = np.concatenate([inner, neck + strap * u[1:-1:4], hole])
    y = np.concatenate([collar, -0.018 * u[1:-1:4], -0.018 - (arm - 0.018) * u**0.9])
    return np.concatenate([-x[:0:-1], x]), np.concatenate([y[:0:-1], y])


def vest(draft: Draft) -> list[Part]:
    """A sleeveless undershirt: a deep round neck, narrow straps, wide armholes, often ribbed."""
    chest, length = draft.roll(0.19, 0.215), draft.roll(0.66, 0.76)
    neck, strap = draft.roll(0.085, 0.108), draft.roll(0.024, 0.05)
    arm = draft.roll(0.23, 0.3)
    x, front = _tank_top(neck=neck, strap=strap, chest=chest, drop=draft.roll(0.13, 0.22), arm=arm)
    _, rear = _tank_top(neck=neck, strap=strap, chest=chest, drop=draft.roll(0.04, 0.08), arm=arm)
    low = np.full_like(x, -length)
    grid, back = _shouldered(panel(x, front, low, depth=0.105)), behind(_shouldered(panel(x, rear, low, depth=0.09)))
    waist, hem = draft.roll(0.9, 0.97), draft.roll(0.98, 1.06)
    folds = wrinkles(grid.shape, (7, 5), draft.rng, sharp=0.6) + hanging(grid.shape, 4, draft.rng, start=0.4)
    grid = displaced(grid, folds * 0.006 * max(draft.folds, 0.6), wrap=False)
    for half in (grid, back):
        half[..., 0] *= np.interp(half[..., 1], [-length, -0.45, -0.22, 0], [hem, waist, 1, 1])
    trim = draft.plain(darker=0.88)
    if draft.has("contrast trim"):
        trim = replace(trim, color=draft.main.accents[0])
    parts = [part(grid, draft.main, upright=True), part(back, draft.plain(darker=0.85), upright=True)]
    parts += [bound(grid[0, ::2], trim, 0.006), bound(back[0, ::2], trim, 0.005)]
    return [*parts, line(grid, draft.thread(), [(0.02, 0.965), (0.5, 0.965), (0.98, 0.965)], width=0.002)]


def briefs(draft: Draft) -> list[Part]:
    """Briefs seen from the front: a triangle under a waistband, or trunks with short legs."""
    waist = draft.roll(0.2, 0.225)
    x = waist * np.linspace(-1, 1, 121)
    rise, foot = _leg_openings(draft, np.abs(x) / waist)
    top = np.full_like(x, rise)
    grid = panel(x, top, foot, depth=0.1)
    height = wrinkles(grid.shape, (5, 6), draft.rng, sharp=0.6) * 0.005 * draft.folds
    grid = displaced(grid, height, wrap=False)
    back = behind(panel(x, top, foot - 0.012, depth=0.08))
    if not draft.has("trunk"):
        # Front and back meet at the crotch.
        for half in (grid, back):
            above = np.clip((half[..., 1] - foot.min()) / 0.2, 0, 1)
            half[..., 2] *= 1 - 0.9 * (1 - above) ** 2
    trim = draft.plain(darker=0.85)
    if draft.has("contrast waistband"):
        trim = replace(trim, color=draft.main.accents[0])
    parts = [part(grid, draft.main, upright=True), part(back, draft.plain(darker=0.75), upright=True)]
    parts += [bound(grid[-1, ::3], trim, 0.005), _waist_elastic(x, rise, rise - draft.roll(0.03, 0.05), 0.105, trim)]
    if draft.has("trunk", "Y-front"):
        thread = draft.thread()
        for side in (1.0, -1.0):
            pouch = [(0.5 + side * 0.16, 0.12), (0.5 + side * 0.13, 0.6), (0.5, 0.97)]
            parts.append(line(grid, thread, pouch, width=0.003))
    return parts


def _leg_openings(draft: Draft, share: Grid) -> tuple[float, Grid]:
    """Height of the waist, and of the lower edge at each share of the way from the middle to the side."""
    crotch = -draft.roll(0.25, 0.28)
    if draft.has("trunk"):
        leg = crotch - draft.roll(0.03, 0.07)
        return 0.02, leg + 0.03 * share + (crotch - leg) * np.clip(1 - share / 0.07, 0, 1)
    side = {"bikini": -0.035, "high-waisted": -0.07}
    edge = next((value for name, value in side.items() if draft.has(name)), -0.10) * draft.roll(0.85, 1.15)
    narrow = draft.roll(0.15, 0.22)
    way = np.clip((share - narrow) / (1 - narrow), 0, 1)
    return (0.11 if draft.has("high-waisted") else 0.0), crotch + (edge - crotch) * way ** draft.roll(0.62, 0.8)


# fmt: off
KINDS = (
    Kind("bra", "Innerwear", WOMEN, ("cotton", "satin", "nylon"),
         options=(("full-cup", "full-cup", "plunge", "triangle", "sports"), ("contrast trim", ""),),
         price=(9, 49), build=bra, pitch=2, period=0.08),
    Kind("vest", "Innerwear", ADULTS, ("rib", "cotton", "jersey"),
         options=(("contrast trim", "", ""),),
         price=(6, 25), build=vest, is_patterned=False),
    Kind("briefs", "Innerwear", ADULTS, ("cotton", "jersey", "nylon"),
         options=(("classic", "bikini", "high-waisted", "trunk", "Y-front"), ("contrast waistband", ""),),
         price=(5, 29), build=briefs, period=0.1),
)
# fmt: on

"""The upper body of a garment: trunk with a cut neckline, sleeves, collars, bands and buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import bunched, displaced, hanging, pull, wrinkles
from recipes.synthetic.mesh import Grid, Part, at, curve, loft, mirrored, normals, part, patch, tube
from recipes.synthetic.textures import noise

POWER = 2.3
"""Of the superellipse that a trunk's rings are."""

SHOULDER = -0.055
"""y of the shoulder's tip; the top of the neck is at 0."""


@dataclass(frozen=True, slots=True)
class Neck:
    """An opening: half its width, how deep it falls in front and behind, and its form (1 V, 2.3 round, 6 square)."""

    half: float
    front: float
    back: float
    form: float


NECKS = {
    "crew neck": Neck(0.088, 0.075, 0.012, 2.4),
    "v-neck": Neck(0.088, 0.185, 0.012, 1.05),
    "scoop neck": Neck(0.115, 0.150, 0.03, 2.6),
    "boat neck": Neck(0.150, 0.050, 0.02, 2.0),
    "square neck": Neck(0.120, 0.140, 0.03, 7.0),
    "high neck": Neck(0.078, 0.020, 0.0, 2.2),
    "collar": Neck(0.080, 0.060, 0.0, 1.6),
}


def trunk(
    draft: Draft,
    table: Sequence[Sequence[float]],
    neck: Neck,
    *,
    rows: int = 96,
    columns: int = 121,
    crease: float = 1.0,
    swing: float = 0.0,
) -> Grid:
    """A trunk from the profile of rows (y, half width, half depth), cut at the neck, folded as cloth.

    Args:
        crease: wrinkles, relative to a T-shirt.
        swing: depth of the folds that hang toward the hem, product units.
    """
    grid = loft(table, rows=rows, columns=columns, power=POWER)
    grid = _cut(grid, neck, draft)
    shape = grid.shape
    amount = 0.0105 * draft.folds * crease
    rng = draft.rng
    slack = wrinkles(shape, (4, 7), rng, sharp=0.5, slant=draft.roll(-0.2, 0.2)) * 0.5
    slack += wrinkles(shape, (9, 10), rng, sharp=0.7, slant=draft.roll(-0.3, 0.3)) * 0.30
    slack += wrinkles(shape, (16, 12), rng, sharp=0.8, slant=draft.roll(-0.3, 0.3)) * 0.10
    for side, toward in ((0.70, 2.3), (0.30, 0.85)):
        slack += pull(shape, (side, 0.30), toward, rng, reach=0.35) * draft.roll(0.5, 1.0)
        slack += pull(shape, (side, 0.30), np.pi / 2, rng, reach=0.30) * draft.roll(0.3, 0.6)
    # Cloth lies flat on the shoulders and is loose below the chest.
    loose = np.clip((np.linspace(0, 1, shape[0])[:, None] - 0.06) / 0.35, 0.12, 1)
    height = slack * amount * loose + hanging(shape, draft.roll(5, 8), rng, start=0.35) * amount * 0.9
    if swing:
        height = height + hanging(shape, draft.roll(7, 11), rng, start=0.45) * swing
    grid = displaced(grid, height)
    hem = np.clip((np.linspace(0, 1, shape[0]) - 0.7) / 0.3, 0, 1)[:, None] ** 2
    grid[..., 1] += hem * noise((2, 7), (2, shape[1]), rng)[0] * 0.010
    return grid


def _cut(grid: Grid, neck: Neck, draft: Draft) -> Grid:
    """Cut the grid along the neckline: each column then runs from there to the hem."""
    rows, columns = grid.shape[:2]
    y = grid[:, columns // 2, 1]
    half_width = grid[..., 0].max(1)
    along = np.linspace(0, 1, 60)
    front = neck.front * draft.roll(0.9, 1.12)
    half = neck.half * draft.roll(0.95, 1.08)
    # Beside the neck the edge lies where the shoulders are as wide as the opening.
    upper = y > SHOULDER - 0.02
    side = float(np.interp(half * 1.04, half_width[upper], y[upper])) - 0.004
    edges = []
    for drop in (front, neck.back):
        x, height = half * along, side - drop * (1 - along**neck.form)
        wide = np.maximum(np.interp(-height, -y, half_width), 1e-3)
        edges.append((np.arcsin(np.clip(x / wide, 0, 0.999)), height))
    angle = np.abs(np.linspace(-np.pi, np.pi, columns))
    facing = angle < np.pi / 2
    fore = np.interp(angle, *edges[0])
    rear = np.interp(np.pi - angle, *edges[1])
    start = np.interp(-np.where(facing, fore, rear), -y, np.linspace(0, 1, rows))
    down = start + (1 - start) * np.linspace(0, 1, rows)[:, None]
    return at(grid, np.broadcast_to(np.linspace(0, 1, columns), down.shape), down)


def on_front(grid: Grid, x: Grid, y: Grid, *, lift: Grid) -> Grid:
    """Points on the front of a trunk at x and y, lifted off it: the shape of x, then 3."""
    rows, columns = grid.shape[:2]
    half = np.interp(-y, -grid[:, columns // 4, 1], np.abs(grid[:, columns // 4, 0]))
    share = np.clip(np.abs(x) / np.maximum(half, 1e-6), 0, 0.995) ** (POWER / 2)
    s = 0.5 + np.sign(x) * np.arcsin(share) / (2 * np.pi)
    column = np.clip(s, 0, 1) * (columns - 1)
    left = np.minimum(column.astype(int), columns - 2)
    share = column - left
    level = np.linspace(0, 1, rows)
    rank = [
        [np.interp(-b, -grid[:, a + step, 1], level) for a, b in zip(left.flat, y.flat, strict=True)] for step in (0, 1)
    ]
    first, second = (np.reshape(values, x.shape) for values in rank)
    t = first * (1 - share) + second * share
    return np.asarray(at(grid, s, t) + lift[..., None] * at(normals(grid), s, t))


def sleeves(
    draft: Draft,
    *,
    length: float,
    spread: float,
    top: float = 0.085,
    end: float = 0.06,
    crease: float = 1.0,
    tip: float = 0.205,
) -> list[Grid]:
    """Two sleeves, the viewer's right first.

    Args:
        length: from the shoulder's tip, product units.
        spread: angle away from the body, radians.
        top, end: half width at the arm hole and at the hem.
        tip: half the width of the shoulders.
    """
    grids = []
    for side in (0, 1):
        lean = spread + draft.roll(-0.05, 0.05)
        bow = draft.roll(-0.05, 0.12)
        # The sleeve's outer edge starts a little outside the shoulder's tip, and slopes on from there.
        x, y = tip + 0.030 - top * np.cos(lean), SHOULDER - 0.026 - top * np.sin(lean)
        knots = [(x - 0.045, y + 0.03, 0.0)]
        ways = np.array([0.0, 0.3, 0.6, 1.0]) * length
        for way in ways:
            angle = lean - bow * way / max(length, 0.2)
            knots.append((x + way * np.sin(angle), y - way * np.cos(angle), 0.045 * (way / 0.6) ** 2))
        width = np.array([top * 0.62, *(top + (end - top) * np.array([0.0, 0.42, 0.75, 1.0]))])
        # Flat where it leaves the shoulder, rounder toward the hand.
        depth = width * np.array([0.60, 0.68, 0.80, 0.86, 0.88])
        rows = 72 if length > 0.3 else 40
        grid = tube(knots, np.stack([width, depth], -1), rows=rows, columns=61)
        amount = 0.0090 * draft.folds * crease
        rng = draft.rng
        height = wrinkles(grid.shape, (max(int(14 * length), 3), 4), rng, sharp=0.6, slant=draft.roll(-0.4, 0.4)) * 0.6
        if length > 0.3:
            height = height + bunched(grid.shape, [0.50, 0.90], 0.16, draft.roll(9, 12), rng) * 0.85
        height = height + pull(grid.shape, (0.35, 0.05), 1.3, rng, reach=0.4) * 0.8
        fade = np.clip(np.linspace(0, 1, rows) / 0.12, 0, 1)[:, None]
        grid = displaced(grid, height * amount * fade)
        grids.append(mirrored(grid) if side else grid)
    return grids


def band(grid: Grid, finish: Finish, t: tuple[float, float], *, lift: float = 0.004, rows: int = 8) -> Part:
    """A band all around a grid between two of its rows: neck rib, cuff, hem, waistband."""
    return part(patch(grid, (0, 1), t, lift=lift, rows=rows, columns=grid.shape[1], wrap=True), finish, wrap=True)


def girdle(grid: Grid, finish: Finish, y: tuple[float, float], *, lift: float = 0.007) -> Part:
    """A level band around a grid between two heights (upper, lower), whatever its rows do: a belt."""
    rows, columns = grid.shape[:2]
    levels = np.linspace(y[0], y[1], 8)
    t = np.stack([np.interp(-levels, -grid[:, c, 1], np.linspace(0, 1, rows)) for c in range(columns)], axis=1)
    s = np.broadcast_to(np.linspace(0, 1, columns), t.shape)
    thick = lift * np.sin(np.linspace(0.25, np.pi - 0.25, 8))[:, None, None] ** 0.5
    return part(at(grid, s, t) + thick * at(normals(grid, wrap=True), s, t), finish, wrap=True)


def seam(grid: Grid, finish: Finish, t: float, *, width: float = 0.004) -> Part:
    """A line of stitches around a grid."""
    return band(grid, finish, (t - width / 2, t + width / 2), lift=0.0012, rows=3)


def line(grid: Grid, finish: Finish, points: Sequence[tuple[float, float]], *, width: float = 0.0022) -> Part:
    """A seam or a cord along points (s, t) of a grid."""
    knots = curve(points, 24)
    lifted = at(grid, knots[:, 0], knots[:, 1]) + 0.6 * width * at(normals(grid), knots[:, 0], knots[:, 1])
    return part(tube(lifted, width, rows=30, columns=7), finish)


def button(grid: Grid, finish: Finish, s: float, t: float, *, radius: float = 0.009) -> Part:
    """A round button that lies on a grid."""
    center, normal = at(grid, s, t), at(normals(grid), s, t)
    up = np.array([0.0, 1.0, 0.0])
    across = np.cross(up, normal)
    across /= max(float(np.linalg.norm(across)), 1e-9)
    up = np.cross(normal, across)
    profile = np.array([(0.0, 0.35), (0.55, 0.30), (0.72, 0.55), (1.0, 0.35), (1.0, 0.0)]) * radius
    turn = np.linspace(-np.pi, np.pi, 17)
    rim = np.cos(turn)[:, None] * across - np.sin(turn)[:, None] * up
    points = center + profile[:, :1, None] * rim[None] + (profile[:, 1:, None] + 0.004) * normal
    return part(points, finish, wrap=True)


def placket(
    draft: Draft, grid: Grid, finish: Finish, t: tuple[float, float], *, buttons: int, half: float = 0.016
) -> list[Part]:
    """A button strip down the front, between two rows; `half` is half its width in s."""
    strip = patch(grid, (0.5 - half, 0.5 + half), t, lift=0.005, rows=60, columns=9)
    parts = [part(strip, finish, upright=True)]
    disc = draft.other("f1ede4" if draft.roll(0, 1) < 0.5 else "2a2624", "plastic")
    parts += [button(strip, disc, 0.5, float(where)) for where in (np.linspace(0.05, 0.94, buttons) if buttons else ())]
    return parts

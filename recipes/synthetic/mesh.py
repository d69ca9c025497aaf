"""Surfaces as grids of points: what every rendered product is made of.

Frame: x to the right, y up, z toward the viewer; a unit is about the size of a garment. A grid is (rows, columns, 3)
float64; rows run down (or along a tube), columns run to the viewer's right, so that the outer side is
`cross(d/drow, d/dcolumn)`. Rings start and end at the back: their middle column is the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recipes.synthetic.finish import Finish

Grid = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """One surface of a product.

    Args:
        points: (rows, columns, 3) positions.
        uv: (rows, columns, 2) coordinates on the cloth, in the same unit as the points: where patterns lie.
        finish: color, pattern and material.
        wrap: the last column is the first one again.
        is_prop: belongs to the picture but not to the product (a hanger).
    """

    points: Grid
    uv: Grid
    finish: Finish
    wrap: bool = False
    is_prop: bool = False

    def moved(self, matrix: Grid) -> Part:
        """The part under a 3x3 linear map."""
        return Part(self.points @ matrix.T, self.uv, self.finish, self.wrap, self.is_prop)


def part(points: Grid, finish: Finish, *, wrap: bool = False, upright: bool = False, is_prop: bool = False) -> Part:
    """Make a part with its cloth coordinates: arc length from the middle column, and along the rows.

    `upright` measures the second one along -y instead, as on cloth that hangs, however its edges are cut.
    """
    across = _arc_length(points, axis=1)
    across -= across[:, across.shape[1] // 2, None]
    down = -points[..., 1] if upright else np.broadcast_to(_arc_length(points, axis=0).mean(1)[:, None], across.shape)
    return Part(points, np.stack([across, down], -1), finish, wrap, is_prop)


def _arc_length(points: Grid, *, axis: int) -> Grid:
    steps = np.linalg.norm(np.diff(points, axis=axis), axis=2)
    start = np.zeros_like(np.take(steps, [0], axis=axis))
    return np.concatenate([start, np.cumsum(steps, axis=axis)], axis=axis)


def curve(table: Sequence[Sequence[float]], count: int, *, monotone: bool = False) -> Grid:
    """A smooth curve through the rows of a table, sampled evenly along its knots' chords: (count, columns).

    Cubic Hermite with tangents by finite differences (Catmull-Rom on uneven knots). The chord is measured over the
    first two columns. `monotone` keeps every column between its knots, so that flat stays flat and corners do not
    ring: the tangents are then harmonic means (Fritsch and Butland 1984).
    """
    knots = np.asarray(table, float)
    gaps = np.maximum(np.linalg.norm(np.diff(knots[:, :2], axis=0), axis=1), 1e-4)
    at = np.concatenate([[0.0], np.cumsum(gaps)])
    slopes = _calm_slopes(knots, gaps) if monotone else np.gradient(knots, at, axis=0)
    wanted = np.linspace(0, at[-1], count)
    left = np.clip(np.searchsorted(at, wanted, side="right") - 1, 0, len(gaps) - 1)
    gap = gaps[left][:, None]
    x = ((wanted - at[left]) / gaps[left])[:, None]
    return np.asarray(
        (1 + 2 * x) * (1 - x) ** 2 * knots[left]
        + x * (1 - x) ** 2 * gap * slopes[left]
        + x**2 * (3 - 2 * x) * knots[left + 1]
        + x**2 * (x - 1) * gap * slopes[left + 1]
    )


def _calm_slopes(knots: Grid, gaps: Grid) -> Grid:
    steps = np.diff(knots, axis=0) / gaps[:, None]
    before, after = steps[:-1], steps[1:]
    same = before * after > 0
    total = np.where(same, before + after, 1.0)
    inner = np.where(same, 2 * before * after / total, 0.0)
    return np.concatenate([steps[:1], inner, steps[-1:]])


def ring(columns: int, *, power: float = 2.0) -> Grid:
    """A superellipse |x|^p + |z|^p = 1 seen from above, from the back round the front: (columns, 2) of x, z."""
    angle = np.linspace(-np.pi, np.pi, columns)
    sin, cos = np.sin(angle), np.cos(angle)
    sin[[0, -1]], cos[[0, -1]] = 0.0, -1.0
    return np.stack([np.sign(sin) * np.abs(sin) ** (2 / power), np.sign(cos) * np.abs(cos) ** (2 / power)], -1)


def loft(table: Sequence[Sequence[float]], *, rows: int = 80, columns: int = 97, power: float = 2.0) -> Grid:
    """Horizontal rings down a profile of rows (y, half width, half depth[, x of the center[, z of it]])."""
    profile = curve(table, rows)
    around = ring(columns, power=power)
    center_x = profile[:, 3] if profile.shape[1] > 3 else np.zeros(rows)
    center_z = profile[:, 4] if profile.shape[1] > 4 else np.zeros(rows)
    x = center_x[:, None] + np.maximum(profile[:, 1], 0)[:, None] * around[:, 0]
    z = center_z[:, None] + np.maximum(profile[:, 2], 0)[:, None] * around[:, 1]
    return np.stack([x, np.broadcast_to(profile[:, :1], x.shape), z], -1)


def revolve(table: Sequence[Sequence[float]], *, rows: int = 60, columns: int = 73) -> Grid:
    """A surface of revolution about y from rows (y, radius); flat stays flat between them."""
    profile = curve(table, rows, monotone=True)
    return loft_rings(profile[:, 0], profile[:, 1], profile[:, 1], columns=columns)


def loft_rings(y: ArrayLike, half_width: ArrayLike, half_depth: ArrayLike, *, columns: int, power: float = 2.0) -> Grid:
    """Horizontal rings given one by one."""
    heights, widths, depths = (np.asarray(values, float)[:, None] for values in (y, half_width, half_depth))
    around = ring(columns, power=power)
    x = np.maximum(widths, 0) * around[:, 0]
    return np.stack([x, np.broadcast_to(heights, x.shape), np.maximum(depths, 0) * around[:, 1]], -1)


def tube(
    path: ArrayLike,
    half: ArrayLike,
    *,
    rows: int = 40,
    columns: int = 25,
    deep: ArrayLike = (0.0, 0.0, 1.0),
    power: float = 2.0,
) -> Grid:
    """A tube along a smooth path.

    Args:
        path: (K, 3) knots.
        half: a radius, or (K,) radii, or (K, 2) half width and half depth at the knots.
        deep: the direction that the depth keeps to, as far as the path lets it.
    """
    knots = np.asarray(path, float)
    halves = np.asarray(half, float)
    if halves.ndim < 2:
        halves = np.stack([np.broadcast_to(halves, len(knots))] * 2, -1)
    spine = _resampled(knots, halves, rows)
    center, halves = spine[:, :3], np.maximum(spine[:, 3:], 0)
    along = np.gradient(center, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = np.cross(np.broadcast_to(np.asarray(deep, float), along.shape), -along)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    depth = np.cross(across, -along)
    around = ring(columns, power=power)
    return np.asarray(
        center[:, None]
        + halves[:, :1, None] * around[None, :, :1] * across[:, None]
        + halves[:, 1:, None] * around[None, :, 1:] * depth[:, None]
    )


def _resampled(knots: Grid, halves: Grid, count: int) -> Grid:
    gaps = np.maximum(np.linalg.norm(np.diff(knots, axis=0), axis=1), 1e-4)
    at = np.concatenate([[0.0], np.cumsum(gaps)])
    # curve() measures chords over its first two columns: give it the true arc length there.
    table = np.concatenate([at[:, None], np.zeros((len(at), 1)), knots, halves], axis=1)
    return curve(table.tolist(), count)[:, 2:]


def rounded_box(
    center: ArrayLike, size: ArrayLike, *, radius: float, rows: int = 28, columns: int = 65, power: float = 9.0
) -> Grid:
    """A box of the full size (x, y, z) with rounded edges, closed above and below."""
    half = np.asarray(size, float) / 2
    radius = min(radius, float(half.min()))
    turn = np.linspace(0, np.pi / 2, max(rows // 4, 4))
    flat = np.linspace(0, 1, 4)[:-1] * 0.999
    inset = np.concatenate([radius + (1 - flat) * (half[[0, 2]].min() - radius), radius * (1 - np.sin(turn))])
    drop = np.concatenate([np.zeros(len(flat)), radius * (1 - np.cos(turn))])
    inset, drop = np.concatenate([inset, inset[::-1]]), np.concatenate([drop, 2 * half[1] - drop[::-1]])
    # The lids shrink toward the middle in proportion, so that long boxes close everywhere.
    lid = np.clip((inset - radius) / max(half[[0, 2]].min() - radius, 1e-9), 0, 1)
    edge = np.minimum(inset, radius)
    width, depth = (half[0] - edge) * (1 - lid), (half[2] - edge) * (1 - lid)
    box = loft_rings(half[1] - drop, width, depth, columns=columns, power=power)
    return np.asarray(box + np.asarray(center, float))


def at(grid: Grid, s: ArrayLike, t: ArrayLike) -> Grid:
    """Points of a grid at s (across, 0-1) and t (down, 0-1), bilinear: the shape of s and t, then 3."""
    s, t = np.broadcast_arrays(np.asarray(s, float), np.asarray(t, float))
    rows, columns = grid.shape[:2]
    x, y = np.clip(s, 0, 1) * (columns - 1), np.clip(t, 0, 1) * (rows - 1)
    left, top = np.minimum(x.astype(int), columns - 2), np.minimum(y.astype(int), rows - 2)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    upper = grid[top, left] * (1 - fx) + grid[top, left + 1] * fx
    lower = grid[top + 1, left] * (1 - fx) + grid[top + 1, left + 1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def patch(
    grid: Grid, s: ArrayLike, t: ArrayLike, *, lift: float, rows: int = 24, columns: int = 24, wrap: bool = False
) -> Grid:
    """A piece that lies on a grid, lifted off it: a pocket, a band, a placket.

    Args:
        s: (left, right), or (K, 2) of them from its top to its bottom.
        t: (top, bottom), or (2, K) of top and bottom edges from its left to its right.
        lift: how far above the surface; the piece thins to nothing at its edges.
    """
    sides = np.atleast_2d(np.asarray(s, float))
    edges = np.asarray(t, float).reshape(2, -1)
    down, right = np.linspace(0, 1, rows), np.linspace(0, 1, columns)
    left, stop = (np.interp(down, np.linspace(0, 1, len(sides)), sides[:, i]) for i in (0, 1))
    top, foot = (np.interp(right, np.linspace(0, 1, edges.shape[1]), edges[i]) for i in (0, 1))
    where_s = left[:, None] + (stop - left)[:, None] * right
    where_t = top + (foot - top) * down[:, None]
    base = at(grid, where_s, where_t)
    rim_down = np.clip(np.minimum(down, 1 - down) * rows / 1.5, 0, 1)[:, None]
    rim_right = np.ones(columns) if wrap else np.clip(np.minimum(right, 1 - right) * columns / 1.5, 0, 1)
    normal = at(normals(grid), where_s, where_t)
    return np.asarray(base + lift * (0.25 + 0.75 * np.minimum(rim_down, rim_right))[..., None] * normal)


def normals(points: Grid, *, wrap: bool = False) -> Grid:
    """Unit normals of a grid, outward: (rows, columns, 3). Where rings shrink to a point, the neighbour row's."""
    if wrap:
        padded = np.concatenate([points[:, -2:-1], points, points[:, 1:2]], axis=1)
        across = (padded[:, 2:] - padded[:, :-2]) / 2
    else:
        across = np.gradient(points, axis=1)
    raw = np.cross(np.gradient(points, axis=0), across)
    length = np.sqrt(np.einsum("rcx,rcx->rc", raw, raw))[..., None]
    for row, near in ((0, 1), (-1, -2)):
        if np.median(length[row]) < 1e-3 * max(float(np.median(length[near])), 1e-12):
            raw[row] = raw[near].mean(0) if float(np.linalg.norm(raw[near].mean(0))) > 0 else raw[near]
            length[row] = np.linalg.norm(raw[row], axis=1, keepdims=True)
    return np.asarray(raw / np.maximum(length, 1e-12))


def shifted(points: Grid, x: float | Grid, y: float | Grid, z: float | Grid) -> Grid:
    """Points moved by x, y and z."""
    return np.asarray(points + np.stack(np.broadcast_arrays(x, y, z), -1))


def mirrored(points: Grid) -> Grid:
    """The grid seen in a mirror at x = 0, its outer side still outside."""
    return np.ascontiguousarray(points[:, ::-1] * np.array([-1.0, 1.0, 1.0]))

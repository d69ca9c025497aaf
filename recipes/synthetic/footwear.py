"""What shoes are made of. A shoe is a stack of horizontal outlines from its opening down to its sole.

The toe points to the viewer's left; a shoe is one unit long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.mesh import Grid, Part, at, loft, normals, part, shifted, tube

TOE = 0.25
"""Column of the toe in every outline; the outer side is at 0.5."""


def outlines(rows: Sequence[tuple[float, float, float, float]], *, count: int = 70, power: float = 2.3) -> Grid:
    """Outlines from rows (y, x of the toe's end, x of the heel's end, half width), top first; the toe is broader."""
    table = [(y, (heel - toe) / 2, half, (heel + toe) / 2) for y, toe, heel, half in rows]
    grid = loft(table, rows=count, columns=109, power=power)
    length = np.maximum(np.ptp(grid[..., 0], axis=1), 1e-6)[:, None]
    along = (grid[..., 0] - grid[..., 0].min(1, keepdims=True)) / length
    # Feet are widest at the ball and narrow at the waist and the heel.
    grid[..., 2] *= (
        1.02 + 0.16 * np.exp(-(((along - 0.30) / 0.22) ** 2)) - 0.16 * np.exp(-(((along - 0.62) / 0.16) ** 2))
    )
    return grid


def sole(finish: Finish, *, thick: float, wide: float = 0.168, toe: float = -0.5, heel: float = 0.49) -> Part:
    """A sole of a thickness below y = 0, between the x of its toe and of its heel; `wide` is half its width."""
    rows = [
        (0.012, toe + 0.012, heel - 0.008, wide - 0.006),
        (0.004, toe, heel, wide),
        (-thick * 0.6, toe - 0.003, heel + 0.004, wide + 0.004),
        (-thick * 0.92, toe + 0.006, heel, wide),
        (-thick, toe + 0.02, heel - 0.01, wide - 0.012),
        (-thick, 0.0, 0.02, 0.004),
    ]
    return part(outlines(rows, count=34, power=2.6), finish, wrap=True)


def sprung(parts: list[Part], *, toe: float = 0.03, heel: float = 0.0) -> list[Part]:
    """Lift the toe a little, and the heel by `heel`: the arch of a shoe on its heel."""
    result = []
    for piece in parts:
        points = piece.points.copy()
        x = points[..., 0]
        points[..., 1] += toe * np.clip((-x - 0.25) / 0.25, 0, 1.2) ** 2
        rise = np.clip((x + 0.22) / 0.52, 0, 1)
        points[..., 1] += heel * rise**2 * (3 - 2 * rise)
        result.append(Part(points, piece.uv, piece.finish, piece.wrap))
    return result


def paired(draft: Draft, parts: list[Part]) -> list[Part]:
    """Perhaps the other shoe, a little behind the first and turned."""
    if not draft.has("pair"):
        return parts
    turn = draft.roll(-0.12, 0.12)
    matrix = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    shift = np.array([draft.roll(0.05, 0.16), 0.0, -draft.roll(0.42, 0.5)])
    flip = np.array([1.0, 1.0, -1.0])
    twin = []
    for piece in parts:
        points = np.ascontiguousarray((piece.points * flip)[:, ::-1]) @ matrix.T + shift
        twin.append(Part(points, np.ascontiguousarray(piece.uv[:, ::-1]), piece.finish, piece.wrap))
    return [*parts, *twin]


def dipped(grid: Grid, dip: float, tab: float) -> Grid:
    """Lower the opening under the ankle and raise it at the heel."""
    grid = grid.copy()
    rows = np.clip(1 - np.linspace(0, 1, grid.shape[0]) / 0.5, 0, 1)[:, None] ** 2
    x = grid[..., 0]
    middle, end = (x.min() + x.max()) / 2 + 0.25, x.max()
    grid[..., 1] -= rows * (dip * np.exp(-(((x - middle) / 0.13) ** 2)) - tab * np.clip((x - end + 0.12) / 0.12, 0, 1))
    return grid


def laces(upper: Grid, finish: Finish, *, first: float, last: float, count: int) -> list[Part]:
    """Laces that cross the tongue, and the bow."""
    parts = []
    for t in np.linspace(first, last, count):
        half = 0.045 + 0.015 * (t - first) / max(last - first, 1e-6)
        s = np.linspace(TOE - half, TOE + half, 7)
        bump = np.sin(np.linspace(0, np.pi, 7))[:, None]
        path = at(upper, s, np.full(7, t)) + (0.012 + 0.012 * bump) * at(normals(upper), s, np.full(7, t))
        parts.append(part(tube(path, 0.0095, rows=16, columns=9, deep=(0.3, 1, 0)), finish))
    start = shifted(at(upper, TOE, first), -0.005, 0.02, 0)
    for side in (1.0, -1.0):
        loop = [
            start,
            shifted(start, -0.03, 0.035, side * 0.05),
            shifted(start, -0.07, 0.01, side * 0.09),
            shifted(start, -0.03, -0.015, side * 0.05),
            start,
        ]
        parts.append(part(tube(loop, 0.0075, rows=26, columns=8, deep=(0.3, 1, 0)), finish))
    return parts


def padded_rim(upper: Grid, finish: Finish, radius: float = 0.014) -> Part:
    """A padded rim around the opening."""
    return part(
        tube(upper[0] * [1, 1, 0.96] - [0, radius * 0.6, 0], radius, rows=100, columns=11, deep=(0, 1, 0.01)), finish
    )

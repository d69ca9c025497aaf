"""What is sewn on at the neck and the front: stands, collars, hoods, pockets."""

from __future__ import annotations

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.mesh import Grid, Part, at, part, patch, shifted, tube
from recipes.synthetic.torso import line


def stand(body: Grid, finish: Finish, *, height: float, gap: float = 0.012) -> Part:
    """A band of cloth that stands up around the neck, open in front."""
    s = np.concatenate([np.linspace(0.5 + gap, 1, 60), np.linspace(0, 0.5 - gap, 60)[1:]])
    edge = at(body, s, 0.0)
    inward = -edge * [1, 0, 1] * 0.06
    rows = np.linspace(0, 1, 8)[:, None, None]
    return part(edge + [0, height, 0] * (1 - rows) + inward * (1 - rows), finish)


def collar(draft: Draft, body: Grid, finish: Finish, *, height: float, leaf: float, point: float) -> Part:
    """A collar that stands up around the neck and falls over itself.

    Args:
        height: of the stand; leaf: length of the fall; point: how much longer its ends are, product units.
    """
    gap = 0.006
    s = np.concatenate([np.linspace(0.5 + gap, 1, 70), np.linspace(0, 0.5 - gap, 70)[1:]])
    edge = at(body, s, 0.0)
    out = edge * [1, 0, 1] / np.maximum(np.linalg.norm(edge * [1, 0, 1], axis=-1, keepdims=True), 1e-6)
    front = np.minimum(np.linspace(0, 1, len(s)), np.linspace(1, 0, len(s)))
    tip = np.exp(-((front / 0.07) ** 2))[:, None]
    top = shifted(edge, 0, height, 0) - out * 0.004
    # Toward its ends the collar turns outward to the sides instead of forward.
    side = np.sign(edge[:, :1]) * [1.0, 0.0, 0.0]
    fall = (
        top
        + out * 0.022
        - [0, leaf, 0]
        - tip * [0, point, 0]
        + tip * side * draft.roll(0.025, 0.04)
        + tip * [0, 0, 0.02]
    )
    middle = shifted((top + fall) / 2 + out * 0.016, 0, 0.008, 0)
    rows = np.linspace(0, 1, 14)[:, None, None]
    return part((1 - rows) ** 2 * top + 2 * rows * (1 - rows) * middle + rows**2 * fall, finish)


def hood(draft: Draft, body: Grid) -> list[Part]:
    """A hood that lies on the back: a thick roll of cloth around the neck, and its cords."""
    s = np.concatenate([np.linspace(0.505, 1, 12), np.linspace(0, 0.495, 12)[1:]])
    edge = at(body, s, 0.0)
    behind = np.sin(np.linspace(0, np.pi, len(s)))[:, None]
    path = edge + behind * [0, draft.roll(0.05, 0.075), -0.02] - [0, 0.010, 0]
    half = np.concatenate([0.016 + 0.030 * behind, 0.018 + 0.045 * behind], axis=1)
    roll = tube(path, half, rows=90, columns=33, deep=(0, 1, 0))
    roll = displaced(
        roll, wrinkles(roll.shape, (7, 3), draft.rng, sharp=0.5) * 0.009 * _loose_in_the_middle(roll.shape[0])
    )
    cord = draft.plain(darker=0.8) if draft.roll(0, 1) < 0.5 else draft.other("e9e6df", "cotton")
    parts = [part(roll, draft.main, wrap=True)]
    for side in (1.0, -1.0):
        y, z = edge[0, 1:]
        length = draft.roll(0.12, 0.19)
        path = [
            (side * 0.022, y + 0.005, z + 0.02),
            (side * 0.03, y - 0.03, z + 0.032),
            (side * 0.036, y - length, z + 0.045),
        ]
        parts.append(part(tube(path, 0.0042, rows=24, columns=9), cord))
        parts.append(
            part(
                tube([path[-1], (side * 0.036, y - length - 0.014, z + 0.045)], 0.0058, rows=4, columns=9),
                draft.metal(),
            )
        )
    return parts


def _loose_in_the_middle(rows: int) -> Grid:
    """A weight that is 0 at both ends of a tube and 1 in its middle: (rows, 1)."""
    return np.asarray(np.sin(np.linspace(0, np.pi, rows))[:, None] ** 0.5)


def pocket(
    draft: Draft,
    body: Grid,
    s: tuple[float, float],
    t: tuple[float, float],
    *,
    pointed: bool = False,
    flap: bool = False,
) -> list[Part]:
    """A patch pocket with a stitched hem, and perhaps a flap."""
    foot = [t[1] - 0.02, t[1], t[1] - 0.02] if pointed else [t[1] - 0.006, t[1], t[1] - 0.006]
    grid = patch(body, s, [[t[0]] * 3, foot], lift=0.005)
    parts = [
        part(grid, draft.main, upright=True),
        line(grid, draft.thread(), [(0.04, 0.14), (0.5, 0.14), (0.96, 0.14)], width=0.0014),
    ]
    border = [(0.06, 0.1), (0.06, 0.5), (0.07, 0.86), (0.5, 0.95), (0.93, 0.86), (0.94, 0.5), (0.94, 0.1)]
    parts.append(line(grid, draft.thread(), border, width=0.0011))
    if flap:
        lid = patch(
            body,
            (s[0] - 0.004, s[1] + 0.004),
            [[t[0] - 0.01] * 3, [t[0] + 0.05, t[0] + 0.065, t[0] + 0.05]],
            lift=0.011,
        )
        parts.append(part(lid, draft.main, upright=True))
    return parts

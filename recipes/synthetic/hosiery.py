"""Socks, laid flat or as on a foot, seen from the side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.kind import ADULTS, Kind
from recipes.synthetic.mesh import Grid, Part, part, patch, tube
from recipes.synthetic.torso import band

LEGS = {"ankle": 0.10, "crew": 0.36, "knee-high": 0.78}
"""From the top of the foot's bend up to the cuff; a foot is about 0.6 long, product units."""


def socks(draft: Draft) -> list[Part]:
    """A sock seen from the side, its toe to the left, or a pair of them."""
    leg = next((value for name, value in LEGS.items() if draft.has(name)), 0.36) * draft.roll(0.88, 1.12)
    foot, width = draft.roll(0.44, 0.54), draft.roll(0.094, 0.112)
    grid = _sock(leg, foot, width, bend=draft.roll(-0.04, 0.1))
    parts = _knitted(draft, grid, leg)
    if not draft.has("pair"):
        return parts
    turn, shift = draft.roll(-0.12, 0.12), np.array([draft.roll(0.2, 0.34), draft.roll(-0.08, 0.08), -0.09])
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return [
        *parts,
        *(Part(piece.points @ matrix.T + shift, piece.uv, piece.finish, piece.wrap) for piece in parts),
    ]


def _sock(leg: float, foot: float, width: float, *, bend: float) -> Grid:
    """A flat tube down the leg, round the heel and along the foot; its outer side, column 0.75, is heel and sole.

    Args:
        leg, foot: lengths, product units.
        width: half the width of the leg.
        bend: how far the toe points down.
    """
    knots = [
        (0.0, leg, width * (1.06 if leg > 0.5 else 0.98)),
        (0.0, leg * 0.55, width * (1.12 if leg > 0.5 else 0.98)),
        (-0.008, 0.02, width * 0.86),
        (0.004, -0.09, width * 1.02),
        (-0.025, -0.175, width * 1.34),
        (-0.13, -0.205, width * 1.16),
        (-0.24, -0.20 - bend * 0.2, width * 0.9),
        (-0.15 - foot * 0.6, -0.205 - bend * 0.6, width * 0.93),
        (-0.15 - foot * 0.85, -0.208 - bend * 0.9, width * 0.80),
        (-0.15 - foot * 0.96, -0.212 - bend, width * 0.52),
        (-0.15 - foot, -0.214 - bend, width * 0.10),
    ]
    path = [(x, y, 0.0) for x, y, _ in knots]
    half = [(wide, min(0.045, wide * 0.5)) for *_, wide in knots]
    return tube(path, half, rows=150, columns=61, deep=(0, 0, -1), power=2.6)


def _knitted(draft: Draft, grid: Grid, leg: float) -> list[Part]:
    """A sock's cloth, its ribbed cuff, and heel and toe of another color."""
    grid = displaced(grid, wrinkles(grid.shape, (16, 5), draft.rng, sharp=0.6) * 0.006)
    parts = [part(grid, draft.main, wrap=True)]
    accent = replace(draft.plain(), color=draft.main.accents[0])
    total = leg + 0.8
    cuff = draft.roll(0.06, 0.1) / total
    rib = draft.plain(material="rib", darker=0.92)
    parts.append(band(grid, rib, (0.0, cuff), lift=0.006))
    if draft.has("striped cuff"):
        first = cuff * draft.roll(0.2, 0.35) if leg < 0.2 else cuff * 1.1
        step = 0.022 / total
        parts += [
            band(
                grid,
                accent,
                (first + 2 * k * step, first + (2 * k + 1) * step),
                lift=0.007 if leg < 0.2 else 0.0035,
                rows=5,
            )
            for k in range(2 if leg < 0.2 else 3)
        ]
    colored = draft.has("contrast heel and toe")
    parts += _heel_and_toe(grid, accent if colored else draft.plain(darker=0.88), leg / total)
    return parts


def _heel_and_toe(grid: Grid, finish: Finish, ankle: float) -> list[Part]:
    """The turned heel on the outer side of the bend below a row, and the cap of the toe."""
    s = np.linspace(0.0, 1.0, 21)
    reach = 0.095 * (1 - np.abs(2 * s - 1) ** 1.6)
    middle = _bend_row(grid, ankle)
    edges = [list(middle - reach), list(middle + reach)]
    heel = patch(grid, (0.53, 0.97), edges, lift=0.005, rows=30, columns=41)
    return [part(heel, finish), band(grid, finish, (0.885, 1.0), lift=0.004, rows=20)]


def _bend_row(grid: Grid, ankle: float) -> float:
    """Where the outer side turns from down to sideways, as a share of the rows."""
    outer = grid[:, int(0.75 * (grid.shape[1] - 1)), :2]
    corner = int(np.argmax(outer[:, 0] - outer[:, 1]))
    return float(max(corner / (grid.shape[0] - 1), ankle))


# fmt: off
KINDS = (
    Kind("socks", "Accessories", ADULTS, ("cotton", "knit", "wool", "rib"),
         options=(("crew", "crew", "ankle", "knee-high"), ("contrast heel and toe", "striped cuff", "", ""),
                  ("pair", "pair", "single"),),
         price=(4, 25), build=socks, pitch=2, period=0.2),
)
# fmt: on

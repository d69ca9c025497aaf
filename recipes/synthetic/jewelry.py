"""Jewelry: earrings, necklace and bracelet; metal that carries stones, pearls and beads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.kind import WOMEN, Kind
from recipes.synthetic.mesh import Grid, Part, curve, loft, part, shifted, tube


def earrings(draft: Draft) -> list[Part]:
    """A pair that hangs side by side: hoops, drops, dangles, chandeliers, bells or studs."""
    metal, stone = _metal(draft), _stone(draft)
    if draft.has("hoop"):
        one, yaw = _hoop(draft, metal, stone), draft.roll(0.2, 1.0)
    elif draft.has("stud"):
        one, yaw = _flower(draft, metal, stone), draft.roll(0.0, 0.4)
    else:
        build = _chandelier if draft.has("chandelier") else _bell if draft.has("jhumka") else _drops
        one, yaw = build(draft, metal, stone), draft.roll(0.0, 0.4)
        one += _hook(metal) if draft.roll(0, 1) < 0.6 else _gem((0.0, 0.02, 0.0), 0.055, 0.055, metal, stone)
    wide = max(float(np.abs(piece.points[..., 0]).max()) for piece in one) * np.cos(yaw)
    apart = wide + draft.roll(0.03, 0.14)
    pair = []
    for side in (-1.0, 1.0):
        cos, sin = np.cos(yaw * side), np.sin(yaw * side)
        matrix = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        for piece in one:
            turned = piece.moved(matrix)
            pair.append(replace(turned, points=shifted(turned.points, side * apart, 0, 0)))
    return pair


def _metal(draft: Draft) -> Finish:
    code = "e8bb58" if draft.has("gold") else "dfa48f" if draft.has("rose gold") else "d5d8dc"
    return draft.other(code, "metal")


def _stone(draft: Draft) -> Finish:
    """Cut glass throws light back rather than lets it through."""
    return replace(draft.plain(), material="lens" if draft.main.material == "glass" else draft.main.material)


def _gem(center: ArrayLike, wide: float, high: float, metal: Finish, stone: Finish, *, tear: float = 0.0) -> list[Part]:
    """A domed stone in its setting, facing the viewer; halves of its size; `tear` narrows its top to a point."""
    turn = np.linspace(-np.pi, np.pi, 33)
    narrow = 1 - tear * np.clip(np.sin(turn), 0, 1) ** 1.2
    edge = np.stack([wide * np.cos(turn) * narrow, high * np.sin(turn)], -1)
    parts = []
    deep = min(wide, high)
    for share, base, finish in ((1.0, 0.0, metal), (0.84, 0.25, stone)):
        rows = np.array([(0.0, 1.0), (0.5, 0.95), (0.75, 0.8), (0.92, 0.4), (1.0, 0.0), (1.0, -0.3)])
        flat = rows[:, :1, None] * edge * share
        lift = np.broadcast_to((rows[:, 1:] * 0.35 + base) * deep, flat.shape[:2])
        parts.append(part(np.concatenate([flat, lift[..., None]], -1) + np.asarray(center), finish, wrap=True))
    return parts


def _beads(
    path: Sequence[Sequence[float]] | Grid, count: int, finish: Finish, *, fill: float = 0.52, waist: float = 0.2
) -> Part:
    """Round beads strung along a path, side by side.

    `fill` is their radius as a share of the space for each, `waist` the thread between them as a share of that radius.
    """
    fine = curve(np.asarray(path, float).tolist(), count * 10)
    gone = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    wanted = np.linspace(0, gone[-1], count * 10 + 1)
    spine = np.stack([np.interp(wanted, gone, fine[:, i]) for i in range(3)], -1)
    within = np.tile(np.linspace(-1, 1, 11)[:-1], count)
    radii = np.append(np.sqrt(np.clip(1 - within**2, waist**2, 1)), waist) * fill * gone[-1] / count
    return part(tube(spine, radii, rows=len(spine), columns=13, deep=(0.02, 0.03, 1)), finish)


def _circle(radius: float, *, center: tuple[float, float] = (0.0, 0.0), start: float = 0.0, end: float = 1.0) -> Grid:
    """Part of a circle that faces the viewer, from its top clockwise; start and end in turns."""
    turn = 2 * np.pi * np.linspace(start, end, 41)
    return np.stack([center[0] + radius * np.sin(turn), center[1] + radius * np.cos(turn), 0 * turn], -1)


def _hook(metal: Finish) -> list[Part]:
    wire = [(0.0, -0.08, 0.0), (0.0, 0.06, 0.01), (0.03, 0.15, 0.0), (0.09, 0.16, -0.02), (0.12, 0.07, -0.03)]
    return [part(tube(wire, 0.009, rows=30, columns=9), metal)]


def _hoop(draft: Draft, metal: Finish, stone: Finish) -> list[Part]:
    """A ring, slim or broad, with beads along its lower half or a stone that hangs from it."""
    radius, thick = draft.roll(0.20, 0.28), draft.roll(0.012, 0.03)
    middle = (0.0, -radius)
    ring = tube(_circle(radius, center=middle), [(thick, thick * draft.roll(0.9, 2.2))] * 41, rows=90, columns=13)
    parts = [part(ring, metal)]
    form = draft.roll(0, 1)
    if form < 0.4:
        lower = _circle(radius, center=middle, start=0.25, end=0.75)
        return [*parts, _beads(lower, int(draft.rng.integers(9, 16)), stone, fill=0.55)]
    if form < 0.7:
        high = draft.roll(0.09, 0.16)
        return parts + _gem((0.0, -2 * radius - high - 0.01, 0.0), high * 0.7, high, metal, stone, tear=0.8)
    band = _circle(radius, center=middle, start=0.08, end=0.92)
    return [*parts, part(tube(band, thick * 1.35, rows=80, columns=13), stone)]


def _drops(draft: Draft, metal: Finish, stone: Finish) -> list[Part]:
    """One large stone, or several below each other on a chain."""
    if draft.has("drop"):
        high = draft.roll(0.16, 0.26)
        tear = float(draft.rng.choice([0.0, 0.85, 0.85]))
        link = part(tube([(0, -0.03, 0), (0, -0.09, 0)], 0.012, rows=8, columns=9), metal)
        return [link, *_gem((0, -0.08 - high, 0), high * draft.roll(0.45, 0.75), high, metal, stone, tear=tear)]
    count = int(draft.rng.integers(2, 5))
    size, y = draft.roll(0.045, 0.08), -0.08
    parts = []
    for index in range(count):
        y -= size + 0.02
        parts += _gem((0, y, 0), size, size, metal, stone, tear=0.8 if index == count - 1 else 0.0)
        y -= size
        size *= draft.roll(1.0, 1.2)
    chain = part(tube([(0, -0.02, -0.01), (0, y + size, -0.01)], 0.010, rows=12, columns=9), metal)
    return [chain, *parts]


def _chandelier(draft: Draft, metal: Finish, stone: Finish) -> list[Part]:
    """A plate with a stone, and a fringe of beads below its curved edge."""
    wide, high = draft.roll(0.15, 0.22), draft.roll(0.11, 0.18)
    y = -0.06 - high
    parts = _gem((0, y, 0), wide, high, metal, stone, tear=draft.roll(0.3, 0.8))
    count = int(draft.rng.integers(5, 8))
    for s in np.linspace(-1, 1, count):
        x = wide * 0.92 * s
        top = y - high * np.sqrt(max(1 - s**2 * 0.85, 0)) * 0.95
        length = draft.roll(0.07, 0.08) + 0.10 * (1 - abs(float(s)))
        parts.append(part(tube([(x, top + 0.02, 0), (x, top - length, 0)], 0.008, rows=8, columns=7), metal))
        bead = [(x, top - length + 0.01, 0), (x, top - length - 0.03, 0), (x, top - length - 0.06, 0)]
        parts.append(_beads(bead, 1, stone, fill=0.42))
    return parts


def _bell(draft: Draft, metal: Finish, stone: Finish) -> list[Part]:
    """A dome with beads round its rim, under a stone."""
    wide, high = draft.roll(0.16, 0.22), draft.roll(0.14, 0.20)
    size = draft.roll(0.06, 0.10)
    parts = _gem((0, -0.05 - size, 0), size, size, metal, stone)
    top = -0.07 - 2 * size
    parts.append(part(tube([(0, 0, -0.01), (0, top, -0.01)], 0.014, rows=10, columns=9), metal))
    rows = [(0.0, 0.02), (-0.02, 0.3 * wide), (-0.35 * high, 0.75 * wide), (-0.8 * high, 0.98 * wide), (-high, wide)]
    dome = loft([(top + y, half, half) for y, half in rows], rows=30, columns=49)
    parts.append(part(dome, metal, wrap=True))
    turn = np.linspace(0, 2 * np.pi, 33)
    for y, scale, finish in ((-0.86, 1.0, stone), (-0.45, 0.82, stone)):
        around = np.stack([wide * scale * np.sin(turn), np.full(33, top + y * high), wide * scale * np.cos(turn)], -1)
        parts.append(part(tube(around, 0.018, rows=60, columns=9, deep=(0, 1, 0.01)), finish))
    for x in np.linspace(-0.86, 0.86, 7):
        z = wide * float(np.sqrt(1 - x**2))
        parts.append(_beads([(x * wide, top - high + d, z) for d in (0.005, -0.03, -0.065)], 1, stone, fill=0.42))
    return parts


def _flower(draft: Draft, metal: Finish, stone: Finish) -> list[Part]:
    """A stud: one stone, perhaps with petals of smaller ones around it."""
    size = draft.roll(0.09, 0.15)
    parts = _gem((0, 0, 0.02), size, size * draft.roll(0.9, 1.25), metal, stone)
    count = int(draft.rng.choice([0, 6, 8, 12]))
    small = size * 3.2 / max(count, 6)
    for angle in np.arange(count) * 2 * np.pi / max(count, 1):
        at = (size + 0.7 * small) * np.array([np.sin(angle), np.cos(angle), 0.0])
        parts += _gem(at, small, small, metal, stone)
    return parts


def necklace(draft: Draft) -> list[Part]:
    """A chain in a U or a V with a pendant, a string of beads, or a row of stones of growing size."""
    metal, stone = _metal(draft), _stone(draft)
    wide, deep = draft.roll(0.26, 0.40), draft.roll(0.5, 0.75)
    power = draft.roll(1.2, 1.6) if draft.roll(0, 1) < 0.5 else draft.roll(2.0, 3.0)
    x = np.linspace(-1, 1, 61)
    closing = 1 - draft.roll(0.0, 0.9) * np.clip((np.abs(x) - 0.55) / 0.45, 0, 1) ** 2
    path = np.stack([wide * np.sign(x) * np.abs(x) ** 0.8 * closing, deep * np.abs(x) ** power, 0 * x], -1)
    if draft.has("beaded"):
        return [_beads(path, int(draft.rng.integers(26, 52)), stone)]
    chain = _beads(path, 80, metal, fill=draft.roll(0.5, 0.95), waist=0.6)
    if draft.has("statement"):
        parts = [chain]
        count = int(draft.rng.integers(5, 10))
        for s in np.linspace(-0.62, 0.62, count):
            size = 0.075 * (1 - 0.45 * abs(float(s))) * 7 / (count + 1)
            point = np.array([np.interp(s, x, path[:, i]) for i in range(3)])
            parts += _gem(point - [0, size, 0], size, size * 1.25, metal, stone, tear=0.4)
        return parts
    high = draft.roll(0.06, 0.14)
    tear = float(draft.rng.choice([0.0, 0.85]))
    bail = part(tube([(0, 0.01, 0), (0, -0.04, 0.01)], 0.016, rows=8, columns=9), metal)
    return [chain, bail, *_gem((0, -0.035 - high, 0), high * draft.roll(0.6, 1.0), high, metal, stone, tear=tear)]


def bracelet(draft: Draft) -> list[Part]:
    """A bangle, an open cuff, a string of beads or a chain with stones, lying or standing as a ring."""
    metal, stone = _metal(draft), _stone(draft)
    gap = draft.roll(0.5, 0.8) if draft.has("cuff") else 0.0
    turn = np.linspace(-np.pi + gap, np.pi - gap, 61)
    ring = np.stack([0.44 * np.sin(turn), 0 * turn, 0.40 * np.cos(turn)], -1)
    if draft.has("beaded"):
        return [_beads(ring, int(draft.rng.integers(16, 30)), stone)]
    if draft.has("chain"):
        parts = [_beads(ring, 48, metal, fill=0.55)]
        for angle in np.linspace(-1.2, 1.2, int(draft.rng.integers(3, 8))):
            center = np.array([0.45 * np.sin(angle), -0.01, 0.41 * np.cos(angle)])
            parts += _gem(center, 0.06, 0.07, metal, stone)
        return parts
    high = draft.roll(0.03, 0.11)
    thick = draft.roll(0.018, 0.03)
    parts = [part(tube(ring, [(thick, high)] * 61, rows=120, columns=21, deep=(0, 1, 0), power=3), stone)]
    for y in (high, -high):
        parts.append(part(tube(shifted(ring, 0, y, 0), thick * 1.15, rows=120, columns=11, deep=(0, 1, 0)), metal))
    return parts


# fmt: off
KINDS = (
    Kind("earrings", "Accessories", WOMEN, ("glass", "glass", "ceramic"),
         options=(("hoop", "drop", "drop", "dangle", "chandelier", "jhumka", "stud"),
                  ("gold", "gold", "silver", "rose gold"),),
         price=(9, 99), build=earrings, is_patterned=False, pose="worn", turn=0, pitch=3),
    Kind("necklace", "Accessories", WOMEN, ("glass", "ceramic"),
         options=(("pendant", "pendant", "beaded", "statement"), ("gold", "gold", "silver", "rose gold"),),
         price=(12, 149), build=necklace, is_patterned=False, pose="worn", turn=0, pitch=3),
    Kind("bracelet", "Accessories", WOMEN, ("glass", "ceramic", "plastic"),
         options=(("bangle", "bangle", "cuff", "beaded", "chain"), ("gold", "gold", "silver", "rose gold"),),
         price=(9, 99), build=bracelet, is_patterned=False, pose="standing", turn=8, pitch=30),
)
# fmt: on

"""Wallet: leaves with rounded corners, folded over each other and seen from the front."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.kind import ADULTS, Kind
from recipes.synthetic.mesh import Grid, Part, part, rounded_box, tube


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A padded sheet that faces the viewer, its middle at the origin.

    Args:
        wide, high, thick: halves of its size.
        bulge: how much thicker it is in the middle than at its edges.
        upper, lower: radii of its corners.
    """

    wide: float
    high: float
    thick: float
    bulge: float
    upper: float
    lower: float

    def outline(self, inset: float = 0.0) -> Grid:
        """Its edge, counterclockwise from its middle left: (points, 2)."""
        wide, high = self.wide - inset, self.high - inset
        arcs = [np.array([[-wide, 0.0]])]
        for quarter, (x, y) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
            radius = max((self.upper if y > 0 else self.lower) - inset, 0.004)
            turn = np.linspace(0, np.pi / 2, 8) + np.pi + quarter * np.pi / 2
            center = np.array([x * (wide - radius), y * (high - radius)])
            arcs.append(center + radius * np.stack([np.cos(turn), np.sin(turn)], -1))
        corners = np.concatenate([*arcs, arcs[0]])
        gone = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
        wanted = np.union1d(gone, np.linspace(0, gone[-1], 90))
        return np.stack([np.interp(wanted, gone, corners[:, i]) for i in (0, 1)], -1)

    def front(self, x: ArrayLike, y: ArrayLike) -> Grid:
        """How far its front side is before its middle, at x and y."""
        across, along = np.clip(np.asarray(x) / self.wide, -1, 1), np.clip(np.asarray(y) / self.high, -1, 1)
        return np.asarray(self.thick + self.bulge * (1 - across**2) * (1 - along**2))

    def part(self, finish: Finish, *, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Part:
        """Its surface, moved by x, y and z."""
        share = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 0.93, 0.97, 0.99, 1.0, 0.99, 0.93, 0.0])[:, None]
        side = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.96, 0.8, 0.5, 0.0, -0.5, -1.0, -1.0])[:, None]
        flat = share[..., None] * self.outline()
        deep = side * self.front(flat[..., 0], flat[..., 1])
        points = np.concatenate([flat, deep[..., None]], -1) + np.array([x, y, z])
        return Part(points, np.stack([points[..., 0], -points[..., 1]], -1), finish, wrap=True)

    def stitches(self, finish: Finish, inset: float, *, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Part:
        """A seam along its edge, `inset` inside it."""
        edge = self.outline(inset)
        path = np.column_stack([edge, self.front(edge[:, 0], edge[:, 1]) - 0.0005]) + np.array([x, y, z])
        return part(tube(path, 0.0035, rows=220, columns=6), finish)


def wallet(draft: Draft) -> list[Part]:
    """A wallet: bi-fold, long or tall; closed, or with its back leaf peeking out; flap, tab or zip."""
    high = 0.40
    wide = high * draft.roll(1.12, 1.32)
    if draft.has("long"):
        high, wide = 0.26, 0.26 * draft.roll(1.85, 2.15)
    elif draft.has("passport"):
        high, wide = 0.44, 0.44 * draft.roll(0.68, 0.78)
    corner = draft.roll(0.02, 0.06)
    front = _Leaf(wide, high, draft.roll(0.022, 0.036), draft.roll(0.006, 0.022), corner, corner)
    gap = front.thick * 2.1
    parts = [front.part(_cloth(draft))]
    parts += _back(draft, front, gap)
    seam = draft.thread() if draft.roll(0, 1) < 0.65 else draft.other("d9cfb8", "cotton")
    if draft.roll(0, 1) < 0.85:
        parts.append(front.stitches(seam, draft.roll(0.02, 0.034)))
    if draft.has("zip-around"):
        parts += _zip(draft, front, gap)
    elif draft.has("button tab"):
        parts += _tab(draft, front, gap)
    elif draft.has("flap"):
        parts += _flap(draft, front, seam)
    elif draft.has("contrast band"):
        parts += _band(draft, front)
    if draft.has("metal badge"):
        parts.append(_badge(draft, front))
    elif draft.has("embossed logo"):
        x, y = _corner(draft, front)
        mark = _Leaf(0.075, 0.026, 0.004, 0.0, 0.008, 0.008)
        parts.append(mark.part(draft.thread(), x=x, y=y, z=float(front.front(x, y))))
    return parts


def _cloth(draft: Draft) -> Finish:
    return replace(draft.main, period=draft.main.period * 0.8)


def _back(draft: Draft, front: _Leaf, gap: float) -> list[Part]:
    """The leaf behind, which stands out a little at its open end; the spine; what is between the two."""
    out = draft.roll(0.0, 0.035)
    drop = draft.roll(-0.012, 0.012)
    behind = replace(front, bulge=0.0)
    parts = [behind.part(draft.plain(darker=0.85), x=out, y=drop, z=-gap)]
    parts.append(
        replace(behind, wide=front.wide * 0.98, high=front.high * 0.97).part(
            draft.plain(darker=0.55), x=out * 0.5, z=-gap / 2
        )
    )
    spine = [(-front.wide + 0.012, y, -gap / 2) for y in np.linspace(-front.high * 0.97, front.high * 0.97, 5)]
    parts.append(part(tube(spine, [(gap * 0.62, gap * 0.95)] * 5, rows=30, columns=17), draft.plain(darker=0.92)))
    if draft.has("passport") or draft.roll(0, 1) < 0.3:
        x = -front.wide * draft.roll(0.72, 0.84)
        y = front.high - 0.012
        fold = [(x, side * y, float(front.front(x, side * y)) - 0.001) for side in (-1, 0, 1)]
        parts.append(part(tube(fold, 0.005, rows=20, columns=7), draft.plain(darker=0.6)))
    return parts


def _zip(draft: Draft, front: _Leaf, gap: float) -> list[Part]:
    """Teeth round the edge between the leaves, and a pull that hangs at a corner."""
    metal = draft.metal()
    edge = front.outline(-0.012)
    path = np.column_stack([edge, np.full(len(edge), -gap / 2)])
    pull_x, pull_y = front.wide * draft.roll(0.82, 0.94), front.high + 0.012
    hang = [(pull_x, pull_y, 0.0), (pull_x + 0.03, pull_y - 0.07, 0.05), (pull_x + 0.03, pull_y - 0.20, 0.055)]
    return [
        part(tube(path, [(gap * 0.25, gap * 0.5)] * len(path), rows=240, columns=9), metal),
        part(rounded_box((pull_x, pull_y, 0.0), (0.06, 0.035, 0.06), radius=0.01), metal),
        part(tube(hang, [(0.014, 0.008), (0.02, 0.008), (0.022, 0.008)], rows=20, columns=11, power=4), metal),
    ]


def _tab(draft: Draft, front: _Leaf, gap: float) -> list[Part]:
    """A strap that comes round the open end and closes with a snap."""
    tab = _Leaf(draft.roll(0.11, 0.15), draft.roll(0.055, 0.075), 0.010, 0.0, 0.05, 0.05)
    y = front.high * draft.roll(-0.1, 0.15)
    x = front.wide - tab.wide + 0.03
    z = float(front.front(x - tab.wide, y)) + 0.006
    leather = draft.plain(darker=0.8)
    bend = [(x + tab.wide - 0.03, y, z), (front.wide + 0.035, y, -gap * 0.3), (front.wide, y, -gap * 1.6)]
    around = tube(bend, [(tab.high, 0.01)] * 3, rows=24, columns=17, power=4)
    return [
        tab.part(leather, x=x, y=y, z=z),
        tab.stitches(draft.thread(), 0.014, x=x, y=y, z=z),
        part(around, leather),
        _stud(draft.metal(), 0.026, (x - tab.wide * 0.5, y, z + 0.010)),
    ]


def _flap(draft: Draft, front: _Leaf, seam: Finish) -> list[Part]:
    """A lid that folds over the upper part, with a stud or a clasp."""
    deep = front.high * draft.roll(0.50, 0.72)
    lid = _Leaf(front.wide * 1.005, deep, 0.014, 0.010, 0.03, draft.roll(0.05, min(0.24, deep)))
    y, z = front.high - deep + 0.014, front.thick + 0.012
    foot = y - deep + 0.06
    clasp: Part
    if draft.roll(0, 1) < 0.5:
        clasp = _stud(draft.metal(), 0.032, (0.0, foot, z + 0.014))
    else:
        clasp = part(rounded_box((0.0, foot, z + 0.02), (0.13, 0.06, 0.03), radius=0.012), draft.metal())
    return [lid.part(_cloth(draft), y=y, z=z), lid.stitches(seam, 0.022, y=y, z=z), clasp]


def _band(draft: Draft, front: _Leaf) -> list[Part]:
    """A stripe or a whole side in another color."""
    contrast = replace(draft.plain(), color=draft.main.accents[0])
    share = draft.roll(0.06, 0.36)
    if draft.roll(0, 1) < 0.5:
        band = _Leaf(front.wide * share, front.high * 1.004, front.thick + front.bulge + 0.001, 0.0, 0.01, 0.01)
        return [band.part(contrast, x=front.wide * draft.roll(-0.5, 1 - share))]
    band = _Leaf(front.wide * 1.004, front.high * share, front.thick + front.bulge + 0.001, 0.0, 0.01, 0.01)
    return [band.part(contrast, y=front.high * draft.roll(share - 1, 0.3))]


def _badge(draft: Draft, front: _Leaf) -> Part:
    """A small metal plate or a round sign near a corner or in the middle."""
    x, y = _corner(draft, front)
    z = float(front.front(x, y)) + 0.014
    if draft.roll(0, 1) < 0.4:
        return _stud(draft.metal(), 0.034, (x, y, z - 0.012))
    return part(rounded_box((x, y, z), (draft.roll(0.08, 0.15), 0.045, 0.022), radius=0.008), draft.metal())


def _corner(draft: Draft, front: _Leaf) -> tuple[float, float]:
    if draft.roll(0, 1) < 0.3:
        return 0.0, 0.0
    return front.wide - 0.17, -front.high + draft.roll(0.09, 0.14)


def _stud(finish: Finish, radius: float, center: tuple[float, float, float]) -> Part:
    """A round head that faces the viewer; its foot at `center`."""
    turn = np.linspace(-np.pi, np.pi, 25)
    rows = np.array([(0.0, 0.55), (0.5, 0.5), (0.85, 0.35), (1.0, 0.0)]) * radius
    points = np.stack(
        [rows[:, :1] * np.cos(turn), rows[:, :1] * np.sin(turn), np.broadcast_to(rows[:, 1:], (4, 25))], -1
    )
    return part(points + np.asarray(center), finish, wrap=True)


# fmt: off
KINDS = (
    Kind("wallet", "Accessories", ADULTS, ("leather", "leather", "suede", "patent", "canvas", "nylon"),
         options=(("bi-fold", "bi-fold", "long", "passport"),
                  ("", "", "button tab", "flap", "zip-around", "contrast band"),
                  ("metal badge", "embossed logo", ""),),
         price=(15, 129), build=wallet, pose="standing", turn=0, pitch=4, period=0.16),
)
# fmt: on

"""Accessories: scarf, belt, watch, sunglasses."""

from __future__ import annotations

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced, hanging, wrinkles
from recipes.synthetic.kind import ADULTS, Kind
from recipes.synthetic.mesh import Grid, Part, at, part, rounded_box, shifted, tube
from recipes.synthetic.torso import line


def scarf(draft: Draft) -> list[Part]:
    """A scarf: looped as around a neck with two hanging ends, or folded over itself; fringes."""
    rng = draft.rng
    parts: list[Part] = []
    turn = np.linspace(0, 2 * np.pi, 25)
    for level, radius in ((0.0, 0.150), (-0.075, 0.185)):
        tilt = draft.roll(-0.03, 0.03)
        loop = np.stack(
            [radius * np.sin(turn), level + tilt * np.sin(turn) - 0.06 * np.cos(turn), 0.115 * np.cos(turn)], -1
        )
        half = [(0.058 + 0.012 * np.cos(a), 0.042) for a in turn]
        grid = tube(loop, half, rows=110, columns=49, deep=(0, 0.2, 1))
        grid = displaced(grid, wrinkles(grid.shape, (4, 7), rng, sharp=0.9, slant=0.15) * 0.020)
        parts.append(part(grid, draft.main, wrap=False))
    for side, length in ((1.0, draft.roll(0.62, 0.76)), (-1.0, draft.roll(0.5, 0.72))):
        wide = draft.roll(0.075, 0.1)
        path = [
            (side * 0.06, -0.03, 0.13),
            (side * 0.075, -0.16, 0.165),
            (side * 0.10, -0.40, 0.14),
            (side * draft.roll(0.10, 0.15), -length, 0.12),
        ]
        grid = tube(
            path,
            [(wide * 0.7, 0.035), (wide * 0.8, 0.035), (wide, 0.024), (wide * 1.15, 0.018)],
            rows=80,
            columns=61,
            power=2.4,
        )
        grid = displaced(
            grid,
            hanging(grid.shape, 5, rng, start=0.0, end=0.3) * 0.010
            + wrinkles(grid.shape, (5, 5), rng, sharp=0.6) * 0.008,
        )
        parts.append(part(grid, draft.main))
        if draft.has("fringes"):
            for s in np.linspace(0.27, 0.73, 15):
                start = at(grid, float(s), 0.985)
                drop = draft.roll(0.055, 0.075)
                sway = rng.uniform(-0.012, 0.012, 2)
                thread = [
                    start,
                    shifted(start, sway[0] * 0.4, -drop * 0.5, 0.004),
                    shifted(start, sway[0], -drop, sway[1]),
                ]
                parts.append(part(tube(thread, [0.0055, 0.005, 0.0035], rows=8, columns=7), draft.plain(darker=0.95)))
    return parts


def belt(draft: Draft) -> list[Part]:
    """A belt, rolled up, with a metal buckle."""
    high = draft.roll(0.045, 0.07)
    turns = draft.roll(1.75, 2.3)
    angle = np.linspace(0.35, turns * 2 * np.pi, 60)
    radius = 0.42 - 0.062 * angle / (2 * np.pi)
    path = np.stack([radius * np.sin(angle), 0.0 * angle, radius * np.cos(angle)], -1)
    strip = tube(path, [(0.011, high)] * 60, rows=220, columns=17, deep=(0, 1, 0), power=5)
    parts = [part(strip, draft.main)]
    thread = draft.thread()
    if draft.has("stitched"):
        out = path + np.stack([np.sin(angle), 0 * angle, np.cos(angle)], -1) * 0.0115
        parts += [
            part(tube(shifted(out, 0, y, 0), 0.0022, rows=220, columns=6), thread) for y in (high * 0.78, -high * 0.78)
        ]
    metal = draft.metal()
    turn = np.linspace(0, 2 * np.pi, 25)
    frame = np.stack([np.cos(turn), np.sin(turn)], -1)
    if not draft.has("round buckle"):
        frame = np.sign(frame) * np.abs(frame) ** 0.3
    x, z = float(path[0, 0]) - 0.05, float(path[0, 2]) + 0.02
    ring = np.stack([x + 0.085 * frame[:, 0], high * 1.28 * frame[:, 1], np.full(25, z)], -1)
    parts.append(part(tube(ring, 0.013, rows=90, columns=13), metal))
    parts.append(
        part(
            tube(
                [(x - 0.085, 0, z + 0.004), (x, 0.004, z + 0.022), (x + 0.095, 0, z + 0.014)], 0.008, rows=14, columns=9
            ),
            metal,
        )
    )
    tail = [
        (x + 0.12, 0, z - 0.016),
        (x + 0.02, 0, z - 0.006),
        (x - 0.1, 0, z - 0.002),
        (x - 0.26, 0, z - 0.09),
        (x - 0.34, 0, z - 0.19),
    ]
    parts.append(part(tube(tail, [(0.010, high)] * 5, rows=40, columns=17, deep=(0, 1, 0), power=5), draft.main))
    loop = rounded_box((x - 0.13, 0, z - 0.012), (0.035, high * 2.25, 0.05), radius=0.008)
    return [*parts, part(loop, draft.plain(darker=0.85))]


def watch(draft: Draft) -> list[Part]:
    """A wristwatch: round or square case, hands, marks; leather, metal or cloth band."""
    square = draft.has("square case")
    case_metal = draft.other(str(draft.rng.choice(["d8b46a", "c9ccd1", "c9ccd1", "3a3c40", "c98f78"])), "metal")
    power = 5.0 if square else 2.0
    radius = draft.roll(0.165, 0.195)
    dial_color = str(draft.rng.choice(["f6f5f0", "f6f5f0", "17181b", "1f2c52", "2d4a3a", "e9dfc8"]))
    dial = draft.other(dial_color, "ceramic")
    hand = draft.other("1d1d20" if int(dial_color[:2], 16) > 128 else "e8e8ea", "plastic")
    parts = [
        part(
            _facing(
                [
                    (0.0, -0.05),
                    (0.85, -0.05),
                    (0.98, -0.03),
                    (1.0, 0.0),
                    (0.985, 0.032),
                    (0.93, 0.045),
                    (0.86, 0.038),
                    (0.85, 0.026),
                ],
                radius,
                power,
            ),
            case_metal,
            wrap=True,
        )
    ]
    parts.append(part(_facing([(0.86, 0.027), (0.5, 0.028), (0.0, 0.028)], radius, power), dial, wrap=True))
    for hour in range(12):
        angle = hour * np.pi / 6
        way = np.array([np.sin(angle), np.cos(angle), 0.0])
        long = 0.10 if hour % 3 == 0 else 0.06
        stretch = min(1.0 / max(abs(way[0]), abs(way[1])), 1.28) if square else 1.0
        parts.append(
            part(
                _bar(
                    way * radius * 0.78 * stretch,
                    way * radius * (0.78 - long) * stretch,
                    0.005 if hour % 3 else 0.008,
                    0.031,
                ),
                hand,
            )
        )
    minute, hour_angle = draft.roll(0, 2 * np.pi), draft.roll(0, 2 * np.pi)
    for angle, length, wide in ((minute, 0.66, 0.0055), (hour_angle, 0.44, 0.0085)):
        way = np.array([np.sin(angle), np.cos(angle), 0.0])
        parts.append(part(_bar(-way * radius * 0.1, way * radius * length, wide, 0.036), hand))
    parts.append(part(rounded_box((0, 0, 0.036), (0.025, 0.025, 0.012), radius=0.006), hand))
    if draft.has("chronograph"):
        for x, y in ((-0.36, 0.0), (0.36, 0.0), (0.0, -0.36)):
            ring = np.linspace(0, 2 * np.pi, 17)
            path = np.stack(
                [
                    x * radius + 0.19 * radius * np.cos(ring),
                    y * radius + 0.19 * radius * np.sin(ring),
                    np.full(17, 0.03),
                ],
                -1,
            )
            parts.append(part(tube(path, 0.0035, rows=30, columns=6), hand))
    parts.append(
        part(
            tube([(radius * 0.97, 0, 0), (radius * 1.14, 0, 0)], 0.022, rows=6, columns=15, deep=(0, 1, 0)), case_metal
        )
    )
    return parts + _straps(draft, radius, case_metal)


def _facing(profile: list[tuple[float, float]], radius: float, power: float) -> Grid:
    """A disc that faces the viewer, from rows (share of the radius, z), outer side first."""
    rows = np.asarray(profile, float)
    turn = np.linspace(np.pi, -np.pi, 73)
    sin, cos = np.sin(turn), np.cos(turn)
    x = np.sign(sin) * np.abs(sin) ** (2 / power)
    y = np.sign(cos) * np.abs(cos) ** (2 / power)
    fine = np.stack([np.interp(np.linspace(0, 1, 40), np.linspace(0, 1, len(rows)), rows[:, i]) for i in (0, 1)], -1)
    points = np.stack([radius * fine[:, :1] * x, radius * fine[:, :1] * y, np.broadcast_to(fine[:, 1:], (40, 73))], -1)
    return points[::-1] if profile[0][0] > profile[-1][0] else points[:, ::-1]


def _bar(start: Grid, end: Grid, half: float, z: float) -> Grid:
    way = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
    side = np.array([way[1], -way[0], 0.0]) * half
    return shifted(np.stack([np.stack([start - side, start + side]), np.stack([end - side, end + side])]), 0, 0, z)


def _straps(draft: Draft, radius: float, metal: Finish) -> list[Part]:
    """The band above and below, curving away behind."""
    wide = radius * draft.roll(0.60, 0.70)
    parts = []
    for side in (1.0, -1.0):
        path = [
            (0, side * radius * 0.86, -0.02),
            (0, side * (radius + 0.12), -0.035),
            (0, side * (radius + 0.27), -0.12),
            (0, side * (radius + 0.33), -0.26),
            (0, side * (radius + 0.30), -0.40),
        ]
        grid = tube(
            path,
            [(wide, 0.016), (wide * 0.97, 0.016), (wide * 0.92, 0.014), (wide * 0.9, 0.012), (wide * 0.88, 0.012)],
            rows=70,
            columns=41,
            power=5,
        )
        if draft.main.material == "metal":
            links = np.clip(np.sin(np.linspace(0, 22 * np.pi, 70)) * 2.2, -1, 1)[:, None]
            grid = displaced(grid, np.broadcast_to(links * 0.0028, grid.shape[:2]))
        parts.append(part(grid, draft.main))
        if draft.main.material != "metal":
            for s in (0.36, 0.64):
                front = s if _front_is_middle(grid) else (s + 0.5) % 1
                parts.append(line(grid, draft.thread(), [(front, 0.12), (front, 0.4), (front, 0.7)], width=0.0022))
        parts += [
            part(rounded_box((x, side * radius * 0.98, -0.012), (0.035, 0.12, 0.055), radius=0.014), metal)
            for x in (-wide * 0.93, wide * 0.93)
        ]
    return parts


def _front_is_middle(grid: Grid) -> bool:
    columns = grid.shape[1]
    return bool(grid[10, columns // 2, 2] > grid[10, 0, 2])


def sunglasses(draft: Draft) -> list[Part]:
    """Sunglasses: round, square, aviator or cat-eye frames with dark lenses."""
    turn = np.linspace(0, 2 * np.pi, 41)
    cos, sin = np.cos(turn), np.sin(turn)
    wide, high = draft.roll(0.185, 0.205), draft.roll(0.15, 0.175)
    if draft.has("round"):
        x, y = 0.165 * cos, 0.165 * sin
    elif draft.has("aviator"):
        x, y = wide * cos * (1 + 0.10 * sin), high * (sin * 1.05 - 0.16 * cos * (sin < 0))
    elif draft.has("cat-eye"):
        x, y = wide * cos, high * 0.85 * sin + 0.075 * np.clip(cos, 0, 1) ** 2 * np.clip(sin + 0.3, 0, 1)
    else:
        x, y = wide * np.sign(cos) * np.abs(cos) ** 0.62, high * 0.92 * np.sign(sin) * np.abs(sin) ** 0.62
    thin = draft.main.material == "metal"
    rim = 0.008 if thin else draft.roll(0.016, 0.024)
    gap = 0.235
    lens = draft.other(str(draft.rng.choice(["1a1c20", "2a2320", "3a2a1c", "1c2a33", "2c3a2c"])), "lens")
    parts: list[Part] = []
    for side in (1.0, -1.0):
        outline = np.stack([side * (gap + x), y, -0.10 * np.abs(side * (gap + x)) ** 2], -1)
        parts.append(part(tube(outline, [(rim, rim * 0.8)] * 41, rows=120, columns=13), draft.main))
        out = np.linspace(0, 1, 12)[:, None, None]
        center = outline.mean(0)
        sheet = center + (outline - center) * out + np.array([0, 0, 0.012]) * (1 - out**2)
        parts.append(part(sheet[:, ::-1] if side > 0 else sheet, lens))
        hinge = np.array([side * (gap + float(x.max()) + rim * 0.4), 0.055, -0.03])
        temple = [
            shifted(hinge, -side * 0.01, 0, 0.012),
            shifted(hinge, side * 0.016, 0.004, -0.03),
            shifted(hinge, side * 0.02, 0.0, -0.3),
            shifted(hinge, side * 0.01, -0.02, -0.48),
            shifted(hinge, 0, -0.10, -0.62),
        ]
        size = (
            [(0.007, 0.007)] * 5
            if thin
            else [(0.011, 0.024), (0.011, 0.024), (0.010, 0.016), (0.010, 0.014), (0.010, 0.017)]
        )
        parts.append(part(tube(temple, size, rows=50, columns=11, deep=(0, 1, 0)), draft.main))
    nose = gap - float(-x.min()) if float(-x.min()) < gap else 0.02
    for lift in (0.055, 0.11) if draft.has("aviator") else (0.045,):
        bridge = [(-nose - 0.008, lift * 0.7, 0.0), (0.0, lift + 0.012, 0.012), (nose + 0.008, lift * 0.7, 0.0)]
        parts.append(part(tube(bridge, rim * (0.8 if thin else 0.95), rows=20, columns=11), draft.main))
    return parts


# fmt: off
KINDS = (
    Kind("scarf", "Accessories", ADULTS, ("wool", "knit", "silk", "cotton"),
         options=(("fringes", ""),),
         price=(15, 89), build=scarf, pose="worn", turn=0, pitch=4, period=0.14),
    Kind("belt", "Accessories", ADULTS, ("leather", "suede", "canvas"),
         options=(("square buckle", "round buckle"), ("stitched", ""),),
         price=(15, 79), build=belt, is_patterned=False, pose="standing", turn=0, pitch=24),
    Kind("watch", "Accessories", ADULTS, ("leather", "metal", "rubber", "nylon"),
         options=(("round case", "round case", "square case"), ("chronograph", "", ""),),
         price=(49, 399), build=watch, is_patterned=False, pose="worn", turn=0, pitch=4),
    Kind("sunglasses", "Accessories", ADULTS, ("plastic", "metal"),
         options=(("round", "square", "aviator", "cat-eye"),),
         price=(15, 159), build=sunglasses, is_patterned=False, pose="standing", turn=0, pitch=6),
)
# fmt: on

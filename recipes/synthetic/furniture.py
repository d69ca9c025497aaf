"""Furniture: chair, stool, armchair, sofa, table. A unit is about the width of a chair's back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.kind import HOME, Kind
from recipes.synthetic.mesh import Grid, Part, part, revolve, rounded_box, shifted, tube
from recipes.synthetic.torso import button

WOODS = ("c99a68", "a9754a", "6b4226", "8a5a33", "d9b98a", "3a2a20")


def _legs(finish: Finish, half: tuple[float, float], high: float, *, splay: float, radius: float) -> list[Part]:
    """Four tapered legs under a frame of half width and half depth."""
    parts = []
    for x in (-half[0], half[0]):
        for z in (-half[1], half[1]):
            foot = (x * (1 + splay), 0.0, z * (1 + splay))
            path = [(x, high, z), ((x + foot[0]) / 2, high / 2, (z + foot[2]) / 2), foot]
            parts.append(
                part(tube(path, [radius, radius * 0.85, radius * 0.6], rows=16, columns=21), _lengthwise(finish))
            )
    return parts


def _lengthwise(finish: Finish) -> Finish:
    """The finish with its grain along a tube instead of around it."""
    return replace(finish, angle=np.pi / 2) if finish.material == "wood" else finish


def _frame(draft: Draft) -> Finish:
    """What legs are made of: the main finish where it is wood, metal or plastic, else wood or dark metal."""
    if draft.main.material in {"wood", "metal", "plastic"}:
        return draft.plain(darker=0.95)
    if draft.has("metal legs"):
        return draft.other(str(draft.rng.choice(["2a2b2e", "c9ccd1", "d8b46a"])), "metal")
    return draft.other(str(draft.rng.choice(WOODS)), "wood")


def _cushion(
    draft: Draft, center: Sequence[float], size: Sequence[float], finish: Finish, *, radius: float, plump: float = 0.02
) -> Part:
    """An upholstered block: a rounded box whose faces swell and crease."""
    grid = rounded_box((0, 0, 0), size, radius=radius, rows=56, columns=97, power=7)
    inner = np.prod([np.clip(1 - np.abs(grid[..., i] / (size[i] / 2)) ** 4, 0, 1) + 0.15 for i in range(3)], axis=0)
    swell = plump * np.clip(inner * 1.6, 0, 1) + wrinkles(grid.shape, (6, 8), draft.rng, sharp=0.6) * 0.006
    return part(displaced(grid, swell) + np.asarray(center, float), finish, wrap=True, upright=True)


def chair(draft: Draft) -> list[Part]:
    """A dining chair: slatted, panelled, shell or upholstered."""
    wide, deep, seat = draft.roll(0.40, 0.46), draft.roll(0.40, 0.45), draft.roll(0.46, 0.50)
    top = seat + draft.roll(0.46, 0.58)
    frame = _frame(draft)
    parts: list[Part] = []
    if draft.has("shell"):
        return [*_shell(draft, seat), *_legs(frame, (0.17, 0.16), seat - 0.03, splay=0.35, radius=0.02)]
    soft = draft.main.kind.folds > 0 or draft.main.material == "leather"
    if soft:
        parts.append(_cushion(draft, (0, seat, 0), (wide * 1.02, 0.10, deep * 1.02), draft.main, radius=0.045))
    else:
        board = rounded_box((0, seat, 0), (wide * 1.02, 0.035, deep * 1.02), radius=0.014, columns=97, power=5)
        parts.append(part(board, draft.main, wrap=True))
    lean = draft.roll(0.05, 0.10)
    z_back = -deep / 2
    if soft:
        back = _cushion(
            draft, (0, 0, 0), (wide * 0.98, top - seat - 0.06, 0.075), draft.main, radius=0.035, plump=0.012
        )
        points = shifted(back.points, 0, (top + seat) / 2 + 0.05, z_back)
        points[..., 2] -= (
            lean * (points[..., 1] - seat) / (top - seat) + 0.12 * (0.2 - (points[..., 0] / wide) ** 2) * 0.5
        )
        parts.append(Part(points, back.uv, back.finish, True))
    else:
        parts += _wooden_back(draft, wide, seat, top, z_back, lean)
    parts += _legs(
        frame, (wide * 0.42, deep * 0.42), seat, splay=draft.roll(0.0, 0.15), radius=draft.roll(0.018, 0.026)
    )
    if draft.has("armrests"):
        for side in (-1, 1):
            x = side * (wide * 0.54)
            path = [
                (x * 0.92, seat, deep * 0.38),
                (x, seat + 0.2, deep * 0.4),
                (x, seat + 0.225, 0.0),
                (x * 0.95, seat + 0.23, z_back - lean * 0.4),
            ]
            parts.append(
                part(
                    tube(path, [(0.017, 0.017), (0.02, 0.017), (0.026, 0.014), (0.02, 0.014)], rows=50, columns=15),
                    frame,
                )
            )
    return parts


def _wooden_back(draft: Draft, wide: float, seat: float, top: float, z: float, lean: float) -> list[Part]:
    """Two posts, a top rail, and slats or rungs between."""
    finish = _lengthwise(draft.main)
    parts = []
    for side in (-1, 1):
        x = side * wide * 0.45
        parts.append(
            part(
                tube(
                    [(x, seat, z + 0.02), (x, (seat + top) / 2, z - lean * 0.4), (x, top, z - lean)],
                    [0.022, 0.02, 0.017],
                    rows=20,
                    columns=17,
                ),
                finish,
            )
        )
    levels = (
        np.linspace(seat + 0.13, top - 0.03, int(draft.rng.integers(3, 5)))
        if draft.has("ladder back")
        else [top - 0.035]
    )
    for y in levels:
        z_here = z - lean * (y - seat) / (top - seat)
        path = [(-wide * 0.46, y, z_here), (0, y + 0.004, z_here - 0.03), (wide * 0.46, y, z_here)]
        parts.append(part(tube(path, [(0.034, 0.011)] * 3, rows=24, columns=15, power=3.5), finish))
    if not draft.has("ladder back"):
        for share in np.linspace(-0.32, 0.32, int(draft.rng.integers(4, 7))):
            x = share * wide * 1.1
            path = [
                (x, seat, z + 0.02),
                (x, (seat + top) / 2, z - lean * 0.5 - 0.012),
                (x, top - 0.04, z - lean - 0.015),
            ]
            parts.append(part(tube(path, 0.0105, rows=16, columns=11), finish))
    return parts


def _shell(draft: Draft, seat: float) -> list[Part]:
    """A moulded seat and back in one piece."""
    rows, columns = 70, 61
    along, across = np.linspace(0, 1, rows)[:, None], np.linspace(-1, 1, columns)[None]
    # Side view of the shell: from the back's top down, around, and to the seat's front edge.
    side = np.array(
        [
            (-0.27, 0.46),
            (-0.255, 0.36),
            (-0.22, 0.20),
            (-0.17, 0.06),
            (-0.08, 0.0),
            (0.05, 0.0),
            (0.16, 0.015),
            (0.21, -0.015),
            (0.225, -0.045),
        ]
    )
    z = np.interp(along, np.linspace(0, 1, len(side)), side[:, 0])
    y = np.interp(along, np.linspace(0, 1, len(side)), side[:, 1])
    kernel = np.ones(9) / 9
    z = np.convolve(np.pad(z[:, 0], 4, mode="edge"), kernel, "valid")[:, None]
    y = np.convolve(np.pad(y[:, 0], 4, mode="edge"), kernel, "valid")[:, None]
    half = (
        0.235 * (1 - 0.25 * (1 - along) ** 3) * np.sqrt(np.clip(1 - np.clip(0.12 - along, 0, 1) ** 2 / 0.0169, 0.05, 1))
    )
    curl = 0.075 * np.abs(across) ** 3
    lower = np.clip((along - 0.35) / 0.3, 0, 1)
    points = np.stack(
        [across * half + 0 * along, seat + y + curl * lower, z + curl * (1 - lower) * 1.3 + 0 * across], -1
    )
    back = shifted(points[:, ::-1], 0, -0.012, -0.008)
    return [part(points, draft.main), part(np.ascontiguousarray(back), draft.plain(darker=0.9))]


def stool(draft: Draft) -> list[Part]:
    """A stool: round or square seat on legs with rungs."""
    high = draft.roll(0.45, 0.5) if not draft.has("bar height") else draft.roll(0.72, 0.8)
    frame = _frame(draft)
    wide = draft.roll(0.17, 0.21)
    if draft.main.kind.folds > 0 or draft.main.material == "leather":
        seat: Grid = revolve(
            [
                (high + 0.05, 0.004),
                (high + 0.05, wide * 0.6),
                (high + 0.035, wide * 0.95),
                (high, wide * 1.02),
                (high - 0.035, wide * 0.98),
                (high - 0.04, 0.01),
            ],
            rows=40,
            columns=73,
        )
        seat = displaced(seat, wrinkles(seat.shape, (4, 8), draft.rng, sharp=0.5) * 0.004)
    elif draft.has("square seat"):
        seat = rounded_box((0, high, 0), (wide * 1.9, 0.04, wide * 1.9), radius=0.016, power=7)
    else:
        seat = revolve(
            [
                (high + 0.02, 0.004),
                (high + 0.018, wide * 0.9),
                (high + 0.008, wide),
                (high - 0.012, wide),
                (high - 0.02, wide * 0.95),
                (high - 0.02, 0.01),
            ],
            rows=30,
            columns=73,
        )
    parts = [part(seat, draft.main, wrap=True)]
    parts += _legs(frame, (wide * 0.58, wide * 0.58), high - 0.01, splay=0.42, radius=0.017)
    for y in (0.3 * high, 0.42 * high):
        reach = wide * 0.58 * (1 + 0.42 * (1 - y / high))
        for sign in (-1, 1):
            ends = (
                [(-reach, y, sign * reach), (reach, y, sign * reach)]
                if y < 0.35 * high
                else [(sign * reach, y, -reach), (sign * reach, y, reach)]
            )
            middle = np.mean(ends, axis=0).tolist()
            parts.append(part(tube([ends[0], middle, ends[1]], 0.010, rows=8, columns=11, deep=(0, 1, 0)), frame))
    return parts


def sofa(draft: Draft) -> list[Part]:
    """A sofa of two or three seats, with loose cushions or buttons."""
    return _seats(draft, 3 if draft.has("three-seater") else 2)


def armchair(draft: Draft) -> list[Part]:
    """An armchair."""
    return _seats(draft, 1)


def _seats(draft: Draft, count: int) -> list[Part]:
    seat_wide, deep = draft.roll(0.50, 0.58), draft.roll(0.62, 0.70)
    arm, leg = draft.roll(0.10, 0.17), draft.roll(0.08, 0.15)
    wide = seat_wide * count
    arm_high = leg + draft.roll(0.36, 0.44)
    back_high = leg + draft.roll(0.58, 0.68)
    round_ = draft.roll(0.05, 0.075) if draft.has("rounded arms") else 0.03
    main, shadow = draft.main, draft.plain(darker=0.94)
    base = rounded_box(
        (0, leg + 0.10, 0), (wide + 2 * arm - 0.02, 0.19, deep - 0.04), radius=0.02, columns=97, power=12
    )
    parts = [part(base, main, wrap=True, upright=True)]
    parts.append(
        _cushion(
            draft,
            (0, (leg + back_high) / 2, -deep / 2 + 0.09),
            (wide + 2 * arm - 0.06, back_high - leg, 0.17),
            shadow,
            radius=0.05,
            plump=0.008,
        )
    )
    for side in (-1, 1):
        x = side * (wide + arm) / 2
        parts.append(
            _cushion(
                draft, (x, (leg + arm_high) / 2, 0.0), (arm, arm_high - leg, deep), main, radius=round_, plump=0.010
            )
        )
    for index in range(count):
        x = (index - (count - 1) / 2) * seat_wide
        parts.append(
            _cushion(
                draft, (x, leg + 0.255, 0.05), (seat_wide - 0.012, 0.14, deep - 0.12), main, radius=0.045, plump=0.018
            )
        )
        back = _cushion(
            draft, (0, 0, 0), (seat_wide - 0.03, back_high - leg - 0.26, 0.16), main, radius=0.06, plump=0.03
        )
        points = shifted(back.points, x, leg + 0.33 + (back_high - leg - 0.26) / 2, -deep / 2 + 0.24)
        points[..., 2] -= 0.22 * (points[..., 1] - leg - 0.33)
        cushion = Part(points, back.uv, back.finish, True)
        parts.append(cushion)
        if draft.has("buttoned"):
            parts += [button(points, shadow, s, 0.5, radius=0.016) for s in (0.44, 0.56)]
    foot = _frame(draft)
    for x in (-1, 1):
        for z in (-1, 1):
            place = np.array([x * (wide / 2 + arm - 0.06), 0.0, z * (deep / 2 - 0.07)])
            path = [shifted(place, -x * 0.02, leg + 0.02, 0), shifted(place, 0, leg * 0.5, 0), place]
            parts.append(part(tube(path, [0.026, 0.022, 0.016], rows=10, columns=15), foot))
    return parts


def table(draft: Draft) -> list[Part]:
    """A table: rectangular on four legs, or round on a foot."""
    frame = (
        draft.plain(darker=0.92)
        if draft.main.material == "wood" and not draft.has("metal legs")
        else draft.other(str(draft.rng.choice(["2a2b2e", "c9ccd1"])), "metal")
    )
    low = draft.has("coffee table")
    high = draft.roll(0.36, 0.42) if low else draft.roll(0.66, 0.72)
    if draft.has("round top"):
        wide = draft.roll(0.42, 0.5)
        top = revolve(
            [
                (high, 0.004),
                (high, wide * 0.5),
                (high - 0.001, wide * 0.985),
                (high - 0.01, wide),
                (high - 0.032, wide),
                (high - 0.04, wide * 0.96),
                (high - 0.04, 0.01),
            ],
            rows=50,
            columns=121,
        )
        parts = [_grained(top, draft.main)]
        if draft.roll(0, 1) < 0.5:
            stem = revolve(
                [
                    (high - 0.03, 0.05),
                    (high - 0.1, 0.035),
                    (high * 0.5, 0.032),
                    (0.08, 0.04),
                    (0.045, 0.18),
                    (0.02, 0.25),
                    (0.0, 0.255),
                    (0.0, 0.004),
                ],
                rows=70,
                columns=61,
            )
            return [*parts, part(stem, frame, wrap=True)]
        return parts + _legs(frame, (wide * 0.55, wide * 0.55), high - 0.03, splay=0.25, radius=0.024)
    wide, deep = draft.roll(0.56, 0.74), draft.roll(0.32, 0.38)
    thick = draft.roll(0.03, 0.05)
    box = rounded_box(
        (0, high - thick / 2, 0), (2 * wide, thick, 2 * deep), radius=0.008, rows=40, columns=161, power=24
    )
    parts = [_grained(box, draft.main)]
    apron = rounded_box(
        (0, high - thick - 0.035, 0), (2 * wide - 0.16, 0.07, 2 * deep - 0.14), radius=0.006, columns=97, power=24
    )
    parts.append(_grained(apron, frame))
    parts += _legs(
        frame,
        (wide - 0.10, deep - 0.08),
        high - thick,
        splay=draft.roll(0.0, 0.12),
        radius=draft.roll(0.02, 0.03),
    )
    if draft.has("with shelf"):
        shelf = rounded_box(
            (0, high * 0.3, 0), (2 * wide - 0.2, 0.02, 2 * deep - 0.16), radius=0.006, columns=97, power=24
        )
        parts.append(_grained(shelf, draft.main))
    return parts


def _grained(points: Grid, finish: Finish) -> Part:
    """Boards: the grain runs along x, over the top and down the edges, as planks are cut."""
    uv = np.stack([points[..., 0], points[..., 2] - points[..., 1]], -1)
    return Part(points, uv, finish, True)


# fmt: off
KINDS = (
    Kind("chair", "Furniture", HOME, ("wood", "velvet", "leather", "plastic", "linen"),
         options=(("slatted back", "ladder back", "shell"), ("armrests", "", ""), ("metal legs",
                  "wooden legs"),),
         price=(49, 299), build=chair, pose="standing", turn=24, pitch=14, period=0.2),
    Kind("stool", "Furniture", HOME, ("wood", "leather", "velvet", "metal"),
         options=(("bar height", "low"), ("square seat", "round seat"), ("metal legs", "wooden legs"),),
         price=(29, 149), build=stool, pose="standing", turn=20, pitch=14, period=0.2),
    Kind("armchair", "Furniture", HOME, ("velvet", "linen", "leather", "wool"),
         options=(("rounded arms", "square arms"), ("buttoned", ""), ("metal legs", "wooden legs"),),
         price=(149, 699), build=armchair, pose="standing", turn=18, pitch=10, period=0.24),
    Kind("sofa", "Furniture", HOME, ("velvet", "linen", "leather", "wool"),
         options=(("two-seater", "three-seater"), ("rounded arms", "square arms"), ("buttoned", ""),
                  ("metal legs", "wooden legs"),),
         price=(299, 1499), build=sofa, pose="standing", turn=0, pitch=9, period=0.3),
    Kind("table", "Furniture", HOME, ("wood",),
         options=(("round top", "rectangular", "rectangular"), ("dining table", "coffee table"), ("metal legs",
                  "wooden legs"), ("with shelf", "", ""),),
         price=(99, 799), build=table, is_patterned=False, pose="standing", turn=20, pitch=14),
)
# fmt: on

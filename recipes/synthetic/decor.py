"""Vase, lamp and pillow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.kind import HOME, Kind
from recipes.synthetic.mesh import Grid, Part, part, patch, revolve, rounded_box, shifted, tube


def vase(draft: Draft) -> list[Part]:
    """A vase: bellied, slender, cylindrical or ribbed."""
    high = draft.roll(0.78, 1.0)
    if draft.has("cylinder"):
        wide = draft.roll(0.19, 0.24)
        outer = [(high, wide), (high * 0.5, wide), (0.03, wide), (0.0, wide * 0.94)]
    elif draft.has("slender"):
        wide = draft.roll(0.17, 0.22)
        outer = [
            (high, 0.075),
            (high * 0.93, 0.058),
            (high * 0.68, 0.068),
            (high * 0.38, wide),
            (high * 0.14, wide * 0.72),
            (0.02, 0.10),
            (0.0, 0.10),
        ]
    else:
        wide = draft.roll(0.27, 0.36)
        outer = [
            (high, 0.15),
            (high * 0.94, 0.115),
            (high * 0.82, 0.125),
            (high * 0.56, wide),
            (high * 0.28, wide * 0.86),
            (0.03, 0.14),
            (0.0, 0.135),
        ]
    lip = outer[0][1]
    if draft.main.material == "glass":
        return [part(revolve([*outer, (0.0, 0.004)], rows=110, columns=97), draft.main, wrap=True, upright=True)]
    table = [
        (high * 0.4, lip * 0.6),
        (high * 0.9, max(lip * 0.74, 0.04)),
        (high - 0.004, lip * 0.9),
        (high + 0.006, lip * 0.95),
        *outer,
        (0.0, 0.004),
    ]
    grid = revolve(table, rows=140, columns=193 if draft.has("ribbed") else 97)
    if draft.has("ribbed"):
        count = int(draft.rng.integers(16, 30))
        inner = np.clip((np.arange(140) - 70) / 12, 0, 1)[:, None]
        grid = displaced(
            grid, np.broadcast_to(np.abs(np.cos(np.linspace(0, np.pi * count, 193))) * 0.012, grid.shape[:2]) * inner
        )
    parts = [part(grid, draft.main, wrap=True, upright=True)]
    if draft.has("two handles"):
        for side in (1.0, -1.0):
            knots = [
                (side * lip * 0.8, high * 0.92, 0),
                (side * (lip + 0.14), high * 0.9, 0),
                (side * (lip + 0.17), high * 0.76, 0),
                (side * 0.2, high * 0.64, 0),
            ]
            parts.append(part(tube(knots, 0.022, rows=40, columns=15), draft.plain()))
    return parts


def lamp(draft: Draft) -> list[Part]:
    """A table lamp: shade, stem and base; or a floor lamp on three legs."""
    high = draft.roll(0.36, 0.44)
    top, foot = draft.roll(0.17, 0.26), draft.roll(0.30, 0.38)
    if draft.has("drum shade"):
        top = foot = draft.roll(0.27, 0.33)
    bottom = 0.55
    glowing = replace(draft.main, glow=draft.roll(0.10, 0.3))
    shade = revolve(
        [
            (bottom + high, top),
            (bottom + high * 0.5, (top + foot) / 2 - (0.02 if draft.has("bell shade") else 0)),
            (bottom, foot),
        ],
        rows=50,
        columns=121,
    )
    parts = [part(shade, glowing, wrap=True, upright=True)]
    trim = replace(draft.plain(darker=0.85), glow=0.05)
    parts += [
        part(patch(shade, (0, 1), t, lift=0.006, rows=6, columns=121, wrap=True), trim, wrap=True)
        for t in ((0.0, 0.03), (0.97, 1.0))
    ]
    bulb = revolve(
        [(bottom + high * 0.7 + 0.07 * float(np.cos(a)), 0.068 * float(np.sin(a))) for a in np.linspace(0, np.pi, 16)],
        rows=24,
        columns=33,
    )
    parts.append(part(bulb, draft.other("fff4dc", "plastic", glow=0.8), wrap=True))
    base = (
        draft.other(str(draft.rng.choice(["c9ccd1", "d8b46a", "2a2b2e"])), "metal")
        if draft.roll(0, 1) < 0.4
        else draft.other(str(draft.rng.choice(["a9754a", "6b4226", "c99a68"])), "wood")
    )
    if draft.has("ceramic base"):
        base = draft.other(str(draft.rng.choice(["f2efe8", "2f5d73", "d9d2c2", "3d6b57", "2a2b2e"])), "ceramic")
        belly = draft.roll(0.15, 0.21)
        stem = [
            (bottom + 0.12, 0.018),
            (bottom - 0.03, 0.02),
            (bottom - 0.05, 0.06),
            (0.36, belly),
            (0.18, belly * 0.86),
            (0.03, 0.11),
            (0.0, 0.11),
            (0.0, 0.004),
        ]
        return [*parts, part(revolve(stem, rows=90, columns=73), base, wrap=True)]
    if draft.has("tripod"):
        for angle in np.array([0.5, 2.6, 4.7]) + draft.roll(-0.3, 0.3):
            x, z = 0.26 * np.sin(angle), 0.26 * np.cos(angle)
            parts.append(
                part(
                    tube(
                        [(x * 0.1, bottom - 0.02, z * 0.1), (x * 0.55, bottom * 0.5, z * 0.55), (x, 0.0, z)],
                        [0.02, 0.022, 0.016],
                        rows=20,
                        columns=15,
                    ),
                    base,
                )
            )
        return [
            *parts,
            part(
                revolve(
                    [
                        (bottom + 0.14, 0.016),
                        (bottom, 0.016),
                        (bottom - 0.01, 0.05),
                        (bottom - 0.05, 0.05),
                        (bottom - 0.06, 0.004),
                    ],
                    rows=30,
                    columns=33,
                ),
                base,
                wrap=True,
            ),
        ]
    stem = [
        (bottom + 0.14, 0.015),
        (bottom * 0.5, 0.017),
        (0.06, 0.018),
        (0.05, 0.03),
        (0.045, 0.17),
        (0.03, 0.185),
        (0.0, 0.185),
        (0.0, 0.004),
    ]
    return [*parts, part(revolve(stem, rows=90, columns=73), base, wrap=True)]


def pillow(draft: Draft) -> list[Part]:
    """A cushion: square or oblong, with piping, tassels or buttons."""
    wide, high = (0.5, 0.5) if not draft.has("lumbar") else (0.56, 0.36)
    count = 81
    u = np.linspace(-1, 1, count)
    x, y = np.meshgrid(u, -u)
    edge = (1 - np.abs(x) ** 2.6) * (1 - np.abs(y) ** 2.6)
    plump = draft.roll(0.17, 0.22) * np.clip(edge, 0, 1) ** 0.55
    # A filled square of cloth draws its sides in and leaves its corners standing.
    sides = 0.075
    grid_x = wide * x * (1 - sides * (1 - y**2))
    grid_y = high * y * (1 - sides * (1 - x**2))
    parts = []
    rng = draft.rng
    corner = np.exp(-(((1 - np.abs(x)) / 0.5) ** 2) - ((1 - np.abs(y)) / 0.5) ** 2)
    fan = np.sin(np.arctan2(1 - np.abs(y) + 0.05, 1 - np.abs(x) + 0.05) * 13 + rng.uniform(0, 6)) * corner * 0.010
    for side in (1.0, -1.0):
        dent = (
            wrinkles((count, count), (4, 4), rng, sharp=0.4) * 0.016
            + wrinkles((count, count), (7, 7), rng, sharp=0.7) * 0.006
        )
        z = side * (plump + (dent + fan) * np.clip(edge * 3, 0, 1))
        if draft.has("buttoned"):
            z = z - side * 0.10 * np.exp(-((x / 0.16) ** 2) - (y / 0.16) ** 2)
        grid = np.stack([grid_x, grid_y, z], -1)
        parts.append(part(grid if side > 0 else np.ascontiguousarray(grid[:, ::-1]), draft.main, upright=True))
    rim = np.concatenate(
        [
            np.stack([grid_x[0], grid_y[0]], -1),
            np.stack([grid_x[1:, -1], grid_y[1:, -1]], -1),
            np.stack([grid_x[-1, -2::-1], grid_y[-1, -2::-1]], -1),
            np.stack([grid_x[-2::-1, 0], grid_y[-2::-1, 0]], -1),
        ]
    )
    path = np.concatenate([rim, np.zeros((len(rim), 1))], axis=1)
    if draft.has("piped"):
        cord = (
            replace(draft.plain(), color=draft.main.accents[0]) if draft.roll(0, 1) < 0.5 else draft.plain(darker=0.75)
        )
        parts.append(part(tube(path[::2], 0.011, rows=300, columns=9, deep=(0, 0, 1)), cord))
    else:
        parts.append(part(tube(path[::2], 0.005, rows=300, columns=7, deep=(0, 0, 1)), draft.plain(darker=0.85)))
    if draft.has("tassels"):
        parts += [_tassel(draft, grid_x[i, j], grid_y[i, j]) for i in (0, -1) for j in (0, -1)]
    if draft.has("buttoned"):
        sunk = float(plump.max()) - 0.10
        parts.append(part(rounded_box((0, 0, sunk), (0.07, 0.07, 0.04), radius=0.019), draft.plain(darker=0.85)))
    return parts


def _tassel(draft: Draft, x: float, y: float) -> Part:
    way = np.array([np.sign(x), np.sign(y) * 0.9, 0.0])
    start = np.array([x, y, 0.0])
    end = shifted(start + way * 0.07, 0, -0.03, 0)
    grid: Grid = tube(
        [start, start + way * 0.02, start + way * 0.035, end], [0.010, 0.016, 0.014, 0.024], rows=24, columns=33
    )
    ribs = np.cos(np.linspace(0, 2 * np.pi * 12, 33)) * 0.003
    return part(displaced(grid, np.broadcast_to(ribs, grid.shape[:2])), draft.plain(darker=0.8))


# fmt: off
KINDS = (
    Kind("vase", "Home decor", HOME, ("ceramic", "stoneware", "glass"),
         options=(("bellied", "slender", "cylinder"), ("ribbed", "", ""), ("two handles", "", ""),),
         price=(15, 99), build=vase, pose="standing", turn=0, pitch=10, period=0.28),
    Kind("lamp", "Home decor", HOME, ("linen", "cotton", "silk"),
         options=(("drum shade", "tapered shade", "bell shade"), ("ceramic base", "tripod", "slim stem"),),
         price=(29, 189), build=lamp, pose="standing", turn=0, pitch=4, period=0.2),
    Kind("pillow", "Home decor", HOME, ("cotton", "linen", "velvet", "knit"),
         options=(("square", "square", "lumbar"), ("piped", "tassels", "buttoned", ""),),
         price=(12, 59), build=pillow, pose="worn", turn=0, pitch=4, period=0.22),
)
# fmt: on

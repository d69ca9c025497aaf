"""Hat, cap and beanie."""

from __future__ import annotations

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.kind import ADULTS, Kind
from recipes.synthetic.mesh import Grid, Part, at, loft, part, patch, revolve, rounded_box, tube


def hat(draft: Draft) -> list[Part]:
    """A hat with a brim and a ribbon: fedora, sun hat or bucket."""
    if draft.has("bucket"):
        table = [
            (0.36, 0.01),
            (0.362, 0.16),
            (0.35, 0.215),
            (0.33, 0.232),
            (0.12, 0.265),
            (0.10, 0.275),
            (0.02, 0.40),
            (0.0, 0.415),
            (-0.004, 0.405),
        ]
        grid = revolve(table, rows=80, columns=121)
        grid = displaced(grid, wrinkles(grid.shape, (5, 8), draft.rng, sharp=0.4) * 0.008)
        parts = [part(grid, draft.main, wrap=True)]
        return parts + [_around(grid, draft.thread(), t, 0.0025) for t in (0.45, 0.70, 0.80, 0.90)]
    wide = draft.roll(0.46, 0.56) if not draft.has("wide brim") else draft.roll(0.62, 0.74)
    high = draft.roll(0.27, 0.34)
    droop = draft.roll(0.0, 0.05) if draft.has("wide brim") else draft.roll(-0.03, 0.01)
    table = [
        (high, 0.01),
        (high, 0.13),
        (high - 0.012, 0.19),
        (high - 0.05, 0.222),
        (0.05, 0.262),
        (0.012, 0.275),
        (0.0, 0.31),
        (-droop * 0.4, wide * 0.8),
        (-droop, wide),
        (-droop - 0.010, wide + 0.004),
        (-droop - 0.012, wide - 0.01),
    ]
    grid = revolve(table, rows=110, columns=141)
    crown = np.clip((grid[..., 1] - high * 0.55) / (high * 0.45), 0, 1)
    if draft.has("fedora"):
        # A crease along the crown and a pinch on either side of its front.
        grid[..., 1] -= (
            crown * 0.075 * np.exp(-((grid[..., 0] / 0.075) ** 2)) * np.clip(1.2 - np.abs(grid[..., 2] / 0.3), 0, 1)
        )
        pinch = np.exp(-(((np.abs(grid[..., 0]) - 0.16) / 0.08) ** 2)) * np.clip(grid[..., 2] / 0.15, 0, 1) * crown
        grid[..., 2] -= 0.075 * pinch
    angle = np.linspace(-np.pi, np.pi, grid.shape[1])
    brim = np.clip((np.hypot(grid[..., 0], grid[..., 2]) - 0.3) / 0.25, 0, 1.2)
    grid[..., 1] += (
        brim * draft.roll(0.02, 0.06) * (np.cos(2 * angle + np.pi) * 0.8 + 0.2 * np.sin(3 * angle + draft.roll(0, 6)))
    )
    grid[..., 2] *= 1.12
    parts = [part(grid, draft.main, wrap=True)]
    y = np.array([0.014, 0.066 + draft.roll(0, 0.03)])
    t = np.interp(y, *_heights(grid))
    ribbon = draft.other("1d1c1e" if sum(draft.main.color) > 0.2 else "8d8a88", "satin")
    parts.append(
        part(
            patch(grid, (0, 1), (float(t[1]), float(t[0])), lift=0.007, rows=8, columns=grid.shape[1], wrap=True),
            ribbon,
            wrap=True,
        )
    )
    x, up, z = at(grid, 0.68, float(t.mean()))
    return [
        *parts,
        part(rounded_box((x + 0.006, up, z + 0.006), (0.02, float(y[1] - y[0]) * 1.1, 0.06), radius=0.008), ribbon),
    ]


def _heights(grid: Grid) -> tuple[Grid, Grid]:
    """Heights of a column of the upper half of a grid, ascending, and its rows (0-1) for `np.interp`."""
    y = grid[:, grid.shape[1] // 4, 1]
    rows = np.linspace(0, 1, len(y))
    order = np.argsort(y, kind="stable")
    return y[order], rows[order]


def _around(grid: Grid, finish: Finish, t: float, half: float) -> Part:
    return part(
        patch(grid, (0, 1), (t - half, t + half), lift=0.002, rows=3, columns=grid.shape[1], wrap=True),
        finish,
        wrap=True,
    )


def cap(draft: Draft) -> list[Part]:
    """A baseball cap: six panels, a button, a curved visor."""
    table = [(0.335, 0.004), (0.332, 0.06), (0.31, 0.13), (0.265, 0.19), (0.19, 0.232), (0.09, 0.252), (0.0, 0.256)]
    grid = revolve(table, rows=70, columns=121)
    grid[..., 2] *= 1.12
    angle = np.linspace(-np.pi, np.pi, grid.shape[1])
    grid[..., 1] *= 0.86
    seams = np.exp(-((((angle + np.pi / 6) % (np.pi / 3) - np.pi / 6) / 0.05) ** 2))
    fade = np.clip(np.linspace(0, 1, grid.shape[0])[:, None] * 6, 0, 1)
    grid = displaced(grid, -0.004 * seams[None] * fade + wrinkles(grid.shape, (4, 6), draft.rng, sharp=0.3) * 0.004)
    visor_finish = draft.plain(darker=0.85) if draft.main.pattern != "plain" or draft.roll(0, 1) < 0.6 else draft.main
    if draft.has("contrast visor"):
        visor_finish = draft.other("22242b" if sum(draft.main.color) > 0.25 else "d9d4c8", "cotton")
    parts = [
        part(grid, draft.main, wrap=True, upright=False),
        part(_visor(0.0), visor_finish),
        part(_visor(-0.012), visor_finish),
    ]
    parts += [part(_stitched(row), draft.thread()) for row in (0.35, 0.6, 0.85)]
    parts.append(part(rounded_box((0, 0.291, 0), (0.045, 0.022, 0.045), radius=0.01), visor_finish))
    parts.append(
        part(
            patch(grid, (0, 1), (0.94, 1.0), lift=0.004, rows=6, columns=121, wrap=True),
            draft.plain(darker=0.9),
            wrap=True,
        )
    )
    for s in (0.36, 0.64, 0.2, 0.8):
        x, y, z = at(grid, s, 0.36)
        parts.append(part(rounded_box((x, y, z), (0.016, 0.016, 0.016), radius=0.007), draft.thread()))
    if draft.has("badge"):
        parts.append(
            part(
                patch(grid, (0.455, 0.545), (0.50, 0.80), lift=0.008),
                draft.other(str(draft.rng.choice(["efe9da", "c9a15a", "b3161f"])), "suede"),
            )
        )
    return parts


def _visor(drop: float) -> Grid:
    angle = np.linspace(-1.25, 1.25, 60)
    out = np.linspace(0, 1, 24)[:, None]
    x = 0.25 * np.sin(angle) * (1 + 0.05 * out)
    z0 = 0.256 * 1.12 * np.cos(angle)
    reach = 0.29 * np.cos(angle / 1.25 * np.pi / 2) ** 0.55
    z = z0 + out * reach
    y = 0.012 - 0.055 * out - 0.35 * (x**2) * (0.4 + out) + drop * np.sin(np.pi * np.clip(out, 0.0, 1.0)) ** 0.3
    return np.stack([np.broadcast_to(x, y.shape), y, z], -1)


def _stitched(row: float) -> Grid:
    angle = np.linspace(-1.15 + 0.25 * row, 1.15 - 0.25 * row, 30)
    x = 0.25 * np.sin(angle) * (1 + 0.05 * row)
    z = 0.256 * 1.12 * np.cos(angle) + row * 0.29 * np.cos(angle / 1.25 * np.pi / 2) ** 0.55
    y = 0.012 - 0.055 * row - 0.35 * x**2 * (0.4 + row) + 0.002
    return tube(np.stack([x, y, z], -1), 0.0022, rows=40, columns=6)


def beanie(draft: Draft) -> list[Part]:
    """A knitted cap with a turned-up brim, perhaps a pompom."""
    table = [(0.46, 0.004), (0.455, 0.05), (0.43, 0.12), (0.37, 0.19), (0.28, 0.228), (0.14, 0.245), (0.0, 0.245)]
    grid = revolve(table, rows=70, columns=121)
    ribs = (
        np.cos(np.linspace(0, 2 * np.pi, grid.shape[1]) * 44) * 0.0028 * np.clip(np.linspace(0, 3, 70)[:, None], 0, 1)
    )
    grid = displaced(grid, wrinkles(grid.shape, (4, 7), draft.rng, sharp=0.5) * 0.010 + ribs)
    brim = loft(
        [
            (0.135, 0.248, 0.248),
            (0.14, 0.262, 0.262),
            (0.125, 0.272, 0.272),
            (0.02, 0.276, 0.276),
            (0.0, 0.268, 0.268),
            (0.002, 0.25, 0.25),
        ],
        rows=30,
        columns=241,
    )
    brim = displaced(
        brim,
        np.broadcast_to(np.cos(np.linspace(0, 2 * np.pi, 241) * 60) * 0.0045, brim.shape[:2])
        + wrinkles(brim.shape, (2, 6), draft.rng, sharp=0.3) * 0.005,
    )
    finish = draft.main
    parts = [part(grid, finish, wrap=True), part(brim, draft.plain(material="wool", darker=0.95), wrap=True)]
    if draft.has("pompom"):
        angle = np.linspace(0, np.pi, 30)
        ball = revolve(
            [(0.50 + 0.085 * float(np.cos(a)), 0.088 * float(np.sin(a))) for a in angle], rows=50, columns=73
        )
        ball = displaced(ball, wrinkles(ball.shape, (16, 24), draft.rng, sharp=0.9) * 0.016)
        parts.append(part(ball, draft.plain(material="wool", darker=1.1), wrap=True))
    if draft.has("label"):
        parts.append(part(patch(brim, (0.46, 0.54), (0.35, 0.75), lift=0.006), draft.other("7a4d2b", "leather")))
    return parts


# fmt: off
KINDS = (
    Kind("hat", "Accessories", ADULTS, ("wool", "straw", "cotton", "suede"),
         options=(("fedora", "wide brim", "bucket"),),
         price=(19, 79), build=hat, pose="standing", turn=0, pitch=14, period=0.12),
    Kind("cap", "Accessories", ADULTS, ("cotton", "canvas", "suede"),
         options=(("badge", ""), ("contrast visor", ""),),
         price=(12, 39), build=cap, pose="standing", turn=-24, pitch=12, period=0.12),
    Kind("beanie", "Accessories", ADULTS, ("knit", "wool"),
         options=(("pompom", "", ""), ("label", ""),),
         price=(12, 45), build=beanie, pose="standing", turn=0, pitch=4, period=0.12),
)
# fmt: on

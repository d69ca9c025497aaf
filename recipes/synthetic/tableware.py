"""Cup, bowl and bottle."""

from __future__ import annotations

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.folds import displaced
from recipes.synthetic.kind import HOME, Kind
from recipes.synthetic.mesh import Grid, Part, curve, part, patch, revolve, shifted, tube


def cup(draft: Draft) -> list[Part]:
    """A cup or mug with a handle; perhaps on a saucer."""
    wide, high = draft.roll(0.29, 0.36), draft.roll(0.56, 0.74)
    foot, curve = draft.roll(0.62, 0.98), draft.roll(0.0, 0.12)
    if draft.has("tea cup"):
        wide, high, foot, curve = 0.42, draft.roll(0.42, 0.5), 0.5, 0.16
    base = wide * foot
    outside = [
        (high, wide),
        (high * 0.6, base + (wide - base) * (0.72 + curve) + 0.01),
        (high * 0.24, base + (wide - base) * (0.28 + 2 * curve)),
        (0.035, base * 0.98),
        (0.008, base * 0.93),
    ]
    outer, inner = _walls(outside, thick=0.026)
    lining = draft.other("f5f3ee", draft.main.material) if draft.roll(0, 1) < 0.5 else draft.plain()
    parts = [part(outer, draft.main, wrap=True, upright=True), part(inner, lining, wrap=True)]
    reach, drop = draft.roll(0.17, 0.24), draft.roll(0.5, 0.62) * high
    top = high * 0.82
    low = top - drop * 1.05
    ends = [_radius_at(outer, y) - 0.02 for y in (top, low)]
    knots = [
        (ends[0], top, 0),
        (wide + reach * 0.55, top + 0.015, 0),
        (wide + reach, top - drop * 0.42, 0),
        (ends[1] + reach * 0.75, top - drop * 0.92, 0),
        (ends[1], low, 0),
    ]
    parts.append(part(tube(knots, [(0.022, 0.036)] * 5, rows=60, columns=21, power=2.4), draft.plain()))
    if draft.has("with saucer"):
        plate = revolve(
            [
                (0.02, 0.005),
                (0.015, 0.26),
                (0.03, 0.42),
                (0.075, 0.60),
                (0.08, 0.615),
                (0.07, 0.61),
                (0.0, 0.40),
                (-0.02, 0.3),
                (-0.02, 0.01),
            ],
            rows=60,
            columns=121,
        )
        parts = [Part(shifted(p.points, 0, 0.02, 0), p.uv, p.finish, p.wrap) for p in parts]
        parts.append(part(plate, draft.plain(), wrap=True))
    return parts


def bowl(draft: Draft) -> list[Part]:
    """A bowl: deep or shallow, perhaps with a rim of another color."""
    high = draft.roll(0.26, 0.36) if draft.has("shallow") else draft.roll(0.4, 0.54)
    wide, foot = 0.5, draft.roll(0.2, 0.28)
    outside = [(high, wide), (high * 0.5, wide * 0.86), (high * 0.16, wide * 0.55), (0.045, foot), (0.005, foot * 0.98)]
    outer, inner = _walls(outside, thick=0.022)
    lining = draft.other("f1ece2", draft.main.material) if draft.has("two-tone") else draft.plain()
    parts = [part(outer, draft.main, wrap=True, upright=True), part(inner, lining, wrap=True)]
    if draft.has("two-tone"):
        rim = draft.other(str(draft.rng.choice(["6b4226", "2a2624", "b99a6a"])), draft.main.material)
        parts.append(part(outer[:10] * [1.003, 1.002, 1.003], rim, wrap=True))
    return parts


def _radius_at(outer: Grid, y: float) -> float:
    """How wide the outside of a vessel is at a height."""
    side = outer[:, outer.shape[1] * 3 // 4]
    order = np.argsort(side[10:, 1])
    return float(np.interp(y, side[10:, 1][order], side[10:, 0][order]))


def _walls(outside: list[tuple[float, float]], *, thick: float) -> tuple[Grid, Grid]:
    """The outer and the inner side of a vessel from the rows (y, radius) of its outside, lip first."""
    high = outside[0][0]
    fine = curve(outside, 60, monotone=True)
    lip = [(high - 0.004, outside[0][1] - thick * 0.85), (high + 0.006, outside[0][1] - thick * 0.5)]
    outer = revolve([lip[1], *outside, (0.0, outside[-1][1] * 0.93), (0.0, 0.004)], rows=80, columns=121)
    hollow = [(float(y), max(float(radius) - thick, 0.02)) for y, radius in fine[3::6] if y > 0.12 * high + 0.03]
    floor = (hollow[-1][0] - 0.02, hollow[-1][1] * 0.7)
    inner = revolve([lip[1], lip[0], *hollow, floor, (floor[0] - 0.004, 0.004)], rows=70, columns=121)
    return outer, np.ascontiguousarray(inner[::-1])


def bottle(draft: Draft) -> list[Part]:
    """A bottle: of glass with a cork, or a flask with a screw cap."""
    if draft.main.material == "glass":
        return _glass_bottle(draft)
    wide, high = draft.roll(0.15, 0.18), draft.roll(0.78, 0.92)
    shoulder = high * draft.roll(0.74, 0.82)
    neck = wide * draft.roll(0.5, 0.72)
    table = [
        (high, 0.005),
        (high, neck * 0.95),
        (high - 0.01, neck),
        (shoulder + 0.06, neck * 1.03),
        (shoulder, wide * 0.94),
        (shoulder - 0.07, wide),
        (0.3, wide),
        (0.03, wide),
        (0.008, wide * 0.975),
        (0.0, wide * 0.93),
        (0.0, 0.004),
    ]
    body = revolve(table, rows=110, columns=97)
    parts = [part(body, draft.main, wrap=True, upright=True)]
    cap_finish = (
        draft.other(str(draft.rng.choice(["2a2b2e", "c9ccd1", "a87c4f"])), "plastic")
        if draft.roll(0, 1) < 0.6
        else draft.plain(darker=0.75)
    )
    cap = revolve(
        [
            (high + 0.13, 0.004),
            (high + 0.13, neck * 0.98),
            (high + 0.12, neck * 1.08),
            (high + 0.01, neck * 1.1),
            (high, neck * 1.06),
            (high, 0.01),
        ],
        rows=50,
        columns=145,
    )
    ribs = np.cos(np.linspace(0, 2 * np.pi, 145) * 36) * 0.004
    flat = np.clip((np.hypot(cap[..., 0], cap[..., 2]) - neck) / 0.01, 0, 1)
    parts.append(part(displaced(cap, ribs * flat), cap_finish, wrap=True))
    if draft.has("carry loop"):
        arc = np.linspace(0, np.pi, 9)
        loop = np.stack([neck * 0.9 * np.cos(arc), high + 0.11 + 0.11 * np.sin(arc), 0 * arc], -1)
        parts.append(part(tube(loop, [(0.012, 0.022)] * 9, rows=40, columns=11), cap_finish))
    base = patch(body, (0, 1), (0.80, 0.985), lift=0.004, rows=8, columns=97, wrap=True)
    if draft.roll(0, 1) < 0.4:
        parts.append(part(base, draft.other("2a2b2e", "rubber"), wrap=True))
    return parts


def _glass_bottle(draft: Draft) -> list[Part]:
    wide, high = draft.roll(0.13, 0.17), draft.roll(0.88, 1.0)
    shoulder = high * draft.roll(0.52, 0.66)
    table = [
        (high, 0.036),
        (high - 0.015, 0.048),
        (high - 0.035, 0.048),
        (high - 0.045, 0.038),
        (shoulder + 0.14, 0.042),
        (shoulder + 0.04, wide * 0.78),
        (shoulder - 0.03, wide),
        (0.3, wide),
        (0.03, wide),
        (0.0, wide * 0.9),
        (0.0, 0.004),
    ]
    parts = [part(revolve(table, rows=120, columns=97), draft.main, wrap=True, upright=True)]
    if draft.has("filled"):
        level = shoulder * draft.roll(0.75, 0.98)
        inner = wide * 0.9
        liquid = revolve(
            [
                (level, 0.004),
                (level, inner * 0.98),
                (level - 0.01, inner),
                (0.05, inner),
                (0.03, inner * 0.9),
                (0.03, 0.01),
            ],
            rows=50,
            columns=73,
        )
        parts.append(part(liquid, draft.plain(material="lens", darker=0.55), wrap=True))
    cork = revolve(
        [
            (high + 0.045, 0.004),
            (high + 0.045, 0.034),
            (high + 0.035, 0.038),
            (high - 0.03, 0.033),
            (high - 0.03, 0.004),
        ],
        rows=24,
        columns=33,
    )
    parts.append(part(cork, draft.other("b58a5a", "suede"), wrap=True))
    label = patch(parts[0].points, (0.31, 0.69), (0.56, 0.86), lift=0.004, rows=20, columns=40)
    parts.append(part(label, draft.other("f2ecdd", "cotton")))
    stripe = patch(parts[0].points, (0.35, 0.65), (0.62, 0.655), lift=0.008, rows=6, columns=40)
    return [*parts, part(stripe, draft.plain(material="cotton", darker=0.8))]


# fmt: off
KINDS = (
    Kind("cup", "Kitchen", HOME, ("ceramic", "stoneware"),
         options=(("mug", "mug", "tea cup"), ("with saucer", "", ""),),
         price=(6, 29), build=cup, pose="standing", turn=14, pitch=16, period=0.26),
    Kind("bowl", "Kitchen", HOME, ("ceramic", "stoneware", "wood"),
         options=(("deep", "shallow"), ("two-tone", ""),),
         price=(8, 49), build=bowl, pose="standing", turn=0, pitch=24, period=0.26),
    Kind("bottle", "Kitchen", HOME, ("metal", "plastic", "glass"),
         options=(("carry loop", ""), ("filled", ""),),
         price=(9, 45), build=bottle, is_patterned=False, pose="standing", turn=0, pitch=7),
)
# fmt: on

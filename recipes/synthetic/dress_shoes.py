"""Pump, loafer and sandal."""

from __future__ import annotations

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.footwear import TOE, dipped, outlines, padded_rim, paired, sole, sprung
from recipes.synthetic.kind import ADULTS, WOMEN, Kind
from recipes.synthetic.mesh import Part, at, loft, normals, part, patch, shifted, tube
from recipes.synthetic.torso import line


def pump(draft: Draft) -> list[Part]:
    """A pump: pointed or round toe; stiletto, block or kitten heel; perhaps an ankle strap."""
    rise = {True: draft.roll(0.10, 0.15), False: draft.roll(0.26, 0.36)}[draft.has("kitten heel")]
    pointed = draft.has("pointed toe")
    tip = -0.55 if pointed else -0.49
    wide = 0.135
    rows = [
        (0.155, -0.20, 0.455, 0.095),
        (0.12, -0.24, 0.462, 0.104),
        (0.09, -0.36, 0.465, 0.118),
        (0.06, tip + 0.055, 0.467, 0.128),
        (0.025, tip + 0.012, 0.468, wide),
        (0.0, tip, 0.465, wide),
    ]
    upper = outlines(rows, count=70, power=1.85 if pointed else 2.25)
    if pointed:
        taper = np.clip((-upper[..., 0] - 0.22) / 0.33, 0, 1)
        upper[..., 2] *= 1 - 0.55 * taper**1.3
    # The opening: high at the heel, low along the sides, and a shallow throat in front.
    top = np.clip(1 - np.linspace(0, 1, upper.shape[0]) / 0.75, 0, 1)[:, None]
    x = upper[..., 0]
    upper[..., 1] -= top * 0.075 * np.exp(-(((x - 0.10) / 0.20) ** 2)) - top * 0.05 * np.clip((x - 0.36) / 0.1, 0, 1)
    lining = draft.other("d9bfa0", "leather")
    parts = [part(upper, draft.main, wrap=True)]
    thin = sole(
        draft.other(str(draft.rng.choice(["2a1e17", "1a1716", "b3161f", "c9a27a"])), "leather"),
        thick=0.016,
        wide=wide,
        toe=tip,
        heel=0.465,
    )
    if pointed:
        points = thin.points.copy()
        points[..., 2] *= 1 - 0.55 * np.clip((-points[..., 0] - 0.22) / 0.33, 0, 1) ** 1.3
        thin = part(points, thin.finish, wrap=True)
    parts.append(thin)
    parts.append(padded_rim(upper, draft.plain(darker=0.8), 0.005))
    inner = outlines([(0.012, -0.40, 0.43, 0.10), (0.011, -0.2, 0.3, 0.04), (0.0105, 0.0, 0.02, 0.002)], count=8)
    parts.append(part(inner, lining, wrap=True))
    if draft.has("ankle strap"):
        turn = np.linspace(-np.pi, np.pi, 14)
        loop = np.stack([0.355 + 0.112 * np.cos(turn), 0.215 + 0.02 * np.cos(turn), 0.096 * np.sin(turn)], -1)
        parts.append(part(tube(loop, [(0.004, 0.016)] * 14, rows=60, columns=9, deep=(0, 1, 0)), draft.plain()))
    parts = sprung(parts, toe=0.012, heel=rise)
    base = -0.014
    thick = {True: 0.085, False: 0.03}[draft.has("block heel")]
    foot = thick if draft.has("block heel") else 0.022
    center = 0.385
    heel = loft(
        [
            (rise + 0.03, 0.10, 0.105, center - 0.015),
            (rise - 0.01, 0.095, 0.10, center - 0.01),
            (rise * 0.62, max(thick, 0.05), max(thick, 0.05), center + 0.025),
            (rise * 0.3, foot + 0.008, foot + 0.008, center + 0.03),
            (base, foot, foot, center + 0.03),
            (base, 0.002, 0.002, center + 0.03),
        ],
        rows=44,
        columns=41,
        power=2.4,
    )
    return paired(draft, [*parts, part(heel, draft.main, wrap=True)])


def loafer(draft: Draft) -> list[Part]:
    """A loafer: an apron with a raised seam, a strap across, a low heel."""
    rows = [
        (0.25, 0.02, 0.45, 0.10),
        (0.22, -0.02, 0.457, 0.110),
        (0.18, -0.13, 0.463, 0.126),
        (0.135, -0.31, 0.467, 0.142),
        (0.09, -0.425, 0.47, 0.15),
        (0.03, -0.475, 0.472, 0.155),
        (0.0, -0.48, 0.472, 0.155),
    ]
    upper = dipped(outlines(rows, count=70), 0.05, 0.02)
    upper = displaced(upper, wrinkles(upper.shape, (4, 6), draft.rng, sharp=0.5) * 0.003)
    rubber = draft.other(str(draft.rng.choice(["2a1e17", "1a1716", "6b4a2c"])), "rubber")
    parts = [
        part(upper, draft.main, wrap=True),
        sole(rubber, thick=0.035, wide=0.162, toe=-0.49, heel=0.482),
        padded_rim(upper, draft.plain(darker=0.8), 0.007),
    ]
    apron = [
        (TOE - 0.10, 0.18),
        (TOE - 0.105, 0.45),
        (TOE - 0.08, 0.60),
        (TOE, 0.66),
        (TOE + 0.08, 0.60),
        (TOE + 0.105, 0.45),
        (TOE + 0.10, 0.18),
    ]
    parts.append(line(upper, draft.plain(darker=0.85), apron, width=0.008))
    strap = patch(
        upper,
        (TOE - 0.17, TOE + 0.17),
        [[0.50, 0.24, 0.2, 0.24, 0.50], [0.72, 0.42, 0.38, 0.42, 0.72]],
        lift=0.012,
        columns=40,
    )
    parts.append(part(strap, draft.plain(darker=0.92)))
    if draft.has("horsebit"):
        s = np.linspace(TOE - 0.06, TOE + 0.06, 6)
        parts.append(
            part(
                tube(
                    at(upper, s, np.full(6, 0.3)) + 0.024 * at(normals(upper), s, np.full(6, 0.3)),
                    0.010,
                    rows=24,
                    columns=9,
                    deep=(0, 1, 0.1),
                ),
                draft.metal(),
            )
        )
    elif draft.has("tassels"):
        for side in (-0.03, 0.03):
            start = shifted(at(upper, TOE + side, 0.34), -0.01, 0.02, 0)
            parts.append(
                part(
                    tube(
                        [start, shifted(start, -0.04, 0.01, side), shifted(start, -0.09, -0.03, side * 1.6)],
                        [0.008, 0.014, 0.02],
                        rows=14,
                        columns=13,
                    ),
                    draft.plain(darker=0.85),
                )
            )
    parts = sprung(parts, toe=0.02, heel=0.02)
    stack = outlines(
        [(0.0, 0.22, 0.48, 0.14), (-0.05, 0.22, 0.482, 0.142), (-0.085, 0.23, 0.48, 0.14), (-0.085, 0.33, 0.34, 0.003)],
        count=16,
        power=2.8,
    )
    return paired(draft, [*parts, part(stack, rubber, wrap=True)])


def sandal(draft: Draft) -> list[Part]:
    """A sandal: crossed, parallel or toe-post straps on a footbed."""
    tan = draft.other(str(draft.rng.choice(["b98a57", "d6b083", "8a5c37", "e6d6b8"])), "suede")
    cork = draft.plain(darker=0.9) if draft.roll(0, 1) < 0.6 else tan
    under = draft.other(str(draft.rng.choice(["2a211b", "4a3524", "efe9de"])), "rubber")
    thick = draft.roll(0.05, 0.09)
    parts = [
        sole(under, thick=thick, wide=0.178),
        part(
            outlines(
                [
                    (0.02, -0.49, 0.478, 0.168),
                    (0.014, -0.30, 0.3, 0.09),
                    (0.010, -0.1, 0.1, 0.02),
                    (0.010, 0, 0.01, 0.001),
                ],
                count=16,
            ),
            cork,
            wrap=True,
        ),
    ]
    straps: list[tuple[float, float, float, float]]  # x and z sides, height, width
    if draft.has("crossed straps"):
        straps = [(-0.30, -0.12, 0.12, 0.05), (-0.12, -0.30, 0.125, 0.05)]
    elif draft.has("toe post"):
        straps = []
    else:
        straps = [(-0.29, -0.27, 0.10, 0.075), (-0.05, -0.03, 0.16, 0.075)]
    for near, far, high, wide in straps:
        angle = np.linspace(0, np.pi, 15)
        mix = (1 - np.cos(angle)) / 2
        path = np.stack([near + (far - near) * mix, high * np.sin(angle) ** 0.75 - 0.01, 0.172 * np.cos(angle)], -1)
        parts.append(
            part(tube(path, [(wide, 0.009)] * 15, rows=50, columns=17, deep=(0.0, 0.4, 1.0), power=3), draft.main)
        )
    if draft.has("toe post"):
        for side in (1.0, -1.0):
            thong = [
                (-0.33, 0.02, 0.0),
                (-0.30, 0.075, side * 0.02),
                (-0.18, 0.11, side * 0.10),
                (-0.06, 0.06, side * 0.155),
                (0.0, 0.0, side * 0.165),
            ]
            parts.append(
                part(
                    tube(
                        thong,
                        [(0.012, 0.012), (0.014, 0.012), (0.026, 0.010), (0.026, 0.009), (0.026, 0.009)],
                        rows=40,
                        columns=13,
                        deep=(0, 1, 0.2),
                    ),
                    draft.main,
                )
            )
    if draft.has("ankle strap"):
        turn = np.linspace(0, np.pi * 2, 18)
        loop = np.stack([0.30 + 0.155 * np.cos(turn), 0.19 + 0.05 * np.cos(turn), 0.125 * np.sin(turn)], -1)
        parts.append(part(tube(loop, [(0.006, 0.018)] * 18, rows=60, columns=9, deep=(0, 1, 0)), draft.main))
        parts += [
            part(
                tube(
                    [(0.28, -0.02, side * 0.15), (0.29, 0.10, side * 0.14), (0.30, 0.2, side * 0.125)],
                    [(0.022, 0.006)] * 3,
                    rows=20,
                    columns=9,
                ),
                draft.main,
            )
            for side in (1.0, -1.0)
        ]
        x, y, z = 0.20, 0.165, 0.112
        ring = np.linspace(0, 2 * np.pi, 9)
        parts.append(
            part(
                tube(
                    np.stack([x + 0.028 * np.cos(ring), y + 0.024 * np.sin(ring), np.full(9, z + 0.02)], -1),
                    0.005,
                    rows=30,
                    columns=7,
                ),
                draft.metal(),
            )
        )
    return paired(draft, sprung(parts, toe=0.015, heel=0.015))


# fmt: off
KINDS = (
    Kind("pump", "Shoes", WOMEN, ("leather", "patent", "suede", "satin"),
         options=(("pointed toe", "round toe"), ("stiletto heel", "block heel", "kitten heel"), ("ankle strap",
                  "", ""), ("pair", ""),),
         price=(39, 179), build=pump, is_patterned=False, pose="standing", turn=-14, pitch=14),
    Kind("loafer", "Shoes", ADULTS, ("leather", "suede", "patent"),
         options=(("penny strap", "tassels", "horsebit"), ("pair", ""),),
         price=(49, 169), build=loafer, is_patterned=False, pose="standing", turn=-14, pitch=16),
    Kind("sandal", "Shoes", ADULTS, ("leather", "suede"),
         options=(("two straps", "crossed straps", "toe post"), ("ankle strap", ""), ("pair", ""),),
         price=(19, 89), build=sandal, is_patterned=False, pose="standing", turn=-20, pitch=22),
)
# fmt: on

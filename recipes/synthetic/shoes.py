"""Sneaker and boot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.footwear import TOE, dipped, laces, outlines, padded_rim, paired, sole, sprung
from recipes.synthetic.kind import ADULTS, Kind
from recipes.synthetic.mesh import Grid, Part, at, part, patch, shifted, tube
from recipes.synthetic.torso import line


def sneaker(draft: Draft) -> list[Part]:
    """A sneaker: low or high, with laces, toe cap, side stripe and a light sole."""
    high = draft.has("high-top")
    top = 0.50 if high else draft.roll(0.31, 0.35)
    rows = [(top, 0.12, 0.45, 0.098), (top - 0.03, 0.115, 0.455, 0.105)]
    if high:
        rows.append((0.38, 0.09, 0.45, 0.104))
    rows += [
        (0.27, -0.03, 0.455, 0.118),
        (0.20, -0.19, 0.465, 0.138),
        (0.145, -0.34, 0.47, 0.150),
        (0.10, -0.425, 0.475, 0.158),
        (0.05, -0.47, 0.478, 0.164),
        (0.0, -0.485, 0.48, 0.166),
    ]
    upper = dipped(outlines(rows, count=84), 0.045, 0.05)
    upper = displaced(upper, wrinkles(upper.shape, (5, 7), draft.rng, sharp=0.5) * 0.004)
    light = draft.other(str(draft.rng.choice(["f4f3ef", "efece4", "ffffff", "2a2a2c", "c59a6a"])), "rubber")
    contrast = replace(draft.plain(), color=draft.main.accents[0])
    parts = [part(upper, draft.main, wrap=True), sole(light, thick=draft.roll(0.06, 0.085), wide=0.172)]
    parts.append(_foxing(parts[1].points, draft))
    parts.append(padded_rim(upper, draft.plain(darker=0.75)))
    tongue = patch(upper, (TOE - 0.05, TOE + 0.05), (0.0, 0.55), lift=0.006)
    parts.append(
        part(
            tongue + np.array([-0.015, 0.03, 0.0]) * np.linspace(1, 0, len(tongue))[:, None, None] ** 2,
            draft.plain(darker=0.85),
        )
    )
    for side in (1, -1):
        stay = patch(
            upper,
            [
                tuple(sorted((TOE + side * 0.035, TOE + side * 0.11))),
                tuple(sorted((TOE + side * 0.04, TOE + side * 0.10))),
            ],
            (0.02, 0.60),
            lift=0.009,
        )
        parts.append(part(stay, draft.plain(darker=0.85) if draft.main.pattern == "plain" else contrast))
    cap = patch(upper, (TOE - 0.17, TOE + 0.17), [[0.93, 0.76, 0.72, 0.76, 0.93], [1.0] * 5], lift=0.008, columns=40)
    parts.append(part(cap, light if draft.has("canvas style") else draft.plain(darker=0.86)))
    parts.append(part(patch(upper, [(0.69, 0.81), (0.66, 0.84)], (0.04, 0.97), lift=0.008), contrast))
    if draft.has("side stripe"):
        for lean in (0.0, 0.055):
            stripe = patch(upper, [(0.50 - lean, 0.525 - lean), (0.60 - lean, 0.63 - lean)], (0.38, 0.97), lift=0.008)
            parts.append(part(stripe, contrast))
    cord = draft.other("f4f3ef" if draft.roll(0, 1) < 0.7 else "1d1d20", "cotton")
    parts += laces(upper, cord, first=0.10, last=0.55, count=6 if high else 5)
    return paired(draft, sprung(parts, toe=0.035))


def _foxing(sole: Grid, draft: Draft) -> Part:
    """A thin line of another color around the sole."""
    strip = patch(sole, (0, 1), (0.22, 0.27), lift=0.003, rows=4, columns=sole.shape[1], wrap=True)
    return part(strip, draft.plain(darker=0.9), wrap=True)


def boot(draft: Draft) -> list[Part]:
    """A boot: ankle or knee-high, laced, chelsea with elastic, or with a zip."""
    tall = draft.has("knee-high")
    top = draft.roll(0.95, 1.1) if tall else draft.roll(0.52, 0.62)
    calf = 0.145 if tall else 0.122
    rows = [
        (top, 0.14, 0.14 + 2.35 * calf, calf * 0.93),
        (top * 0.75, 0.125, 0.14 + 2.4 * calf, calf * 0.97),
        (0.36, 0.10, 0.425, 0.108),
    ]
    rows += [
        (0.27, 0.02, 0.43, 0.112),
        (0.20, -0.13, 0.445, 0.126),
        (0.14, -0.30, 0.455, 0.142),
        (0.085, -0.42, 0.465, 0.154),
        (0.03, -0.475, 0.468, 0.16),
        (0.0, -0.48, 0.468, 0.16),
    ]
    upper = outlines(rows, count=100)
    fold = wrinkles(upper.shape, (9, 4), draft.rng, sharp=0.6, slant=draft.roll(-0.3, 0.3))
    near_ankle = np.exp(-(((upper[..., 1] - 0.27) / 0.13) ** 2))
    upper = displaced(upper, fold * 0.009 * (0.3 + near_ankle))
    dark = draft.other(str(draft.rng.choice(["1c1a19", "2b211b", "3a2a1e"])), "rubber")
    thick = draft.roll(0.04, 0.075)
    heel = draft.roll(0.05, 0.09) if not draft.has("block heel") else draft.roll(0.16, 0.2)
    parts = [part(upper, draft.main, wrap=True), sole(dark, thick=thick, wide=0.168, toe=-0.49, heel=0.48)]
    parts.append(padded_rim(upper, draft.plain(darker=0.8), 0.008))
    if draft.has("lace-up"):
        cord = draft.other(str(draft.rng.choice(["e8d7a8", "1d1a18", "8a5a2b"])), "cotton")
        tongue = patch(upper, (TOE - 0.05, TOE + 0.05), (0.0, 0.62), lift=0.008)
        parts.append(
            part(
                tongue + np.array([-0.012, 0.03, 0]) * np.linspace(1, 0, len(tongue))[:, None, None] ** 3,
                draft.plain(darker=0.8),
            )
        )
        parts += laces(upper, cord, first=0.12, last=0.66, count=8)
    elif draft.has("chelsea"):
        for mid in (0.53, 0.97):
            gusset = patch(upper, [(mid - 0.06, mid + 0.06), (mid - 0.035, mid + 0.035)], (0.06, 0.58), lift=0.003)
            parts.append(part(gusset, draft.plain(material="rib", darker=0.6)))
        tab = [
            shifted(at(upper, 0.0, 0.0), 0.0, -0.05, 0),
            shifted(at(upper, 0.0, 0.0), 0.03, 0.05, 0),
            shifted(at(upper, 0.0, 0.0), -0.01, 0.05, 0),
            shifted(at(upper, 0, 0), -0.01, -0.03, 0),
        ]
        parts.append(part(tube(tab, [(0.022, 0.004)] * 4, rows=20, columns=9), draft.plain(darker=0.7)))
    else:
        parts.append(line(upper, draft.metal(), [(0.56, 0.02), (0.56, 0.4), (0.57, 0.72)], width=0.004))
        parts.append(line(upper, draft.thread(), [(0.40, 0.97), (0.36, 0.8), (0.30, 0.72), (TOE, 0.70)], width=0.003))
    result = sprung(parts, toe=0.02, heel=heel * 0.55)
    stack = outlines(
        [
            (heel * 0.55, 0.20, 0.475, 0.14),
            (-thick, 0.2, 0.478, 0.142),
            (-thick - heel * 0.45, 0.215, 0.475, 0.138),
            (-thick - heel * 0.45, 0.33, 0.34, 0.003),
        ],
        count=20,
        power=2.8,
    )
    return paired(draft, [*result, part(stack, dark, wrap=True)])


# fmt: off
KINDS = (
    Kind("sneaker", "Shoes", ADULTS, ("leather", "canvas", "suede", "nylon"),
         options=(("low-top", "low-top", "high-top"), ("side stripe", "", "canvas style"), ("pair", ""),),
         price=(39, 149), build=sneaker, pose="standing", turn=-12, pitch=14, period=0.16),
    Kind("boot", "Shoes", ADULTS, ("leather", "suede", "rubber"),
         options=(("lace-up", "chelsea", "zip", "knee-high"), ("flat heel", "block heel"), ("pair", ""),),
         price=(59, 249), build=boot, is_patterned=False, pose="standing", turn=-12, pitch=10),
)
# fmt: on

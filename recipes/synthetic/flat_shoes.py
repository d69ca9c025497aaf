"""Derby and ballet flat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.footwear import TOE, dipped, laces, outlines, padded_rim, paired, sole, sprung
from recipes.synthetic.kind import WOMEN, Kind
from recipes.synthetic.mesh import Grid, Part, at, loft, normals, part, patch, rounded_box, shifted, tube
from recipes.synthetic.torso import line


def derby(draft: Draft) -> list[Part]:
    """A formal shoe: laced, with elastic at its sides, or with a strap and buckle; a long toe and a stacked heel."""
    tip = -0.54 if draft.has("pointed toe") else -0.50
    sharp = draft.roll(0.35, 0.5) if draft.has("pointed toe") else draft.roll(0.0, 0.15)
    rows = [
        (0.265, 0.06, 0.455, 0.092),
        (0.235, 0.01, 0.460, 0.104),
        (0.185, -0.12, 0.463, 0.122),
        (0.135, -0.29, 0.466, 0.134),
        (0.09, tip + 0.09, 0.469, 0.142),
        (0.035, tip + 0.02, 0.472, 0.148),
        (0.0, tip + 0.012, 0.472, 0.148),
    ]
    upper = _tapered(dipped(outlines(rows, count=84), draft.roll(0.05, 0.065), 0.03), sharp)
    upper = displaced(upper, wrinkles(upper.shape, (4, 6), draft.rng, sharp=0.5) * 0.003)
    dark = draft.other(str(draft.rng.choice(["1a1716", "1a1716", "2a1e17", "6b4a2c"])), "rubber")
    welt = sole(dark, thick=0.028, wide=0.16, toe=tip - 0.012, heel=0.484)
    parts = [part(upper, draft.main, wrap=True), part(_tapered(welt.points, sharp), dark, wrap=True)]
    parts.append(padded_rim(upper, draft.plain(darker=0.75), 0.006))
    parts += _closing(draft, upper) + _toe(draft, upper)
    parts.append(line(upper, draft.thread(), [(0.64, 0.10), (0.66, 0.5), (0.63, 0.97)], width=0.003))
    heel = draft.roll(0.038, 0.055)
    stack = [
        (heel, 0.142, 0.132, 0.342),
        (heel * 0.3, 0.140, 0.132, 0.345),
        (-0.032, 0.134, 0.128, 0.350),
        (-0.032, 0.002, 0.002, 0.350),
    ]
    block = part(loft(stack, rows=18, columns=61, power=2.8), dark, wrap=True)
    return paired(draft, [*sprung(parts, toe=0.025, heel=heel), block])


def _tapered(points: Grid, sharp: float) -> Grid:
    """Narrow the front toward the tip by a share of its width."""
    points = points.copy()
    points[..., 2] *= 1 - sharp * np.clip((-points[..., 0] - 0.20) / 0.34, 0, 1.1) ** 1.4
    return points


def _closing(draft: Draft, upper: Grid) -> list[Part]:
    """Laces between two flaps, elastic at the sides, or a strap with its buckle."""
    if draft.has("slip-on"):
        elastic = draft.plain(material="rib", darker=0.5)
        sides = [
            patch(upper, [(s - 0.03, s + 0.03), (s - 0.012, s + 0.012)], (0.04, 0.42), lift=0.003) for s in (0.44, 0.06)
        ]
        apron = [(TOE - 0.09, 0.1), (TOE - 0.10, 0.42), (TOE - 0.06, 0.62), (TOE, 0.67), (TOE + 0.06, 0.62)]
        apron += [(TOE + 0.10, 0.42), (TOE + 0.09, 0.1)]
        return [*(part(side, elastic) for side in sides), line(upper, draft.plain(darker=0.7), apron, width=0.005)]
    if draft.has("monk strap"):
        rows = [[0.42, 0.24, 0.16, 0.20, 0.26], [0.66, 0.42, 0.36, 0.36, 0.40]]
        strap = patch(upper, (TOE - 0.14, TOE + 0.17), rows, lift=0.014, columns=44)
        x, y, z = at(upper, TOE + 0.16, 0.34) + 0.02 * at(normals(upper), TOE + 0.16, 0.34)
        return [
            part(strap, draft.plain(darker=0.65)),
            part(rounded_box((x, y, z), (0.06, 0.07, 0.02), radius=0.008), draft.metal()),
        ]
    tongue = patch(upper, (TOE - 0.05, TOE + 0.05), (0.0, 0.5), lift=0.006)
    tongue[..., 1] += 0.025 * np.linspace(1, 0, len(tongue))[:, None] ** 2
    parts = [part(tongue, draft.plain(darker=0.8))]
    for side in (1, -1):
        flap = [sorted((TOE + side * 0.022, TOE + side * 0.17)), sorted((TOE + side * 0.03, TOE + side * 0.13))]
        parts.append(part(patch(upper, flap, (0.015, 0.50), lift=0.011), draft.plain(darker=0.8)))
    cord = draft.plain(material="cotton", darker=0.55)
    parts.append(line(upper, draft.plain(darker=0.55), [(TOE + 0.05, 0.5), (0.37, 0.60), (0.41, 0.97)], width=0.006))
    return parts + laces(upper, cord, first=0.08, last=0.42, count=4)


def _toe(draft: Draft, upper: Grid) -> list[Part]:
    """A straight cap or a winged one, a shade darker."""
    if draft.has("cap toe"):
        edge = [0.99, 0.80, 0.72, 0.80, 0.99]
    elif draft.has("wingtip"):
        edge = [0.99, 0.84, 0.72, 0.78, 0.62, 0.78, 0.72, 0.84, 0.99]
    else:
        return []
    half = 0.15 if draft.has("cap toe") else 0.20
    cap = patch(upper, (TOE - half, TOE + half), [edge, [1.0] * len(edge)], lift=0.008, columns=48)
    return [part(cap, draft.plain(darker=0.65))]


def ballet_flat(draft: Draft) -> list[Part]:
    """A ballet flat: a low open shoe on a thin sole; round or pointed; a bow, a trim, a cap or a strap."""
    tip = -0.54 if draft.has("pointed toe") else -0.49
    sharp = draft.roll(0.45, 0.6) if draft.has("pointed toe") else draft.roll(0.0, 0.12)
    throat = draft.roll(-0.30, -0.22)
    rows = [
        (0.125, throat, 0.458, 0.094),
        (0.10, throat - 0.035, 0.464, 0.108),
        (0.075, throat - 0.11, 0.467, 0.120),
        (0.05, tip + 0.045, 0.469, 0.130),
        (0.02, tip + 0.010, 0.470, 0.136),
        (0.0, tip, 0.468, 0.136),
    ]
    upper = outlines(rows, count=64)
    falling = np.clip(1 - np.linspace(0, 1, len(upper)) / 0.8, 0, 1)[:, None]
    x = upper[..., 0]
    dip = draft.roll(0.035, 0.055) * np.exp(-(((x - 0.05) / 0.22) ** 2)) - 0.035 * np.clip((x - 0.36) / 0.1, 0, 1)
    upper[..., 1] -= falling * dip
    upper = _tapered(upper, sharp)
    dark = draft.other(str(draft.rng.choice(["2a1e17", "1a1716", "b98a57", "d9bfa0"])), "rubber")
    under = sole(dark, thick=draft.roll(0.014, 0.03), wide=0.139, toe=tip - 0.004, heel=0.474)
    inner = outlines([(0.012, -0.42, 0.44, 0.11), (0.011, -0.2, 0.3, 0.05), (0.0105, 0.0, 0.02, 0.002)], count=10)
    lining = draft.other(str(draft.rng.choice(["d9bfa0", "e8d9c4", "2a2624", "c9a27a"])), "leather")
    parts = [
        part(upper, draft.main, wrap=True),
        part(_tapered(under.points, sharp), dark, wrap=True),
        part(_tapered(inner, sharp), lining, wrap=True),
        padded_rim(upper, draft.plain(darker=0.75), 0.007),
    ]
    return paired(draft, sprung([*parts, *_trim(draft, upper)], toe=0.012, heel=0.012))


def _trim(draft: Draft, upper: Grid) -> list[Part]:
    """What a flat bears on its toe or across its instep."""
    if draft.has("bow"):
        return _bow(draft, upper)
    if draft.has("metal trim"):
        s = np.linspace(TOE - 0.05, TOE + 0.05, 7)
        path = at(upper, s, np.full(7, 0.16)) + 0.010 * at(normals(upper), s, np.full(7, 0.16))
        return [part(tube(path, 0.014, rows=24, columns=9, deep=(0, 1, 0.1)), draft.metal())]
    if draft.has("contrast toe cap"):
        other = replace(draft.plain(), color=draft.main.accents[0])
        edge = [[0.99, 0.62, 0.5, 0.62, 0.99], [1.0] * 5]
        return [part(patch(upper, (TOE - 0.15, TOE + 0.15), edge, lift=0.006, columns=44), other)]
    if draft.has("instep strap"):
        angle = np.linspace(0, np.pi, 13)
        path = np.stack([0.06 * np.ones(13), 0.06 + 0.10 * np.sin(angle), 0.118 * np.cos(angle)], -1)
        return [part(tube(path, [(0.022, 0.006)] * 13, rows=44, columns=13, deep=(0, 0.4, 1), power=3), draft.main)]
    return []


def _bow(draft: Draft, upper: Grid) -> list[Part]:
    """Two loops and a knot on the throat."""
    finish: Finish = draft.plain(darker=0.85)
    knot = shifted(at(upper, TOE, 0.12), -0.012, 0.018, 0.0)
    big = draft.roll(0.8, 1.3)
    parts = [part(rounded_box(knot, (0.04, 0.03, 0.04 * big), radius=0.012), finish)]
    for side in (1.0, -1.0):
        wing = [knot, shifted(knot, -0.005, 0.006, side * 0.05 * big), shifted(knot, -0.01, -0.004, side * 0.10 * big)]
        parts.append(
            part(
                tube(
                    wing,
                    [(0.012, 0.012), (0.035 * big, 0.016), (0.04 * big, 0.008)],
                    rows=20,
                    columns=15,
                    deep=(0, 1, 0),
                ),
                finish,
            )
        )
    return parts


# fmt: off
KINDS = (
    Kind("derby", "Shoes", ("men",), ("leather", "leather", "suede", "patent"),
         options=(("lace-up", "lace-up", "slip-on", "monk strap"), ("pointed toe", "round toe"),
                  ("cap toe", "wingtip", "", ""), ("pair", ""),),
         price=(59, 249), build=derby, is_patterned=False, pose="standing", turn=-18, pitch=16),
    Kind("ballet flat", "Shoes", WOMEN, ("leather", "suede", "patent", "satin", "canvas"),
         options=(("round toe", "round toe", "pointed toe"),
                  ("bow", "bow", "metal trim", "contrast toe cap", "instep strap", ""), ("pair", ""),),
         price=(19, 119), build=ballet_flat, pose="standing", turn=-18, pitch=20, period=0.14),
)
# fmt: on

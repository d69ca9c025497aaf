"""Long and loose garments of the upper body: kurta, blouse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.collars import stand
from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced
from recipes.synthetic.kind import ADULTS, WOMEN, Kind
from recipes.synthetic.mesh import Grid, Part, at, part, patch, shifted, tube
from recipes.synthetic.tops import arms, chosen_sleeve, profile
from recipes.synthetic.torso import NECKS, Neck, band, girdle, line, placket, seam, sleeves, trunk

LENGTHS = {"short": 0.88, "knee-length": 1.12, "calf-length": 1.3}
"""Of a kurta, from the neck to the hem, product units."""


def kurta(draft: Draft) -> list[Part]:
    """A kurta: a long tunic with side slits, a deep placket under the neck, and perhaps borders of another cloth."""
    length = next((value for name, value in LENGTHS.items() if draft.has(name)), 1.1) * draft.roll(0.95, 1.05)
    flared = draft.has("A-line")
    table = profile(
        draft,
        length=length,
        ease=draft.roll(0.88, 1.0),
        waist=draft.roll(0.9, 0.99) if not flared else draft.roll(0.98, 1.06),
        hem=draft.roll(1.3, 1.6) if flared else draft.roll(0.98, 1.1),
        tip=0.195,
    )
    body = trunk(draft, table, _kurta_neck(draft), rows=140, crease=0.8, swing=0.014 if flared else 0.006)
    grids, parts = arms(draft, top=0.088, end=draft.roll(0.056, 0.074), crease=0.75, tip=0.198)
    border = _border(draft)
    front, back = _slit(body, start=draft.roll(0.58, 0.7), open_by=draft.roll(0.08, 0.15))
    parts.append(part(front, draft.main, upright=True))
    parts.append(part(back, replace(draft.main, color=draft.plain(darker=0.6).color), upright=True))
    if draft.has("contrast border", "embroidered yoke"):
        first = 1 - draft.roll(0.05, 0.1) / length
        parts += [part(patch(grid, (0, 1), (first, 1.0), lift=0.004, columns=61), border) for grid in (front, back)]
        parts += [band(grid, border, (0.86, 1.0)) for grid in grids]
    else:
        parts += [line(front, draft.thread(), [(0.02, 0.98), (0.5, 0.98), (0.98, 0.98)], width=0.002)]
        parts += [seam(grid, draft.thread(), 0.92) for grid in grids]
    return parts + _kurta_front(draft, body, border)


def _kurta_neck(draft: Draft) -> Neck:
    if draft.has("band collar"):
        return NECKS["collar"]
    return NECKS["v-neck"] if draft.has("v-neck") else Neck(0.088, 0.095, 0.012, 2.3)


def _border(draft: Draft) -> Finish:
    """Woven or embroidered edges: the accent's color, often flowered or striped."""
    first, second = draft.main.accents
    pattern = str(draft.rng.choice(["plain", "floral", "dotted", "striped"]))
    accents = (draft.main.color, second)
    return replace(draft.main, color=first, accents=accents, pattern=pattern, period=draft.roll(0.045, 0.07), angle=0.0)


def _slit(body: Grid, *, start: float, open_by: float) -> tuple[Grid, Grid]:
    """The front and the back of a trunk, parted below a row: the front gapes, the back is seen behind it.

    Args:
        start: where the slits begin, as a share of the length.
        open_by: how much narrower the front is at the hem, as a share.
    """
    quarter = body.shape[1] // 4
    front = body[:, quarter : 3 * quarter + 1].copy()
    back = np.concatenate([body[:, 3 * quarter :], body[:, 1 : quarter + 1]], axis=1)
    down = np.clip((np.linspace(0, 1, body.shape[0])[:, None] - start) / (1 - start), 0, 1)
    front[..., 0] *= 1 - open_by * down
    back[..., 0] *= 1 + 0.4 * open_by * down
    back[..., 1] -= 0.022 * down**2
    return front, back


def _kurta_front(draft: Draft, body: Grid, border: Finish) -> list[Part]:
    """What is sewn to the neck and the chest: a yoke, a placket or an open slit, a collar or a bound edge."""
    parts: list[Part] = []
    depth = draft.roll(0.17, 0.3)
    trim = border if draft.has("contrast border", "embroidered yoke") else draft.plain(darker=0.85)
    if draft.has("embroidered yoke"):
        half = draft.roll(0.05, 0.09)
        foot = depth + draft.roll(0.04, 0.08)
        edges = [[0.0] * 5, [foot * 0.82, foot * 0.95, foot, foot * 0.95, foot * 0.82]]
        parts.append(part(patch(body, (0.5 - half, 0.5 + half), edges, lift=0.003, columns=41), border, upright=True))
    if draft.has("v-neck"):
        parts.append(band(body, trim, (0.0, 0.022)))
        return parts
    buttons = int(draft.rng.integers(2, 6)) if draft.has("band collar") or draft.roll(0, 1) < 0.5 else 0
    parts += placket(draft, body, trim, (0.0, depth), buttons=buttons, half=0.015)
    slit = draft.plain(darker=0.35)
    parts.append(line(body, slit, [(0.507, 0.0), (0.507, depth / 2), (0.507, depth * 0.95)], width=0.0026))
    if draft.has("band collar"):
        parts.append(stand(body, trim, height=draft.roll(0.03, 0.042)))
    else:
        parts.append(band(body, trim, (0.0, 0.02)))
    return parts


def blouse(draft: Draft) -> list[Part]:
    """A blouse: a loose top for women that flows or is gathered, with wide or puffed sleeves."""
    length, chest = draft.roll(0.7, 0.84), draft.roll(0.195, 0.215)
    drawn = draft.has("smocked waist", "tie belt")
    waist = draft.roll(0.78, 0.86) * chest if drawn else draft.roll(0.98, 1.08) * chest
    hem = chest * (draft.roll(1.05, 1.25) if drawn else draft.roll(1.08, 1.32))
    table = [
        *profile(draft, length=0.7, ease=0.95, tip=0.182)[:5],
        (-0.21, chest, 0.118),
        (-0.43, waist, 0.1),
        (-0.50, waist * 1.06, 0.108),
        (-length, hem, 0.6 * hem),
    ]
    neck = NECKS["v-neck"] if draft.has("v-neck") else Neck(0.098, draft.roll(0.06, 0.1), 0.015, 2.2)
    body = trunk(draft, table, neck, rows=120, crease=1.25, swing=draft.roll(0.012, 0.022))
    body = displaced(body, _gathers(draft, body.shape))
    trim = draft.plain(darker=0.92)
    parts = [part(body, draft.main, wrap=True, upright=True), band(body, trim, (0.0, 0.014), lift=0.004)]
    for grid, cuff in _wide_sleeves(draft):
        parts.append(part(grid, draft.main, wrap=True))
        if cuff:
            parts.append(band(grid, trim, (0.93, 1.0), lift=0.003))
    if draft.has("tie belt"):
        parts += _tied(draft, body, -0.43)
    if draft.has("smocked waist"):
        parts += [girdle(body, trim, (y, y - 0.008), lift=0.004) for y in np.linspace(-0.39, -0.46, 5)]
    return parts + (_tie_neck(draft, body) if draft.has("tie neck") else [])


def _gathers(draft: Draft, shape: tuple[int, ...]) -> Grid:
    """Small folds that start at the neckline and at a drawn waist, and fade from there."""
    t = np.linspace(0, 1, shape[0])[:, None]
    wave = np.sin(np.linspace(0, 2 * np.pi * int(draft.rng.integers(34, 46)), shape[1]))
    places = [0.03, 0.58] if draft.has("smocked waist", "tie belt") else [0.03]
    near = sum(np.exp(-(((t - place) / 0.07) ** 2)) for place in places)
    return np.asarray(0.0035 * near * wave)


def _wide_sleeves(draft: Draft) -> list[tuple[Grid, bool]]:
    """Both sleeves, and whether a cuff gathers them: puffed ones have it, bell and plain ones not."""
    length, spread = chosen_sleeve(draft)
    puffed = draft.has("puff sleeves")
    end = draft.roll(0.09, 0.13) if draft.has("bell sleeves") else draft.roll(0.054, 0.066)
    grids = sleeves(draft, length=length, spread=spread, top=0.081, end=end, crease=0.5, tip=0.185)
    if not puffed:
        return [(grid, False) for grid in grids]
    result = []
    for grid in grids:
        t = np.linspace(0, 1, grid.shape[0])[:, None, None]
        center = grid[:, :-1].mean(1, keepdims=True)
        swell = 1 + 0.26 * np.sin(np.pi * t**1.4) * np.clip(t / 0.25, 0, 1) - 0.25 * np.clip((t - 0.9) / 0.1, 0, 1)
        result.append((np.asarray(center + (grid - center) * swell), True))
    return result


def _tied(draft: Draft, body: Grid, waist: float) -> list[Part]:
    """A belt of the same cloth at a height, and its two ends in front."""
    cloth = draft.plain(darker=0.75)
    x, y, z = draft.roll(-0.05, 0.05), waist, float(body[..., 2].max()) * 0.86
    parts = [girdle(body, cloth, (waist + 0.016, waist - 0.016))]
    return parts + _bow(draft, cloth, (x, y, z), drop=draft.roll(0.1, 0.18))


def _tie_neck(draft: Draft, body: Grid) -> list[Part]:
    """Ribbons that hang from a bow at the neck."""
    x, y, z = shifted(at(body, 0.5, 0.0), 0, 0, 0.012)
    return _bow(draft, draft.plain(darker=0.9), (float(x), float(y), float(z)), drop=draft.roll(0.14, 0.24))


def _bow(draft: Draft, finish: Finish, knot: tuple[float, float, float], *, drop: float) -> list[Part]:
    """Two loops and two ends at a knot."""
    x, y, z = knot
    parts = []
    for side in (1.0, -1.0):
        wing = [(x, y, z), (x + side * 0.03, y + 0.02, z + 0.012), (x + side * 0.065, y + 0.012, z + 0.006)]
        parts.append(part(tube(wing, [(0.007, 0.006), (0.018, 0.008), (0.012, 0.005)], rows=18, columns=13), finish))
        end = [(x, y, z), (x + side * 0.016, y - drop / 2, z + 0.016), (x + side * draft.roll(0.02, 0.05), y - drop, z)]
        parts.append(part(tube(end, [(0.008, 0.004), (0.012, 0.003), (0.015, 0.003)], rows=20, columns=11), finish))
    return parts


# fmt: off
KINDS = (
    Kind("kurta", "Tops", ADULTS, ("cotton", "linen", "silk"),
         options=(("knee-length", "knee-length", "short", "calf-length"), ("straight cut", "straight cut", "A-line"),
                  ("band collar", "band collar", "round neck", "v-neck"),
                  ("three-quarter sleeves", "long sleeves", "short sleeves", "sleeveless"),
                  ("contrast border", "embroidered yoke", ""),),
         price=(19, 89), build=kurta),
    Kind("blouse", "Tops", WOMEN, ("cotton", "silk", "satin", "polyester"),
         options=(("round neck", "v-neck", "tie neck"),
                  ("short sleeves", "three-quarter sleeves", "long sleeves"),
                  ("bell sleeves", "puff sleeves", ""), ("smocked waist", "tie belt", "", ""),),
         price=(19, 79), build=blouse),
)
# fmt: on

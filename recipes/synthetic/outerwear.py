"""Dress, coat and jacket."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.collars import collar, pocket, stand
from recipes.synthetic.draft import Draft
from recipes.synthetic.kind import ADULTS, WOMEN, Kind
from recipes.synthetic.mesh import Grid, Part, at, part, patch, rounded_box, shifted, tube
from recipes.synthetic.tops import arms, chosen_neck, profile, strapped
from recipes.synthetic.torso import NECKS, band, button, girdle, line, on_front, seam, trunk

LENGTHS = {"mini": 0.80, "knee-length": 0.96, "midi": 1.12, "maxi": 1.32}


def dress(draft: Draft) -> list[Part]:
    """A dress: bodice, waist and a straight, flared or full skirt."""
    length = next((value for name, value in LENGTHS.items() if draft.has(name)), 0.96) * draft.roll(0.96, 1.04)
    wide = {True: draft.roll(0.19, 0.22), False: draft.roll(0.27, 0.36)}[draft.has("sheath")]
    swing = 0.007 if draft.has("sheath") else draft.roll(0.020, 0.034)
    hips = 0.205 if draft.has("sheath") else 0.215 + 0.2 * (wide - 0.2)
    skirt = [(-0.58, hips, 0.125), (-0.7, (hips + wide) / 2 + 0.005, 0.14), (-length, wide, 0.62 * wide)]
    if draft.has("spaghetti straps"):
        return _sashed(draft, strapped(draft, skirt, swing=swing))
    chest, waist = draft.roll(0.192, 0.208), draft.roll(0.155, 0.178)
    table = [
        *profile(draft, length=0.7, ease=0.93, tip=0.182)[:5],
        (-0.21, chest, 0.118),
        (-0.40, waist, 0.096),
        *skirt,
    ]
    body = trunk(draft, table, chosen_neck(draft), rows=130, crease=1.2, swing=swing)
    grids, parts = arms(draft, top=0.084, tip=0.184)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    trim = draft.plain(darker=0.9)
    parts += [band(body, trim, (0.0, 0.010), lift=0.003), seam(body, draft.thread(), 0.985, width=0.003)]
    parts += [seam(grid, draft.thread(), 0.93) for grid in grids]
    return _sashed(draft, parts)


def _sashed(draft: Draft, parts: list[Part]) -> list[Part]:
    """A belt of cloth at the waist, tied, where it is asked for."""
    if not draft.has("belted"):
        return parts
    body = max((piece.points for piece in parts), key=lambda points: float(np.ptp(points[..., 1])))
    waist = draft.roll(-0.42, -0.38)
    sash = draft.plain(darker=0.7)
    parts.append(girdle(body, sash, (waist + 0.022, waist - 0.022)))
    front = int(body.shape[1] * 0.53)
    t = float(np.interp(-waist, -body[:, front, 1], np.linspace(0, 1, body.shape[0])))
    x, y, z = shifted(at(body, 0.53, t), 0, 0, 0.014)
    parts.append(part(rounded_box((x, y, z), (0.034, 0.034, 0.02), radius=0.009), sash))
    for lean in (-0.05, 0.06):
        path = [(x, y, z), (x + lean * 0.5, y - 0.08, z + 0.02), (x + lean, y - draft.roll(0.17, 0.24), z + 0.03)]
        parts.append(part(tube(path, [(0.012, 0.004), (0.016, 0.003), (0.02, 0.003)], rows=24, columns=13), sash))
    return parts


def coat(draft: Draft) -> list[Part]:
    """A long coat with lapels, buttons in one row or two, flap pockets and perhaps a belt."""
    length = draft.roll(1.0, 1.22)
    table = profile(
        draft,
        length=length,
        ease=draft.roll(1.08, 1.2),
        waist=draft.roll(0.88, 0.97),
        hem=draft.roll(1.05, 1.18),
        tip=0.215,
    )
    opening = draft.roll(0.24, 0.32)
    body = trunk(draft, table, replace(NECKS["v-neck"], front=opening), rows=120, crease=1.0, swing=0.006)
    grids, parts = arms(draft, top=0.1, end=0.066, crease=1.2, tip=0.218)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    parts += lapels(draft, body, width=draft.roll(0.085, 0.12))
    parts += _front(draft, body, start=0.0, double=draft.has("double-breasted"))
    parts += [
        part(patch(body, s, (0.53, 0.575), lift=0.009), draft.main, upright=True) for s in ((0.60, 0.70), (0.30, 0.40))
    ]
    parts += [seam(grid, draft.thread(), 0.9) for grid in grids]
    if draft.has("belted"):
        return _sashed(draft, parts)
    return parts


def lapels(draft: Draft, body: Grid, *, width: float) -> list[Part]:
    """Two turned fronts beside the V of the neck, each with its notch, and the collar over the nape."""
    parts = []
    # How far the lapel reaches from the edge, from the foot of the V to the shoulder: a notch at two thirds.
    reach = np.interp(
        np.linspace(0, 1, 48),
        [0, 0.52, 0.66, 0.70, 0.80, 1.0],
        [0.008, width, width * 1.08, width * 0.55, width * 0.7, 0.3 * width],
    )
    across = np.linspace(0, 1, 14)
    for side in (1, -1):
        edge = _neck_edge(body, side)
        x = edge[:, :1] + side * reach[:, None] * across
        y = edge[:, 1:2] + 0.002 - reach[:, None] * across * 0.12
        lift = 0.005 + 0.016 * np.sin(np.pi * across * 0.66)
        grid = on_front(body, x, y, lift=np.broadcast_to(lift, x.shape))
        parts.append(part(grid[:, ::-1] if side > 0 else grid, draft.main))
        parts.append(part(tube(grid[::2, -1], 0.0028, rows=80, columns=7), draft.thread()))
    nape = collar(draft, body, draft.main, height=0.03, leaf=0.05, point=0.0)
    columns = nape.points.shape[1]
    # Only the part behind and over the shoulders: in front the lapels begin.
    keep = slice(int(columns * 0.16), int(columns * 0.84))
    return [*parts, part(nape.points[:, keep], draft.main)]


def _neck_edge(body: Grid, side: int) -> Grid:
    """The edge of the neck from the foot of the V to the shoulder, evenly: (48, 3)."""
    middle = body.shape[1] // 2
    columns = np.arange(middle, middle + side * (body.shape[1] // 4) + side, side)
    edge = body[0, columns]
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(edge, axis=0), axis=1))])
    even = np.linspace(0, way[-1] * 0.97, 48)
    return np.stack([np.interp(even, way, edge[:, i]) for i in range(3)], -1)


def _front(draft: Draft, body: Grid, *, start: float, double: bool) -> list[Part]:
    """The edge of the overlapping front, and its buttons."""
    edge = 0.5 + (0.045 if double else 0.014)
    parts = [line(body, draft.thread(), [(edge, start + 0.02), (edge, 0.5), (edge, 0.995)], width=0.0022)]
    disc = draft.other(str(draft.rng.choice(["2a2320", "4a3626", "17171a", "b89a62"])), "plastic")
    count = int(draft.rng.integers(3, 5))
    for t in np.linspace(start + 0.05, 0.52, count):
        parts += [
            button(body, disc, float(s), float(t), radius=0.013)
            for s in ((0.5 - 0.045, 0.5 + 0.025) if double else (0.5,))
        ]
    return parts


def jacket(draft: Draft) -> list[Part]:
    """A short jacket: bomber, denim, biker or blazer."""
    if draft.has("blazer"):
        return _blazer(draft)
    length = draft.roll(0.60, 0.70)
    table = profile(draft, length=length, ease=draft.roll(1.06, 1.18), waist=1.0, hem=0.9, tip=0.21)
    body = trunk(draft, table, replace(NECKS["collar"], half=0.088, front=0.075), crease=1.5)
    grids, parts = arms(draft, top=0.1, end=0.06, crease=1.7, tip=0.212)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    trim = draft.plain(material="rib", darker=0.8) if draft.has("bomber") else draft.main
    parts.append(band(body, trim, (0.90, 1.0), lift=0.006))
    parts += [band(grid, trim, (0.90, 1.0), lift=0.005) for grid in grids]
    if draft.has("bomber"):
        parts.append(stand(body, trim, height=0.04))
    else:
        parts.append(collar(draft, body, draft.main, height=0.028, leaf=0.066, point=0.03))
    if draft.has("trucker"):
        parts += _trucker(draft, body)
    else:
        strip = patch(body, (0.493, 0.507), (0.0, 1.0), lift=0.008, rows=60, columns=5)
        parts.append(part(strip, draft.metal()))
        parts += [
            part(patch(body, [top, foot], (0.58, 0.8), lift=0.006), draft.plain(darker=0.8))
            for top, foot in (((0.60, 0.625), (0.655, 0.68)), ((0.375, 0.40), (0.32, 0.345)))
        ]
    return parts


def _trucker(draft: Draft, body: Grid) -> list[Part]:
    """Yoke, slanting seams, flap pockets and metal buttons of a denim jacket."""
    thread = draft.other("c98a3c", "cotton") if draft.main.material == "denim" else draft.thread()
    parts: list[Part] = []
    for side in (1, -1):
        s = [0.5 + side * share for share in (0.014, 0.12, 0.22)]
        parts.append(line(body, thread, [(s[0], 0.27), (s[1], 0.265), (s[2], 0.23)], width=0.0016))
        parts += [
            line(body, thread, [(0.5 + side * share, 0.3), (0.5 + side * foot, 0.9)], width=0.0016)
            for share, foot in ((0.05, 0.03), (0.145, 0.085))
        ]
        left, right = sorted((0.5 + side * 0.055, 0.5 + side * 0.145))
        parts.append(
            part(patch(body, (left, right), [[0.255] * 3, [0.30, 0.335, 0.30]], lift=0.008), draft.main, upright=True)
        )
        parts.append(button(body, draft.metal(), 0.5 + side * 0.10, 0.317, radius=0.007))
    parts.append(line(body, thread, [(0.513, 0.01), (0.513, 0.5), (0.513, 0.99)], width=0.0016))
    return parts + [button(body, draft.metal(), 0.5, float(t), radius=0.008) for t in np.linspace(0.08, 0.94, 6)]


def _blazer(draft: Draft) -> list[Part]:
    table = profile(draft, length=draft.roll(0.74, 0.82), ease=1.03, waist=draft.roll(0.85, 0.9), hem=1.04, tip=0.215)
    opening = draft.roll(0.34, 0.42)
    body = trunk(draft, table, replace(NECKS["v-neck"], front=opening), crease=0.7)
    _, parts = arms(draft, top=0.094, end=0.058, crease=0.9, tip=0.216)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    parts += lapels(draft, body, width=draft.roll(0.075, 0.10))
    parts += _front(draft, body, start=0.0, double=False)[:3]
    parts += [
        part(patch(body, s, (0.56, 0.62), lift=0.007), draft.main, upright=True) for s in ((0.59, 0.69), (0.31, 0.41))
    ]
    return [*parts, *pocket(draft, body, (0.585, 0.655), (0.16, 0.175))[:1]]


# fmt: off
KINDS = (
    Kind("dress", "Dresses", WOMEN, ("cotton", "silk", "satin", "linen", "jersey", "velvet"),
         options=(("mini", "knee-length", "midi", "maxi"), ("sheath", "flared", "flared"), ("sleeveless",
                  "short sleeves", "long sleeves", "spaghetti straps", "three-quarter sleeves"), ("scoop neck",
                  "v-neck", "crew neck", "square neck", "boat neck"), ("belted", "", ""),),
         price=(35, 189), build=dress, period=0.15),
    Kind("coat", "Outerwear", ADULTS, ("wool", "wool", "cotton"),
         options=(("double-breasted", "single-breasted"), ("belted", ""), ("long sleeves",),),
         price=(99, 399), build=coat, period=0.16),
    Kind("jacket", "Outerwear", ADULTS, ("leather", "denim", "nylon", "cotton", "suede"),
         options=(("bomber", "trucker", "zip", "blazer"), ("long sleeves",),),
         price=(69, 299), build=jacket),
)
# fmt: on

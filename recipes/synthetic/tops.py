"""Garments of the upper body: T-shirt, polo shirt, shirt, top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recipes.synthetic.collars import collar, pocket, stand
from recipes.synthetic.draft import Draft
from recipes.synthetic.folds import displaced, hanging, wrinkles
from recipes.synthetic.kind import ADULTS, WOMEN, Kind
from recipes.synthetic.mesh import Grid, Part, at, loft, mirrored, part, shifted, tube
from recipes.synthetic.torso import NECKS, SHOULDER, Neck, band, placket, seam, sleeves, trunk

SLEEVES = {
    "sleeveless": (0.045, 0.95),
    "short sleeves": (0.18, 0.62),
    "three-quarter sleeves": (0.43, 0.40),
    "long sleeves": (0.62, 0.29),
}
"""Length in product units, and angle away from the body in radians."""


def profile(
    draft: Draft, *, length: float, ease: float = 1.0, waist: float = 0.96, hem: float = 1.0, tip: float = 0.205
) -> list[tuple[float, float, float]]:
    """Rows (y, half width, half depth) of a trunk.

    Args:
        ease: how wide, 1 for a regular T-shirt.
        waist, hem: half widths relative to the chest.
        tip: half the width of the shoulders.
    """
    chest = 0.228 * ease * draft.roll(0.96, 1.05)
    tip = tip * (0.7 + 0.3 * ease)
    return [
        (0.0, 0.072, 0.050),
        (-0.010, 0.105, 0.066),
        (-0.030, 0.55 * tip + 0.05, 0.082),
        (SHOULDER, tip, 0.094),
        (-0.095, max(tip + 0.006, chest * 0.93), 0.106),
        (-0.20, chest, 0.122 * ease),
        (-0.20 - 0.42 * (length - 0.2), chest * waist, 0.112 * ease),
        (-length * 0.93, chest * hem, 0.116 * ease),
        (-length, chest * hem * 0.99, 0.114 * ease),
    ]


def chosen_neck(draft: Draft) -> Neck:
    """The neckline that is asked for, or a round one."""
    return next((neck for name, neck in NECKS.items() if draft.has(name)), NECKS["crew neck"])


def chosen_sleeve(draft: Draft) -> tuple[float, float]:
    """Length and spread of the sleeves that are asked for, or short ones."""
    length, spread = next((value for name, value in SLEEVES.items() if draft.has(name)), SLEEVES["short sleeves"])
    return length * draft.roll(0.94, 1.06), spread * draft.roll(0.8, 1.15)


def arms(
    draft: Draft, *, top: float = 0.088, end: float = 0.055, crease: float = 1.0, tip: float = 0.205
) -> tuple[list[Grid], list[Part]]:
    """The sleeves that are asked for: their grids, and as parts with the pattern turned along the arm."""
    length, spread = chosen_sleeve(draft)
    if length < 0.3:
        end = max(end, top * 0.9)
    grids = sleeves(draft, length=length, spread=spread, top=top, end=end, crease=crease, tip=tip)
    return grids, [part(grid, draft.main, wrap=True) for grid in grids]


def t_shirt(draft: Draft) -> list[Part]:
    """A T-shirt, fitted or relaxed."""
    fitted = draft.has("fitted")
    table = profile(
        draft,
        length=draft.roll(0.66, 0.75),
        ease=draft.roll(0.93, 0.98) if fitted else draft.roll(1.0, 1.13),
        waist=draft.roll(0.86, 0.92) if fitted else 0.98,
    )
    body = trunk(draft, table, chosen_neck(draft))
    grids, parts = arms(draft)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    trim = draft.plain(material="rib", darker=0.92)
    if draft.has("contrast trim"):
        trim = replace(trim, color=draft.main.accents[0])
        parts += [band(grid, trim, (0.91, 1.0)) for grid in grids]
    parts.append(band(body, trim, (0.0, 0.026)))
    parts.append(seam(body, draft.thread(), 0.965))
    return parts + [seam(grid, draft.thread(), 0.90) for grid in grids]


def polo(draft: Draft) -> list[Part]:
    """A polo shirt: a soft collar and a short placket."""
    body = trunk(draft, profile(draft, length=draft.roll(0.68, 0.75), ease=draft.roll(0.98, 1.08)), NECKS["collar"])
    grids, parts = arms(draft)
    trim = draft.plain(material="rib", darker=0.94)
    if draft.has("contrast trim"):
        trim = replace(trim, color=draft.main.accents[0])
    parts.append(part(body, draft.main, wrap=True, upright=True))
    parts += placket(draft, body, draft.plain(darker=0.95), (0.0, 0.22), buttons=int(draft.rng.integers(2, 4)))
    parts.append(collar(draft, body, trim, height=0.026, leaf=0.055, point=0.02))
    parts += [band(grid, trim, (0.90, 1.0)) for grid in grids]
    return [*parts, seam(body, draft.thread(), 0.97)]


def shirt(draft: Draft) -> list[Part]:
    """A shirt with a collar, a full button strip, cuffs and perhaps a chest pocket."""
    length = draft.roll(0.72, 0.82)
    table = profile(draft, length=length, ease=draft.roll(0.98, 1.08), waist=draft.roll(0.9, 0.98))
    body = trunk(draft, table, NECKS["collar"], crease=1.1)
    body = _shirt_tail(body, draft.roll(0.02, 0.05))
    grids, parts = arms(draft, end=0.048, crease=1.25)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    parts += placket(draft, body, draft.main, (0.0, 1.0), buttons=int(draft.rng.integers(6, 8)), half=0.014)
    if draft.has("band collar"):
        parts.append(stand(body, draft.main, height=0.034))
    else:
        parts.append(collar(draft, body, draft.main, height=0.03, leaf=0.062, point=draft.roll(0.025, 0.045)))
    if draft.has("chest pocket"):
        parts += pocket(draft, body, (0.585, 0.665), (0.28, 0.42), pointed=True)
    for grid in grids:
        last = 0.90 if draft.has("short sleeves") else 0.885
        parts.append(band(grid, draft.turned(np.pi / 2), (last, 1.0), lift=0.005))
    return [*parts, seam(body, draft.thread(), 0.975)]


def _shirt_tail(body: Grid, drop: float) -> Grid:
    """Round the hem: longer in front and behind than at the sides."""
    angle = np.linspace(-np.pi, np.pi, body.shape[1])
    down = np.clip((np.linspace(0, 1, body.shape[0]) - 0.8) / 0.2, 0, 1)[:, None] ** 1.5
    body = body.copy()
    body[..., 1] += down * drop * (np.sin(angle) ** 4 * 1.6 - 0.6)
    return body


def top(draft: Draft) -> list[Part]:
    """A light top: sleeveless with wide armholes, or held by thin straps."""
    if draft.has("spaghetti straps"):
        return strapped(draft, [(-0.5, 0.21, 0.11), (-0.62, draft.roll(0.21, 0.26), 0.12)], swing=0.006)
    flared = draft.roll(0.98, 1.12)
    table = profile(
        draft, length=draft.roll(0.58, 0.68), ease=0.94, waist=draft.roll(0.88, 0.98), hem=flared, tip=0.175
    )
    body = trunk(draft, table, chosen_neck(draft), crease=1.15, swing=0.007)
    grids, parts = arms(draft, top=0.088, tip=0.178)
    trim = draft.plain(darker=0.92)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    return [*parts, band(body, trim, (0.0, 0.014), lift=0.003), *(band(grid, trim, (0.75, 1.0)) for grid in grids)]


def strapped(draft: Draft, skirt: Sequence[tuple[float, float, float]], *, swing: float) -> list[Part]:
    """A bodice that starts over the bust and hangs from two thin straps; `skirt` are the rows below the waist."""
    bust, waist = draft.roll(0.185, 0.205), draft.roll(0.155, 0.18)
    table = [(-0.16, bust * 0.92, 0.085), (-0.22, bust, 0.118), (-0.40, waist, 0.095), *skirt]
    grid = loft(table, rows=110, columns=121, power=2.3)
    angle = np.linspace(-np.pi, np.pi, grid.shape[1])
    # The edge rises over each breast and dips between them; behind it lies low.
    edge = 0.035 * np.exp(-(((np.abs(angle) - 0.45) / 0.25) ** 2)) - 0.05 * (np.abs(angle) > 1.6)
    fall = np.clip(1 + (grid[..., 1] + 0.16) / 0.12, 0, 1)
    grid[..., 1] += edge * fall
    height = wrinkles(grid.shape, (6, 7), draft.rng, sharp=0.6) * 0.006 * draft.folds
    height += hanging(grid.shape, draft.roll(7, 11), draft.rng, start=0.45) * swing * draft.folds
    grid = displaced(grid, height)
    parts = [part(grid, draft.main, wrap=True, upright=True)]
    parts.append(band(grid, draft.plain(darker=0.9), (0.0, 0.012), lift=0.003))
    start = at(grid, 0.5 + 0.45 / (2 * np.pi), 0.0)
    behind = [(0.098, -0.02, 0.055), (0.092, 0.03, 0.0), (0.1, -0.06, -0.06), (0.1, -0.2, -0.1)]
    path = np.concatenate([[shifted(start, 0, -0.012, 0), start], behind])
    strap = tube(path, [(0.007, 0.003)] * len(path), rows=40, columns=9)
    return [*parts, part(strap, draft.plain(darker=0.95)), part(mirrored(strap), draft.plain(darker=0.95))]


# fmt: off
KINDS = (
    Kind("t-shirt", "Tops", ADULTS, ("cotton", "jersey"),
         options=(("crew neck", "v-neck", "scoop neck"), ("short sleeves", "short sleeves", "long sleeves"),
                  ("fitted", "relaxed"), ("", "", "contrast trim"),),
         price=(9, 39), build=t_shirt),
    Kind("polo shirt", "Tops", ADULTS, ("cotton", "jersey"),
         options=(("short sleeves", "short sleeves", "long sleeves"), ("", "contrast trim"),),
         price=(19, 69), build=polo),
    Kind("shirt", "Tops", ADULTS, ("cotton", "linen", "denim", "silk"),
         options=(("button-down collar", "spread collar", "band collar"), ("long sleeves", "long sleeves",
                  "short sleeves"), ("chest pocket", ""),),
         price=(29, 99), build=shirt),
    Kind("top", "Tops", WOMEN, ("cotton", "silk", "satin", "linen"),
         options=(("spaghetti straps", "sleeveless"), ("scoop neck", "v-neck", "square neck", "boat neck"),),
         price=(15, 59), build=top),
)
# fmt: on

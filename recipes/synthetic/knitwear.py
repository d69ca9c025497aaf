"""Knitwear and sweatshirts: sweater, cardigan, hoodie."""

from __future__ import annotations

from dataclasses import replace

from recipes.synthetic.collars import hood, pocket
from recipes.synthetic.draft import Draft
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.kind import ADULTS, Kind
from recipes.synthetic.mesh import Grid, Part, loft, part, patch
from recipes.synthetic.tops import arms, chosen_neck, profile
from recipes.synthetic.torso import NECKS, band, line, placket, trunk


def sweater(draft: Draft) -> list[Part]:
    """A knitted sweater with ribbed hem and cuffs; crew, V, or turtleneck."""
    turtle = draft.has("turtleneck")
    table = profile(draft, length=draft.roll(0.64, 0.74), ease=draft.roll(1.02, 1.2), waist=1.02, hem=0.93)
    body = trunk(draft, table, NECKS["high neck"] if turtle else chosen_neck(draft), crease=1.1)
    grids, parts = arms(draft, top=0.096, end=0.056, crease=1.3)
    rib = draft.plain(material="rib", darker=0.9)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    parts += [band(body, rib, (0.90, 1.0), lift=0.004), *(band(grid, rib, (0.89, 1.0), lift=0.004) for grid in grids)]
    if turtle:
        parts.append(part(_turtle(draft), rib, wrap=True))
    else:
        parts.append(band(body, rib, (0.0, 0.04), lift=0.005))
    return parts


def cardigan(draft: Draft) -> list[Part]:
    """A knitted jacket with a V-neck, a ribbed button band and pockets."""
    table = profile(draft, length=draft.roll(0.66, 0.82), ease=draft.roll(1.02, 1.15), waist=1.0, hem=0.96)
    body = trunk(draft, table, replace(NECKS["v-neck"], front=draft.roll(0.22, 0.30)), crease=1.1)
    grids, parts = arms(draft, top=0.094, end=0.055, crease=1.2)
    rib = draft.plain(material="rib", darker=0.85)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    parts.append(band(body, rib, (0.0, 0.05), lift=0.006))
    parts += placket(draft, body, rib, (0.02, 1.0), buttons=int(draft.rng.integers(4, 7)), half=0.022)
    parts += [band(body, rib, (0.92, 1.0)), *(band(grid, rib, (0.91, 1.0)) for grid in grids)]
    if draft.has("patch pockets"):
        for s in ((0.565, 0.68), (0.32, 0.435)):
            parts += pocket(draft, body, s, (0.68, 0.87))
    return parts


def hoodie(draft: Draft) -> list[Part]:
    """A hooded sweatshirt: pullover with a pouch, or with a full zip."""
    table = profile(draft, length=draft.roll(0.66, 0.74), ease=draft.roll(1.04, 1.18), waist=1.02, hem=0.94)
    body = trunk(draft, table, replace(NECKS["crew neck"], half=0.095, front=0.085), crease=1.1)
    grids, parts = arms(draft, top=0.096, end=0.058, crease=1.35)
    rib = draft.plain(material="rib", darker=0.9)
    parts.append(part(body, draft.main, wrap=True, upright=True))
    parts += [band(body, rib, (0.92, 1.0), lift=0.003), *(band(grid, rib, (0.91, 1.0)) for grid in grids)]
    parts += hood(draft, body)
    if draft.has("full zip"):
        zip_strip = patch(body, (0.494, 0.506), (0.0, 1.0), lift=0.006, rows=50, columns=5)
        parts.append(part(zip_strip, draft.metal()))
        sides = [((0.53, 0.56), (0.53, 0.68)), ((0.44, 0.47), (0.32, 0.47))]
        parts += [
            part(patch(body, [top, foot], (0.60, 0.86), lift=0.008), draft.main, upright=True) for top, foot in sides
        ]
    else:
        shape = [(0.435, 0.565), (0.39, 0.61), (0.34, 0.66), (0.34, 0.66)]
        pouch = patch(body, shape, (0.58, 0.90), lift=0.016, rows=40, columns=50)
        parts.append(part(pouch, draft.main, upright=True))
        parts += [line(pouch, draft.thread(), [(s, 0.06), (s, 0.35), (s, 0.66)]) for s in (0.04, 0.96)]
    return parts


def _turtle(draft: Draft) -> Grid:
    """A folded tube of ribs about the neck."""
    high = draft.roll(0.05, 0.075)
    table = [
        (high, 0.068, 0.058),
        (high + 0.006, 0.078, 0.066),
        (high * 0.5, 0.084, 0.072),
        (0.004, 0.087, 0.074),
        (-0.012, 0.084, 0.07),
    ]
    grid = loft(table, rows=30, columns=97)
    return displaced(grid, wrinkles(grid.shape, (3, 6), draft.rng, sharp=0.4) * 0.004)


# fmt: off
KINDS = (
    Kind("sweater", "Knitwear", ADULTS, ("knit", "wool"),
         options=(("crew neck", "v-neck", "turtleneck"), ("long sleeves",),),
         price=(35, 149), build=sweater),
    Kind("cardigan", "Knitwear", ADULTS, ("knit", "wool"),
         options=(("long sleeves",), ("patch pockets", ""),),
         price=(39, 139), build=cardigan),
    Kind("hoodie", "Knitwear", ADULTS, ("fleece", "cotton"),
         options=(("full zip", "kangaroo pocket"), ("long sleeves",),),
         price=(29, 89), build=hoodie),
)
# fmt: on

"""Clothes for sport: track pants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.folds import bunched, displaced, pull, wrinkles
from recipes.synthetic.kind import ADULTS, Kind
from recipes.synthetic.mesh import Grid, Part, loft, mirrored, part, patch, tube
from recipes.synthetic.torso import band, line, seam


def track_pants(draft: Draft) -> list[Part]:
    """Loose sports trousers: gathered waist with a cord, stripes down the outer sides, cuffed or straight legs."""
    length, waist = draft.roll(0.98, 1.06), draft.roll(0.155, 0.175)
    grids = [_leg(draft, length, waist, index) for index in (0, 1)]
    parts = [part(grid, draft.main, wrap=True, upright=True) for grid in grids]
    trim = draft.plain(material="rib", darker=0.9)
    for index, grid in enumerate(grids):
        parts += _stripes(draft, grid, index)
        pocket = [(0.66, 0.07), (0.69, 0.13), (0.71, 0.2)]
        points = [(s if index == 0 else 1 - s, t) for s, t in pocket]
        parts.append(line(grid, draft.plain(darker=0.5), points, width=0.0028))
        if draft.has("cuffed"):
            parts.append(band(grid, trim, (0.945, 1.0), lift=0.002))
        else:
            parts.append(seam(grid, draft.thread(), 0.975))
    return parts + _waistband(draft, waist)


def _leg(draft: Draft, length: float, waist: float, index: int) -> Grid:
    """One leg up to the waist; index 0 is at the viewer's right, 1 its mirror image. Half of the seat belongs to it."""
    hip, crotch = draft.roll(0.198, 0.215), -draft.roll(0.29, 0.33)
    apart = draft.roll(0.0, 0.025)
    knee, hem = (0.092, 0.062) if draft.has("cuffed") else (0.098, draft.roll(0.084, 0.1))
    table = [
        (0.0, waist, 0.1, 0.0),
        (-0.09, (waist + hip) / 2 + 0.012, 0.115, 0.0),
        (-0.19, hip, 0.124, 0.006),
        (crotch, 0.116, 0.115, 0.1),
        (crotch - 0.06, 0.113, 0.11, 0.107 + apart * 0.3),
        (-0.6, knee, 0.09, 0.108 + apart),
        (-length * 0.93, hem * 1.04, hem, 0.112 + apart * 1.6),
        (-length, hem * (0.72 if draft.has("cuffed") else 1.0), hem * 0.8, 0.112 + apart * 1.6),
    ]
    grid = loft(table, rows=130, columns=89, power=2.25)
    rng, shape = draft.rng, grid.shape
    height = wrinkles(shape, (9, 4), rng, sharp=0.6, slant=draft.roll(-0.3, 0.3)) * 0.5
    height += pull(shape, (0.36, 0.30), 0.75, rng, reach=0.25) * 0.7
    height += bunched(shape, [0.57], 0.08, 13, rng) * 0.5 + bunched(shape, [0.9], 0.07, 17, rng) * 0.7
    flat = np.clip(np.linspace(0, 1, shape[0])[:, None] / 0.25, 0.15, 1)
    grid = displaced(grid, height * flat * 0.0095 * draft.folds)
    grid[..., 0] = np.maximum(grid[..., 0], 0.0)
    return mirrored(grid) if index else grid


def _stripes(draft: Draft, grid: Grid, index: int) -> list[Part]:
    """Stripes or a broad panel down the outer side of a leg."""
    # Toward the front, so that the stripes are seen from there.
    inner = draft.roll(0.595, 0.625)
    if draft.has("side panel"):
        spans = [(inner, 0.82)]
    elif draft.has("side stripe"):
        spans = [(inner + 0.02, inner + 0.08)]
    elif draft.has("side stripes"):
        spans = [(inner + start, inner + start + 0.022) for start in (0.0, 0.042, 0.084)]
    else:
        return []
    last = 0.945 if draft.has("cuffed") else 1.0
    color = replace(draft.plain(), color=draft.main.accents[0])
    made = []
    for start, stop in spans:
        s = (start, stop) if index == 0 else (1 - stop, 1 - start)
        made.append(part(patch(grid, s, (0.03, last), lift=0.003, rows=110, columns=9), color, upright=True))
    return made


def _waistband(draft: Draft, waist: float) -> list[Part]:
    """A gathered band, and where it is asked for a cord with two ends."""
    rows = [(0.006, waist * 0.97, 0.1), (-0.03, waist + 0.004, 0.106), (-0.055, waist + 0.012, 0.113)]
    belt = loft(rows, rows=12, columns=241)
    gathers = np.sin(np.linspace(0, 2 * np.pi * 44, belt.shape[1])) * 0.0035 + 0.005
    belt = displaced(belt, np.broadcast_to(gathers, belt.shape[:2]))
    parts = [part(belt, draft.plain(darker=0.93), wrap=True)]
    if not draft.has("drawstring"):
        return parts
    light = sum(draft.main.color) < 1.2
    cord = draft.other("f2efe8" if light else "2a2a2d", "cotton")
    for side in (1.0, -1.0):
        drop = draft.roll(0.11, 0.19)
        path = [
            (side * 0.012, -0.026, 0.118),
            (side * 0.022, -0.08, 0.136),
            (side * draft.roll(0.02, 0.04), -drop - 0.04, 0.142),
        ]
        parts.append(part(tube(path, 0.0055, rows=24, columns=9), cord))
    return parts


# fmt: off
KINDS = (
    Kind("track pants", "Bottoms", ADULTS, ("polyester", "jersey", "fleece", "nylon"),
         options=(("cuffed", "straight"), ("side stripe", "side stripes", "side panel", ""),
                  ("drawstring", "drawstring", "elastic waist"),),
         price=(19, 79), build=track_pants, is_patterned=False),
)
# fmt: on

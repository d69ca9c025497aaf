"""Bags: handbag, tote, backpack, suitcase."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish
from recipes.synthetic.folds import displaced, wrinkles
from recipes.synthetic.kind import ADULTS, WOMEN, Kind
from recipes.synthetic.mesh import Grid, Part, at, loft, mirrored, part, patch, rounded_box, tube
from recipes.synthetic.torso import button, line


def handbag(draft: Draft) -> list[Part]:
    """A handbag: with a flap and lock, or a zip; top handles, a chain or a strap."""
    wide, high, deep = draft.roll(0.36, 0.46), draft.roll(0.46, 0.62), draft.roll(0.11, 0.15)
    flare = draft.roll(0.86, 1.06)
    table = [
        (high, wide * flare, 0.028),
        (high * 0.96, wide * flare * 1.005, 0.036),
        (high * 0.5, wide * (flare + 1) / 2, deep * 0.86),
        (0.07, wide, deep),
        (0.02, wide * 0.985, deep * 0.97),
        (0.0, wide * 0.93, deep * 0.86),
        (0.0, 0.01, 0.01),
    ]
    body = loft(table, rows=90, columns=121, power=4.2)
    body = displaced(body, wrinkles(body.shape, (4, 5), draft.rng, sharp=0.5) * 0.010 * draft.folds)
    parts = [part(body, draft.main, wrap=True, upright=True)]
    if draft.has("flap"):
        parts += _flap(draft, body)
    else:
        zipper = np.stack([np.linspace(-wide * flare, wide * flare, 12), np.full(12, high + 0.004), np.zeros(12)], -1)
        parts.append(part(tube(zipper, [(0.012, 0.02)] * 12, rows=40, columns=9), draft.plain(darker=0.6)))
        parts.append(line(body, draft.thread(), [(0.31, 0.10), (0.5, 0.10), (0.69, 0.10)], width=0.0025))
        outer = patch(body, (0.335, 0.665), (0.36, 0.72), lift=0.014, rows=30, columns=40)
        if draft.roll(0, 1) < 0.55:
            parts.append(part(outer, draft.main, upright=True))
            parts.append(line(outer, draft.thread(), [(0.03, 0.08), (0.5, 0.08), (0.97, 0.08)], width=0.002))
    parts += _handles(draft, wide * flare, high)
    parts += [line(body, draft.thread(), [(s, 0.05), (s, 0.45), (s, 0.8)], width=0.0022) for s in (0.315, 0.685)]
    return parts


def _flap(draft: Draft, body: Grid) -> list[Part]:
    foot = draft.roll(0.40, 0.52)
    edge = (
        [foot * 0.86, foot, foot * 1.03, foot, foot * 0.86]
        if draft.roll(0, 1) < 0.6
        else [foot * 0.55, foot * 0.85, foot * 1.1, foot * 0.85, foot * 0.55]
    )
    lid = patch(body, (0.285, 0.715), [[-0.01] * 5, edge], lift=0.024, rows=40, columns=60)
    border = [
        (0.03, 0.05),
        (0.03, 0.5),
        (0.05, 0.9),
        (0.25, 0.955),
        (0.5, 0.96),
        (0.75, 0.955),
        (0.95, 0.9),
        (0.97, 0.5),
        (0.97, 0.05),
    ]
    parts = [
        part(lid, draft.main if draft.main.pattern != "plain" else draft.plain(darker=0.94), upright=True),
        line(lid, draft.thread(), border, width=0.0022),
    ]
    x, y, z = at(lid, 0.5, 0.9)
    gold = draft.metal()
    parts.append(part(rounded_box((x, y, z + 0.008), (0.085, 0.06, 0.03), radius=0.01), gold))
    parts.append(part(rounded_box((x, y - 0.006, z + 0.022), (0.035, 0.022, 0.02), radius=0.008), gold))
    return parts


def _handles(draft: Draft, wide: float, high: float) -> list[Part]:
    gold = draft.metal()
    strap = draft.plain(darker=0.9)
    if draft.has("chain strap"):
        return _chain(draft, wide, high)
    if draft.has("shoulder strap"):
        path = [
            (-wide * 0.97, high - 0.05, 0),
            (-wide * 0.9, high + 0.12, 0),
            (-wide * 0.55, high + 0.48, -0.03),
            (0, high + 0.66, -0.04),
            (wide * 0.55, high + 0.48, -0.03),
            (wide * 0.9, high + 0.12, 0),
            (wide * 0.97, high - 0.05, 0),
        ]
        parts = [part(tube(path, [(0.006, 0.022)] * 7, rows=90, columns=11), strap)]
        return parts + [_ring(np.array([side * wide * 0.95, high - 0.01, 0.0]), 0.028, gold) for side in (-1, 1)]
    parts = []
    rise, spread = draft.roll(0.24, 0.34), draft.roll(0.42, 0.58)
    for z, lean in ((0.05, 0.05), (-0.05, -0.03)):
        angle = np.linspace(0, np.pi, 11)
        arc = np.stack(
            [-wide * spread * np.cos(angle), high - 0.03 + rise * np.sin(angle) ** 0.7, z + lean * np.sin(angle)], -1
        )
        parts.append(part(tube(arc, 0.017, rows=70, columns=15), strap))
        for x in (-wide * spread, wide * spread):
            tab = rounded_box((x, high - 0.07, z + 0.002 * np.sign(z)), (0.055, 0.11, 0.022), radius=0.008)
            parts += [part(tab, strap), _ring(np.array([x, high - 0.02, z + 0.012]), 0.024, gold)]
    return parts


def _ring(center: Grid, radius: float, finish: Finish) -> Part:
    angle = np.linspace(0, 2 * np.pi, 13)
    path = center + radius * np.stack([np.cos(angle), np.sin(angle), np.zeros(13)], -1)
    return part(tube(path, 0.0055, rows=28, columns=8), finish)


def _chain(draft: Draft, wide: float, high: float) -> list[Part]:
    """Links along a loop, every second one on edge."""
    angle = np.linspace(0.08, np.pi - 0.08, 34)
    rise = draft.roll(0.34, 0.46)
    path = np.stack([-wide * 0.92 * np.cos(angle), high - 0.02 + rise * np.sin(angle) ** 0.8, 0.0 * angle], -1)
    gold, parts = draft.metal(), []
    for index in range(len(path) - 1):
        middle, way = (path[index] + path[index + 1]) / 2, path[index + 1] - path[index]
        length = float(np.linalg.norm(way))
        way = way / length
        side = np.array([-way[1], way[0], 0.0]) if index % 2 else np.array([0.0, 0.0, 1.0])
        turn = np.linspace(0, 2 * np.pi, 11)
        link = middle + np.cos(turn)[:, None] * way * length * 0.68 + np.sin(turn)[:, None] * side * 0.015
        parts.append(part(tube(link, 0.006, rows=16, columns=6, deep=(0.1, 0.1, 1)), gold))
    return parts


def tote(draft: Draft) -> list[Part]:
    """A tote: an open bag of cloth or leather with two long handles."""
    wide, high, deep = draft.roll(0.36, 0.44), draft.roll(0.66, 0.84), draft.roll(0.05, 0.09)
    table = [
        (high, wide, deep * 0.8),
        (high * 0.6, wide * 0.985, deep),
        (0.12, wide * 0.955, deep),
        (0.03, wide * 0.93, deep * 0.9),
        (0.0, wide * 0.88, deep * 0.6),
        (0.0, 0.01, 0.005),
    ]
    body = loft(table, rows=96, columns=121, power=3.6)
    slack = wrinkles(body.shape, (5, 5), draft.rng, sharp=0.6, slant=draft.roll(-0.2, 0.2)) * 0.016
    slack += wrinkles(body.shape, (9, 8), draft.rng, sharp=0.7) * 0.006
    grow = np.clip(np.linspace(0, 1, body.shape[0])[:, None] * 3, 0.25, 1)
    body = displaced(body, slack * grow * max(draft.folds, 0.45))
    parts = [part(body, draft.main, wrap=True, upright=True)]
    contrast = (
        draft.plain(darker=0.8)
        if draft.main.pattern == "plain"
        else replace(draft.plain(), color=draft.main.accents[0])
    )
    hem = patch(body, (0, 1), (0.0, 0.07), lift=0.006, rows=8, columns=body.shape[1], wrap=True)
    parts.append(part(hem, draft.main if draft.main.pattern == "plain" else contrast, wrap=True))
    parts.append(line(body, draft.thread(), [(0.26, 0.066), (0.5, 0.066), (0.74, 0.066)], width=0.0022))
    rise, spread = draft.roll(0.30, 0.46), draft.roll(0.36, 0.48)
    for front in (True, False):
        z = deep * 0.8 if front else -deep * 0.8
        angle = np.linspace(0, np.pi, 9)
        arc = np.stack(
            [-wide * spread * np.cos(angle), high + rise * np.sin(angle) ** 0.65, z * (1 - 0.7 * np.sin(angle))], -1
        )
        ends = [[(side * wide * spread, high - 0.16, z * 1.28)] for side in (-1, 1)]
        way = np.concatenate([ends[0], arc, ends[1]])
        parts.append(part(tube(way, [(0.022, 0.005)] * len(way), rows=80, columns=11), contrast))
        if front:
            for side in (-1, 1):
                box = rounded_box(
                    (side * wide * spread, high - 0.13, z * 1.28 + 0.006), (0.05, 0.07, 0.008), radius=0.003
                )
                parts.append(part(box, contrast))
    if draft.has("base panel"):
        base = patch(body, (0, 1), (0.66, 0.93), lift=0.005, rows=12, columns=body.shape[1], wrap=True)
        parts.append(part(base, contrast, wrap=True))
    return parts


def backpack(draft: Draft) -> list[Part]:
    """A backpack: domed main room, front pocket, zips, loop and shoulder straps; or a roll top."""
    wide, high, deep = draft.roll(0.29, 0.35), draft.roll(0.80, 0.95), draft.roll(0.15, 0.19)
    round_top = [
        (high, 0.02, 0.01),
        (high * 0.995, wide * 0.45, deep * 0.4),
        (high * 0.96, wide * 0.80, deep * 0.75),
        (high * 0.86, wide * 0.97, deep * 0.95),
    ]
    table = [
        *round_top,
        (high * 0.5, wide * 1.02, deep),
        (0.10, wide, deep),
        (0.03, wide * 0.97, deep * 0.93),
        (0.0, wide * 0.88, deep * 0.8),
        (0.0, 0.01, 0.01),
    ]
    body = loft(table, rows=96, columns=121, power=3.4)
    body = displaced(body, wrinkles(body.shape, (5, 6), draft.rng, sharp=0.6) * 0.010)
    dark = draft.plain(darker=0.55) if sum(draft.main.color) > 0.15 else draft.other("3a3b3f", "nylon")
    parts = [part(body, draft.main, wrap=True, upright=True)]
    low = high * draft.roll(0.42, 0.5)
    pocket_table = [
        (low, 0.02, 0.01),
        (low * 0.985, wide * 0.6, 0.05),
        (low * 0.9, wide * 0.8, 0.075),
        (low * 0.5, wide * 0.84, 0.085),
        (0.09, wide * 0.82, 0.08),
        (0.06, wide * 0.7, 0.05),
        (0.06, 0.01, 0.01),
    ]
    pouch = loft([(y, w, d, 0.0, deep * 0.90) for y, w, d in pocket_table], rows=60, columns=81, power=3.2)
    pouch = displaced(pouch, wrinkles(pouch.shape, (4, 5), draft.rng, sharp=0.6) * 0.007)
    parts.append(
        part(pouch, draft.main if draft.roll(0, 1) < 0.6 else draft.plain(darker=0.8), wrap=True, upright=True)
    )
    parts.append(line(pouch, dark, [(0.33, 0.36), (0.36, 0.24), (0.5, 0.205), (0.64, 0.24), (0.67, 0.36)], width=0.011))
    parts.append(
        line(
            body,
            dark,
            [(0.29, 0.42), (0.31, 0.2), (0.38, 0.105), (0.5, 0.09), (0.62, 0.105), (0.69, 0.2), (0.71, 0.42)],
            width=0.012,
        )
    )
    for s, grid, t in ((0.36, pouch, 0.24), (0.31, body, 0.2)):
        x, y, z = at(grid, s, t)
        parts.append(part(rounded_box((x, y - 0.025, z + 0.012), (0.014, 0.055, 0.008), radius=0.003), draft.metal()))
    top = high + draft.roll(0.05, 0.08)
    loop = [
        (-0.07, high - 0.02, -deep * 0.5),
        (-0.055, top, -deep * 0.5),
        (0.055, top, -deep * 0.5),
        (0.07, high - 0.02, -deep * 0.5),
    ]
    parts.append(part(tube(loop, [(0.007, 0.018)] * 4, rows=40, columns=11), dark))
    for side in (1.0, -1.0):
        path = [
            (side * 0.12, high * 0.97, -deep * 0.8),
            (side * 0.25, high * 0.86, -deep * 1.35),
            (side * (wide + 0.03), high * 0.5, -deep * 1.45),
            (side * (wide + 0.01), high * 0.2, -deep * 1.15),
            (side * wide * 0.9, 0.06, -deep * 0.7),
        ]
        parts.append(
            part(
                tube(
                    path,
                    [(0.04, 0.013), (0.045, 0.014), (0.04, 0.013), (0.016, 0.005), (0.014, 0.005)],
                    rows=60,
                    columns=15,
                ),
                dark,
            )
        )
    if draft.has("leather patch"):
        x, y, z = at(body, 0.5, 0.34)
        parts.append(
            part(rounded_box((x, y, z + 0.004), (0.13, 0.085, 0.012), radius=0.004), draft.other("8a5a33", "leather"))
        )
    if draft.has("buckle straps"):
        for x in (-0.13, 0.13):
            path = [
                (x, high * 0.93, deep * 0.75),
                (x, high * 0.75, deep * 1.1),
                (x, low, deep * 1.3),
                (x, low * 0.75, deep * 1.62),
            ]
            parts.append(part(tube(path, [(0.018, 0.005)] * 4, rows=40, columns=9), draft.other("6b4428", "leather")))
            parts.append(_ring(np.array([x, low * 0.93, deep * 1.45]), 0.024, draft.metal()))
    return parts


def suitcase(draft: Draft) -> list[Part]:
    """A hard case on wheels with ribs and a telescopic handle."""
    wide, high, deep = draft.roll(0.27, 0.33), draft.roll(0.78, 0.9), draft.roll(0.12, 0.15)
    body = rounded_box((0, high / 2, 0), (2 * wide, high, 2 * deep), radius=0.07, rows=60, columns=161, power=6)
    angle = np.linspace(0, 2 * np.pi, body.shape[1])
    side = np.clip(np.sin(np.linspace(0, np.pi, body.shape[0])) * 4 - 1.5, 0, 1)[:, None]
    if draft.has("ribbed"):
        body = displaced(body, 0.006 * np.sin(body[..., 0] / wide * np.pi * draft.rng.integers(4, 7)) * side)
    else:
        ring = np.sin(body[..., 1] / high * np.pi * int(draft.rng.integers(8, 14)))
        body = displaced(body, 0.005 * ring * side * (np.cos(angle) ** 2 + 0.4))
    dark, metal = draft.other("232427", "plastic"), draft.other("c9ccd1", "metal")
    parts = [part(body, draft.main, wrap=True, upright=True)]
    # The two shells meet in a frame around the sides.
    turn = np.linspace(0, 2 * np.pi, 60)
    frame = np.stack(
        [
            wide * 1.008 * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.28,
            high / 2 * (1 + 1.008 * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.28),
            np.zeros(60),
        ],
        -1,
    )
    parts.append(part(tube(frame, 0.010, rows=160, columns=9), dark))
    for x in (-wide * 0.8, wide * 0.8):
        for z in (-deep * 0.6, deep * 0.6):
            parts.append(part(rounded_box((x, -0.012, z), (0.07, 0.05, 0.07), radius=0.012), dark))
            turn = np.linspace(-np.pi, np.pi, 25)
            wheel = np.array([(0.0, 0.0), (0.034, 0.0), (0.034, 1.0), (0.0, 1.0)])
            points = np.stack(
                [
                    np.broadcast_to(x - 0.022 + 0.044 * wheel[:, 1:], (4, 25)),
                    -0.05 + wheel[:, :1] * np.cos(turn),
                    z + wheel[:, :1] * np.sin(turn),
                ],
                -1,
            )
            parts.append(part(points, dark, wrap=True))
    tall = high + draft.roll(0.16, 0.3)
    parts += [
        part(
            tube(
                [(x, high - 0.02, -deep * 0.8), (x, (high + tall) / 2, -deep * 0.8), (x, tall, -deep * 0.8)],
                0.010,
                rows=10,
                columns=11,
            ),
            metal,
        )
        for x in (-wide * 0.45, wide * 0.45)
    ]
    parts.append(part(rounded_box((0, tall, -deep * 0.8), (wide * 0.9 + 0.05, 0.035, 0.04), radius=0.014), dark))
    parts.append(
        part(
            tube(
                [(-0.08, high, 0), (-0.06, high + 0.04, 0), (0.06, high + 0.04, 0), (0.08, high, 0)],
                0.012,
                rows=30,
                columns=9,
            ),
            dark,
        )
    )
    return [
        *parts,
        part(mirrored(rounded_box((wide * 1.0, high * 0.5, 0.0), (0.02, 0.09, 0.05), radius=0.006)), metal),
        button(body, metal, 0.5, 0.3, radius=0.018),
    ]


# fmt: off
KINDS = (
    Kind("handbag", "Bags", WOMEN, ("leather", "suede", "patent", "canvas"),
         options=(("flap", "zip top"), ("top handles", "chain strap", "shoulder strap"),),
         price=(39, 299), build=handbag, pose="standing", turn=0, pitch=8, period=0.16),
    Kind("tote bag", "Bags", ADULTS, ("canvas", "leather", "cotton", "straw"),
         options=(("base panel", ""),),
         price=(15, 149), build=tote, pose="standing", turn=0, pitch=6, period=0.18),
    Kind("backpack", "Bags", ADULTS, ("nylon", "canvas", "leather"),
         options=(("leather patch", "buckle straps", ""),),
         price=(29, 159), build=backpack, pose="standing", turn=0, pitch=8, period=0.18),
    Kind("suitcase", "Bags", ("unisex",), ("plastic", "metal"),
         options=(("ribbed", "grooved"),),
         price=(69, 299), build=suitcase, is_patterned=False, pose="standing", turn=-8, pitch=9),
)
# fmt: on

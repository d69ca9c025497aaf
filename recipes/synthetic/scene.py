"""Where a product is photographed: backgrounds in linear light, and the shadows that lie on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.synthetic.colors import to_linear
from recipes.synthetic.textures import noise, texture_tile

Floats = NDArray[np.float32]

BACKGROUNDS = ("white", "studio", "paper", "wood", "cloth", "room", "brick", "street")


def backdrop(name: str, size: tuple[int, int], *, horizon: float | None, rng: np.random.Generator) -> Floats:
    """A background by name: (height, width, 3), linear light.

    Args:
        horizon: row where the wall meets the floor, in pixels; None where the whole picture is one plane.
    """
    return np.asarray(_DRAWERS[name](size, horizon, rng), np.float32)


def _filled(size: tuple[int, int], code: str) -> Floats:
    rgb = to_linear([int(code[i : i + 2], 16) for i in (0, 2, 4)])
    return np.full((*size, 3), rgb, np.float32)


def _axes(size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Coordinates x and y in units of the picture's larger side, from its upper left."""
    unit = float(max(size))
    x, y = np.meshgrid(np.arange(size[1]) / unit, np.arange(size[0]) / unit)
    return x.astype(np.float32), y.astype(np.float32)


def _lit(picture: Floats, rng: np.random.Generator, *, strength: float) -> Floats:
    """Light that falls off away from one side."""
    x, y = _axes(picture.shape[:2])
    angle = rng.uniform(0, 2 * np.pi)
    slope = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    radial = (x - 0.5) ** 2 + (y - 0.45) ** 2
    return np.asarray(picture * (1 + np.float32(strength) * (slope - 0.6 * radial))[..., None], np.float32)


def _white(size: tuple[int, int], _horizon: float | None, _rng: np.random.Generator) -> Floats:
    return np.ones((*size, 3), np.float32)


def _studio(size: tuple[int, int], horizon: float | None, rng: np.random.Generator) -> Floats:
    """A seamless light backdrop: brighter behind the product, a soft turn to the floor."""
    code = str(rng.choice(["eceeef", "e6e6e4", "f1efec", "e4e8ec", "dfe0e2"]))
    x, y = _axes(size)
    glow = np.exp(-(((x - rng.uniform(0.4, 0.6)) / 0.55) ** 2) - ((y - rng.uniform(0.3, 0.5)) / 0.6) ** 2)
    level = 0.80 + 0.20 * glow
    if horizon is not None:
        level = level - 0.09 / (1 + np.exp(-(y * max(size) - horizon) / (0.06 * max(size)))) + 0.03
    return _filled(size, code) * level[..., None].astype(np.float32)


def _paper(size: tuple[int, int], horizon: float | None, rng: np.random.Generator) -> Floats:
    """A painted wall or colored paper, with a floor of another tone."""
    walls = ["c8d5d9", "e3cfc0", "d9d2c5", "b8c4b4", "e8d9a8", "c9b7c9", "a9b8c9", "d8b0a0", "8fa3a0", "efe6dc"]
    wall = _lit(_filled(size, str(rng.choice(walls))), rng, strength=0.35)
    grain = 0.012 * rng.standard_normal(size, dtype=np.float32)[..., None]
    if horizon is not None:
        floor = _filled(size, str(rng.choice(["d8d2c8", "b9a68f", "c4c4c2", "a58e76", "ddd6cc"])))
        _, y = _axes(size)
        below = (y * max(size) - horizon) / max(size)
        wall = np.where((below > 0)[..., None], floor * (0.85 + 0.5 * np.clip(below, 0, 1))[..., None], wall)
        wall = cv2.GaussianBlur(wall, (0, 0), 0.004 * max(size))
    return np.asarray(wall * (1 + grain), np.float32)


def _planks(u: Floats, v: Floats, code: str, rng: np.random.Generator) -> Floats:
    """Boards along u, one unit of v wide each."""
    board = np.floor(v).astype(np.int32) % 64
    shift, tone = rng.uniform(0, 5, 64).astype(np.float32), rng.uniform(0.72, 1.1, 64).astype(np.float32)
    tile = texture_tile("wood")
    side = tile.shape[0]
    padded = np.pad(tile, ((0, 1), (0, 1)), mode="wrap")
    along = np.mod((u * 0.35 + shift[board]) * side, side).astype(np.float32)
    across = np.mod((v * 0.45 + shift[board] * 3) * side, side).astype(np.float32)
    grain = cv2.remap(padded, along, across, cv2.INTER_LINEAR)
    gap = np.clip(np.abs(v - np.round(v)) / 0.025, 0.25, 1)
    rgb = to_linear([int(code[i : i + 2], 16) for i in (0, 2, 4)])
    level = tone[board] * (0.55 + 0.85 * grain) * gap
    return np.asarray(level[..., None] * rgb, np.float32)


def _wood(size: tuple[int, int], horizon: float | None, rng: np.random.Generator) -> Floats:
    """Wooden boards: from above, or a floor that runs away under a wall."""
    code = str(rng.choice(["b98d60", "8a6242", "d2b48c", "6f5540", "a7805a", "c8c0b4", "5b4a3f"]))
    x, y = _axes(size)
    if horizon is None:
        angle = rng.choice([0.0, np.pi / 2]) + rng.uniform(-0.1, 0.1)
        count = rng.uniform(4, 7)
        u = (x * np.cos(angle) + y * np.sin(angle)) * count
        v = (y * np.cos(angle) - x * np.sin(angle)) * count + 20
        return _lit(_planks(u.astype(np.float32), v.astype(np.float32), code, rng), rng, strength=0.5)
    unit = max(size)
    depth = 1 / np.maximum(y - horizon / unit + 0.22, 0.05)
    planks = _planks((depth * 2.4).astype(np.float32), ((x - 0.5) * depth * 1.5 + 20).astype(np.float32), code, rng)
    wall = _paper(size, None, rng)
    picture = np.where((y * unit > horizon)[..., None], planks, wall)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.0025 * unit), np.float32)


def _cloth(size: tuple[int, int], _horizon: float | None, rng: np.random.Generator) -> Floats:
    """A bedspread or a sheet: soft folds seen in slanting light."""
    code = str(rng.choice(["ece7df", "d9dde2", "c9d3cf", "e9d8d2", "b9c2cf", "f2f0ec", "cabfae"]))
    height = noise((3, 4), size, rng) + 0.45 * noise((7, 6), size, rng)
    height = (0.4 - np.abs(height)) * 0.8 + 0.15 * noise((11, 13), size, rng)
    down, across = np.gradient(cv2.GaussianBlur(height, (0, 0), 0.006 * max(size)))
    turn = rng.uniform(0, 2 * np.pi)
    light = (across * np.cos(turn) + down * np.sin(turn)) * max(size) * 0.045
    weave = 0.02 * rng.standard_normal(size, dtype=np.float32)
    picture = _filled(size, code) * np.clip(0.88 + light + weave, 0.3, 1.15)[..., None].astype(np.float32)
    if rng.random() < 0.35:
        x, y = _axes(size)
        line = np.sin((x * np.cos(turn) + y * np.sin(turn)) * rng.uniform(40, 90) + height * 2) > 0.55
        picture = picture * np.where(line, np.float32(0.82), np.float32(1))[..., None]
    return np.asarray(picture, np.float32)


def _bricks(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """A brick wall, red, white or grey, in running bond."""
    code = str(rng.choice(["a0563f", "8f5a48", "e2ded7", "b9a18d", "8d8b88", "6f4a3e"]))
    x, y = _axes(size)
    rows = rng.uniform(11, 17)
    v = y * rows + 30
    u = x * rows / 3.1 + 30 + 0.5 * (np.floor(v) % 2)
    edge = np.minimum(np.abs(u - np.round(u)) * 3.1, np.abs(v - np.round(v)))
    brick = (np.floor(u) * 7 + np.floor(v) * 13).astype(np.int32) % 97
    tone = rng.uniform(0.72, 1.12, 97).astype(np.float32)[brick]
    rough = 1 + 0.14 * noise((60, 60), size, rng) + 0.1 * noise((14, 14), size, rng)
    mortar = to_linear([150, 142, 134]) if code != "e2ded7" else to_linear([196, 192, 186])
    rgb = to_linear([int(code[i : i + 2], 16) for i in (0, 2, 4)])
    share = np.clip((edge - 0.05) / 0.05, 0, 1)[..., None]
    return np.asarray((share * (tone * rough)[..., None] * rgb + (1 - share) * mortar * rough[..., None]), np.float32)


def _brick(size: tuple[int, int], horizon: float | None, rng: np.random.Generator) -> Floats:
    wall = _lit(_bricks(size, rng), rng, strength=0.5)
    if horizon is None:
        return np.asarray(cv2.GaussianBlur(wall, (0, 0), 0.002 * max(size)), np.float32)
    wall = cv2.GaussianBlur(wall, (0, 0), 0.007 * max(size))
    _, y = _axes(size)
    below = y * max(size) - horizon
    floor = (
        _filled(size, str(rng.choice(["8f8c88", "a39a8e", "77706a"])))
        * (1 + 0.12 * noise((40, 40), size, rng))[..., None]
    )
    floor = floor * (0.7 + 0.5 * np.clip(below / max(size) * 2.5, 0, 1))[..., None]
    return np.asarray(np.where((below > 0)[..., None], floor, wall), np.float32)


def _room(size: tuple[int, int], horizon: float | None, rng: np.random.Generator) -> Floats:
    """A room out of focus: wall, window, pictures, furniture, a plant; a floor of boards."""
    unit = max(size)
    picture = _filled(size, str(rng.choice(["d8d3c9", "c9cfd1", "e1dad0", "b9bdb6", "d5c4b4"])))
    line = horizon if horizon is not None else size[0] * rng.uniform(0.82, 0.95)

    def block(x: float, y: float, wide: float, high: float, code: str) -> None:
        rgb = [float(v) for v in to_linear([int(code[i : i + 2], 16) for i in (0, 2, 4)])]
        corner = (round(x * size[1]), round(y * line))
        cv2.rectangle(picture, corner, (corner[0] + round(wide * size[1]), corner[1] + round(high * line)), rgb, -1)

    left = rng.uniform(-0.1, 0.65)
    block(left, 0.05, rng.uniform(0.22, 0.35), 0.6, "fbfbf6")
    block(left + 0.13, 0.05, 0.012, 0.6, "cfcac0")
    for _ in range(int(rng.integers(2, 5))):
        block(
            rng.uniform(0, 0.9),
            rng.uniform(0.1, 0.5),
            rng.uniform(0.06, 0.16),
            rng.uniform(0.1, 0.25),
            str(rng.choice(["6b5a4a", "8aa0a8", "c2a184", "49545c", "b5564a", "d6c7a1"])),
        )
    block(
        rng.uniform(-0.1, 0.7),
        0.66,
        rng.uniform(0.3, 0.5),
        0.36,
        str(rng.choice(["6e7f86", "8a6d55", "a9a297", "4d5a52", "c4a78a"])),
    )
    for _ in range(26):
        center = (round(rng.normal(0.86, 0.05) * size[1]), round(rng.normal(0.55, 0.12) * line))
        leaf = [float(v) for v in to_linear(rng.uniform([40, 80, 35], [95, 140, 80]))]
        cv2.ellipse(
            picture, center, (max(unit // 28, 1), max(unit // 80, 1)), float(rng.uniform(0, 180)), 0, 360, leaf, -1
        )
    _, y = _axes(size)
    boards = _wood(size, line, rng)
    picture = np.where((y * unit > line)[..., None], boards, picture)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.012, 0.024) * unit), np.float32)


def _street(size: tuple[int, int], horizon: float | None, rng: np.random.Generator) -> Floats:
    """A street far out of focus: houses, windows, lights as discs; pavement."""
    unit = max(size)
    picture = _filled(size, str(rng.choice(["cdd6dc", "b4c0c9", "e0dccf"])))
    line = round(horizon if horizon is not None else size[0] * rng.uniform(0.75, 0.9))
    x = 0
    while x < size[1]:
        wide = int(rng.uniform(0.10, 0.28) * unit) + 2
        top = int(rng.uniform(-0.1, 0.45) * line)
        wall = to_linear(rng.uniform(85, 190) + rng.uniform([-4, -8, -22], [22, 10, 8]))
        cv2.rectangle(picture, (x, top), (x + wide, line), [float(v) for v in wall], -1)
        for row in range(top + unit // 24, line - unit // 12, max(unit // 11, 2)):
            for column in range(x + unit // 60 + 1, x + wide - unit // 40, max(unit // 18, 2)):
                glass = [float(v) for v in wall * rng.uniform(0.25, 1.4)]
                cv2.rectangle(picture, (column, row), (column + unit // 34, row + unit // 19), glass, -1)
        x += wide
    floor = to_linear(rng.uniform(105, 160) + np.array([4.0, 1.0, -4.0]))
    picture[line:] = floor
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.018, 0.03) * unit)
    lights = np.zeros_like(picture)
    for _ in range(int(rng.integers(5, 16))):
        center = (int(rng.uniform(0, size[1])), int(rng.uniform(0.1, 0.95) * line))
        tint = to_linear(rng.uniform([200, 150, 90], [255, 235, 200])) * rng.uniform(0.2, 0.6)
        cv2.circle(
            lights, center, max(int(rng.uniform(0.012, 0.03) * unit), 1), [float(v) for v in tint], -1, cv2.LINE_AA
        )
    picture = picture + cv2.GaussianBlur(lights, (0, 0), 0.003 * unit)
    grain = 1 + 0.04 * noise((50, 50), size, rng)[..., None]
    return np.asarray(np.where((np.arange(size[0]) > line)[:, None, None], picture * grain, picture), np.float32)


_DRAWERS: Mapping[str, Callable[[tuple[int, int], float | None, np.random.Generator], Floats]] = MappingProxyType(
    {
        "white": _white,
        "studio": _studio,
        "paper": _paper,
        "wood": _wood,
        "cloth": _cloth,
        "room": _room,
        "brick": _brick,
        "street": _street,
    }
)

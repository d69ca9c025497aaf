"""What clothes hang from: a wooden hanger, or a bar with clips. Props: they are no part of the product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recipes.synthetic.colors import to_linear
from recipes.synthetic.finish import Finish
from recipes.synthetic.kinds import KINDS
from recipes.synthetic.mesh import Part, part, tube
from recipes.synthetic.spec import Spec

_ON_SHOULDERS = frozenset({"Tops", "Knitwear", "Dresses", "Outerwear"})
_BY_CLIPS = frozenset({"trousers", "jeans", "shorts", "skirt", "track pants"})


def hanger(spec: Spec, parts: Sequence[Part]) -> list[Part]:
    """A hanger for clothes, nothing for other products."""
    rng = np.random.default_rng([spec.seed, 5])
    steel = _finish("c9ccd1", "metal")
    wood = _finish(str(rng.choice(["b98d60", "8a6242", "2a2624", "d9c4a0"])), "wood")
    if spec.kind in _BY_CLIPS:
        top = max(float(piece.points[..., 1].max()) for piece in parts)
        bar = tube(
            [(-0.17, top + 0.05, 0.0), (0.0, top + 0.055, 0.0), (0.17, top + 0.05, 0.0)], 0.008, rows=20, columns=11
        )
        made = [part(bar, steel)]
        for x in (-0.11, 0.11):
            clip = tube(
                [(x, top + 0.06, 0.02), (x, top, 0.11), (x, top - 0.03, 0.125)],
                [(0.02, 0.006)] * 3,
                rows=12,
                columns=11,
            )
            made.append(part(clip, _finish("2a2b2e", "plastic")))
        return [replace(piece, is_prop=True) for piece in [*made, *_hook(top + 0.055, steel)]]
    if KINDS[spec.kind].category in _ON_SHOULDERS:
        arms = [
            (-0.17, -0.045, -0.02),
            (-0.08, 0.0, -0.02),
            (0.0, 0.028, -0.02),
            (0.08, 0.0, -0.02),
            (0.17, -0.045, -0.02),
        ]
        made = [part(tube(arms, [(0.016, 0.012)] * 5, rows=50, columns=13), wood)]
        return [replace(piece, is_prop=True) for piece in [*made, *_hook(0.03, steel)]]
    return []


def _finish(code: str, material: str) -> Finish:
    red, green, blue = (float(v) for v in to_linear([int(code[i : i + 2], 16) for i in (0, 2, 4)]))
    return Finish((red, green, blue), material)


def _hook(y: float, steel: Finish) -> list[Part]:
    turn = np.linspace(-np.pi / 2, np.pi * 0.95, 16)
    arc = np.stack([0.042 * np.cos(turn), y + 0.092 + 0.042 * np.sin(turn), np.full(16, -0.02)], -1)
    path = np.concatenate([[(0.0, y, -0.02), (0.0, y + 0.03, -0.02)], arc[1:]])
    return [part(tube(path, 0.0065, rows=50, columns=11), steel)]

"""What a builder of products gets to work with: the dice, the cloth, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recipes.synthetic.colors import to_linear
from recipes.synthetic.finish import Finish, Linear


@dataclass(frozen=True, slots=True)
class Draft:
    """A product about to be built.

    Args:
        rng: the dice of the product's form.
        main: the finish that the product is known by.
        details: names of its forms, one from each group of the kind's options.
    """

    rng: np.random.Generator
    main: Finish
    details: frozenset[str]

    def has(self, *names: str) -> bool:
        """Is any of these details asked for?"""
        return not self.details.isdisjoint(names)

    def roll(self, low: float, high: float) -> float:
        """A number between two."""
        return float(self.rng.uniform(low, high))

    def plain(self, *, material: str = "", darker: float = 1.0) -> Finish:
        """The main color without pattern, of another material or a little darker: bands, collars, linings."""
        color = _scaled(self.main.color, darker)
        return replace(self.main, color=color, pattern="plain", angle=0.0, material=material or self.main.material)

    def turned(self, angle: float) -> Finish:
        """The main finish with its pattern turned: sleeves are cut across the body's grain."""
        return replace(self.main, angle=self.main.angle + angle)

    def other(self, code: str, material: str, *, glow: float = 0.0) -> Finish:
        """A plain finish of an sRGB color, hexadecimal."""
        rgb = to_linear([int(code[i : i + 2], 16) for i in (0, 2, 4)])
        color = (float(rgb[0]), float(rgb[1]), float(rgb[2]))
        return Finish(color, material, glow=glow)

    def thread(self) -> Finish:
        """The main color, a shade darker (lighter on black): seams."""
        light = sum(self.main.color) / 3
        factor = 0.62 if light > 0.03 else 2.2
        return replace(self.main, color=_scaled(self.main.color, factor), pattern="plain", material="cotton")

    def metal(self) -> Finish:
        """Brass, steel or gunmetal."""
        return self.other(str(self.rng.choice(["d8b46a", "c9ccd1", "c9ccd1", "6d7076"])), "metal")

    @property
    def folds(self) -> float:
        """How deep the main cloth folds, relative to cotton."""
        return self.main.kind.folds


def _scaled(color: Linear, factor: float) -> Linear:
    red, green, blue = (min(max(value * factor, 0.0), 1.0) for value in color)
    return red, green, blue

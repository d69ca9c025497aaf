"""What a kind of product is: what it is made of, in which forms it comes, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from recipes.synthetic.colors import COLORS
from recipes.synthetic.draft import Draft
from recipes.synthetic.mesh import Part
from recipes.synthetic.patterns import PATTERNS

Pose: TypeAlias = Literal["worn", "standing"]
"""Worn: cloth that floats, hangs on a wall or lies on a table. Standing: on the floor."""


_DYES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "denim": ("blue", "navy", "black", "grey", "white"),
        "wood": ("brown", "beige", "black", "white", "grey", "green", "blue", "red"),
        "metal": ("grey", "black", "brown", "beige"),
        "straw": ("beige", "brown", "white", "black"),
        "glass": ("green", "blue", "brown", "turquoise", "pink", "purple"),
    }
)


_PATTERNED = frozenset(
    {
        "cotton",
        "jersey",
        "linen",
        "silk",
        "satin",
        "polyester",
        "canvas",
        "wool",
        "knit",
        "fleece",
        "nylon",
        "ceramic",
        "stoneware",
        "velvet",
    }
)


_WOVEN_IN = frozenset({"knit", "wool", "fleece"})


ADULTS = ("women", "men", "unisex")
WOMEN = ("women",)
HOME = ("home",)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of product.

    Args:
        name: as in a title, singular.
        category: the shop's shelf.
        departments: for whom.
        materials: that it is made of; names in `textures.MATERIALS`.
        options: groups of forms; a product has one of each group. An empty string is "nothing to say".
        price: lowest and highest.
        build: makes its surfaces.
        pose: how it is shown.
        turn: yaw of the usual picture, degrees; pitch: how far the camera looks down.
        period: side of a pattern's tile, product units.
    """

    name: str
    category: str
    departments: tuple[str, ...]
    materials: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]
    price: tuple[float, float]
    build: Callable[[Draft], list[Part]] = field(repr=False)
    pose: Pose = "worn"
    turn: float = 0.0
    pitch: float = 3.0
    period: float = 0.13
    is_patterned: bool = True

    def colors(self, material: str) -> tuple[str, ...]:
        """Names of colors that it comes in, in a material."""
        return _DYES.get(material, COLORS)

    def patterns(self, material: str) -> tuple[str, ...]:
        """Patterns that it comes in, in a material."""
        if not self.is_patterned or material not in _PATTERNED:
            return ("plain",)
        return ("plain", "striped", "checked") if material in _WOVEN_IN else PATTERNS

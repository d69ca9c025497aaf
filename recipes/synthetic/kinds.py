"""Every kind of product, by its name. A new kind is one entry in the file that builds it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from recipes.synthetic import (
    accessories,
    bags,
    bottoms,
    decor,
    dress_shoes,
    flat_shoes,
    furniture,
    headwear,
    hosiery,
    innerwear,
    jewelry,
    knitwear,
    outerwear,
    shoes,
    sports_shoes,
    sportswear,
    tableware,
    tops,
    tunics,
    wallets,
)
from recipes.synthetic.kind import Kind

_SHELVES = (
    tops,
    knitwear,
    outerwear,
    bottoms,
    shoes,
    dress_shoes,
    bags,
    headwear,
    accessories,
    tableware,
    decor,
    furniture,
    tunics,
    innerwear,
    hosiery,
    sportswear,
    wallets,
    sports_shoes,
    flat_shoes,
    jewelry,
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for shelf in _SHELVES for kind in shelf.KINDS})

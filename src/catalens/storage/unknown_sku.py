"""What is answered where no product has a sku: the skus that it nearly is, and how they are looked up."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Protocol

from catalens.errors import NotFoundError
from catalens.types import Product

LOOKED_AT = 300
"""Products beside each spelling of a sku that are compared with it."""
NEAR = 0.75
"""Likeness (difflib's ratio) from which a sku is suggested."""


class Listing(Protocol):
    """Products in the order of their skus, as of a `Store`."""

    def products_after(self, sku: str, *, limit: int) -> list[Product]: ...


def unknown_sku(store: Listing, skus: Sequence[str]) -> NotFoundError:
    """The error of skus that no product or variant has; of a single one it suggests the nearest."""
    named = ", ".join(repr(sku[:100]) for sku in skus[:5]) + (f" and {len(skus) - 5} more" if len(skus) > 5 else "")
    near = _nearest(store, skus[0]) if len(skus) == 1 else []
    cure = f"did you mean {' or '.join(near)}?" if near else "check the sku; upper and lower case differ"
    return NotFoundError(f"no product with sku {named}", cure=cure)


def _nearest(store: Listing, sku: str) -> list[str]:
    """Skus that differ in capitals or a few characters; in a large catalog of those that begin alike."""
    if len(sku) > 100 or any("\ud800" <= one <= "\udfff" for one in sku):  # what no store can be asked for
        return []
    half = sku[: max(1, len(sku) // 2)]
    starts = dict.fromkeys(["", *(_before(form) for form in (half, half.upper(), half.lower()) if form)])
    found: dict[str, str] = {}
    for start in starts:
        for product in store.products_after(start, limit=LOOKED_AT):
            for one in (product.sku, *(variant.sku for variant in product.variants)):
                found.setdefault(one.casefold(), one)
    return [found[name] for name in get_close_matches(sku.casefold(), found, n=3, cutoff=NEAR)]


def _before(start: str) -> str:
    """A text that sorts before all that begin with this one."""
    last = ord(start[-1]) - 1
    return start[:-1] + (chr(last) if last > 0 and not 0xD800 <= last <= 0xDFFF else "")

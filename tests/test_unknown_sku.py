"""An unknown sku is answered with the nearest ones, everywhere in the same words."""

from __future__ import annotations

import pytest

from catalens.storage.unknown_sku import unknown_sku
from catalens.types import Product, Variant, Where


class Listed:
    """A store of these skus, as far as it is asked here."""

    def __init__(self, *skus: str) -> None:
        self._products = [Product(sku, Where("x"), variants=(Variant(f"{sku}-v"),)) for sku in sorted(skus)]

    def products_after(self, sku: str, *, limit: int) -> list[Product]:
        return [one for one in self._products if one.sku > sku][:limit]


SHOP = Listed("PIL-574", "LAM-252", "ähre-1")
MANY = Listed("zeta-9999", *(f"A{n:05}" for n in range(2000)))


@pytest.mark.parametrize(
    ("store", "asked", "cure"),
    [
        (Listed(), "x", "check the sku; upper and lower case differ"),
        (SHOP, "", "check the sku; upper and lower case differ"),
        (SHOP, "nothing like it", "check the sku; upper and lower case differ"),
        (SHOP, "pil-574", "did you mean PIL-574 or PIL-574-v?"),
        (SHOP, "PIL574", "did you mean PIL-574 or PIL-574-v?"),
        (SHOP, "LAM-252v", "did you mean LAM-252-v or LAM-252?"),
        (SHOP, "ähre-2", "did you mean ähre-1?"),
        (SHOP, "\ud800", "check the sku; upper and lower case differ"),
        (MANY, "ZETA-9998", "did you mean zeta-9999 or zeta-9999-v?"),
        (SHOP, "x" * 5000, "check the sku; upper and lower case differ"),
    ],
)
def test_what_is_suggested(store: Listed, asked: str, cure: str) -> None:
    error = unknown_sku(store, [asked])
    assert error.cure == cure
    assert len(error.what) < 200


def test_several_are_named_without_suggestions() -> None:
    error = unknown_sku(SHOP, [str(n) for n in range(7)])
    assert error.what == "no product with sku '0', '1', '2', '3', '4' and 2 more"

"""Goods of a category: some marketplaces have other rules for photos of clothes, of shoes, of furniture."""

from __future__ import annotations

from collections.abc import Sequence

from catalens.taxonomy import all_named, groups, rules

WORN_SIGNS = frozenset("衣裤裙鞋靴帽衫袜")
APPAREL = "apparel"
"""Everything that is worn; all other goods are named by a group of the taxonomy."""


def goods_names() -> tuple[str, ...]:
    """What a rule may be limited to."""
    return (APPAREL, *groups())


def is_of(category: str, goods: Sequence[str]) -> bool | None:
    """Whether a category is of some goods (`goods_names`); None where the category does not say."""
    found = [is_apparel(category) if name == APPAREL else _is_in(category, name) for name in goods]
    return True if True in found else None if None in found else False


def is_apparel(category: str) -> bool | None:
    """Whether a category is of what is worn: Google's own, or one of a shop's that says so; None where it does not.

    Args:
        category: as a catalog has it, a path with ">" or a name. A number but 166 says nothing without the taxonomy.
    """
    first = category.partition(">")[0].strip().casefold()
    if first in rules()["google"]["worn"]:
        return True
    if first in rules()["google"]["other"]:
        return False
    is_named = any(one.is_worn for one in all_named(category))
    return True if is_named or WORN_SIGNS & set(category) else None


def _is_in(category: str, group: str) -> bool | None:
    found = {one.group for one in all_named(category)}
    return group in found if found else None

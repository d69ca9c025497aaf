"""Kind of goods of a category: some marketplaces have stricter rules for photos of apparel."""

from __future__ import annotations

from catalens.taxonomy import all_named, rules

WORN_SIGNS = frozenset("衣裤裙鞋靴帽衫袜")


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

"""Compare a listing photo with a catalog: duplicates, and whether it fits its category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from catalens.errors import CatalensError
from catalens.images.read import read_image
from catalens.tasks.listing.duplicates import HASH_DISTANCE, difference_hash
from catalens.types import Match, Matches

NEAREST = 10
"""Products that are asked what the photo shows."""
AGREED = 6
"""How many of them must be of one category for it to be said."""
DEEP_ALONE = {"deep": 1.0, "color": 0.0, "texture": 0.0, "shape": 0.0}
ALIKE = 0.9
"""Cosine from which a picture may be the same, where its hash says so, too."""


@dataclass(frozen=True)
class Against:
    """What a catalog says of a photo.

    Args:
        twin: sku of the product that has a picture which looks the same.
        looks_like: category of most products that look like it, where that is not the one it should have.
        category: the one it should have: as was said, else that of its twin.
        goods: of which goods it is: Google's category of its twin, else the one above.
    """

    twin: str | None = None
    looks_like: str | None = None
    category: str | None = None
    goods: str | None = None

    def __str__(self) -> str:
        said = [f"looks the same as a picture of {self.twin}"] if self.twin is not None else []
        said += [f"looks like {self.looks_like}, not {self.category}"] if self.looks_like is not None else []
        return "; ".join(said)


def hold_against(search: Callable[..., Matches], photo: Path, *, category: str | None = None) -> Against:
    """Look a photo up.

    Args:
        search: that of the catalog.
        category: what the photo should show, as the catalog calls it; None for what the product says that has it.

    Raises:
        ImageError: it cannot be read.
    """
    matches = search(image=photo, k=NEAREST + 1, weights=DEEP_ALONE)
    hash = difference_hash(read_image(photo))
    twin = next((match for match in matches[:3] if _is_same(match, hash)), None)
    others = [match for match in matches if twin is None or match.sku != twin.sku][:NEAREST]
    wanted = (category,) if category is not None else () if twin is None else _categories(twin)
    counts = Counter(name for match in others for name in _categories(match))
    name, count = counts.most_common(1)[0] if counts else ("", 0)
    is_other = bool(wanted) and not any(counts[one] for one in wanted) and count >= AGREED
    return Against(
        twin=None if twin is None else twin.sku,
        looks_like=name if is_other else None,
        category=", ".join(wanted) or None,
        goods=category or _googles(twin) or ", ".join(wanted) or None,
    )


def _googles(match: Match | None) -> str:
    """Google's category of a product, where its feed names it."""
    return "" if match is None else str(match.attributes.get("google_product_category", ""))


def _is_same(match: Match, hash: int) -> bool:
    if match.score < ALIKE or match.picture is None:
        return False
    try:
        return (difference_hash(read_image(match.picture)) ^ hash).bit_count() <= HASH_DISTANCE
    except CatalensError:  # the catalog's file is gone: nobody can say
        return False


def _categories(match: Match) -> tuple[str, ...]:
    named = match.attributes.get("category", "")
    return named if isinstance(named, tuple) else (str(named),) if named else ()

"""Similarity weights: named parts of a score, and their shares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from catalens.errors import UsageError

PICTURE_PARTS = ("deep", "color", "texture", "shape")
"""Cosines of the query photo with a product's photo: by the network, and by the hand-made features."""

DEFAULT_WEIGHTS: Mapping[str, float] = {
    "deep": 0.7,
    "color": 0.15,
    "texture": 0.05,
    "shape": 0.1,
    "text": 0.5,
    "words": 0.1,
    "meaning": 0.1,
    "read": 0.15,
    "liked": 0.5,
}
"""Photo parts sum to 1. Words count somewhat less than the photo beside them: more where they stand in a product's own
text ("text"), less where only its picture looks like them ("words": a guess from pixels is to outrank no word that is
written) or only its text means the same ("meaning", of catalogs with a text encoder). What was read on the query photo
("read") breaks near ties of look-alikes: a brand is on a whole shelf of goods, and shop pictures are often too small to
read. Liked products count less than words."""


def shares(weights: Mapping[str, float] | None, asked: Sequence[str]) -> dict[str, float]:
    """Return the share of each part that is asked for; they sum to 1, and parts without weight are left out.

    Args:
        weights: part -> weight, not negative, over the defaults; parts that are not asked for do not matter.
        asked: the parts that the query has something for.

    Raises:
        UsageError: an unknown part, a weight that is negative or no number, or none left that counts.
    """
    if not isinstance(weights, Mapping | None):
        raise UsageError(f"weights is of type {type(weights).__name__}", cure='give them like {"color": 0.5}')
    given = dict(weights or {})
    for part, weight in given.items():
        if part not in DEFAULT_WEIGHTS:
            raise UsageError(
                f"expected weights for {', '.join(DEFAULT_WEIGHTS)}, got one for {part!r}", cure="use these names"
            )
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
            raise UsageError(f"expected a weight from 0 up for {part}, got {weight!r}", cure="give a plain number")
    counted = {part: float(given.get(part, DEFAULT_WEIGHTS[part])) for part in asked}
    total = sum(counted.values())
    if total <= 0:
        raise UsageError(
            f"expected a weight above 0 for one of {', '.join(asked)}, got none", cure="give one of them a weight"
        )
    return {part: weight / total for part, weight in counted.items() if weight > 0}

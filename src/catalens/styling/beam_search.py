"""Beam search over outfits: each is extended by one candidate at a time, and the best are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from catalens.styling.pieces import EmbeddedItem

CANDIDATES, CHEAPEST = 10, 3
"""Things of a kind that are tried, and of these at least so many of the cheapest."""
KEPT, SAME_LAST_ITEM = 24, 3
"""Outfits that are kept while the next kind is tried, and at most so many of them that end with the same thing."""
PREFERENCE_WEIGHT = 0.15
"""What a wish, or the likeness to what is liked, counts beside the cosine when things of a kind are chosen."""


@dataclass(frozen=True)
class Candidate:
    """A candidate item: similarity to the query embedding, fit to the preferences, similarity to liked products."""

    thing: EmbeddedItem
    near: float
    wished: float
    liked: float


@dataclass(frozen=True)
class PartialOutfit:
    """An incomplete outfit: a hypothesis of the beam."""

    things: tuple[EmbeddedItem, ...]
    added: tuple[Candidate, ...] = ()

    @property
    def cost(self) -> float:
        return sum(one.item.price or 0.0 for one in self.things if not one.item.own)

    def suits(self, one: Candidate) -> bool:
        """Whether nothing of it is meant for other people than a thing is; what names nobody suits all."""
        people = one.thing.audience
        return not people or all(not other.audience or other.audience & people for other in self.things)

    def with_one(self, one: Candidate) -> PartialOutfit:
        return PartialOutfit((*self.things, one.thing), (*self.added, one))


def best(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best candidates, with all of one's own and some of the cheapest."""
    order = sorted(candidates, key=lambda one: -(one.near + PREFERENCE_WEIGHT * (one.wished + one.liked)))
    cheap = sorted(
        (one for one in order if one.thing.item.price is not None), key=lambda one: one.thing.item.price or 0
    )
    kept = [*order[:CANDIDATES], *(one for one in order if one.thing.item.own), *cheap[:CHEAPEST]]
    return list({one.thing.item.name: one for one in kept}.values())


def diverse(outfits: Sequence[PartialOutfit]) -> list[PartialOutfit]:
    """The beam: the best outfits, of which few end in the same item."""
    counts: Counter[str] = Counter()
    kept: list[PartialOutfit] = []
    for one in outfits:
        last = one.added[-1].thing.item.name
        counts[last] += 1
        if counts[last] <= SAME_LAST_ITEM and len(kept) < KEPT:
            kept.append(one)
    return kept


def lowest_price(pool: Sequence[Candidate]) -> float:
    """What the cheapest costs; nothing where there is none."""
    return min((0.0 if one.thing.item.own else one.thing.item.price or 0.0 for one in pool), default=0.0)


def extended(
    outfits: Sequence[PartialOutfit], pool: Sequence[Candidate], *, budget: float | None, reserve: float
) -> list[PartialOutfit]:
    """Each outfit with each thing for the same people, where the budget allows it: at first such that leave enough for
    what comes after.
    """
    more = [partial.with_one(one) for partial in outfits for one in pool if partial.suits(one)]
    if budget is None:
        return more
    return [one for one in more if one.cost + reserve <= budget] or [one for one in more if one.cost <= budget]

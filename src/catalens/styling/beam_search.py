"""Outfits in the making: one thing after the other is added to each, and the best go on (a beam search)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from catalens.styling.pieces import Known

CANDIDATES, CHEAPEST = 10, 3
"""Things of a kind that are tried, and of these at least so many of the cheapest."""
KEPT, ALIKE = 24, 3
"""Outfits that are kept while the next kind is tried, and at most so many of them that end with the same thing."""
ASKED = 0.15
"""What a wish, or the likeness to what is liked, counts beside the cosine when things of a kind are chosen."""


@dataclass(frozen=True)
class Candidate:
    """A thing that may be added: its likeness to what was looked for, how it fits what was asked, and what is liked."""

    thing: Known
    near: float
    wished: float
    liked: float


@dataclass(frozen=True)
class Grown:
    """An outfit in the making."""

    things: tuple[Known, ...]
    added: tuple[Candidate, ...] = ()

    @property
    def cost(self) -> float:
        return sum(one.item.price or 0.0 for one in self.things if not one.item.own)

    def with_one(self, one: Candidate) -> Grown:
        return Grown((*self.things, one.thing), (*self.added, one))


def best(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that fit best, among them all one's own and some of the cheapest."""
    order = sorted(candidates, key=lambda one: -(one.near + ASKED * (one.wished + one.liked)))
    cheap = sorted(
        (one for one in order if one.thing.item.price is not None), key=lambda one: one.thing.item.price or 0
    )
    kept = [*order[:CANDIDATES], *(one for one in order if one.thing.item.own), *cheap[:CHEAPEST]]
    return list({one.thing.item.name: one for one in kept}.values())


def varied(outfits: Sequence[Grown]) -> list[Grown]:
    """Of outfits, the best first, those to go on with: a few with each of the things added last."""
    counts: Counter[str] = Counter()
    kept: list[Grown] = []
    for one in outfits:
        last = one.added[-1].thing.item.name
        counts[last] += 1
        if counts[last] <= ALIKE and len(kept) < KEPT:
            kept.append(one)
    return kept


def least(pool: Sequence[Candidate]) -> float:
    """What the cheapest costs; nothing where there is none."""
    return min((0.0 if one.thing.item.own else one.thing.item.price or 0.0 for one in pool), default=0.0)


def with_each(
    outfits: Sequence[Grown], pool: Sequence[Candidate], *, budget: float | None, reserve: float
) -> list[Grown]:
    """Each outfit with each thing, where the budget allows it: at first such that leave enough for what comes after."""
    more = [grown.with_one(one) for grown in outfits for one in pool]
    if budget is None:
        return more
    return [one for one in more if one.cost + reserve <= budget] or [one for one in more if one.cost <= budget]

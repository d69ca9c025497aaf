"""What is known of a picture, in concepts; what a caption says; and whether the caption is true of the picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recipes.vocabulary import KINDS, TABLES, UNSURE, with_parents

Facts = Mapping[str, frozenset[str]]
"""Attribute (kind, color, pattern, material, style) -> all that is true of it. Absent: not known."""

TYPOS = 0.12
"""Share of the captions with a slip of the keyboard."""
WIDER = 0.25
"""Chance that a caption says "apple" for "granny smith", and likewise "fruit" for "apple"."""
FRAMES = ("a photo of a {}", "a {}", "buy {}", "{} for women", "{} for men", "new {}")
"""What people write around the words that matter."""


@dataclass(frozen=True, slots=True)
class Caption:
    """Words, and what they claim: attribute -> concept."""

    text: str
    claims: Mapping[str, str] = field(default_factory=dict)


def truth(claims: Mapping[str, str], facts: Facts) -> float:
    """1: all claims hold of the picture; 0: one does not; nan: nobody knows."""
    known = 1.0
    for attribute, claim in claims.items():
        held = facts.get(attribute)
        if held is None:
            known = np.nan
        elif claim not in held:
            if not _may_be(claim, held):
                return 0.0
            known = np.nan
    return known


def _may_be(claim: str, held: frozenset[str]) -> bool:
    """Whether a picture of `held` may show the claim too: a narrower kind of it, or something easily confused.

    Only the narrowest concepts of a picture leave room for narrower ones: a skirt is clothing, but no coat.
    """
    narrowest = held - frozenset().union(*(with_parents(name) - {name} for name in held))
    wider = with_parents(claim)
    return bool(wider & narrowest) or any(claim in UNSURE.get(name, ()) for name in held)


class Truths:
    """Which captions are true of which pictures.

    Args:
        facts: of N pictures; pictures of which the same is known are judged once.
    """

    def __init__(self, facts: Sequence[Facts]) -> None:
        places: dict[frozenset[tuple[str, frozenset[str]]], int] = {}
        self._which = np.array([places.setdefault(frozenset(one.items()), len(places)) for one in facts], np.int64)
        self._distinct = [dict(one) for one in places]
        self._known: dict[tuple[str, str], NDArray[np.float32]] = {}

    def of(self, captions: Sequence[Caption], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(captions, rows) of `truth`, of some of the pictures."""
        which = self._which[rows]
        return np.array([self._of(one)[which] for one in captions], np.float32).reshape(len(captions), len(rows))

    def _of(self, said: Caption) -> NDArray[np.float32]:
        claims = np.stack([self._claim(*claim) for claim in said.claims.items()])
        return np.where((claims == 0).any(0), np.float32(0), claims.min(0))

    def _claim(self, attribute: str, claim: str) -> NDArray[np.float32]:
        key = attribute, claim
        if key not in self._known:
            self._known[key] = np.array([truth({attribute: claim}, one) for one in self._distinct], np.float32)
        return self._known[key]


def caption(facts: Facts, rng: np.random.Generator) -> Caption:
    """Say some of what is known, in English or Chinese, now and then with a slip."""
    wanted = _subset(facts, rng)
    claims = {name: str(rng.choice(sorted(facts[name]))) for name in wanted if name != "kind"}
    if "kind" in wanted:
        claims["kind"] = _kind(facts["kind"], rng)
    text = _chinese(claims, rng) if _has_chinese(claims) and rng.random() < 0.2 else _english(claims, rng)
    return Caption(_slip(text, rng) if rng.random() < TYPOS else text, claims)


def _has_chinese(claims: Mapping[str, str]) -> bool:
    """Brands have no Chinese names, and details no words in the tables."""
    return all(
        name in TABLES and claim in TABLES[name] and TABLES[name][claim].chinese for name, claim in claims.items()
    )


def _subset(facts: Facts, rng: np.random.Generator) -> tuple[str, ...]:
    """Mostly the kind, often with the color, at times with all the rest."""
    others = [name for name in facts if name != "kind"]
    if "kind" not in facts or (others and rng.random() < 0.1):
        return (str(rng.choice(others)),)
    roll = rng.random()
    if roll < 0.3 or not others:
        return ("kind",)
    if roll < 0.7 and "color" in facts:
        return ("color", "kind")
    count = int(rng.integers(1, len(others) + 1))
    return (*(str(name) for name in rng.choice(others, count, replace=False)), "kind")


def _kind(held: frozenset[str], rng: np.random.Generator) -> str:
    """One of the narrowest kinds, or now and then what is wider by one or some steps."""
    narrowest = held - frozenset().union(*(with_parents(name) - {name} for name in held))
    found = str(rng.choice(sorted(narrowest)))
    while rng.random() < WIDER:
        wider = sorted(held & set(KINDS[found].parents)) if found in KINDS else []
        if not wider:
            break
        found = str(rng.choice(wider))
    return found


def _word(attribute: str, claim: str, rng: np.random.Generator) -> str:
    """One of the concept's English phrasings; what has no entry is called by its name."""
    concept = TABLES.get(attribute, {}).get(claim)
    if concept is None:
        return claim
    return concept.english[0] if rng.random() < 0.4 else str(rng.choice(concept.english))


def _english(claims: Mapping[str, str], rng: np.random.Generator) -> str:
    words = {name: _word(name, claim, rng) for name, claim in claims.items()}
    noun = words.pop("kind", "")
    style = words.pop("style", "")
    color = words.pop("color", "")
    middle = [words[name] for name in ("pattern", "material") if name in words]
    if noun and color and rng.random() < 0.2:
        text = " ".join([*middle, noun, "in", color])
    else:
        text = " ".join(filter(None, [color, *middle, noun]))
    if style:
        text = f"{style} {text}" if rng.random() < 0.5 else f"{text} with {style}" if text else style
    if rng.random() < 0.12:
        text = str(rng.choice(FRAMES)).format(text)
    return text.strip()


def _chinese(claims: Mapping[str, str], rng: np.random.Generator) -> str:
    order = ("color", "pattern", "material", "kind")
    words = [str(rng.choice(TABLES[name][claims[name]].chinese)) for name in order if name in claims]
    joint = str(rng.choice(["", " ", "的"], p=[0.5, 0.35, 0.15]))
    return joint.join(words) if len(words) > 1 else words[0]


def _slip(text: str, rng: np.random.Generator) -> str:
    """A letter dropped, doubled, swapped with the next or replaced, in a word long enough to be still known."""
    places = [i for i in range(1, len(text) - 1) if text[i - 1 : i + 2].isalpha() and text.isascii()]
    if len(places) < 3:
        return text
    i = int(rng.choice(places))
    forms = (
        text[:i] + text[i + 1 :],
        text[:i] + text[i] + text[i:],
        text[:i] + text[i + 1] + text[i] + text[i + 2 :],
        text[:i] + str(rng.choice(list("abcdefghijklmnopqrstuvwxyz"))) + text[i + 1 :],
    )
    return forms[int(rng.integers(len(forms)))]


def kinds(*names: str) -> frozenset[str]:
    """Facts of `kind`: the names, which have to be concepts or names of their own, and all that is wider."""
    return frozenset().union(*map(with_parents, names))


def known_words(facts: Iterable[Facts]) -> tuple[str, ...]:
    """All phrasings that captions of such facts are made of, sorted."""
    claims = {(attribute, claim) for one in facts for attribute, held in one.items() for claim in held}
    found = {claim for _, claim in claims}
    for attribute, claim in claims:
        concept = TABLES.get(attribute, {}).get(claim)
        if concept is not None:
            found.update(concept.english, concept.chinese)
    return tuple(sorted(found))

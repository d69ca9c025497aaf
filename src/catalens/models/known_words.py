"""Vocabulary of a text network: which words of a text are known, misspelled or unknown to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalens.models.text import is_chinese, words_of

ALIKE = 0.4
"""Share of letter triples (Dice) from which a word counts as a taught one, misspelled: "drss" and "dress" have 0.44."""
SAME = 0.6
"""Share from which nothing is said of it: "dresses" and "dresss" have 0.77."""
NEAR, SHOWN = 0.25, 3
"""Share from which a taught word is named beside a strange one, and how many are."""
FILLERS = frozenset((
    "a", "an", "and", "any", "as", "at", "by", "find", "for", "from", "i", "in", "is", "like", "me", "my", "of", "on",
    "or", "show", "some", "that", "the", "this", "to",
))  # fmt: skip
"""Words that say nothing of a product: nobody is told that they are strange."""


@dataclass(frozen=True, slots=True)
class DoubtfulWord:
    """A word that a text network was not taught.

    Args:
        word: in small letters.
        near: taught words that look like it, the most alike first.
        is_read: whether the network reads it as the first of them, misspelled; else it says nothing to it.
    """

    word: str
    near: tuple[str, ...] = ()
    is_read: bool = False

    def __str__(self) -> str:
        if self.is_read:
            return f'"{self.word}" is not known, and read as "{self.near[0]}"'
        alike = ", ".join(f'"{one}"' for one in self.near)
        return f'"{self.word}" is not known' + (f" (words like it: {alike})" if alike else "")


class KnownWords:
    """The words that a text network was taught, forgiving of slips."""

    def __init__(self, words: Iterable[str]) -> None:
        parts = [part for word in words for part in words_of(word)]
        self._chinese = {part: frozenset(part) for part in parts if is_chinese(part)}
        self._latin = {part: _triples(part) for part in parts if not is_chinese(part)}
        self._having: dict[str, set[str]] = {}
        for word, pieces in (self._latin | self._chinese).items():
            for piece in pieces:
                self._having.setdefault(piece, set()).add(word)

    @property
    def words(self) -> frozenset[str]:
        """The taught words themselves; of Chinese, runs of characters."""
        return frozenset(self._latin) | frozenset(self._chinese)

    def knows_any(self, text: str) -> bool:
        """Whether at least one word of the text is a taught one, or nearly so; of Chinese, whether it contains one."""
        return any(self._likeness(word) >= ALIKE for word in words_of(text))

    def doubtful(self, text: str) -> tuple[DoubtfulWord, ...]:
        """The words of a text that were not taught, each once; of Chinese, runs that contain no taught word."""
        found = []
        for word in dict.fromkeys(words_of(text)):
            likeness = self._likeness(word)
            if likeness < SAME and word not in FILLERS:
                near = [one for share, one in self._similar_words(word) if share >= NEAR]
                found.append(DoubtfulWord(word, tuple(near[:SHOWN]), likeness >= ALIKE))
        return tuple(found)

    def _likeness(self, word: str) -> float:
        """1 for a taught word, the share of the most alike one for others; Chinese is taught or strange."""
        if is_chinese(word):
            return 1.0 if any(taught in word for taught in self._chinese) else 0.0
        return 1.0 if word in self._latin else next((share for share, _ in self._similar_words(word)), 0.0)

    def _similar_words(self, word: str) -> list[tuple[float, str]]:
        """Known words that share n-grams with a word, most similar first."""
        pieces, taught = (frozenset(word), self._chinese) if is_chinese(word) else (_triples(word), self._latin)
        near: set[str] = set().union(*(self._having.get(piece, set()) for piece in pieces))
        shares = ((_dice(pieces, taught[one]), one) for one in near if one in taught)
        return sorted(shares, key=lambda one: (-one[0], one[1]))


def _triples(word: str) -> frozenset[str]:
    marked = f"<{word}>"
    return frozenset(marked[start : start + 3] for start in range(len(marked) - 2))


def _dice(a: frozenset[str], b: frozenset[str]) -> float:
    return 2 * len(a & b) / (len(a) + len(b))

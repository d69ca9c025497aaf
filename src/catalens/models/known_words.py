"""Whether a text network has a chance to understand a text: does any of its words look like one it was taught?"""

from __future__ import annotations

from collections.abc import Iterable

from catalens.models.text import is_chinese, words_of

ALIKE = 0.4
"""Share of letter triples (Dice) from which a word counts as a taught one, misspelled: "drss" and "dress" have 0.44."""


class KnownWords:
    """The words that a text network was taught, forgiving of slips."""

    def __init__(self, words: Iterable[str]) -> None:
        parts = [part for word in words for part in words_of(word)]
        self._chinese = frozenset(part for part in parts if is_chinese(part))
        self._latin = {part: _triples(part) for part in parts if not is_chinese(part)}
        self._having: dict[str, set[str]] = {}
        for word, triples in self._latin.items():
            for triple in triples:
                self._having.setdefault(triple, set()).add(word)

    def knows_any(self, text: str) -> bool:
        """Whether at least one word of the text is a taught one, or nearly so; of Chinese, whether it contains one."""
        return any(self._knows(word) for word in words_of(text))

    def _knows(self, word: str) -> bool:
        if is_chinese(word):
            return any(taught in word for taught in self._chinese)
        if word in self._latin:
            return True
        triples = _triples(word)
        near = set().union(*(self._having.get(triple, set()) for triple in triples))
        return any(_dice(triples, self._latin[taught]) >= ALIKE for taught in near)


def _triples(word: str) -> frozenset[str]:
    marked = f"<{word}>"
    return frozenset(marked[start : start + 3] for start in range(len(marked) - 2))


def _dice(a: frozenset[str], b: frozenset[str]) -> float:
    return 2 * len(a & b) / (len(a) + len(b))

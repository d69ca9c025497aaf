"""Spelling by the catalog's own words: which of them a word that none has was meant to be.

The distance of two words is the number of letters added, left out, exchanged, or swapped with their neighbour (optimal
string alignment: Damerau 1964, with no letter edited twice).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence

import numpy as np

from catalens.storage.store import Store
from catalens.text.tokens import KEY

MOST_EDITS = 2
TWO_EDITS_FROM, SHORTEST = 5, 3
"""Letters of a word from which two edits are looked at, and one."""
_PRICE_OF_AN_EDIT = 5.0
"""Natural logarithms of frequency: a word one edit nearer is chosen unless the other is e^5 = 150 times as frequent."""
_PRICE_OF_A_FIRST_LETTER = 1.0
_PRICE_OF_ANOTHER_LETTER = 1.0
"""Letters are swapped, doubled and left out more often than exchanged for others."""
_MOST_WORDS = 2_000_000
_RARELY = 20.0
"""The list of words is read again after so many times the time that reading it took."""


class Vocabulary:
    """Words of a store's index with the number of products that have each; follows what any process commits.

    Any number of threads may use it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version: int | None = None
        self._counts: dict[str, int] = {}
        self._beginnings: dict[tuple[str, int], list[tuple[str, int]]] = {}
        self._lock = threading.Lock()
        self._words: _Words | None = None

    def refresh(self) -> None:
        """Forget what was read before the last commit. To be called before each query."""
        version = self._store.data_version()
        with self._lock:
            if version != self._version or len(self._counts) > 100_000:
                self._version, self._counts, self._beginnings = version, {}, {}

    def counts(self, words: Sequence[str]) -> dict[str, int]:
        """Word -> number of products that have it; those of none lack."""
        known = self._counts
        lacking = [word for word in dict.fromkeys(words) if word not in known]
        if lacking:
            found = self._store.word_counts(lacking)
            known.update({word: found.get(word, 0) for word in lacking})
        return {word: known[word] for word in words if known[word]}

    def beginning(self, beginning: str, *, limit: int) -> list[tuple[str, int]]:
        """Words that begin so, each with its number of products, the most frequent first."""
        known, key = self._beginnings, (beginning, limit)
        if key not in known:
            found = self._store.words_from(beginning, limit=limit)
            known[key] = [(word, count) for word, count in found if not word.startswith(KEY)]
        return known[key]

    def containing(self, part: str) -> list[str]:
        """Words that have some letters in them, but not at their beginning."""
        return self._list().containing(part)

    def nearest(self, word: str, *, most: int = MOST_EDITS) -> tuple[str, int] | None:
        """The word of the catalog that another was meant to be, with its number of products; None where none is near.

        Args:
            word: folded, of letters only.
            most: edits that are looked at.
        """
        if len(word) < SHORTEST or not word.isalpha():
            return None
        edits = most if len(word) >= TWO_EDITS_FROM else 1
        near = self._list().near(word, edits=edits)
        if len(word) < TWO_EDITS_FROM:
            # "year" is no misspelled "ear", and "old" no "gold": nobody types a letter too many at the beginning, and
            # of three letters too little is left without the first.
            swapped = word[1::-1]
            near = [
                (one, far)
                for one, far in near
                if one[0] == word[0] or one[:2] == swapped or (len(word) > SHORTEST and one != word[1:])
            ]
        counts = self._store.word_counts([one for one, _ in near])  # the list may be older
        ranked = [(_worth(word, one, distance, counts[one]), one) for one, distance in near if one in counts]
        if not ranked:
            return None
        _, best = max(ranked, key=lambda one: (one[0], one[1]))
        return best, counts[best]

    def _list(self) -> _Words:
        version, words = self._version, self._words
        if words is None or (words.version != version and time.monotonic() >= words.good_until):
            started = time.monotonic()
            found = self._store.words_from("", limit=_MOST_WORDS)
            took = time.monotonic() - started
            # Reading all words takes a quarter of a second at 100,000 products: not after each of many commits.
            wait = _RARELY * took if took > 0.05 else 0.0
            words = self._words = _Words(version, time.monotonic() + wait, [one for one, _ in found])
        return words


class _Words:
    """A list of words, to look for those near to another.

    Args:
        version: of the store's data; good_until: monotonic seconds up to which a newer version need not be read.
        words: all of the index.
    """

    def __init__(self, version: int | None, good_until: float, words: Sequence[str]) -> None:
        self.version, self.good_until = version, good_until
        self._words = [word for word in words if len(word) >= SHORTEST and word.isalpha()]
        self._lengths = np.array([len(word) for word in self._words], np.int32)
        self._letters = np.array([_letters(word) for word in self._words], np.uint32)
        self._firsts = np.array([ord(word[0]) for word in self._words], np.uint32)

    def containing(self, part: str) -> list[str]:
        """Words that have some letters in them, from their fourth letter on."""
        return [word for word in self._words if part in word[3:]]

    def near(self, word: str, *, edits: int) -> list[tuple[str, int]]:
        """Words at most so many edits away (1 or 2), with their distances."""
        # An edit changes the length by one at most, and the set of letters by two. Of words two edits away only those
        # are looked at that begin with the same letter: people seldom err there, and never mean so many words.
        lengths = abs(self._lengths - len(word))
        differ = np.bitwise_count(self._letters ^ np.uint32(_letters(word)))
        places = np.flatnonzero(
            ((lengths <= 1) & (differ <= 2))
            | ((lengths <= edits) & (differ <= 2 * edits) & (self._firsts == ord(word[0])))
        )
        found = ((self._words[place], distance(word, self._words[place], most=edits)) for place in places)
        return [(one, far) for one, far in found if 0 < far <= edits]


def distance(one: str, other: str, *, most: int) -> int:
    """Edits between two words; `most + 1` where there are more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        earlier, before, row = before, row, [place]
        for column, another in enumerate(other, start=1):
            least = min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != another))
            if (
                place > 1
                and column > 1
                and letter == other[column - 2]
                and one[place - 2] == another
                and letter != another
            ):
                least = min(least, earlier[column - 2] + 1)
            row.append(least)
        if min(row) > most and (place < 2 or min(before) > most):
            return most + 1
    return min(row[-1], most + 1)


def _letters(word: str) -> int:
    """The set of a word's letters as 32 bits."""
    found = 0
    for letter in word:
        found |= 1 << (ord(letter) % 32)
    return found


def _worth(word: str, other: str, edits: int, count: int) -> float:
    price = _PRICE_OF_AN_EDIT * edits
    price += 0.0 if word[0] == other[0] else _PRICE_OF_A_FIRST_LETTER
    price += _PRICE_OF_ANOTHER_LETTER if set(word) ^ set(other) and len(word) == len(other) else 0.0
    return math.log(1 + count) - price

"""Forms of a query's word: the spellings of it that the catalog has, each with its worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from catalens.search.spelling import Vocabulary
from catalens.storage.store import Store, Term
from catalens.text.languages import COMPOUNDING, DEFAULT, stem, variants
from catalens.text.tokens import Token, spellings

EXACT, SAME, CLOSE, STEM, SYNONYM, PREFIX, CORRECTED, NARROWER = 1.0, 0.97, 0.9, 0.75, 0.5, 0.6, 0.5, 0.4
"""Worth of a form: the word itself; joined, divided or written in another way; another ending of up to two letters;
another form of the same stem; another word for it; a word that begins so; what it was corrected to; a narrower kind."""

_MOST_INFLECTIONS, MOST_COMPLETIONS = 200, 20
_LONGEST_DIVIDED = 30
_SHORTEST_HEAD, _MOST_HEADS = 4, 50
"""Letters of the last part of a compound; compounds that are looked for."""


@dataclass(frozen=True, slots=True)
class Form:
    """A spelling to look for.

    Args:
        text: a word as the index has it, or several with a blank between, which stand one after the other.
        worth: 0..1, above.
        how: "word", "variant", "form", "compound", "synonym", "beginning" or "correction".
        is_doubtful: whether the word may as well be another one, misspelled: it is only the beginning of this one, or
            has the same stem, and is not its plural.
    """

    text: str
    worth: float
    how: str
    is_doubtful: bool = False


class FormFinder:
    """Finds forms in a store's words.

    Args:
        vocabulary, store: asked.
        language: of the catalog.
    """

    def __init__(self, vocabulary: Vocabulary, store: Store, language: str) -> None:
        self._vocabulary, self._store, self._language = vocabulary, store, language

    def of_pair(self, token: Token) -> list[Form]:
        """Form of one or two characters of a script without blanks."""
        there = self._vocabulary.beginning(token.text, limit=1) if len(token.text) == 1 else self._count(token.text)
        return [Form(token.text, EXACT, "word")] if there else []

    def of_word(self, token: Token, before: Token | None, after: Token | None) -> list[Form]:
        """Forms of a word as it is written, without guesses."""
        word = token.text
        found = [*self._inflected(word, EXACT)]
        for joined in ((before.text + word) if before else "", (word + after.text) if after else ""):
            found += self._inflected(joined, SAME) if joined else ()
        for variant in variants(word, self._language):
            found += self._inflected(variant, SAME)
        if token.parts:
            found += self._divided([token.parts], EXACT)
        if self._language in COMPOUNDING:
            found += self._compounds(word)
        return [*found, *self._divided(self._divisions(word), SAME)]

    def of_text(self, text: str, worth: float, how: str) -> list[Form]:
        """Forms of another text, such as a synonym."""
        found: list[Form] = []
        for spelling in spellings(text):
            *firsts, last = spelling.split(" ")
            found += self._divided([(*firsts, last)], worth) if firsts else self._inflected(last, worth)
        return [Form(form.text, form.worth, how) for form in found]

    def beginning(self, word: str) -> list[Form]:
        """Forms of which a word is the beginning, the most frequent first."""
        if len(word) < 2:
            return []
        found = self._vocabulary.beginning(word, limit=MOST_COMPLETIONS)
        most = math.log(2 + found[0][1]) if found else 1.0
        return [
            Form(one, PREFIX * (1 + math.log(2 + count) / most) / 2, "beginning", is_doubtful=True)
            for one, count in found
            if one != word
        ]

    def _count(self, word: str) -> int:
        return self._vocabulary.counts([word]).get(word, 0)

    def _inflected(self, word: str, worth: float) -> Iterator[Form]:
        """A word and the words of the same stem, as far as the catalog has them."""
        if self._count(word):
            yield Form(word, worth, "word" if worth == EXACT else "variant")
        for other in self._same_stem(word):
            near = CLOSE if other[:-2] == word[: len(other[:-2])] and abs(len(other) - len(word)) <= 2 else STEM
            yield Form(other, worth * near, "form", is_doubtful=not _is_plural(word, other, self._language))

    def _same_stem(self, word: str) -> Iterator[str]:
        if not word.isalpha() or len(word) < 3:
            return
        root = stem(word, self._language)
        beginning = root if len(root) <= 3 else root[:-1]
        for other, _ in self._vocabulary.beginning(beginning, limit=_MOST_INFLECTIONS):
            if other != word and stem(other, self._language) == root:
                yield other

    def _compounds(self, word: str) -> list[Form]:
        """Compounds of which a word is the last part."""
        root = stem(word, self._language)
        if len(root) < _SHORTEST_HEAD or not word.isalpha():
            return []
        found = [one for one in self._vocabulary.containing(root) if stem(one, self._language).endswith(root)]
        counts = self._vocabulary.counts(found)  # the list may be older
        return [Form(one, STEM, "compound") for one in sorted(counts, key=lambda one: (-counts[one], one))][
            :_MOST_HEADS
        ]

    def _divisions(self, word: str) -> Iterator[tuple[str, str]]:
        """Ways to divide a word into two that the catalog has, or a number from its unit."""
        if not 4 <= len(word) <= _LONGEST_DIVIDED:
            return
        cuts = [(word[:place], word[place:]) for place in range(1, len(word))]
        counts = self._vocabulary.counts([part for cut in cuts for part in cut])
        for one, other in cuts:
            if one in counts and other in counts and (len(other) > 1 or other.isdecimal()):
                yield one, other

    def _divided(self, divisions: Iterable[Sequence[str]], worth: float) -> list[Form]:
        """Those phrases that the catalog has, each also with other endings of the last word."""
        phrases: dict[str, float] = {}
        for *firsts, last in divisions:
            for form in self._inflected(last, worth):
                phrases.setdefault(" ".join((*firsts, form.text)), form.worth)
        there = self._store.has_words([Term((phrase,)) for phrase in phrases])
        return [
            Form(phrase, phrases[phrase], "variant")
            for phrase, is_there in zip(phrases, there, strict=True)
            if is_there
        ]


def _is_plural(one: str, other: str, language: str) -> bool:
    """Whether of two words of the same stem one is surely the plural of the other; in English it ends in s."""
    short, long = sorted((one, other), key=len)
    if language != DEFAULT:
        return len(long) - len(short) <= 2
    if short.endswith("y") and long == f"{short[:-1]}ies":
        return True
    return long == short + ("es" if short.endswith(("s", "sh", "ch", "x", "z")) else "s")

"""How well a product's text fits a query: literal matches first.

- A product whose sku is the query scores 1, one whose title is the query 0.95, whatever case, accents and punctuation;
  0.93 where other words are joined or divided.
- Others score 0.9 (m - 1/2 + b/2) / n with m of n words found, so that products with more of the words come first.
  Within these b, from 0 to 1, says how: the worth of the forms that were found (`forms`: the word itself, other
  spellings, stems, synonyms, beginnings, corrections), where they stand (title, attributes, description), rare words
  counting more, and how much of the title is in the query.

Words that were read on a query photo are scored by `read_scores`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from catalens.search.forms import Form
from catalens.search.text import QueryWord, QueryWords
from catalens.storage.store import IndexedWords
from catalens.text.tokens import VALUE_END

EXACT_SKU, EXACT_TITLE, SAME_TITLE, OTHERS = 1.0, 0.95, 0.93, 0.9
PLACES: Mapping[str, float] = {"title": 0.8, "attributes": 0.6, "description": 0.3}
"""Worth of where a word stands."""
WHOLE_VALUE = 0.85
"""Worth of an attribute whose value is the word and nothing else (category: dress)."""
EVIDENCE = 8.0
"""Sum of the weights of read words (`text.QueryWord.weight`: 1 to 4 in a catalog of 100) that scores one half."""
_BESIDE = 0.04
"""Share of the lesser of title and attributes that is added: so little that no other form of a word outranks the word
itself by standing in both."""
_OF_WORDS = 0.98
"""Share of b that the words make; the rest is the part of the title that is asked for."""


def text_scores(query: QueryWords, products: Mapping[int, IndexedWords]) -> dict[int, float]:
    """Score (0..1) of those of the products that have any of the words."""
    scorer = _Scorer(query)
    scores = {product: scorer.score(words) for product, words in products.items()}
    return {product: score for product, score in scores.items() if score > 0}


def read_scores(query: QueryWords, products: Mapping[int, IndexedWords]) -> dict[int, float]:
    """Score (0..1) of those of the products whose titles or attributes have words that were read on the query photo.

    It grows with the number and the rareness of the words found; words that are not found take nothing off, for photos
    show text of neighbours, prices and misread letters, too.
    """
    words = [_Patterns(word) for word in query.words]
    scores = {}
    for product, has in products.items():
        title, others = f" {has.title} ", f" {has.attributes} "
        found = sum(word.weight * max(word.worth_in(title), word.worth_in(others)) for word in words)
        if found > 0:
            scores[product] = found / (found + EVIDENCE)
    return scores


def reasons(query: QueryWords, words: IndexedWords) -> tuple[str, ...]:
    """Why a product's text fits: what was found of the query, and where."""
    if query.key and query.key in words.names.split(" ")[1:]:
        return ("exact sku",)
    if query.key and query.key == words.names.split(" ")[0]:
        return ("exact title",)
    return tuple(_reasons(query, words))


def _reasons(query: QueryWords, words: IndexedWords) -> Iterator[str]:
    found: dict[tuple[str, str, str], list[str]] = {}  # (form, how, place) -> what was typed
    for word in (one for one in query.words if not one.is_optional):
        patterns = _Patterns(word)
        for place in PLACES:
            form = patterns.in_text(f" {getattr(words, place)} ")
            if form is not None:
                found.setdefault((form.text, form.how, place), []).append(word.typed)
                break
    for (text, how, place), typed in found.items():
        said = f'"{text}"' if how == "word" else f'"{text}" ({how} of "{" ".join(typed)}")'
        yield f"{said} in {place}"


class _Patterns:
    """Forms of a word as they stand in a column with a blank on each side, the most worth first."""

    def __init__(self, word: QueryWord) -> None:
        self.weight = word.weight
        self.all = [
            (f" {form.text}" if word.is_prefix and not place else f" {form.text} ", form.worth, form)
            for place, form in enumerate(word.forms)
        ]

    def in_text(self, column: str) -> Form | None:
        """The best form in a column."""
        return next((form for pattern, _, form in self.all if pattern in column), None)

    def worth_in(self, column: str) -> float:
        for pattern, worth, _ in self.all:
            if pattern in column:
                return worth
        return 0.0

    def worth_in_values(self, column: str) -> float:
        """Worth in attributes, one value a line."""
        worth = PLACES["attributes"] * self.worth_in(column)
        for pattern, of_form, _ in self.all if worth else ():
            if of_form * WHOLE_VALUE <= worth:
                break
            if f"\n{pattern}\n" in column:
                return of_form * WHOLE_VALUE
        return worth


class _Scorer:
    def __init__(self, query: QueryWords) -> None:
        self._key, self._title = query.key, query.title
        self._words = [_Patterns(word) for word in query.words if not word.is_optional]
        self._weights = sum(word.weight for word in self._words) or 1.0

    def score(self, words: IndexedWords) -> float:
        title_key, *skus = words.names.split(" ")
        if self._key and self._key in skus:
            return EXACT_SKU
        if self._key and self._key == title_key:
            return EXACT_TITLE if words.title == self._title else SAME_TITLE
        title, others = f" {words.title} ", f"{VALUE_END}{words.attributes}{VALUE_END}"
        found, in_title, quality = 0, 0, 0.0
        for word in self._words:
            here, there = word.worth_in(title), word.worth_in_values(others)
            if here or there:
                places = PLACES["title"] * here, there
                worth = max(places) + _BESIDE * min(places)
            else:
                worth = PLACES["description"] * word.worth_in(f" {words.description} ")
            found += worth > 0
            in_title += here > 0
            quality += word.weight * worth
        if not found:
            return 0.0
        covered = min(1.0, in_title / len(words.title.partition(VALUE_END)[0].split(" ")))
        best = _OF_WORDS * quality / self._weights + (1 - _OF_WORDS) * covered
        return OTHERS * (found - 0.5 + best / 2) / len(self._words)

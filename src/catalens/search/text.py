"""Query text as terms for the store's index, and the text score of a product.

Text is split into words. The last word may be the beginning of one ("dre" finds dresses), and the plain English plural
and singular of a word find each other; the store ignores accents and case.

Products with all words come first, then those with some. BM25 (Robertson and Zaragoza 2009, "The probabilistic
relevance framework") has no upper bound and depends on the catalog, so it only orders products with the same number of
words: with m of n words found, and b of BM25 where the best product found has B, the score is

    (m - 1/2 + b / (2 B)) / n        between 0 and 1
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from catalens.storage.store import Ids, Store, Term

_MAX_WORDS = 24
"""Words that are looked for; a pasted page is cut there."""

_MAX_LETTERS = 64

_WORD = re.compile(r"[^\W_]+")


def split_words(text: str) -> tuple[str, ...]:
    """Words of a text in order, each once, at most 24 of at most 64 letters."""
    found = _WORD.findall(unicodedata.normalize("NFC", text[:10_000]))
    return tuple(dict.fromkeys(word[:_MAX_LETTERS] for word in found))[:_MAX_WORDS]


def terms_of(words: Sequence[str]) -> list[Term]:
    """Return for each word a term that finds it in any of its forms, the last one as a beginning, too."""
    return [Term(tuple(_forms(word)), is_prefix=place == len(words)) for place, word in enumerate(words, start=1)]


def find_by_words(store: Store, words: Sequence[str], *, products: Ids | None, limit: int) -> list[int]:
    """Ids of products with the words: those with all of them, then those with some, each by BM25.

    Args:
        store: asked.
        words: at least one, from `split_words`.
        products: those that may be found; None for all.
        limit: how many at most.
    """
    terms = terms_of(words)
    found = dict.fromkeys(store.find_words(terms, every=True, product_ids=products, limit=limit))
    if len(found) < limit and len(terms) > 1:
        found.update(dict.fromkeys(store.find_words(terms, every=False, product_ids=products, limit=limit)))
    return list(found)[:limit]


def unwritten(store: Store, words: Sequence[str]) -> list[str]:
    """Those of some words that no product has, in none of their forms and not as the beginning of a word."""
    asked = [(word, term) for word in words for term in terms_of(split_words(word))]
    there = store.has_words([term for _, term in asked])
    written = {word for (word, _), is_there in zip(asked, there, strict=True) if is_there}
    return [word for word in words if word not in written]


def score_by_words(store: Store, words: Sequence[str], products: Ids) -> dict[int, float]:
    """Score (0..1, as above) of those of the products that have any of the words."""
    hits = store.score_words(terms_of(words), products)
    most = max([1e-12, *(hit.relevance for hit in hits.values())])
    return {
        product: (hit.terms - 0.5 + 0.5 * max(hit.relevance, 0.0) / most) / len(words) for product, hit in hits.items()
    }


def _forms(word: str) -> list[str]:
    """Return the word itself, then its plain English singular and plural."""
    lower = word.lower()
    forms = [lower]
    if len(lower) > 3 and lower.isascii() and lower.isalpha():
        singular = _singular(lower)
        forms += [singular, _plural(singular)]
    return list(dict.fromkeys(forms))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "sh", "ch", "x", "z")) else "s")

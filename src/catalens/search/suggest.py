"""Typeahead: words, categories and products for the beginning of a query."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from catalens.search.lexicon import fold, tokens_of
from catalens.storage.store import Store, Term
from catalens.text.tokens import analyse, spellings

_LOOKED_AT = 100
"""Products whose titles words are taken from."""
_CATEGORIES = ("category", "product_type")
"""Names of attributes that hold categories."""
LONGEST = 200
"""Characters of a beginning that are read."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What a query may go on to: whole queries, the most frequent first; categories; (sku, title) of products."""

    words: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    products: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, object]:
        products = [{"sku": sku, "title": title} for sku, title in self.products]
        return {"words": list(self.words), "categories": list(self.categories), "products": products}


def suggest(store: Store, text: str, *, k: int = 8) -> Suggestions:
    """Complete the beginning of a query, at most `k` of each sort; nothing for a text without words."""
    tokens = [token for token in analyse(text[:LONGEST]) if not token.is_tail]
    if not tokens or k < 1:
        return Suggestions()
    *before, last_word = tokens
    terms = [Term((*spellings(token.text), " ".join(token.parts) or token.text)) for token in before]
    terms.append(Term((last_word.parts[-1] if last_word.parts else last_word.text,), is_prefix=True))
    found = store.find_words(terms, every=True, product_ids=None, limit=_LOOKED_AT)
    texts: dict[int, tuple[str, str]] = {}
    for candidate, said in store.texts(store.candidates_of_products(found)).items():
        texts.setdefault(candidate.product, (said.sku, said.title))
    last, start = last_word.text, text[:LONGEST][: last_word.start]
    counts = Counter(
        one for _, title in texts.values()
        for one in dict.fromkeys(token.text.casefold() for token in tokens_of(title) if token.is_word)
        if fold(one).startswith(last) and len(one) > 1
    )  # fmt: skip
    common = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    completed = tuple(f"{start}{word}".strip() for word, _ in common[:k])
    products = tuple(texts[product] for product in found if product in texts)
    return Suggestions(completed, _categories(store, text[:LONGEST], last)[:k], products[:k])


def _categories(store: Store, text: str, last: str) -> tuple[str, ...]:
    """Categories that have a word beginning so; first those that begin with the whole text, then the shorter ones."""
    whole, found = fold(text.strip()), []
    for name in _CATEGORIES:
        for value in store.attribute_values(name):
            folded = fold(value)
            has_word = any(token.folded.startswith(last) for token in tokens_of(value))
            if has_word or (not last.isascii() and last in folded):
                found.append((not folded.startswith(whole), len(value), value))
    return tuple(dict.fromkeys(value for *_, value in sorted(found)))

"""What a catalog has that its queries' words may mean: prices, sizes, languages, synonyms; and what words exclude."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from catalens.errors import StorageError, UsageError
from catalens.search.amounts import SIZE_NAMES, Goods
from catalens.search.lexicon import lexicon_with, spoken_in, tokens_of
from catalens.search.synonyms import read_synonyms
from catalens.search.text import WordReader
from catalens.search.understand import Excluded, Shop
from catalens.storage.shop_files import ShopFiles, Stamp
from catalens.storage.store import Store, Term
from catalens.taxonomy import find
from catalens.text.tokens import spellings
from catalens.types import Product

_SAMPLE = 300
"""Products whose words say which languages a catalog is in."""
_SHARE = 0.2
"""A language counts where so much of the words of the most frequent one are of it."""
_GROWTH = 0.05
"""Share of products that came or went from which the languages are looked at again."""
_OWN_FORMS = frozenset(("word", "variant", "form"))
_LOOKED_AT = 200
"""Products in which a phrase is looked for."""


class ShopReader:
    """Keeps a `Shop` as long as nothing in the catalog changes. Any number of threads may ask."""

    def __init__(self, store: Store, files: ShopFiles, reader: WordReader) -> None:
        self._store, self._files, self._reader = store, files, reader
        self._lock = threading.Lock()
        self._shop: Shop | None = None
        self.problem = ""
        """Why the shop's synonyms do not count; "" where they do."""
        self._version: tuple[int, Stamp] | None = None
        self._texts: tuple[int, tuple[str, ...], bool] = 0, ("en",), False

    def shop(self) -> Shop:
        """The catalog's facts; without synonyms, and with a `problem`, where their file cannot be understood."""
        version = self._store.data_version(), self._files.stamp("synonyms.txt")
        with self._lock:
            if self._shop is None or version != self._version:
                self._shop, self._version = self._read(version[1]), version
            return self._shop

    def _read(self, stamp: Stamp) -> Shop:
        store, before = self._store, self._shop
        known = store.known_attributes(("price", "currency", *SIZE_NAMES))
        sizes = {name: frozenset(store.attribute_values(name)) for name in SIZE_NAMES if name in known}
        currencies = tuple(one.upper() for one in store.attribute_values("currency")) if "currency" in known else ()
        goods = Goods("price" if "price" in known else "", currencies, sizes)
        count = store.product_count()
        if abs(count - self._texts[0]) > _GROWTH * self._texts[0]:
            sample = store.products_after("", limit=_SAMPLE)
            self._texts = count, languages_of(sample), names_kinds(sample)
        facts = self._texts[1:]
        if before is not None and self._version is not None and self._version[1] == stamp:
            return replace(before, goods=goods, languages=facts[0], names_kinds=facts[1])
        groups: tuple[tuple[str, ...], ...] = ()
        self.problem = ""
        try:
            groups = read_synonyms(self._files.read("synonyms.txt"))
        except (UsageError, StorageError) as error:  # a file that is half written by hand stops no search
            self.problem = f"the shop's synonyms were not applied: {error.what}"
        return Shop(goods, *facts, has_phrase=self.has_phrase, synonyms=groups, lexicon=lexicon_with(groups))

    def has_phrase(self, phrase: str) -> bool:
        """Whether a product's title, description or attributes have these words one after the other."""
        words = [token for token in tokens_of(phrase) if token.is_word or token.is_number]
        if not words:
            return False
        wanted = " ".join(token.folded for token in words)
        # Words such as "no" are no words of an index: what stands behind them finds the products.
        forms = spellings(words[-1].text)
        found = self._store.find_words([Term(forms)], every=True, product_ids=None, limit=_LOOKED_AT) if forms else []
        texts = self._store.texts(self._store.candidates_of_products(found))
        titles = {candidate.product: text for candidate, text in texts.items()}
        return any(
            f" {wanted} "
            in f" {' '.join(token.folded for token in tokens_of(text) if token.is_word or token.is_number)} "
            for one in titles.values()
            for text in (one.title, *map(str, one.attributes.values()))
        )

    def excluded_products(self, excluded: Sequence[Excluded]) -> frozenset[int]:
        """Ids of the products whose text has what is excluded."""
        found: set[int] = set()
        limit = self._store.product_count()
        for one in excluded if limit else ():
            parts = [set(self._having((*words, *self._inflected(words[0])), limit)) for words in one.parts]
            lacking = set(self._having(one.phrases, limit)) if all(parts) and one.phrases else set()
            found |= set.intersection(*parts) - lacking
        return frozenset(found)

    def _having(self, words: Sequence[str], limit: int) -> list[int]:
        forms = tuple(dict.fromkeys(form for word in words for form in spellings(word)))
        return self._store.find_words([Term(forms)], every=False, product_ids=None, limit=limit) if forms else []

    def _inflected(self, word: str) -> list[str]:
        """Other forms of a word of the same stem: "ruffled" of "ruffles"."""
        read = self._reader.read(word, spelling=False).words
        return [form.text for one in read for form in one.forms if form.how in _OWN_FORMS] if len(read) == 1 else []


def languages_of(products: Sequence[Product]) -> tuple[str, ...]:
    """The languages of products' texts, the most frequent first; English where nothing tells."""
    lexicon, counts = lexicon_with(()), Counter[str]()
    for product in products:
        every = (product.attributes, *(variant.attributes for variant in product.variants))
        values = (value for attributes in every for value in attributes.values())
        texts = chain((product.title, product.description), (str(value) for value in values))
        tokens = tokens_of(" \n ".join(texts), most=200)
        counts.update(spoken_in(tokens, lexicon))
        counts["zh"] += sum(token.is_cjk for token in tokens) // 2
    most = max(counts.values(), default=0)
    found = tuple(one for one, count in counts.most_common() if count and count >= _SHARE * most)
    return found or ("en",)


def names_kinds(products: Sequence[Product]) -> bool:
    """Whether most products say in their title or category of which kind they are."""
    named = sum(bool(find(f"{one.title}, {one.attributes.get('category', '')}")) for one in products)
    return 2 * named > len(products)

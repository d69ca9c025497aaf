"""A query's words, each with all the forms by which the catalog may have it.

Index and query are divided by the same rules (`catalens.text`), and the index holds words as they are written, folded.
So stems, plurals, other spellings, joined and divided words, beginnings, corrections and synonyms are looked up in the
catalog's vocabulary when a query is read, and each becomes a form with its worth: a product that has the word itself
ranks before one that has a form of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from catalens import taxonomy
from catalens.search.forms import CORRECTED, EXACT, SYNONYM, Form, FormFinder
from catalens.search.spelling import MOST_EDITS, Vocabulary
from catalens.storage.store import Ids, Store, Term
from catalens.text.languages import DEFAULT, STOP_WORDS, is_stop_word, is_stop_word_anywhere, stem
from catalens.text.tokens import Token, analyse, index_text, key_of

_MAX_WORDS = 24
"""Words that are looked for; a pasted page is cut there."""
_MAX_TEXT = 10_000
_OTHER_WORDS = frozenset(("synonym", "narrower"))
"""Forms that do not make a word less rare."""
_SHORTEST_PART = 3
"""Letters of each of two words that were joined."""
_MANY_MORE = 10
"""A word that the catalog lacks is taken for a misspelled one, not for a beginning or a form of others, where what it
was meant to be is so many times as frequent as these."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Other texts that mean the same as a stretch of the query, `text[start:end]`, such as synonyms."""

    start: int
    end: int
    texts: tuple[str, ...]
    how: str = "synonym"
    worth: float = SYNONYM


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word to look for.

    Args:
        typed: as it was written, folded; `text[start:end]` of the query.
        forms: that the catalog has, the most worth first; the typed one where it has none.
        is_optional: whether it says nothing by itself ("for").
        is_prefix: whether the first form may be the beginning of a pair (one character of Chinese, say).
        is_known: whether the catalog has any of the forms.
        weight: more for rarer words.
    """

    typed: str
    start: int
    end: int
    forms: tuple[Form, ...]
    is_optional: bool = False
    is_prefix: bool = False
    is_known: bool = True
    weight: float = 1.0

    @property
    def term(self) -> Term:
        return Term(tuple(form.text for form in self.forms), is_prefix=self.is_prefix)


@dataclass(frozen=True, slots=True)
class QueryWords:
    """A query as words.

    Args:
        text: the query, with its corrections made.
        words: each once.
        corrected: word -> what it was corrected to.
        key: stands for the whole text, among the titles and skus.
        title: the whole text as the index has titles.
    """

    text: str = ""
    words: tuple[QueryWord, ...] = ()
    corrected: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    title: str = ""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Words that no product has in any form."""
        return tuple(word.typed for word in self.words if not word.is_known)


def split_words(text: str) -> tuple[str, ...]:
    """Words of a text in order, each once, at most 24."""
    return tuple(dict.fromkeys(token.text for token in _asked(text[:_MAX_TEXT])))[:_MAX_WORDS]


def _asked(text: str) -> list[Token]:
    return [token for token in analyse(text) if not token.is_tail]


class WordReader:
    """Reads queries by the words of a store. Any number of threads may use it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._vocabulary = Vocabulary(store)
        self._language: tuple[int, str] | None = None

    def counts(self, words: Sequence[str]) -> dict[str, int]:
        """Word, as `text.tokens` has it -> number of products that have it; those of none lack."""
        self._vocabulary.refresh()
        return self._vocabulary.counts(words)

    def language(self) -> str:
        """Language of the catalog, guessed from which stop words its products have: ISO 639-1, "en" where none tells.

        It is guessed again where the number of products has grown or shrunk by half.
        """
        products = self._store.product_count()
        if self._language is None or not 2 / 3 <= (products + 1) / (self._language[0] + 1) <= 3 / 2:
            self._language = products, self._guessed()
        return self._language[1]

    def _guessed(self) -> str:
        counts = self._vocabulary.counts([word for words in STOP_WORDS.values() for word in words if len(word) > 1])
        totals = {language: sum(counts.get(word, 0) for word in words) for language, words in STOP_WORDS.items()}
        best = max(totals, key=lambda language: (totals[language], language == DEFAULT))
        return best if totals[best] > 1.2 * totals[DEFAULT] else DEFAULT

    def read(
        self,
        text: str,
        *,
        whole: str | None = None,
        language: str | None = None,
        spelling: bool = True,
        alternatives: Sequence[Alternative] = (),
        known: Set[str] = frozenset(),
        foreign: Set[str] = frozenset(),
    ) -> QueryWords:
        """Words of a query with their forms.

        Args:
            text: the words to look for.
            whole: the query as it was typed, which may be the name of a product; `text` if absent.
            language: ISO 639-1, of the catalog; None to guess it.
            spelling: correct words that nobody knows.
            alternatives: what else stretches of the text may be called; their words are not corrected.
            known: words that are not to be corrected, in small letters.
            foreign: words of another language than the catalog's and the query's: where they find nothing, they are
                corrected to what is one edit away.
        """
        text, name = text[:_MAX_TEXT], (text if whole is None else whole)[:_MAX_TEXT]
        self._vocabulary.refresh()
        of_language = language or self.language()
        finder = FormFinder(self._vocabulary, self._store, of_language)
        first: dict[str, Token] = {}
        for token in _asked(text):
            first.setdefault(token.text, token)
        tokens = list(first.values())[:_MAX_WORDS]
        found: list[QueryWord] = []
        corrections: list[_Correction] = []
        for place, token in enumerate(tokens):
            before = tokens[place - 1] if place else None
            after = tokens[place + 1] if place + 1 < len(tokens) else None
            meant = [one for one in alternatives if one.start <= token.start and token.end <= one.end]
            forms = finder.of_pair(token) if token.is_pair else finder.of_word(token, before, after)
            is_begun = not forms and after is None and not token.is_pair
            completed = finder.beginning(token.text) if is_begun else []
            is_foreign = token.text in foreign
            for one in meant:
                forms += [form for other in one.texts for form in finder.of_text(other, one.worth, one.how)]
            guessed = [*forms, *completed]
            is_meant = bool(meant) and not (is_foreign and not forms)
            if spelling and not token.is_pair and not is_meant and all(form.is_doubtful for form in guessed):
                is_known = token.text in known if is_foreign else _is_known(token.text, known)
                correction = None if is_known else self._correction(token.text, guessed, is_foreign=is_foreign)
                if correction:
                    corrections.append(_Correction(token, correction))
                    parts = [finder.of_text(part, CORRECTED, "correction") for part in correction.split(" ")]
                    found += [self._query_word(token, part, of_language) for part in parts]
                    continue
            found.append(self._query_word(token, guessed, of_language))
        if all(word.is_optional for word in found):
            found = [replace(word, is_optional=False) for word in found]
        corrected = {one.token.text: one.text for one in corrections}
        return QueryWords(_with_corrections(text, corrections), tuple(found), corrected, key_of(name), index_text(name))

    def _query_word(self, token: Token, forms: Sequence[Form], language: str) -> QueryWord:
        best: dict[str, Form] = {}
        for form in sorted(forms, key=lambda one: -one.worth):
            best.setdefault(form.text, form)
        own = [form for form in best.values() if form.how not in _OTHER_WORDS] or list(best.values())
        counts = self._vocabulary.counts([form.text for form in own if " " not in form.text])
        return QueryWord(
            token.text,
            token.start,
            token.end,
            tuple(best.values()) or (Form(token.text, EXACT, "word"),),
            is_optional=is_stop_word(token.text, language),
            is_prefix=token.is_pair and len(token.text) == 1,
            is_known=bool(best),
            weight=math.log(2 + self._store.product_count() / (1 + max(counts.values(), default=0))),
        )

    def _correction(self, word: str, guessed: Sequence[Form], *, is_foreign: bool) -> str | None:
        """What a word that the catalog lacks was meant to be: one of its words, or two that were joined.

        Args:
            guessed: what it may be without a correction: words that begin so, or have the same stem.
        """
        nearest = self._vocabulary.nearest(word, most=1 if is_foreign else MOST_EDITS)
        if nearest is None:
            return None if guessed or is_foreign else self._divided(word)
        counts = self._vocabulary.counts([form.text for form in guessed])
        return nearest[0] if nearest[1] >= _MANY_MORE * sum(counts.values()) else None

    def _divided(self, word: str) -> str | None:
        """The two words of the catalog that were written as one, the rarer of them as frequent as can be."""
        if not word.isalpha() or len(word) < 2 * _SHORTEST_PART:
            return None
        cuts = [(word[:cut], word[cut:]) for cut in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)]
        counts = self._vocabulary.counts([part for cut in cuts for part in cut])
        there = [cut for cut in cuts if all(part in counts for part in cut)]
        return " ".join(max(there, key=lambda cut: min(counts[part] for part in cut))) if there else None

    def is_written(self, word: str) -> bool:
        """Whether any product has a word of a text, in any of its forms."""
        return not set(split_words(word)) <= set(self.read(word, spelling=False).unknown)


@dataclass(frozen=True, slots=True)
class _Correction:
    token: Token
    text: str


def _is_known(word: str, known: Set[str]) -> bool:
    """Whether a word that the catalog lacks is none that was misspelled: another's word, or one of another language."""
    if word in known or is_stop_word_anywhere(word) or taxonomy.find(word):
        return True
    root = stem(word, DEFAULT)
    return root != word and root in known


def _with_corrections(text: str, corrections: Sequence[_Correction]) -> str:
    for one in reversed(corrections):
        text = text[: one.token.start] + one.text + text[one.token.end :]
    return text


def find_by_words(store: Store, words: QueryWords, *, products: Ids | None, wanted: int, limit: int) -> list[int]:
    """Ids of products with the words: named so as a whole, then with all of them, then with all but one, then with any.

    Args:
        store: asked.
        words: at least one.
        products: those that may be found; None for all.
        wanted: how many are enough: products with fewer of the words are looked for where there are less.
        limit: how many at most at each of these steps.
    """
    needed = needed_terms(words)
    found: dict[int, None] = {}

    def add(terms: Sequence[Term], *, every: bool = True, in_descriptions: bool = True) -> None:
        named = store.find_words(terms, every=every, product_ids=products, limit=limit, in_descriptions=in_descriptions)
        found.update(dict.fromkeys(named))

    if words.key:
        add([Term((words.key,))])
    if needed:
        add(needed, in_descriptions=False)
        if len(found) < limit:
            add(needed)
    if len(found) < wanted and len(needed) > 2:
        for left_out in range(len(needed)):
            add([term for place, term in enumerate(needed) if place != left_out])
    if len(found) < wanted and len(needed) > 1:
        add(needed, every=False)
    return list(found)


def needed_terms(words: QueryWords) -> list[Term]:
    """Terms of the words that the catalog has; of such as "for" only where there are no others."""
    known = [word for word in words.words if word.is_known]
    return [word.term for word in known if not word.is_optional] or [word.term for word in known]

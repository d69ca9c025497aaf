"""Search by words: SQLite's full-text index (FTS5) over titles, descriptions and attributes.

What the user wrote is split into words, and every word is quoted, so that nothing of it is read as FTS5's own language.
Accents and case do not matter (the table folds them), the last word may be the beginning of one ("dre" finds dresses),
and the plain English plural and singular of a word find each other.

Products with all words come first, then those with some. BM25 (Robertson and Zaragoza 2009, "The probabilistic
relevance framework", as FTS5 computes it) has no upper bound and depends on the catalog, so it only orders products
with the same number of words: with m of n words found, and b of BM25 where the best product found has B, the score is

    (m - 1/2 + b / (2 B)) / n        between 0 and 1
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

_COLUMN_WEIGHTS = (4.0, 1.0, 2.0)
"""BM25's weights of title, description, attributes: a title names the product, a description is long and says much."""

_MAX_WORDS = 24
"""Words that are looked for; a pasted page is cut there."""

_MAX_LETTERS = 64

# In the statements below, `+rowid` keeps SQLite from running the whole match once for each wanted row.
_WORD = re.compile(r"[^\W_]+")


class Reader(Protocol):
    """What a search by words needs of a store."""

    def fetch_all(self, sql: str, parameters: tuple[object, ...] = ..., /) -> list[tuple[Any, ...]]: ...


def split_words(text: str) -> tuple[str, ...]:
    """Words of a text in order, each once, as the table's tokeniser would split them."""
    found = _WORD.findall(unicodedata.normalize("NFC", text[:10_000]))
    return tuple(dict.fromkeys(word[:_MAX_LETTERS] for word in found))[:_MAX_WORDS]


def find_by_words(store: Reader, words: Sequence[str], *, products: Sequence[int] | None, limit: int) -> list[int]:
    """Ids of products with the words: those with all of them, then those with some, each by BM25.

    Args:
        store: its table `words` is asked.
        words: at least one, from `split_words`.
        products: those that may be found; None for all.
        limit: how many at most.
    """
    groups = _groups(words)
    found = dict.fromkeys(_matching(store, " AND ".join(groups), products, limit))
    if len(found) < limit and len(groups) > 1:
        found.update(dict.fromkeys(_matching(store, " OR ".join(groups), products, limit)))
    return list(found)[:limit]


def is_written(store: Reader, word: str) -> bool:
    """Whether any product has a word, in one of its forms or as the beginning of one."""
    found = split_words(word)
    return bool(found) and bool(_matching(store, " OR ".join(_groups(found)), None, 1))


def score_by_words(store: Reader, words: Sequence[str], products: Iterable[int]) -> dict[int, float]:
    """Score (0..1, as above) of those of the products that have any of the words."""
    wanted = json.dumps(list(products))
    groups = _groups(words)
    rows = store.fetch_all(
        f"SELECT rowid, -bm25(words, {', '.join(map(str, _COLUMN_WEIGHTS))}) FROM words "
        "WHERE words MATCH ? AND +rowid IN (SELECT value FROM json_each(?))",
        (" OR ".join(groups), wanted),
    )
    if not rows:
        return {}
    counts = _words_found(store, groups, wanted)
    most = max(max(relevance for _, relevance in rows), 1e-12)
    return {
        product: (counts[product] - 0.5 + 0.5 * max(relevance, 0.0) / most) / len(groups) for product, relevance in rows
    }


def _words_found(store: Reader, groups: Sequence[str], wanted: str) -> Counter[int]:
    counts: Counter[int] = Counter()
    for group in groups:
        rows = store.fetch_all(
            "SELECT rowid FROM words WHERE words MATCH ? AND +rowid IN (SELECT value FROM json_each(?))",
            (group, wanted),
        )
        counts.update(row[0] for row in rows)
    return counts


def _matching(store: Reader, match: str, products: Sequence[int] | None, limit: int) -> list[int]:
    among = "" if products is None else "AND +rowid IN (SELECT value FROM json_each(?)) "
    bound = () if products is None else (json.dumps(list(products)),)
    rows = store.fetch_all(
        f"SELECT rowid FROM words WHERE words MATCH ? {among}"
        f"ORDER BY bm25(words, {', '.join(map(str, _COLUMN_WEIGHTS))}), rowid LIMIT ?",
        (match, *bound, limit),
    )
    return [row[0] for row in rows]


def _groups(words: Sequence[str]) -> list[str]:
    """For each word an FTS5 expression that finds it in any of its forms, the last one as a beginning, too."""
    groups = []
    for place, word in enumerate(words, start=1):
        forms = [f'"{form}"' for form in _forms(word)]
        if place == len(words):
            forms[0] += "*"
        groups.append(f"({' OR '.join(forms)})")
    return groups


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

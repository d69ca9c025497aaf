"""Words as networks read them: character n-grams, hashed into buckets, weighted so that each word counts the same.

A word that was never seen, or is misspelled, shares most of its n-grams with words that were (Bojanowski et al. 2017,
"Enriching Word Vectors with Subword Information", section 3.2). Chinese is not divided into words: its one, two and
three characters in a row are the n-grams.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from catalens.types import FloatArray, IntArray

BUCKETS = 16_384
SHORTEST, LONGEST = 3, 5
"""Characters of an n-gram, the marks for a word's start and end included."""
LONGEST_TEXT = 400
"""Characters that are read of a text: more would not say what is looked for."""

_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CHINESE = re.compile(f"[{_CJK}]")
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")


def text_batch(texts: Sequence[str]) -> tuple[IntArray, FloatArray]:
    """Texts -> what a text network takes.

    Returns:
        (N, L) buckets of the n-grams, and (N, L) their weights, which sum to 1 for each text; L is the longest's
        count, at least 1. A text without a letter or digit has weights of 0.
    """
    rows = [_grams(text) for text in texts]
    length = max([1, *(len(row) for row in rows)])
    buckets = np.zeros((len(rows), length), np.int64)
    weights = np.zeros((len(rows), length), np.float32)
    for row, found in enumerate(rows):
        if found:
            buckets[row, : len(found)] = [bucket for bucket, _ in found]
            weights[row, : len(found)] = [weight for _, weight in found]
            weights[row] /= weights[row].sum()
    return buckets, weights


def words_of(text: str) -> list[str]:
    """The words of a text: small letters and digits, in compatibility form; a run of Chinese is one."""
    return _RUN.findall(unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).casefold())


def is_chinese(word: str) -> bool:
    """Whether a word of `words_of` is a run of Chinese characters."""
    return _CHINESE.match(word) is not None


def _grams(text: str) -> list[tuple[int, float]]:
    """(bucket, weight) of the n-grams of a text."""
    found: list[tuple[int, float]] = []
    for word in words_of(text):
        chinese = is_chinese(word)
        grams = list(_parts(word, 1, 3) if chinese else _parts(f"<{word}>", SHORTEST, LONGEST))
        # Two Chinese characters say about as much as one word.
        weight = len(word) / 2 if chinese else 1.0
        found += [(zlib.crc32(gram.encode()) % BUCKETS, weight / len(grams)) for gram in grams]
    return found


def _parts(word: str, shortest: int, longest: int) -> Iterator[str]:
    """All n-grams, and the whole word where it is longer than they are."""
    for length in range(shortest, longest + 1):
        for start in range(len(word) - length + 1):
            yield word[start : start + length]
    if len(word) > longest or len(word) < shortest:
        yield word

"""Words of a text as the index holds them.

- Words are runs of letters and digits, folded (`fold`). Those that a hyphen, an apostrophe or (in part numbers) a slash
  joins are a compound: "T-shirt" stands in the index as "t shirt" and as "tshirt", so that each of its spellings finds
  the others.
- Scripts without blanks (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) become overlapping pairs: 连衣裙 is
  连衣, 衣裙 and, at the end of a run, 裙. A single character is found as the beginning of a pair.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from catalens.text.fold import fold

LONGEST_WORD = 64
"""Letters of a word; the rest is cut."""
LONGEST_COMPOUND, MOST_PARTS = 40, 6
LONGEST_KEY = 32
VALUE_END = " \n "
KEY = "·"
"""What the key of a whole name begins with; no word has it."""

_BIGRAMMED = (
    "\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003fffd"
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u109f\u1780-\u17d3\u3005-\u3007"
)
_RUN = re.compile(f"[{_BIGRAMMED}]+")
_CHUNK = re.compile(r"\S+")
_LETTERS = re.compile(r"[^\W_].*[^\W_]|[^\W_]", re.DOTALL)
_JOINERS = frozenset("-\u2010_'\u2019\u02bc\u02bb\u2018`\u00b4\u00b7")
_WEAK_JOINERS = frozenset("/.&+")
"""Join where the whole is a number of an article ("AB-1234/56") or letters one by one ("H&M", "U.S.A.")."""


class Token(NamedTuple):
    """A word of a text.

    Args:
        text: folded, as it stands in the index; a compound without its joints.
        start, end: where it stands in the text that was given.
        parts: of a compound, which stand one after the other in the index.
        is_pair: whether it is one or two characters of a script without blanks.
        is_tail: whether it is the last character of such a run, and its pair is there, too.
    """

    text: str
    start: int
    end: int
    parts: tuple[str, ...] = ()
    is_pair: bool = False
    is_tail: bool = False


def analyse(text: str) -> tuple[Token, ...]:
    """Words of a text, in order."""
    return tuple(_tokens(text))


def index_text(text: str) -> str:
    """Words of a text, one blank between two, as the index holds them: compounds divided; joined on a line behind."""
    words: list[str] = []
    joined: list[str] = []
    for chunk in text.split():
        if chunk.isascii() and chunk.isalnum():
            words.append(chunk[:LONGEST_WORD].lower())
            continue
        for token in _of_chunk(fold(chunk)):
            words += token.parts or (token.text,)
            joined += (token.text,) if token.parts else ()
    return " ".join(words) + (VALUE_END + " ".join(joined) if joined else "")


def index_values(values: str) -> str:
    """As `index_text`, of a text with one value a line; a line of the result is a value."""
    return VALUE_END.join(index_text(value) for value in values.split("\n"))


def spellings(text: str) -> tuple[str, ...]:
    """What finds a text in the index as it is: its words one after the other, and a compound in one word, too."""
    tokens = [token for token in _tokens(text) if not token.is_tail]
    divided = " ".join(" ".join(token.parts or (token.text,)) for token in tokens)
    joined = " ".join(token.text for token in tokens)
    return tuple(dict.fromkeys(one for one in (divided, joined) if one))


def key_of(name: str) -> str:
    """Return a word that stands for a whole name or sku, however it is hyphenated or divided; "" without letters."""
    letters = "".join(_words(name.isascii()).findall(fold(name)))
    if len(letters) > LONGEST_KEY:
        letters = hashlib.blake2b(letters.encode("utf-8", "replace"), digest_size=12).hexdigest()
    return KEY + letters if letters else ""


def name_keys(title: str, skus: Iterable[str]) -> str:
    """Keys of a product's title ("·" where it has none) and of its skus, one blank between two."""
    return " ".join((key_of(title) or KEY, *(key for sku in dict.fromkeys(skus) if (key := key_of(sku)))))


def _tokens(text: str) -> Iterator[Token]:
    for chunk in _CHUNK.finditer(text):
        folded = fold(chunk[0])
        shift = chunk.start() if len(folded) == len(chunk[0]) else None
        for token in _of_chunk(folded):
            if shift is None:  # folding changed its length: the place is that of the whole, punctuation aside
                letters = _LETTERS.search(text, chunk.start(), chunk.end()) or chunk
                yield token._replace(start=letters.start(), end=letters.end())
            else:
                yield token._replace(start=token.start + shift, end=token.end + shift)


def _of_chunk(folded: str) -> Iterator[Token]:
    """Words of a folded text without blanks."""
    chain: list[re.Match[str]] = []
    joints = ""
    for piece in _words(folded.isascii()).finditer(folded):
        joint = folded[chain[-1].end() : piece.start()] if chain else ""
        if chain and joint not in _JOINERS and joint not in _WEAK_JOINERS:
            yield from _of_chain(chain, joints)
            chain, joints = [], ""
        elif chain:
            joints += joint
        chain.append(piece)
    if chain:
        yield from _of_chain(chain, joints)


def _of_chain(chain: list[re.Match[str]], joints: str) -> Iterator[Token]:
    """One compound, or the words one by one."""
    parts = tuple(piece[0] for piece in chain)
    if 1 < len(parts) <= MOST_PARTS and _joins(parts, joints) and not any(map(_RUN.search, parts)):
        yield Token("".join(parts), chain[0].start(), chain[-1].end(), parts)
        return
    for piece in chain:
        yield from _of_piece(piece[0], piece.start())


def _joins(parts: tuple[str, ...], joints: str) -> bool:
    if sum(map(len, parts)) > LONGEST_COMPOUND:
        return False
    if not _WEAK_JOINERS.intersection(joints):
        return True
    if all(len(part) == 1 and part.isalpha() for part in parts):
        return True
    whole = "".join(parts)
    return "." not in joints and not whole.isalpha() and not whole.isdecimal()


def _of_piece(piece: str, start: int) -> Iterator[Token]:
    end = 0
    for run in _RUN.finditer(piece):
        if run.start() > end:
            yield _word(piece[end : run.start()], start + end)
        for place in range(run.start(), run.end()):
            pair = piece[place : min(place + 2, run.end())]
            is_tail = len(pair) == 1 and place > run.start()
            yield Token(pair, start + place, start + place + len(pair), is_pair=True, is_tail=is_tail)
        end = run.end()
    if end < len(piece):
        yield _word(piece[end:], start + end)


def _word(word: str, start: int) -> Token:
    return Token(word[:LONGEST_WORD], start, start + len(word))


@cache
def _words(is_ascii: bool) -> re.Pattern[str]:
    """Runs of letters, digits and the marks that belong to letters (which `re` does not count as such)."""
    if is_ascii:
        return re.compile(r"[^\W_]+")
    marks = (chr(code) for code in range(0x300, 0x12000) if unicodedata.category(chr(code)).startswith("M"))
    return re.compile(rf"(?:[^\W_]|[{''.join(marks)}])+")

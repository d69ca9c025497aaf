"""Letters without what two spellings of a word may differ in: width, case, accents, ligatures, invisible characters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LETTERS = str.maketrans({
    "ø": "o", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "ŋ": "n",
    "ĸ": "k", "ə": "e", "ƒ": "f", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ҙ": "з", "ґ": "г",
    "ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي",
})  # fmt: skip
"""Letters that Unicode does not decompose, and those of Arabic that are written for one another."""

_SIGNS = str.maketrans(dict.fromkeys("™℠®©", " "))
"""Signs after a name; compatibility form would make letters of them ("Nike™" is not "niketm")."""

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u0640\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
"""Soft hyphens, zero-width characters, variation selectors, marks of direction, the Arabic stretching."""

_KEPT = frozenset("йў")
"""Letters of their own that Unicode writes as a letter and a mark."""


def fold(text: str) -> str:
    """Return a text in compatibility form, case-folded, without accents and invisible characters.

    Folding a second time changes nothing; composed and decomposed spellings give the same. Vowel signs (Indic, Thai)
    and the voicing of kana are kept: they are letters.
    """
    if text.isascii():
        return text.lower()
    plain = _INVISIBLE.sub("", text.translate(_SIGNS))
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())
    folded = unicodedata.normalize("NFC", "".join(map(_letter, _INVISIBLE.sub("", plain))))
    return folded if folded == text else fold(folded)


@lru_cache(maxsize=65_536)
def _letter(letter: str) -> str:
    if letter in _KEPT:
        return letter
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    parts = unicodedata.normalize("NFD", letter)
    return unicodedata.normalize("NFC", "".join(part for part in parts if not _is_accent(part))).translate(_LETTERS)


def _is_accent(mark: str) -> bool:
    """Whether a mark may be left out by who types. Combining classes: Unicode Standard, table 4-3."""
    kind = unicodedata.combining(mark)
    # 7 nukta, 10-36 points of Hebrew and Arabic, from 200 accents; 8 voicing of kana, 9 virama and the vowel signs
    # between (Thai, Lao, Tibetan, Telugu) stay.
    return kind in (1, 7) or 10 <= kind <= 36 or kind >= 200

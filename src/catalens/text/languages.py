"""Languages: which words say nothing by themselves, and which words are forms of one.

Words are folded (`fold`), so accents are not in these tables.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from types import MappingProxyType

import snowballstemmer

DEFAULT = "en"

_SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "fi": "finnish", "fr": "french", "hi": "hindi", "hu": "hungarian",
    "id": "indonesian", "it": "italian", "lt": "lithuanian", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish",
}  # fmt: skip
"""ISO 639-1 -> algorithm of Snowball (https://snowballstem.org, BSD)."""

LANGUAGES = (*_SNOWBALL, "zh", "ja", "ko", "th")
"""What a catalog's language may be; scripts without blanks have no stems."""

_STOP = {
    "en": "a an and any are as at by find for from i in is it its like me my of on or our show some that the this to "
    "with your",
    "de": "als am an auf aus bei das dem den der des die ein eine einem einen einer fur im in ist mein meine mit oder "
    "sich und vom von zu zum zur",
    "es": "al con como de del el en es la las lo los mi o para por que se su un una unas unos y",
    "fr": "a au aux avec ce ces d dans de des du en est et l la le les ma mon ou par pour sur un une",
    "it": "a al alla con da dal dei del della delle di e gli i il in la le lo o per su un una uno",
    "pt": "a ao as com da das de do dos e em na nas no nos o os ou para por um uma",
    "nl": "aan als bij de den der een en het in is met naar of om op te tot uit van voor",
    "sv": "att av de den det en ett for fran i med och om pa som till ur",
    "da": "af at de den det en et for fra i med og om pa som til",
    "no": "av de den det en et for fra i med og om pa som til",
    "fi": "ja jossa kanssa on tai",
    "pl": "dla do i lub na o od po w z ze",
    "cs": "a do na nebo od pro s se v z ze",
    "ro": "cu de din in la pe pentru sau si un",
    "tr": "bir da de icin ile ve veya",
    "ru": "без в для и из или к на от по с со у",
    "hu": "a az egy es vagy",
    "id": "dan dari dengan di ke untuk yang",
    "ca": "a al amb de del el els en i la les o per un una",
    "el": "για και με ο οι σε στο τα την τησ το του",
}
STOP_WORDS: Mapping[str, frozenset[str]] = MappingProxyType({name: frozenset(s.split()) for name, s in _STOP.items()})
"""Language -> words that no product needs to have."""

_ALIKE = (
    "grey gray, jewelry jewellery, woman women womens, man men mens, child children childrens, person people, "
    "foot feet, tooth teeth, mouse mice, goose geese, knife knives, scarf scarves scarfs, shelf shelves, leaf leaves, "
    "loaf loaves, wolf wolves, half halves, calf calves, hoof hooves, wife wives, life lives, dwarf dwarves, "
    "color colour, colors colours, colored coloured, colorful colourful, center centre, meter metre, liter litre, "
    "fiber fibre, theater theatre, aluminum aluminium, pajama pyjama, pajamas pyjamas, mustache moustache, "
    "tire tyre, tires tyres, favorite favourite, flavor flavour, armor armour, harbor harbour, mold mould, "
    "molding moulding, vapor vapour, odor odour, neighbor neighbour, catalog catalogue, donut doughnut, plow plough, "
    "yogurt yoghurt, whiskey whisky, cozy cosy, ax axe, gauge gage"
)
_ENGLISH = MappingProxyType({word: tuple(group.split()) for group in _ALIKE.split(",") for word in group.split()})
"""Irregular plurals, and spellings of the two sides of the ocean."""

_SCRIPTS = (
    ("\u0370", "\u03ff", "el"),
    ("\u0400", "\u052f", "ru"),
    ("\u0600", "\u06ff", "ar"),
    ("\u0900", "\u097f", "hi"),
    ("\u0b80", "\u0bff", "ta"),
)
"""First and last letter of a script, and the language that its words have their stems of."""
COMPOUNDING = frozenset({"da", "de", "et", "fi", "hu", "nl", "no", "sv"})
"""Languages that write compounds in one word: "Sommerkleid" is a "Kleid"."""
_lock = threading.Lock()


def stem(word: str, language: str) -> str:
    """Return the stem of a folded word; words in a script of its own have the stem of that script's language.

    Args:
        language: one of `LANGUAGES`, for words in Latin letters.
    """
    if not word.isalpha():
        return word
    if not word.isascii():
        language = next((name for first, last, name in _SCRIPTS if first <= word[0] <= last), language)
    return _stem(word, _SNOWBALL.get(language, ""))


@lru_cache(maxsize=100_000)
def _stem(word: str, algorithm: str) -> str:
    if not algorithm:
        return word
    with _lock:  # a stemmer keeps the word that it works on
        return str(_stemmer(algorithm).stemWord(word))


@cache
def _stemmer(algorithm: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(algorithm)


def variants(word: str, language: str) -> tuple[str, ...]:
    """Other spellings and irregular forms of a folded word, without the word itself."""
    found = list(_ENGLISH.get(word, ())) if language == "en" else []
    found += _other_ize(word) if language == "en" else ()
    found += _umlauts(word) if language == "de" else ()
    return tuple(dict.fromkeys(one for one in found if one != word))


def _other_ize(word: str) -> Iterator[str]:
    for one, other in (("ise", "ize"), ("ize", "ise"), ("isa", "iza"), ("iza", "isa"), ("isi", "izi"), ("izi", "isi")):
        place = word.rfind(one)
        if place >= 4:
            yield word[:place] + other + word[place + 3 :]


def _umlauts(word: str) -> Iterator[str]:
    """Umlauts that are written with an e: "gruen" is "grün", which folds to "grun"."""
    plain = word.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    if plain != word:
        yield plain


def is_stop_word(word: str, language: str) -> bool:
    """Whether a folded word says nothing by itself in a language."""
    return word in STOP_WORDS.get(language, ())


def is_stop_word_anywhere(word: str) -> bool:
    """Whether it says nothing by itself in any language."""
    return any(word in words for words in STOP_WORDS.values())

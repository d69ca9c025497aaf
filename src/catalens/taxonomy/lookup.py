"""Kinds by their names: the longest names in a text, in any language, in the singular or the plural."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from catalens.taxonomy.taxonomy import Kind, kind, kinds, rules

_TOKEN = re.compile(r"[㐀-鿿]|[^\W_㐀-鿿]+")
"""A word, or one Chinese character."""
_PARTS = re.compile(r"[/|>,;&+\n、，]|\b(?:and|with|in|for|und|mit|für|et|avec|pour|y|con|para)\b", re.IGNORECASE)
_BINDS = frozenset({"de", "à", "a", "en", "para", "con", "sin", "pour", "sans", "du", "des", "au", "aux", "del", "sur"})
"""Words after which nothing of a Spanish or French name takes a plural: "sacs à main"."""
_IRREGULAR = {"mouse": "mice", "foot": "feet", "tooth": "teeth", "child": "children"}
FOLDED_FROM = 4
"""Letters of a word from which it is also found without its accents: "the" is no "thé"."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A kind that a text names from `start` to `end`; others that the same words may mean."""

    kind: Kind
    start: int
    end: int
    others: tuple[Kind, ...] = ()


class _Token(NamedTuple):
    text: str
    folded: str
    start: int
    end: int


@dataclass(frozen=True)
class _Index:
    """Forms (tokens joined by a space) -> (language, name of a kind) of each that they may mean, the likeliest first:
    names before plurals, English before other languages.

    Args:
        longest: first token of a form -> tokens of the longest form that begins so.
        last: words that mean a kind only where they stand last.
    """

    forms: Mapping[str, Iterable[tuple[str, str]]]
    longest: Mapping[str, int]
    last: Mapping[str, str]


def find(text: str, *, language: str | None = None) -> list[Mention]:
    """All kinds that a text names, the longest names first come, none over another.

    Args:
        language: of the text, as "de", where a word means different things in several; all count all the same.
    """
    index, tokens, found, at = _index(), _tokens(text), [], 0
    while at < len(tokens):
        longest = max(index.longest.get(tokens[at].text, 0), index.longest.get(tokens[at].folded, 0))
        for stop in range(min(at + longest, len(tokens)), at, -1):
            meant = _meant(tokens[at:stop], language)
            if meant and not _is_adjective(tokens[at:stop], language):
                found.append(Mention(meant[0], tokens[at].start, tokens[stop - 1].end, meant[1:]))
                at = stop
                break
        else:
            at += 1
    return found


def named(text: str, *, language: str | None = None) -> Kind | None:
    """The kind that a text as a whole names: the last words of its first part that names one ("shirt dress").

    Args:
        language: in Spanish and French the first words count, too.
    """
    return next(all_named(text, language=language), None)


def all_named(text: str, *, language: str | None = None) -> Iterator[Kind]:
    """The kinds that the parts of a text name, as between commas."""
    for part in _PARTS.split(text):
        tokens = _tokens(part)
        ends = [tokens[start:] for start in range(len(tokens))]
        if language in rules()["head_first"]:
            ends += [tokens[:stop] for stop in range(len(tokens), 0, -1)]
        meant = next((meant for some in ends if (meant := _meant(some, language))), ())
        name = _index().last.get(tokens[-1].text) if tokens and not meant else None
        if meant or name:
            yield kind(name) if name else meant[0]


def people_of(text: str) -> frozenset[str]:
    """For whom a text says that something is: men, women, children."""
    words = {token.text for token in _tokens(text)}
    return frozenset(
        who for who, said in rules()["people"].items()
        if any(word in words or (not word.isascii() and len(word) > 1 and word in text) for word in said)
    )  # fmt: skip


def forms(one: Kind, language: str) -> tuple[str, ...]:
    """A kind's names in a language, and their plurals."""
    return tuple(dict.fromkeys(form for name in one.names[language] for form in (name, *_plurals(name, language))))


def _meant(tokens: list[_Token], language: str | None) -> tuple[Kind, ...]:
    for form in (" ".join(token.text for token in tokens), " ".join(token.folded for token in tokens)):
        if said := _index().forms.get(form):
            ranked = sorted(said, key=lambda one: one[0] != language) if language else said
            return tuple(kind(name) for name in dict.fromkeys(name for _, name in ranked))
    return ()


def _is_adjective(tokens: list[_Token], language: str | None) -> bool:
    """Whether a word is an English noun only where it stands last, and one elsewhere: "short" in "short dress"."""
    text = tokens[0].text
    said = _index().forms.get(text, ()) if len(tokens) == 1 and text in _index().last else ()
    return language in (None, "en") and bool(said) and all(spoken != "en" for spoken, _ in said)


def _tokens(text: str) -> list[_Token]:
    return [_token(match) for match in _TOKEN.finditer(text)]


def _token(match: re.Match[str]) -> _Token:
    text = match[0].casefold()
    return _Token(text, _folded(text), *match.span())


def _folded(text: str) -> str:
    """Without accents."""
    if text.isascii():
        return text
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return plain.replace("œ", "oe")


@cache
def _index() -> _Index:
    forms: dict[str, dict[tuple[str, str], None]] = {}
    first, *others = rules()["languages"]
    for languages, plural in (([first], False), ([first], True), (others, False), (others, True)):
        for language in languages:
            for one in kinds():
                meaning = language, one.name
                for name in one.names[language]:
                    for form in _plurals(name, language) if plural else (name,):
                        _put(forms, form, meaning)
    for word, order in rules()["ambiguous"].items():
        form = _joined(word)
        forms[form] = dict.fromkeys(sorted(forms[form], key=lambda one: order.index(one[1]) if one[1] in order else 9))
    longest: dict[str, int] = {}
    for form in forms:
        start, count = form.partition(" ")[0], form.count(" ") + 1
        if longest.get(start, 0) < count:
            longest[start] = count
    last = {form: one.name for one in kinds() for word in one.last for form in (word, *_plurals(word, first))}
    return _Index(forms, longest, last)


def _put(table: dict[str, dict[tuple[str, str], None]], name: str, meaning: tuple[str, str]) -> None:
    text = _joined(name)
    table.setdefault(text, {})[meaning] = None
    if not text.isascii() and len(folded := _folded(text)) >= FOLDED_FROM and folded != text:
        table.setdefault(folded, {})[meaning] = None


def _joined(name: str) -> str:
    return name.lower() if name.isascii() and name.isalpha() else " ".join(_TOKEN.findall(name.casefold()))


def _plurals(name: str, language: str) -> Iterator[str]:
    """Plurals by rule; of German all that may be, without the umlaut, for it is looked up without accents."""
    if language == "en":
        start, _, word = name.rpartition(" ")
        yield from (f"{start} {plural}".strip() for plural in _english(word))
    elif language == "de":
        yield from (name + ending for ending in _german(name))
    elif language in ("es", "fr"):
        words = name.split(" ")
        bound = next((at for at, word in enumerate(words) if word in _BINDS or word.startswith("d'")), len(words))
        plural = _spanish if language == "es" else _french
        if (changed := [*map(plural, words[:bound]), *words[bound:]]) != words:
            yield " ".join(changed)


def _english(word: str) -> Iterator[str]:
    if word in _IRREGULAR:
        yield _IRREGULAR[word]
    elif word.endswith(("ss", "x", "z", "ch", "sh")):
        yield word + "es"
    elif not word.endswith("s"):
        if re.search(r"[^aeiou]y$", word):
            yield word[:-1] + "ies"
        else:
            yield word + "s"
            if word.endswith("o"):
                yield word + "es"
            if word.endswith(("f", "fe")):
                yield word.removesuffix("e")[:-1] + "ves"


def _german(word: str) -> tuple[str, ...]:
    if word.endswith("e"):
        return ("n",)
    if word.endswith(("er", "el", "en")):
        return ("n",)
    if word.endswith(("a", "i", "o", "u", "y")):
        return ("s",)
    return ("e", "en", "er", "s")


def _spanish(word: str) -> str:
    if word.endswith(("s", "x")):
        return word
    if word.endswith("z"):
        return word[:-1] + "ces"
    return word + "s" if word.endswith(tuple("aeiouáéó")) else _folded(word) + "es"


def _french(word: str) -> str:
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith("al"):
        return word[:-1] + "ux"
    return word + ("x" if word.endswith(("au", "eu", "bijou")) else "s")

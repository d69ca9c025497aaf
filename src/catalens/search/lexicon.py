"""Concepts that words name: kinds, colors, patterns and the like in five languages, and groups of the shop's own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

from catalens.taxonomy import forms, kinds, looks, rules

OWN = "own"
"""Section of a group of the shop's own; its words are of no language: ""."""
_CJK = "㐀-鿿豈-﫿"
_TOKEN = re.compile(
    rf"[{_CJK}]|\b[dDlL]['’](?=[^\W\d_])|[0-9](?:[0-9.,'’]*[0-9])?|[^\W\d_{_CJK}](?:[^\W\d_{_CJK}]|[\u0300-\u036f]|['’](?=[^\W\d_{_CJK}]))*|[^\w\s]|\w"
)
_IS_CJK = re.compile(f"[{_CJK}]")
_SHORTEST_HEAD, _SHORTEST_START = 4, 3
"""Letters of the kind that a German compound ends in, and of what stands before it."""
_LINKS = ("", "s", "n", "en", "es", "e")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number, one Chinese character or one sign of a text: as written, and folded; `start`, `end` in it."""

    text: str
    folded: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        return self.text[0].isalnum() and not self.is_number

    @property
    def is_number(self) -> bool:
        return "0" <= self.text[0] <= "9"

    @property
    def is_cjk(self) -> bool:
        return _IS_CJK.match(self.text) is not None


@dataclass(frozen=True, slots=True)
class Concept:
    """What several words name.

    Args:
        name: English name, or the first word of a group of the shop's own.
        section: "kind", a section of `taxonomy/looks.toml`, or `OWN`.
        names: language -> names, the usual one first.
        forms: language -> names with their plurals and inflected forms.
    """

    name: str
    section: str
    names: Mapping[str, tuple[str, ...]]
    forms: Mapping[str, tuple[str, ...]]

    def named(self, languages: Iterable[str]) -> tuple[str, ...]:
        """Its names in some languages, each once."""
        return tuple(dict.fromkeys(name for one in ("", *languages) for name in self.names.get(one, ())))

    def written(self, languages: Iterable[str]) -> tuple[str, ...]:
        """Its forms in some languages, each once."""
        return tuple(dict.fromkeys(form for one in ("", *languages) for form in self.forms.get(one, ())))


@dataclass(frozen=True, slots=True)
class Named:
    """Tokens `start` to `stop` of a text and the concepts that they name; `head` of a compound word is its other part.

    `concepts` has the likeliest first; `languages` in which the tokens name the first one.
    """

    start: int
    stop: int
    concepts: tuple[Concept, ...]
    languages: frozenset[str]
    before: tuple[str, Concept | None] | None = None

    @property
    def concept(self) -> Concept:
        return self.concepts[0]


@dataclass(frozen=True)
class Lexicon:
    """Concepts by their forms.

    Args:
        forms: form (folded tokens joined by a space) -> (language, concept) of each that it may name.
        longest: first token of a form -> tokens of the longest one that begins so.
    """

    forms: Mapping[str, Sequence[tuple[str, Concept]]]
    longest: Mapping[str, int]
    shop: Lexicon | None = field(default=None)

    def meanings(self, form: str) -> Sequence[tuple[str, Concept]]:
        own = self.shop.meanings(form) if self.shop else ()
        return [*own, *self.forms.get(form, ())]

    def longest_from(self, word: str) -> int:
        return max(self.longest.get(word, 0), self.shop.longest_from(word) if self.shop else 0)

    def named(self, tokens: Sequence[Token], language: str | None = None) -> list[Named]:
        """What tokens name, the longest forms first come, none over another.

        Args:
            language: whose meaning is preferred where a form has several.
        """
        found: list[Named] = []
        at = 0
        while at < len(tokens):
            one = self._named_at(tokens, at, language)
            if one is not None:
                found.append(one)
            at = at + 1 if one is None else one.stop
        known = {place for one in found for place in range(one.start, one.stop)}
        return [one for one in found if not _is_torn(tokens, one, known)]

    def _named_at(self, tokens: Sequence[Token], at: int, language: str | None) -> Named | None:
        longest = min(self.longest_from(tokens[at].folded), len(tokens) - at)
        for stop in range(at + longest, at, -1):
            said = self.meanings(" ".join(token.folded for token in tokens[at:stop]))
            if said:
                ranked = sorted(said, key=lambda one: one[0] not in ("", language)) if language else said
                concepts = tuple(dict.fromkeys(_Key(concept) for _, concept in ranked))
                first = concepts[0].concept
                spoken = frozenset(one for one, concept in said if concept is first)
                return Named(at, stop, tuple(key.concept for key in concepts), spoken)
        return self.compound(tokens[at], at)

    def compound(self, token: Token, at: int = 0) -> Named | None:
        """A German word that ends in a kind: "Damenschuhe" is shoes, and before it women."""
        word = token.folded
        if not token.is_word or token.is_cjk or len(word) < _SHORTEST_HEAD + _SHORTEST_START:
            return None
        for start in range(_SHORTEST_START, min(len(word) - _SHORTEST_HEAD, 40) + 1):
            head = [one for language, one in self.meanings(word[start:]) if language == "de" and one.section == "kind"]
            if head:
                before = word[:start]
                stems = [before.removesuffix(link) for link in _LINKS if before.endswith(link)]
                known = [one for stem in (before, *stems) for language, one in self.meanings(stem) if language == "de"]
                return Named(at, at + 1, tuple(head), frozenset({"de"}), (before, known[0] if known else None))
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _Key:
    """A concept, told apart by identity: mappings have no hash."""

    concept: Concept

    def __hash__(self) -> int:
        return id(self.concept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.concept is other.concept


def tokens_of(text: str, *, most: int | None = None) -> list[Token]:
    """Tokens of a text in compatibility form (NFKC), the first `most` of them."""
    return [Token(match[0], fold(match[0]), *match.span()) for match in islice(_TOKEN.finditer(text), most)]


def fold(text: str) -> str:
    """Small letters without accents."""
    small = text.casefold().replace("’", "'")
    if small.isascii():
        return small
    bare = "".join(one for one in unicodedata.normalize("NFKD", small) if not unicodedata.combining(one))
    return bare.replace("œ", "oe").replace("æ", "ae").replace("ø", "o")


def lexicon_with(groups: Iterable[Sequence[str]]) -> Lexicon:
    """The taxonomy's words and groups of the shop's own, whose meaning comes first."""
    own = [Concept(group[0], OWN, {"": tuple(group)}, {"": tuple(group)}) for group in groups if group]
    known = _known()
    return Lexicon(known.forms, known.longest, _indexed(own)) if own else known


@cache
def _known() -> Lexicon:
    languages = rules()["languages"]
    concepts = [Concept(one.name, one.section, one.names, one.names) for one in looks()]
    concepts += [
        Concept(one.name, "kind", one.names, {language: forms(one, language) for language in languages})
        for one in kinds()
    ]
    found = _indexed(concepts)
    for word, order in rules()["ambiguous"].items():
        form = _joined(word)
        if form in found.forms:
            said = found.forms[form]
            found.forms[form] = sorted(said, key=lambda one: order.index(one[1].name) if one[1].name in order else 9)  # type: ignore[index]
    return found


def _indexed(concepts: Iterable[Concept]) -> Lexicon:
    index: dict[str, list[tuple[str, Concept]]] = {}
    longest: dict[str, int] = {}
    for concept in concepts:
        for language, names in concept.forms.items():
            for form in dict.fromkeys(map(_joined, names)):
                if form:
                    index.setdefault(form, []).append((language, concept))
                    start, count = form.partition(" ")[0], form.count(" ") + 1
                    longest[start] = max(longest.get(start, 0), count)
    return Lexicon(index, longest)


def _joined(name: str) -> str:
    if name.isascii() and name.isalpha():
        return name.lower()
    return " ".join(token.folded for token in tokens_of(unicodedata.normalize("NFKC", name)))


def _is_torn(tokens: Sequence[Token], one: Named, known: Set[int]) -> bool:
    """Whether it is one Chinese character beside others that name nothing: part of a word that is not known."""
    if one.stop - one.start > 1 or not tokens[one.start].is_cjk:
        return False
    beside = (place for place in (one.start - 1, one.stop) if 0 <= place < len(tokens))
    return any(tokens[place].is_cjk and place not in known and _touch(tokens, one, place) for place in beside)


def _touch(tokens: Sequence[Token], one: Named, place: int) -> bool:
    return tokens[place].end == tokens[one.start].start or tokens[place].start == tokens[one.stop - 1].end


def language_of(tokens: Sequence[Token], lexicon: Lexicon, written: Sequence[str]) -> str | None:
    """The language of a query: the one that most of its words belong to; of equal ones the first of the catalog's.

    Args:
        written: the languages of the catalog.
    """
    counts: dict[str, int] = {}
    for token in tokens:
        spoken = {language for language, _ in lexicon.meanings(token.folded) if language}
        if token.is_cjk:
            spoken = {"zh"}
        elif not spoken and (compound := lexicon.compound(token)):
            spoken = set(compound.languages)
        for language in spoken | _speakers().get(token.folded, frozenset()):
            counts[language] = counts.get(language, 0) + 1
    order = [*written, "en", *rules()["languages"]]
    return max(counts, key=lambda one: (counts[one], -order.index(one)), default=None)


@cache
def words_of(language: str) -> frozenset[str]:
    """Words that names of the taxonomy are made of in a language, folded: "short" of "short pants" is English, too."""
    return frozenset(
        word
        for form, said in _known().forms.items()
        if any(one == language for one, _ in said)
        for word in form.split()
    )


FUNCTION_WORDS: Mapping[str, str] = {
    "en": "the a an of for with and or in on by to from any some this that",
    "de": "der die das den dem des ein eine einen einem einer für fuer mit und oder aus in im von vom zum zur auf bei",
    "es": "el la los las un una unos unas de del para con y o en por al",
    "fr": "le la les l' un une des de du d' pour avec et ou en à a au aux dans sur par",
    "zh": "的 和 或 与 给 用 我 要 想 买 找 款 件 双 条 个",
}
"""Words that say nothing of a product by themselves."""


@cache
def _speakers() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for language, words in FUNCTION_WORDS.items():
        for word in words.split():
            found.setdefault(fold(word), set()).add(language)
    return {word: frozenset(spoken) for word, spoken in found.items()}


def is_function_word(token: Token, language: str | None) -> bool:
    """Whether a word only joins others, in a language (in any where None)."""
    spoken = _speakers().get(token.folded, frozenset())
    return bool(spoken) if language is None else language in spoken


def spoken_in(tokens: Iterable[Token], lexicon: Lexicon) -> Iterator[str]:
    """For each token that names a concept or joins words in one language only: that language."""
    for token in tokens:
        spoken = {language for language, _ in lexicon.meanings(token.folded) if language}
        spoken |= _speakers().get(token.folded, frozenset())
        if len(spoken) == 1:
            yield next(iter(spoken))

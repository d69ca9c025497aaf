"""A query's words understood: what is looked for, what is excluded, which filters it asks for.

    shirt without stripes under 50   ->   words "shirt", excluded "stripes", filter price < 50

A pure function of the text and of what the catalog has (`Shop`). What is in double quotes is taken as it stands. Every
rule looks at a bounded number of tokens, so that the work grows with the length of the text alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from catalens.search.amounts import Amount, Goods, amount_at, listed
from catalens.search.lexicon import (
    OWN,
    Concept,
    Lexicon,
    Named,
    Token,
    is_function_word,
    language_of,
    lexicon_with,
    tokens_of,
    words_of,
)
from catalens.storage.filter_terms import Filter
from catalens.taxonomy import kinds
from catalens.types import Chip

LONGEST = 10_000
"""Characters of a query that are read."""
MOST_TOKENS = 400
_MOST_CHIPS = 16

_WITHOUT = listed(
    """without, excluding, except, minus, free of, other than, ohne, ausser, sin, excepto, sans, sauf, pas de, 不要,
    不带, 没有, 不含, 除了, 无, 非, 不是, 别"""
)
"""Before what a product should lack."""
_NOT = listed("not, no, non, nicht, kein, keine, keinen, keinem, keiner, keines, nada de, pas")
_CHECKED = frozenset((*_NOT, *listed("sin, sans, minus, except, 无, 非, 别")))
"""Those that are also parts of names: "no fear", "sin city". Where the catalog has the phrase, it is meant."""
_NEVER = frozenset(listed("stick, slip, iron, woven, toxic, skid, show, name, tie"))
"""Words that "no" or "non" makes an adjective with."""
_FILLERS = frozenset(
    listed(
        """a, an, any, the, with, have, having, has, de, del, la, el, los, las, le, les, des, du, d', l', une, un, ein,
        eine, einen, der, die, das, 有, 带, 是"""
    )
)
_AND = frozenset((*listed("and, und, y, e, et, 和, 、"), ","))
_OR = _AND | set(listed("or, nor, oder, noch, o, u, ni, ou, 或"))


def _no_phrase(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Excluded:
    """What products must lack.

    Args:
        text: as written.
        parts: for each word of it the words that name it: a product is excluded that has one of each part.
        phrases: a product that has one of these is not excluded by text: it says that it lacks it.
        english: its English words where they are known, else the text.
    """

    text: str
    parts: tuple[tuple[str, ...], ...]
    phrases: tuple[str, ...] = ()
    english: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A word that is looked for and known by other names.

    Args:
        word: it stands from `start` to `end` in `Understood.text`.
        others: other words and phrases of the catalog's languages that name the same.
        narrower: names of narrower kinds, for where nothing has the word itself.
    """

    word: str
    start: int
    end: int
    others: tuple[str, ...] = ()
    narrower: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Understood:
    """A query's words, understood.

    Args:
        text: the words that are left to look for.
        spoken: the same for a text network: German, Spanish and French words that are known in English.
        is_translated: whether the query is in a language that the catalog is not in.
        has_kind: whether it names a kind of product, and the catalog's texts do so, too.
        asked: those of them that have other names.
        known: words of them that name something, in small letters: they are not misspelled.
        foreign: those of them that do so in a language only that neither the catalog nor the rest of the query is in:
            where they find nothing, they may be misspelled all the same.
        excluded, filters: see above.
        chips: what was understood, in its order; `Chip.rest` is the query without it.
        notes: what could not become a filter, and why.
    """

    text: str
    spoken: str = ""
    is_translated: bool = False
    has_kind: bool = False
    asked: tuple[Asked, ...] = ()
    known: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    excluded: tuple[Excluded, ...] = ()
    filters: tuple[Filter, ...] = ()
    chips: tuple[Chip, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was understood."""
        return self.is_plain and not any(one.isalnum() for one in self.text)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing in it but words."""
        return not (self.excluded or self.filters)


@dataclass(frozen=True)
class Shop:
    """What a catalog has, as far as its words matter.

    Args:
        goods: its prices and sizes.
        languages: of its texts, the most frequent first.
        names_kinds: whether most products' texts say of which kind they are.
        has_phrase: whether a product has these words one after the other.
        synonyms: groups of words that mean the same, of the shop's own.
    """

    goods: Goods = field(default_factory=Goods)
    languages: tuple[str, ...] = ("en",)
    names_kinds: bool = False
    has_phrase: Callable[[str], bool] = _no_phrase
    synonyms: tuple[tuple[str, ...], ...] = ()
    lexicon: Lexicon = field(default_factory=lambda: lexicon_with(()))


def understand(text: str, shop: Shop) -> Understood:
    """Read a query. A text without words, or of nothing but rules, has none left."""
    whole = unicodedata.normalize("NFKC", text[:LONGEST])
    return _Reader(whole, shop).read()


@dataclass(slots=True)
class _Part:
    """A stretch of tokens that was understood."""

    start: int
    stop: int
    kind: str
    filter: Filter | None = None
    excluded: Excluded | None = None
    note: str = ""
    stays: bool = False


@dataclass(slots=True)
class _Left:
    """What is left of a query, as it grows."""

    text: str = ""
    spoken: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    is_translated: bool = False
    has_kind: bool = False


class _Reader:
    def __init__(self, text: str, shop: Shop) -> None:
        self._text, self._shop, self._lexicon = text, shop, shop.lexicon
        self._tokens = tokens_of(text, most=MOST_TOKENS)
        self._language = language_of(self._tokens, self._lexicon, shop.languages)
        self._named = {one.start: one for one in self._lexicon.named(self._tokens, self._language)}

    def read(self) -> Understood:
        parts = self._parts()
        taken = [part for part in parts if not part.stays]
        filters = tuple(dict.fromkeys(part.filter for part in parts if part.filter is not None))
        excluded = tuple(dict.fromkeys(part.excluded for part in parts if part.excluded is not None))
        chips = tuple(self._chip(part) for part in parts if part.filter is not None or part.excluded is not None)
        notes = tuple(f'"{self._written(part)}" was not applied: {part.note}' if part.filter is None
                      else f'"{self._written(part)}": {part.note}' for part in parts if part.note)  # fmt: skip
        left = self._left(taken)
        spoken = " ".join(left.spoken) if left.is_translated else left.text
        is_translated = self._language not in (None, *self._shop.languages)
        return Understood(
            left.text, spoken, is_translated, left.has_kind and self._shop.names_kinds, tuple(left.asked),
            frozenset(left.known), self._foreign(), excluded, filters, chips, tuple(dict.fromkeys(notes)),
        )  # fmt: skip

    def _foreign(self) -> frozenset[str]:
        found = set()
        for one in self._named.values():
            if one.stop - one.start > 1 or one.before is not None or self._tokens[one.start].is_cjk:
                continue
            token = self._tokens[one.start]
            rest = language_of([other for other in self._tokens if other is not token], self._lexicon, ())
            spoken = {language for language, _ in self._lexicon.meanings(token.folded)}
            near = ("", *self._shop.languages, *([rest] if rest else []))
            if spoken.isdisjoint(near) and not any(token.folded in words_of(language) for language in near):
                found.add(token.folded)
        return frozenset(found)

    @property
    def _languages(self) -> tuple[str, ...]:
        """Those of the catalog, and the query's."""
        return tuple(dict.fromkeys((*self._shop.languages, *([self._language] if self._language else []))))

    # The parts

    def _parts(self) -> list[_Part]:
        found: list[_Part] = []
        tokens, at, is_quoted = self._tokens, 0, False
        while at < len(tokens):
            if tokens[at].text in '"“”„':
                is_quoted = not is_quoted and any(token.text in '"“”' for token in tokens[at + 1 :])
                at += 1
                continue
            part = None if is_quoted or len(found) >= _MOST_CHIPS else self._part_at(at)
            if part is not None:
                found.append(part)
                at = part.stop
            elif at in self._named and not is_quoted:
                at = self._named[at].stop
            else:
                at += 1
        return found

    def _part_at(self, at: int) -> _Part | None:
        if (amount := amount_at(self._tokens, at, self._shop.goods)) is not None:
            return _amount_part(amount)
        if at in self._named and self._named[at].stop > at + 1:
            return None  # "sin mangas" is a property of its own, and no negation
        return self._negation_at(at)

    def _negation_at(self, at: int) -> _Part | None:
        tokens = self._tokens
        if tokens[at].text in "-–—!" and self._stands_before_a_word(at):
            return self._excluded(at, at + 1, is_noun=False)
        for phrase in (*_WITHOUT, *_NOT):
            words = [token.folded for token in tokens_of(phrase)]
            stop = at + len(words)
            if [token.folded for token in tokens[at:stop]] != words or stop >= len(tokens):
                continue
            if phrase in _CHECKED and self._is_name(at, stop):
                continue
            return self._excluded(at, stop, is_noun=phrase in _WITHOUT)
        return None

    def _stands_before_a_word(self, at: int) -> bool:
        """Whether a sign is the minus of "-word": a space, or nothing, before it, and none behind."""
        tokens = self._tokens
        free = at == 0 or tokens[at - 1].end < tokens[at].start
        return free and at + 1 < len(tokens) and tokens[at + 1].start == tokens[at].end and tokens[at + 1].is_word

    def _is_name(self, at: int, stop: int) -> bool:
        """Whether a word of negation is part of a name, or of a word such as "non-stick"."""
        tokens = self._tokens
        behind = stop
        while behind < len(tokens) and tokens[behind].text in "-.’'":
            behind += 1
        if behind >= len(tokens) or tokens[behind].is_number or tokens[behind].folded in _NEVER:
            return True
        if tokens[at].is_cjk:
            return self._shop.has_phrase(self._text[tokens[at].start : tokens[min(behind + 1, len(tokens) - 1)].end])
        spoken = self._text[tokens[at].start : tokens[behind].end]
        return self._shop.has_phrase(spoken)

    def _excluded(self, start: int, at: int, *, is_noun: bool) -> _Part | None:
        """What stands behind a negation, with what "or" joins to it."""
        tokens = self._tokens
        at = self._skip(at)
        names: list[tuple[int, int, tuple[tuple[str, ...], ...]]] = []
        while at < len(tokens):
            found = self._noun_phrase(at, is_noun=is_noun)
            if found is None:
                break
            names.append(found)
            at = found[1]
            behind = self._skip(at + 1)
            if (
                at >= len(tokens)
                or tokens[at].folded not in _OR
                or not self._is_alike(found[0], behind, tokens[at].folded)
            ):
                break
            at = behind
        if not names:
            return None
        stop = names[-1][1]
        if len(names) == 1:
            begin, _, parts = names[0]
            return _Part(start, stop, "not", excluded=self._lack(begin, stop, parts))
        every = tuple(dict.fromkeys(form for _, _, parts in names for form in parts[0]))
        return _Part(start, stop, "not", excluded=self._lack(names[0][0], stop, (every,)))

    def _lack(self, begin: int, stop: int, parts: tuple[tuple[str, ...], ...]) -> Excluded:
        text = self._text[self._tokens[begin].start : self._tokens[stop - 1].end]
        said = list(parts[0][:6]) if len(parts) == 1 else [text]
        named = self._lexicon.named(self._tokens[begin:stop], self._language)
        english = " ".join(one.concept.names["en"][0] for one in named if one.concept.names.get("en"))
        phrases = tuple(f"{word} {form}" for form in said for word in ("without", "no", "ohne", "sin", "sans"))
        return Excluded(text, parts, phrases, english or text)

    def _noun_phrase(self, at: int, *, is_noun: bool) -> tuple[int, int, tuple[tuple[str, ...], ...]] | None:
        """(start, stop, words for each part) of what is excluded."""
        tokens = self._tokens
        while at < len(tokens) and not tokens[at].is_word:
            if tokens[at].text not in "-":
                return None
            at += 1
        if at >= len(tokens):
            return None
        one = self._named_from(at)
        if one is None:
            stop = at + 1
            while (
                stop < len(tokens)
                and tokens[at].is_cjk
                and tokens[stop].is_cjk
                and stop not in self._named
                and tokens[stop].text not in "的和或"
            ):
                stop += 1
            return at, stop, ((self._text[tokens[at].start : tokens[stop - 1].end],),)
        if not is_noun and one.concept.section == "kind" and one.stop > at + 1:
            one = self._look_before(one)
        parts = [self._words_for(one, at)]
        if one.before is not None:  # "Lederschuhe": what is shoes and of leather
            before, concept = one.before
            written = tokens[at].text
            parts.append((written, *((before,) if concept is None else concept.written(self._languages))))
        stop = one.stop
        is_adjective = one.concept.section in ("colors", "materials")
        if is_noun and is_adjective and stop < len(tokens) and tokens[stop].is_word and not tokens[stop].is_cjk:
            noun = self._named_from(stop)
            if noun is not None and noun.concept.section in ("kind", "patterns", "details", OWN):
                parts.append(self._words_for(noun, stop))
                stop = noun.stop
            elif (
                noun is None
                and not is_function_word(tokens[stop], None)
                and amount_at(tokens, stop, self._shop.goods) is None
                and self._negation_at(stop) is None
            ):
                parts.append((tokens[stop].text,))
                stop += 1
        return at, stop, tuple(parts)

    def _look_before(self, one: Named) -> Named:
        """Of "not leather shoes" the leather: it is a kind of its own, and so are the shoes that are wanted."""
        first = self._lexicon.named(self._tokens[one.start : one.start + 1], self._language)
        rest = self._lexicon.named(self._tokens[one.start + 1 : one.stop], self._language)
        if not (
            first and rest and rest[0].start == 0 and first[0].concept.section in ("materials", "colors", "patterns")
        ):
            return one
        kind = rest[0]
        start = one.start + 1
        self._named[start] = Named(start, start + kind.stop, kind.concepts, kind.languages, kind.before)
        return Named(one.start, start, first[0].concepts, first[0].languages)

    def _named_from(self, at: int) -> Named | None:
        if at in self._named:
            return self._named[at]
        found = self._lexicon.named(self._tokens[at : at + 8], self._language)
        if not found or found[0].start:
            return None
        one = found[0]
        return Named(at, at + one.stop, one.concepts, one.languages, one.before)

    def _words_for(self, one: Named, at: int) -> tuple[str, ...]:
        written = self._text[self._tokens[at].start : self._tokens[one.stop - 1].end]
        languages = self._languages
        words = [written, *one.concept.written(languages)]
        words += [
            form
            for name in _narrower().get(one.concept.name, ())
            for form in _kind_words(name, self._lexicon, languages)
        ]
        return tuple(dict.fromkeys(words))

    def _is_alike(self, before: int, behind: int, joint: str) -> bool:
        """Whether what stands behind "and" or "or" is excluded, too: always with "or", else where both are looks."""
        if behind >= len(self._tokens):
            return False
        if joint not in _AND:
            return True
        first, second = self._named_from(before), self._named_from(behind)
        if first is None or second is None:
            return False
        return first.concept.section == second.concept.section != "kind"

    def _skip(self, at: int) -> int:
        while at < len(self._tokens) and self._tokens[at].folded in _FILLERS and at not in self._named:
            at += 1
        return at

    # What is left

    def _left(self, taken: Sequence[_Part]) -> _Left:
        """The words that are left, as they are looked for, and what they are also called.

        Compound words are divided, Chinese ones set apart where the catalog is in another language, words that only
        join others in a language that the catalog is not in are left out; all else stands as it was written.
        """
        inside = {place for part in taken for place in range(part.start, part.stop)}
        left, last, is_gap, at = _Left(), 0, False, 0
        while at < len(self._tokens):
            token, one = self._tokens[at], self._named.get(at)
            if one is not None and not inside.intersection(range(one.start, one.stop)):
                final = self._tokens[one.stop - 1]
                left.text += " " if is_gap or self._is_apart(token) else self._text[last : token.start]
                self._add_named(left, one, self._text[token.start : final.end])
                last, is_gap, at = final.end, self._is_apart(final), one.stop
                continue
            at += 1
            if at - 1 in inside or self._is_idle(token):
                last, is_gap = token.end, True
                continue
            left.text += (" " if is_gap else self._text[last : token.start]) + token.text
            left.spoken.append(token.text)
            last, is_gap = token.end, False
        left.text += self._text[last:]
        return left

    def _add_named(self, left: _Left, one: Named, written: str) -> None:
        if one.before is not None:  # a compound
            before, concept = one.before
            if concept is None:
                left.text += before
                left.spoken.append(before)
            else:
                others = self._beside(concept.named(self._shop.languages), before)
                self._add(left, before, others, (), concept)
            left.text += " "
            written = self._tokens[one.start].folded[len(before) :]
        others, narrower = self._others(one, written)
        self._add(left, written, others, narrower, one.concept)
        left.known.update(token.folded for token in self._tokens[one.start : one.stop])

    def _add(
        self, left: _Left, written: str, others: tuple[str, ...], narrower: tuple[str, ...], concept: Concept
    ) -> None:
        begin = len(left.text)
        left.text += written
        left.asked.append(Asked(written, begin, len(left.text), others, narrower))
        left.known.add(written.casefold())
        left.has_kind |= concept.section == "kind"
        english = "" if self._language in (None, "en", "zh") else next(iter(concept.names.get("en", ())), "")
        left.is_translated |= bool(english)
        left.spoken.append(english or written)

    def _is_idle(self, token: Token) -> bool:
        """Whether a word only joins others, in a language that the catalog is not in."""
        language = self._language
        return language is not None and language not in self._shop.languages and is_function_word(token, language)

    def _is_apart(self, token: Token) -> bool:
        return token.is_cjk and self._shop.languages[:1] != ("zh",)

    def _others(self, one: Named, written: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Other words in the catalog's languages for what is named, and words for narrower kinds of it."""
        languages = self._shop.languages
        meant = self._meant(one) if self._language in languages else one.concepts[:2]
        others = [name for concept in meant for name in concept.named(languages)]
        if one.concept.section == OWN:
            others += self._beyond_own(one)
        narrower = [
            name for concept in meant for kind in _narrower().get(concept.name, ())
            for name in _kind_words(kind, self._lexicon, languages)
        ]  # fmt: skip
        return self._beside(others, written), self._beside(narrower, written)

    def _meant(self, one: Named) -> tuple[Concept, ...]:
        """In a catalog of the query's language: the likeliest concept, with a second one of the same wider kind, as
        "裙子" names dresses and skirts.
        """
        first, *others = one.concepts
        form = " ".join(token.folded for token in self._tokens[one.start : one.stop])
        said = [concept for language, concept in self._lexicon.meanings(form) if language == self._language]
        alike = [concept for concept in others if concept in said and _wider(first) & _wider(concept)]
        return (first, *alike[:1])

    def _beside(self, names: Sequence[str], written: str) -> tuple[str, ...]:
        """Those names that do not have a word of what is written: "dress shirt" is found by "shirt" as it is.

        A Chinese character is no word: "连衣裙" is another name for "裙子".
        """
        tokens = tokens_of(written)
        own = {token.folded for token in tokens if not token.is_cjk}
        kept = [name for name in names if own.isdisjoint(token.folded for token in tokens_of(name))]
        return tuple(dict.fromkeys(name for name in kept if not (tokens[:1] and tokens[0].is_cjk and written in name)))

    def _beyond_own(self, one: Named) -> tuple[str, ...]:
        """What the taxonomy says of words of a group of the shop's own: "运动鞋" in it is sneakers, too."""
        form = " ".join(token.folded for token in self._tokens[one.start : one.stop])
        said = [concept for _, concept in self._lexicon.forms.get(form, ())]
        return said[0].named(self._shop.languages) if said else ()

    # What is shown

    def _written(self, part: _Part) -> str:
        return self._text[self._tokens[part.start].start : self._tokens[part.stop - 1].end]

    def _chip(self, part: _Part) -> Chip:
        text = part.excluded.text if part.excluded is not None else self._written(part)
        return Chip(part.kind, text, None if part.filter is None else str(part.filter), self._without([part]))

    def _without(self, parts: Sequence[_Part]) -> str:
        kept, last = [], 0
        for part in parts:
            kept.append(self._text[last : self._tokens[part.start].start])
            last = self._tokens[part.stop - 1].end
        return " ".join(" ".join([*kept, self._text[last:]]).split()).removeprefix("的").strip()


def _amount_part(amount: Amount) -> _Part:
    return _Part(amount.start, amount.stop, amount.kind, amount.filter, note=amount.note, stays=amount.stays)


def _wider(concept: Concept) -> frozenset[str]:
    """Names of the kinds that a kind is one of; none for what is no kind."""
    return frozenset() if concept.section != "kind" else _lineages().get(concept.name, frozenset())


@cache
def _lineages() -> Mapping[str, frozenset[str]]:
    return {one.name: frozenset(one.lineage[1:]) for one in kinds()}


@cache
def _narrower() -> Mapping[str, tuple[str, ...]]:
    """Name of a kind -> names of all narrower ones."""
    found: dict[str, list[str]] = {}
    for one in kinds():
        for wider in one.lineage[1:]:
            found.setdefault(wider, []).append(one.name)
    return {name: tuple(names) for name, names in found.items()}


def _kind_words(name: str, lexicon: Lexicon, languages: Sequence[str]) -> tuple[str, ...]:
    """The usual names of a kind, without their plurals and synonyms."""
    form = " ".join(token.folded for token in tokens_of(name))
    concept = next((one for _, one in lexicon.forms.get(form, ()) if one.section == "kind" and one.name == name), None)
    return () if concept is None else tuple(names[0] for one in languages if (names := concept.names.get(one)))

"""What the text tower is taught to say: concepts, how they are called in English and Chinese, what is a kind of what.

Names of kinds are those of the taxonomy; the others are common words of shops, not taken from any catalogue.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from catalens.taxonomy import classes, forms, kind, named, rules

_TEXTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Concept:
    """A thing that words can name: its phrasings, most usual first, and the wider concepts that it belongs to."""

    english: tuple[str, ...]
    chinese: tuple[str, ...]
    parents: tuple[str, ...] = ()


def _table(text: str) -> Mapping[str, Concept]:
    """`name < parents | english; english | chinese; chinese`, a line each. The name itself is the first phrasing."""
    found: dict[str, Concept] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        head, english, chinese = (part.strip() for part in line.split("|"))
        name, _, parents = (part.strip() for part in head.partition("<"))
        found[name] = Concept((name, *_list(english, ";")), _list(chinese, ";"), _list(parents, ","))
    return MappingProxyType(found)


def _taught(name: str) -> Concept:
    """A kind of the taxonomy with its plurals, and the nearest wider ones that are taught, too."""
    one, known = kind(name), classes("taught")
    wider = [other for other in one.lineage[1:] if other in known]
    nearest = [other for other in wider if not any(other in kind(between).lineage[1:] for between in wider)]
    return Concept(tuple(dict.fromkeys((*forms(one, "en"), *one.last))), one.names["zh"], tuple(nearest))


def _list(text: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(separator) if part.strip())


BRANDS = _table(_TEXTS["brands"])
"""Brands and sorts that the photos show, none of them a kind of its own."""
KINDS: Mapping[str, Concept] = MappingProxyType({name: _taught(name) for name in classes("taught")} | dict(BRANDS))

COLORS = _table(_TEXTS["colors"])

PATTERNS = _table(_TEXTS["patterns"])

MATERIALS = _table(_TEXTS["materials"])

TABLES: Mapping[str, Mapping[str, Concept]] = MappingProxyType(
    {"kind": KINDS, "color": COLORS, "pattern": PATTERNS, "material": MATERIALS}
)

UNSURE: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: frozenset(others) for name, others in {**rules()["confused"], **_TEXTS["confused"]}.items()}
)
"""What a picture of the first may also be called: no evidence against a caption, and none for it. It need not hold the
other way round: white in the shade is named grey, and navy is a blue, but what is named white is not grey.
"""


@cache
def with_parents(name: str) -> frozenset[str]:
    """A kind and all the wider ones that it belongs to."""
    concept = KINDS.get(name)
    wider = concept.parents if concept is not None else ()
    return frozenset({name}).union(*map(with_parents, wider)) if wider else frozenset({name})


def concept_of(word: str) -> str:
    """The concept by which a data set's word is taught; the word itself where there is none."""
    one = named(word) if word not in KINDS else None
    return next((name for name in one.lineage if name in KINDS), word) if one else word

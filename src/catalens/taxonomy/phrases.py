"""Titles and alt texts of products from what is known of them, in five languages.

Templates are chosen so that nothing has to agree with a noun's gender: "Hemd in Rot, kariert", "camisa de color rojo, a
cuadros", "chemise, coloris rouge, à carreaux".
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from catalens.taxonomy.looks import looks
from catalens.taxonomy.taxonomy import kind as kind_of

_FILE = Path(__file__).parent / "phrases.toml"
MOST_QUOTED = 60
"""Characters of the text on a product that an alt text quotes."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a product on a photo; "" and () for what is not.

    Args:
        kind: a kind of the taxonomy, by its English name.
        colors: names of `looks.toml`, the largest first.
        pattern: plain, striped, checked, floral, dotted, printed.
        sleeves: long, short, none.
        setting: worn, flat.
        text: read on it.
    """

    kind: str = ""
    colors: Sequence[str] = ()
    pattern: str = ""
    sleeves: str = ""
    setting: str = ""
    text: str = ""


def languages() -> tuple[str, ...]:
    """Languages that products are described in (ISO 639-1)."""
    return tuple(_phrases())


def title(known: Known, language: str) -> str:
    """What a product is called: colors, pattern, kind, sleeves; "" where neither kind nor color is known."""
    return _capital(_noun_phrase(known, language, sleeves=True))


def alt_text(known: Known, language: str) -> str:
    """What a photo of the product shows, for who cannot see it; "" where neither kind nor color is known."""
    phrases, noun = _phrases()[language], _noun_phrase(known, language, sleeves=True)
    if not noun:
        return ""
    quoted = " ".join(known.text.split())
    short = quoted if len(quoted) <= MOST_QUOTED else quoted[: MOST_QUOTED - 1].rstrip() + "…"
    parts = [noun, phrases["setting"].get(known.setting, ""), phrases["text"].format(short) if short else ""]
    return _capital(phrases["comma"].join(part for part in parts if part))


def _noun_phrase(known: Known, language: str, *, sleeves: bool) -> str:
    if not (known.kind or known.colors):
        return ""
    phrases = _phrases()[language]
    noun = phrases["product"]
    if known.kind:
        noun = known.kind if language == "en" else kind_of(known.kind).names[language][0]
    colors = phrases["and"].join(phrases["color_name"].format(_color(name, language)) for name in known.colors)
    if language == "de":
        colors = " ".join(word if word == phrases["and"].strip() else _capital(word) for word in colors.split(" "))
    has_sleeves = sleeves and known.sleeves and "sleeve" not in known.kind
    said = phrases["noun"].format(
        colors=phrases["color"].format(colors) if colors else "",
        pattern=phrases["pattern"].get(known.pattern, ""),
        noun=noun,
        sleeves=phrases["sleeves"][known.sleeves] if has_sleeves else "",
    )
    # What is not known leaves its separators.
    parts = (" ".join(part.split()) for part in said.split(phrases["comma"].strip()))
    return str(phrases["comma"].join(part for part in parts if part))


def _color(name: str, language: str) -> str:
    one = next((look for look in looks() if look.section == "colors" and name in (look.name, *look.names["en"])), None)
    return name if one is None else one.names[language][0]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@cache
def _phrases() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))

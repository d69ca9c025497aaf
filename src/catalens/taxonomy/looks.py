"""Words for colors, patterns, materials, details, uses and people in five languages, as `looks.toml` lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

_FILE = Path(__file__).parent / "looks.toml"


@dataclass(frozen=True, slots=True)
class Look:
    """A property that a product has beside its kind.

    Args:
        name: in English, unique.
        section: colors, patterns, materials, details, uses or people.
        names: language -> names there with their inflected forms, the usual one first.
    """

    name: str
    section: str
    names: Mapping[str, tuple[str, ...]]


@cache
def looks() -> tuple[Look, ...]:
    """All properties, in the order of the file."""
    sections = tomllib.loads(_FILE.read_text("utf-8"))
    return tuple(
        Look(name, section, MappingProxyType({
            language: tuple(dict.fromkeys(
                form for one in listed.split(",") for form in (one.strip(), *_inflected(one.strip(), language, section))
            ))
            for language, listed in said.items()
        }))
        for section, properties in sections.items() for name, said in properties.items()
    )  # fmt: skip


def _inflected(name: str, language: str, section: str) -> Iterator[str]:
    """Forms of an adjective of one word that agree with a noun."""
    if section not in ("colors", "patterns", "materials") or " " in name:
        return
    if language == "de":
        yield from (
            name + ending for ending in (("s", "n", "r") if name.endswith("e") else ("e", "en", "er", "es", "em"))
        )
    elif language == "es":
        if name.endswith("o"):
            yield from (name[:-1] + ending for ending in ("a", "os", "as"))
        elif not name.endswith("s"):
            yield name + ("s" if name[-1] in "aeiouáéíóú" else "es")
    elif language == "fr" and not name.endswith(("s", "x")):
        yield from (name + ending for ending in (("s",) if name.endswith("e") else ("e", "s", "es")))

"""What the bundled networks learned from: data sets and teachers, with licence and source."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from catalens.models.card import Card
from catalens.models.zoo import DEFAULT_ENCODER, DEFAULT_PARSER, find_card

_STARTS = {"encoder": DEFAULT_ENCODER, "parser": DEFAULT_PARSER}
"""Networks that others begin with or take labels from, as the cards call them."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Photos, a teacher network that gave targets, or weights made by others: name, SPDX licence and source."""

    name: str
    licence: str
    source: str
    use: Literal["photos", "teacher", "weights"]


@cache
def datasets() -> tuple[Dataset, ...]:
    """All of them, in the order of docs/data.md."""
    table = tomllib.loads(Path(__file__).with_name("datasets.toml").read_text("utf-8"))
    return tuple(Dataset(**row) for row in table["sets"])


def learned_from(card: Card) -> tuple[Dataset, ...]:
    """Data sets and teachers that a card names, and those of the bundled networks that it began with."""
    said = f"{card.training.get('start', '')}; {card.training.get('data', '')}"
    names = {one.name for one in datasets() if one.name in said}
    for word in re.findall(r"bundled (encoder|parser)", said):
        if _STARTS[word] != card.name:
            names |= {one.name for one in learned_from(find_card(_STARTS[word]))}
    return tuple(one for one in datasets() if one.name in names)

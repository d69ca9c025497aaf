"""Preferences in a word (work, winter, minimal), and the words by which products match them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from catalens.taxonomy import forms, kinds

RELATED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # occasions
        "work": ("office", "business", "formal", "tailored", "pencil"),
        "party": ("evening", "cocktail", "sequin", "satin", "night out", "stiletto"),
        "wedding": ("formal", "elegant", "silk", "satin"),
        "sport": (
            "training",
            "workout",
            "gym",
            "running",
            "yoga",
            "athletic",
            "active",
            "performance",
            "sporty",
            "sports",
            "soccer",
            "cricket",
        ),
        "casual": ("everyday", "relaxed", "denim"),
        "travel": ("comfortable", "outdoor", "lightweight", "packable"),
        "beach": ("swim", "straw", "linen"),
        # seasons
        "winter": ("cold", "wintry", "wool", "fleece", "knit", "insulated"),
        "summer": ("hot", "warm weather", "linen", "light", "lightweight", "sleeveless", "straw"),
        "spring": ("light", "lightweight", "mild", "floral", "all-weather"),
        "autumn": ("fall", "cool", "windy", "layer", "suede", "corduroy"),
        # styles
        "minimal": ("plain", "solid", "simple", "clean", "sleek", "uni"),
        "classic": ("timeless", "tailored", "traditional", "leather"),
        "elegant": ("silk", "satin", "refined", "evening"),
        "bohemian": ("boho", "floral", "fringe", "fringes", "crochet", "flowing", "ethnic"),
        "street": ("urban", "oversized", "cargo", "graphic"),
        "vintage": ("retro", "classic", "corduroy", "tweed", "polka dot"),
    }
)
SEASONS = ("winter", "summer", "spring", "autumn")


def checked(wishes: Sequence[str]) -> list[str]:
    """Wishes in small letters, each once, without empty ones."""
    said = [re.sub(r"\s+", " ", wish).strip().lower() for wish in wishes]
    return list(dict.fromkeys("autumn" if wish == "fall" else wish for wish in said if wish))


def fulfilled(wish: str, words: str) -> float:
    """How well a product's words (in small letters) fit a wish: 1 where they say it, 0.7 where a related word, else 0.

    What is only for another season is -0.5 for a season that is wished.
    """
    if _says(wish).search(words):
        return 1.0
    if wish in SEASONS and any(_says(other).search(words) for other in SEASONS if other != wish):
        return -0.5
    return 0.7 if wish in RELATED and _related(wish).search(words) else 0.0


@cache
def _related(wish: str) -> re.Pattern[str]:
    return _says(*RELATED[wish], *(word for one in kinds() if wish in one.wishes for word in forms(one, "en")))


@cache
def _says(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words))

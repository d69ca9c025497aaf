"""What shoppers ask for in a word (work, winter, minimal), and the words by which products say that they fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

RELATED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # occasions
        "work": ("office", "business", "formal", "blazer", "suit", "tailored", "loafers", "dress shirt", "pencil"),
        "party": ("evening", "cocktail", "sequin", "satin", "night out", "stiletto", "clutch"),
        "wedding": ("formal", "elegant", "silk", "satin", "suit", "gown", "heels"),
        "sport": ("training", "workout", "gym", "running", "yoga", "athletic", "active", "performance", "sporty"),
        "casual": ("everyday", "relaxed", "denim", "jeans", "t-shirt", "sneakers", "hoodie"),
        "travel": ("comfortable", "outdoor", "backpack", "lightweight", "packable"),
        "beach": ("swim", "sandals", "straw", "linen", "sun hat", "sunglasses"),
        # seasons
        "winter": ("cold", "wintry", "wool", "fleece", "knit", "insulated", "coat", "boots", "scarf", "beanie"),
        "summer": ("hot", "warm weather", "linen", "light", "lightweight", "sleeveless", "sandals", "shorts", "straw"),
        "spring": ("light", "lightweight", "mild", "floral", "trench", "all-weather"),
        "autumn": ("fall", "cool", "windy", "layer", "cardigan", "suede", "corduroy"),
        # styles
        "minimal": ("plain", "solid", "simple", "clean", "sleek", "uni"),
        "classic": ("timeless", "tailored", "traditional", "loafers", "trench", "leather"),
        "elegant": ("silk", "satin", "refined", "pumps", "heels", "evening"),
        "bohemian": ("boho", "floral", "fringe", "fringes", "crochet", "flowing", "ethnic"),
        "street": ("urban", "hoodie", "sneakers", "oversized", "cargo", "graphic"),
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
    return 0.7 if wish in RELATED and _says(*RELATED[wish]).search(words) else 0.0


@cache
def _says(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words))

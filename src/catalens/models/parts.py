"""The parts that the bundled parser tells apart on a person, in the order of its outputs."""

from __future__ import annotations

CLASSES = (
    "background", "skin", "hair", "top", "outerwear", "dress", "skirt", "trousers", "shoes", "bag", "hat", "glasses",
    "scarf", "belt", "legwear", "accessory",
)  # fmt: skip

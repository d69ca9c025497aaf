"""What the bundled networks tell apart on a photo, in the order of their outputs."""

from __future__ import annotations

CLASSES = (
    "background", "skin", "hair", "top", "outerwear", "dress", "skirt", "trousers", "shoes", "bag", "hat", "glasses",
    "scarf", "belt", "legwear", "accessory",
)  # fmt: skip
"""Of the parser."""
PRODUCTS = (
    "top", "outerwear", "dress", "skirt", "trousers", "shorts", "shoes", "boots", "bag", "hat", "glasses", "scarf",
    "belt", "legwear", "accessory", "product",
)  # fmt: skip
"""Of the detector: garments whose outlines differ, even where the parser takes them together; and goods of any kind."""

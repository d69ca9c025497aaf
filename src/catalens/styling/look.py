"""Shop the look: every product on a photo, and what the catalog has like it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from catalens.images.prepare import crop
from catalens.images.read import ImageLike, read_image
from catalens.show import Shown
from catalens.tasks.detect import Detector, detector, with_masks
from catalens.types import Detection, Detections, ImageArray, Match, Matches

MARGIN = 0.06
"""Of a box that is kept around a product, as a share of its longer side."""
FADED = 0.75
"""How far what is not the product is faded to white: something of where it is worn stays."""
PARTS = 8
"""Products of a photo that are searched for, at most."""
CATEGORIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "top": (
            "top", "shirt", "tshirt", "blouse", "tee", "sweater", "hoodie", "tank", "polo", "sweatshirt", "longsleeve",
        ),
        "outerwear": ("outerwear", "outwear", "jacket", "coat", "blazer", "cardigan", "parka"),
        "dress": ("dress", "gown", "romper", "jumpsuit"),
        "skirt": ("skirt",),
        "trousers": ("trousers", "pant", "jeans", "shorts", "leggings", "bottom"),
        "shorts": ("shorts",),
        "boots": ("boot", "shoe", "footwear"),
        "shoes": ("shoe", "sneaker", "boot", "sandal", "heel", "flat", "loafer", "slipper", "footwear"),
        "bag": ("bag", "backpack", "purse", "tote", "clutch", "wallet"),
        "hat": ("hat", "cap", "beanie"),
        "glasses": ("glasses", "sunglasses", "eyewear"),
        "scarf": ("scarf", "shawl", "stole"),
        "belt": ("belt",),
        "legwear": ("legwear", "sock", "tights", "stocking"),
        "accessory": (
            "accessory", "accessories", "watch", "jewel", "jewelry", "necklace", "bracelet", "earring", "ring", "tie",
            "glove",
        ),
    }
)  # fmt: skip
"""Words of a shop's category, or of a title, in small letters and one or many, where it sells such a part."""


@dataclass(frozen=True, slots=True, eq=False)
class LookPart:
    """A product on the photo: where it is, what it looks like alone, and what the catalog has like it."""

    found: Detection
    picture: ImageArray
    matches: Matches

    def to_dict(self) -> dict[str, object]:
        return {**self.found.to_dict(), "matches": self.matches.to_dict()["matches"]}


@dataclass(frozen=True, slots=True, eq=False)
class Look(Shown):
    """A photo and the products on it, from the largest to the smallest."""

    image: ImageArray
    parts: tuple[LookPart, ...]

    def __repr__(self) -> str:
        said = ", ".join(f"{part.found.label} {len(part.matches)} matches" for part in self.parts)
        return f"Look({self.image.shape[0]}x{self.image.shape[1]}: {said or 'no product'})"

    def to_dict(self) -> dict[str, object]:
        return {"size": list(self.image.shape[:2]), "parts": [part.to_dict() for part in self.parts]}


def shop_the_look(
    search: Callable[..., Matches],
    image: ImageLike,
    *,
    k: int = 6,
    where: str | None = None,
    min_score: float = 0.4,
    finder: Detector | None = None,
) -> Look:
    """Find each product of a photo in a catalog.

    Args:
        search: that of the catalog.
        image: path, bytes, open file, array or PIL picture.
        k: matches for each product.
        where: filter for all searches.
        min_score: leave out products on the photo that are less sure.
        finder: None for the bundled detector.

    Returns:
        The products, the largest first, each with matches of its own category; of all where the catalog names none.

    Raises:
        ImageError: the picture cannot be read.
    """
    pixels = read_image(image)
    found = (finder or detector())(pixels)
    found = found[found.scores >= min_score]
    areas = (found.boxes[:, 2] - found.boxes[:, 0]) * (found.boxes[:, 3] - found.boxes[:, 1])
    found = with_masks(found[np.argsort(-areas, kind="stable")[:PARTS]], pixels)
    parts = []
    for row, one in enumerate(found):
        alone = _alone(pixels, found, row)
        parts.append(LookPart(one, alone, _matches(search, alone, one.label, k=k, where=where)))
    return Look(pixels, tuple(parts))


def _alone(image: ImageArray, found: Detections, row: int) -> ImageArray:
    """The product's box with a margin; what is not the product faded."""
    if found.masks is not None:
        kept = np.where(found.masks[row][..., None], 0.0, FADED)
        image = np.round(image * (1 - kept) + 255 * kept).astype(np.uint8)
    return np.ascontiguousarray(crop(image, found.boxes[row], margin=MARGIN)[0])


def _matches(search: Callable[..., Matches], picture: ImageArray, label: str, *, k: int, where: str | None) -> Matches:
    """The best of the part's own category, found by a filter where the nearest have too few of them.

    Nothing where the catalog names categories and none of them is the part's; the best of all where it names none.
    """
    near = search(image=picture, k=k * 6, where=where)
    words = CATEGORIES.get(label, ())
    kept = _of_category(near, words)[:k]
    if words and len(kept) < k:
        named = " or ".join(f'category ~ "{word}"' for word in words)
        more = search(image=picture, k=k * 6, where=named if where is None else f"({where}) and ({named})")
        kept = _of_category(more, words)[:k] or kept
    tells = any(_of_category(near, others) for others in CATEGORIES.values())
    if not words or not (kept or tells):
        kept = near.items[:k]
    return Matches(query=label, items=kept, took_ms=near.took_ms)


def _of_category(matches: Matches, words: Sequence[str]) -> tuple[Match, ...]:
    known = {form for word in words for form in (word, f"{word}s", f"{word}es")}
    return tuple(match for match in matches if known & set(_said(match)))


def _said(match: Match) -> list[str]:
    """The words of a product's category; of its title where it has none."""
    category = match.attributes.get("category", "")
    named = " ".join(category) if isinstance(category, tuple) else str(category)
    return re.findall(r"[^\W\d_]+", (named or match.title).lower())

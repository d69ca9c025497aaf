"""Attributes of a product that its photo shows: color, pattern, category, each with a confidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from catalens.errors import CatalensError, UsageError
from catalens.images.read import ImageLike, read_image
from catalens.tasks.colors import product_colors
from catalens.tasks.embed import Encoder
from catalens.tasks.zero_shot import COMMON_LABELS, classify_by_words
from catalens.types import ImageArray, Product

Attribute: TypeAlias = Literal["color", "pattern", "category"]
ATTRIBUTES: tuple[Attribute, ...] = get_args(Attribute)
PATTERNS = ("plain", "striped", "checked", "floral", "dotted", "printed")
SIDE = 256
"""Longest side at which a photo is looked at, in pixels."""
_SAME = {"color": ("color", "colour"), "pattern": ("pattern",), "category": ("category", "product_type")}
"""Attribute -> names under which a shop may have said it already."""


@dataclass(frozen=True, slots=True)
class Filled:
    """An attribute of a product that was read from its photo. The confidence, 0..1, is a share of the product for
    colors, else a probability among the known words: it ranks, and does not say how often it is right.
    """

    sku: str
    attribute: str
    value: str
    confidence: float

    def to_dict(self) -> dict[str, object]:
        return {
            "sku": self.sku, "attribute": self.attribute, "value": self.value, "confidence": round(self.confidence, 3),
        }  # fmt: skip


def seen_attributes(
    image: ImageLike, attributes: Sequence[str] = ATTRIBUTES, *, encoder: Encoder
) -> dict[str, tuple[str, float]]:
    """What a photo shows: attribute -> (value, confidence).

    Args:
        image: path, bytes, open file, array or PIL picture.
        attributes: some of "color", "pattern", "category".
        encoder: of pictures and words, for pattern and category.

    Raises:
        UsageError: another attribute.
        ImageError: the picture cannot be read.
        ModelError: the encoder knows no words.
    """
    _check(attributes)
    pixels = read_image(image, target=SIDE)
    found = {"color": _color(pixels)} if "color" in attributes else {}
    for name, words in (("pattern", PATTERNS), ("category", COMMON_LABELS)):
        if name in attributes:
            (labels,) = classify_by_words([pixels], words, encoder=encoder, top=1)
            found[name] = (labels.names[0], labels.scores[0])
    return found


def _check(attributes: Sequence[str]) -> None:
    if isinstance(attributes, str) or not set(attributes) <= set(ATTRIBUTES):
        raise UsageError(f"{attributes!r} cannot be read from a photo", cure=f"take some of {', '.join(ATTRIBUTES)}")


def _color(image: ImageArray) -> tuple[str, float]:
    """The name of the product's main color, and its share."""
    first = product_colors(image)[0]
    return first.name, first.area


def filled(
    products: Iterable[Product],
    attributes: Sequence[str],
    *,
    encoder: Encoder,
    min_confidence: float,
    told: Callable[[Filled], None],
) -> Iterator[Product]:
    """Products with attributes that their first photos show, where the shop says nothing of them in any variant.

    A product whose photo cannot be read stays as it is. `told` is called of each that is filled.
    """
    _check(attributes)
    for product in products:
        said = {name for one in (product.attributes, *(variant.attributes for variant in product.variants))
                for name, value in one.items() if value not in (None, "", ())}  # fmt: skip
        lacking = [name for name in attributes if not said & {*_SAME[name]}]
        pictures = [*product.pictures, *(picture for variant in product.variants for picture in variant.pictures)]
        if not lacking or not pictures or pictures[0].is_remote:
            yield product
            continue
        try:
            seen = seen_attributes(pictures[0].location, lacking, encoder=encoder)
        except CatalensError:
            yield product
            continue
        sure = {name: value for name, (value, confidence) in seen.items() if confidence >= min_confidence}
        for name, value in sure.items():
            told(Filled(product.sku, name, value, seen[name][1]))
        yield replace(product, attributes={**product.attributes, **sure})
